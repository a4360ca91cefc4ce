#include "node/message.h"

#include "node/connect.h"

namespace sep::node {

std::string request_text(std::uint64_t id, const std::string& method, const json::array& params) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":)" +
         json::serialize(json::string(method)) + R"(,"params":)" + json::serialize(params) + "}";
}

std::optional<std::uint64_t> id_of(const json::object& answer) {
  const auto* id = answer.if_contains("id");
  if (id == nullptr) return std::nullopt;
  if (const auto* value = id->if_uint64()) return *value;
  if (const auto* value = id->if_int64(); value != nullptr && *value >= 0)
    return static_cast<std::uint64_t>(*value);
  return std::nullopt;
}

NodeResult<json::value> result_of(json::object& answer) {
  if (auto* error = answer.if_contains("error"); error != nullptr && !error->is_null()) {
    auto* fields = error->if_object();
    const auto* code = fields != nullptr ? fields->if_contains("code") : nullptr;
    if (code != nullptr && code->is_int64()) {
      NodeError out{
          .kind = NodeError::Kind::kAnswered, .rpc_code = code->get_int64(), .message = {}, .data = nullptr};
      out.message = string_or(*fields, "message");
      if (auto* data = fields->if_contains("data")) out.data = std::move(*data);
      return std::unexpected(std::move(out));
    }
  } else if (auto* result = answer.if_contains("result")) {
    return std::move(*result);
  }
  return std::unexpected(NodeError{.kind = NodeError::Kind::kUnknownOutcome,
                                   .message = "the answer has neither a result nor an error with a code",
                                   .data = nullptr});
}

bool is_read(const std::string& method) {
  return method.starts_with("web3_") || method.starts_with("net_") ||
         (method.starts_with("eth_") && !method.starts_with("eth_send"));
}

Results read_response(const Endpoint& endpoint, unsigned status, std::string_view text,
                      std::uint64_t first_id, std::size_t count) {
  // These statuses are a door-keeper's, whatever its body says: no node saw the request.
  if (status == 401 || status == 403 || status == 404 || status == 429)
    return unreachable(endpoint, "HTTP status " + std::to_string(status));
  json::parse_options options;
  options.max_depth = kMaxAnswerDepth;
  boost::system::error_code error;
  auto body = json::parse(text, error, {}, options);
  if (error) {
    if (status >= 300 && status < 500) return unreachable(endpoint, "HTTP status " + std::to_string(status));
    return unknown_outcome(
        endpoint, status == 200 ? "not JSON: " + error.message() : "HTTP status " + std::to_string(status));
  }
  std::vector<NodeResult<json::value>> results(count, unknown_outcome(endpoint, "no answer to this call"));
  if (auto* one = body.if_object()) {
    const auto id = id_of(*one);
    auto result = result_of(*one);
    const bool ours = count == 1 && id == first_id;
    const bool refusal = !id && !result;  // of a request that the node could not read, or of a whole batch
    if (!ours && !refusal) return unknown_outcome(endpoint, "an answer to another call");
    if (count > 1) return std::unexpected(std::move(result).error());
    results[0] = std::move(result);
    return results;
  }
  auto* several = body.if_array();
  if (several == nullptr || count == 1) return unknown_outcome(endpoint, "an answer of another form");
  for (auto& element : *several) {
    auto* answer = element.if_object();
    const auto id = answer != nullptr ? id_of(*answer) : std::nullopt;
    if (!id || *id < first_id || *id - first_id >= count)
      return unknown_outcome(endpoint, "an answer to another call");
    results[*id - first_id] = result_of(*answer);
  }
  return results;
}

}  // namespace sep::node
