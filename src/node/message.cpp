#include "node/message.h"

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

}  // namespace sep::node
