#pragma once
// JSON-RPC 2.0 messages as text and back. Internal to this folder.
#include <cstdint>
#include <optional>
#include <string>

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

/// Whether asking twice changes nothing at the node.
bool is_read(const std::string& method);

}  // namespace sep::node
