#include "node/rpc.h"

#include <algorithm>
#include <variant>

#include "node/channel.h"
#include "node/connect.h"
#include "node/http.h"
#include "node/message.h"

namespace sep::node {
namespace {

constexpr int kMethodNotFound = -32601;      // JSON-RPC 2.0
constexpr int kMethodNotSupported = -32004;  // EIP-1474

}  // namespace

bool NodeError::unsupported() const {
  if (kind != Kind::kAnswered) return false;
  return rpc_code == kMethodNotFound || rpc_code == kMethodNotSupported;
}

NodeError::operator Error() const {
  switch (kind) {
    case Kind::kAnswered:
      return {errc::kNodeError, "the Ethereum node answered: " + message, {}};
    case Kind::kUnreachable:
      return {errc::kNodeUnreachable, message, {}};
    case Kind::kUnknownOutcome:
      break;
  }
  return {errc::kOutcomeUnknown, message, {}};
}

class RpcClient::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::any_io_executor executor, const std::string& endpoint, RpcOptions options)
      : executor_(std::move(executor)),
        options_(options),
        endpoint_(parse_endpoint(endpoint)),
        opened_(executor_) {
    if (endpoint_ && !endpoint_->duplex())
      http_ = std::make_shared<HttpPool>(executor_, *endpoint_, options_);
  }

  const RpcOptions& options() const { return options_; }
  const std::string& name() const {
    static const std::string kNone = "(none)";
    return endpoint_ ? endpoint_->name : kNone;
  }
  void close() {
    if (channel_) channel_->close();
  }

  awaitable<Results> batch(std::vector<RpcCall> calls, milliseconds timeout) {
    const auto self = shared_from_this();
    if (!endpoint_)
      co_return std::unexpected(NodeError{
          .kind = NodeError::Kind::kUnreachable, .message = endpoint_.error().detail, .data = nullptr});
    if (calls.empty()) co_return Results{std::in_place};
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    if (http_) co_return co_await over_http(std::move(calls), deadline);
    SEP_CO_TRY(const auto channel, co_await channel_until(deadline));
    co_return co_await channel->call(std::move(calls), deadline);
  }

 private:
  /// The living channel, opened by the first who needs it; the others wait for that attempt.
  awaitable<NodeResult<std::shared_ptr<Channel>>> channel_until(Deadline deadline) {
    while (opening_ && std::chrono::steady_clock::now() < deadline) co_await opened_.wait(deadline);
    if (channel_ && channel_->alive()) co_return channel_;
    if (opening_) co_return unreachable(*endpoint_, "timeout while connecting");
    opening_ = true;
    const std::shared_ptr<void> finish(nullptr, [this](void*) {
      opening_ = false;
      opened_.notify();
    });
    SEP_CO_TRY(channel_, co_await Channel::open(executor_, *endpoint_, options_.max_answer_bytes, deadline));
    co_return channel_;
  }

  awaitable<Results> over_http(std::vector<RpcCall> calls, Deadline deadline) {
    const std::uint64_t first_id = next_id_;
    next_id_ += calls.size();
    std::string body = calls.size() == 1 ? "" : "[";
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (i > 0) body += ',';
      body += request_text(first_id + i, calls[i].method, calls[i].params);
    }
    if (calls.size() > 1) body += ']';
    const bool reads = std::ranges::all_of(calls, [](const RpcCall& call) { return is_read(call.method); });
    SEP_CO_TRY(auto response,
               co_await http_->post(std::move(body),
                                    reads ? HttpPool::Repeat::kOnce : HttpPool::Repeat::kNever, deadline));
    co_return read_response(*endpoint_, response.status, response.body, first_id, calls.size());
  }

  asio::any_io_executor executor_;
  RpcOptions options_;
  Result<Endpoint> endpoint_;
  std::uint64_t next_id_ = 1;
  std::shared_ptr<HttpPool> http_;
  std::shared_ptr<Channel> channel_;
  bool opening_ = false;
  Event opened_;
};

RpcClient::RpcClient(asio::any_io_executor executor, std::string endpoint, RpcOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), endpoint, options)) {}

RpcClient::~RpcClient() {
  impl_->close();
}

const std::string& RpcClient::name() const {
  return impl_->name();
}

awaitable<NodeResult<json::value>> RpcClient::call(std::string method, json::array params) {
  return call(std::move(method), std::move(params), impl_->options().timeout);
}

awaitable<NodeResult<json::value>> RpcClient::call(std::string method, json::array params,
                                                   milliseconds timeout) {
  const auto impl = impl_;
  std::vector<RpcCall> calls;
  calls.push_back({std::move(method), std::move(params)});
  SEP_CO_TRY(auto results, co_await impl->batch(std::move(calls), timeout));
  co_return std::move(results.front());
}

awaitable<Results> RpcClient::batch(std::vector<RpcCall> calls) {
  return batch(std::move(calls), impl_->options().timeout);
}

awaitable<Results> RpcClient::batch(std::vector<RpcCall> calls, milliseconds timeout) {
  return impl_->batch(std::move(calls), timeout);
}

}  // namespace sep::node
