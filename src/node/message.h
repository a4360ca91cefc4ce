#pragma once
// JSON-RPC 2.0 messages as text and back. Internal to this folder.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/endpoint.h"
#include "node/rpc.h"

namespace sep::node {

/// Deep enough for every answer that this platform asks for; a deeper text is refused.
inline constexpr std::size_t kMaxAnswerDepth = 64;

std::string request_text(std::uint64_t id, const std::string& method, const json::array& params);

/// The id of an answer, none where it is absent, null or not one of ours.
std::optional<std::uint64_t> id_of(const json::object& answer);

/// "result", or "error" as NodeError::Kind::kAnswered, or kUnknownOutcome where the object is no answer.
/// Moves out of `answer`.
NodeResult<json::value> result_of(json::object& answer);

/// The results of the calls first_id, first_id + 1, … in an HTTP response; what has no answer is
/// kUnknownOutcome.
using Results = NodeResult<std::vector<NodeResult<json::value>>>;
Results read_response(const Endpoint& endpoint, unsigned status, std::string_view text,
                      std::uint64_t first_id, std::size_t count);

/// Whether asking twice changes nothing at the node.
bool is_read(const std::string& method);

}  // namespace sep::node
