#include "support/lying_node.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>

#include "base/hex.h"
#include "base/json.h"
#include "ethereum/hash.h"
#include "node/rpc.h"
#include "node/scripted_server.h"

namespace sep::support {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using node::awaitable;
using node::kNoThrow;

/// One answer to one call; none: the connection is cut.
using Answer = std::optional<json::object>;

json::object answer_to(const json::object& call) {
  return {{"jsonrpc", "2.0"}, {"id", call.at("id")}};
}
json::object result_of(const json::object& call, json::value result) {
  auto answer = answer_to(call);
  answer["result"] = std::move(result);
  return answer;
}
json::object error_of(const json::object& call, std::int64_t code, const std::string& message,
                      const json::value& data = nullptr) {
  auto answer = answer_to(call);
  json::object error{{"code", code}, {"message", message}};
  if (!data.is_null()) error["data"] = data;
  answer["error"] = std::move(error);
  return answer;
}

std::uint64_t quantity(const json::value& value) {
  return value.is_string() ? parse_quantity(value.get_string()).value_or(Uint256()).to_u64() : 0;
}

/// Where a method's parameters say the block; none for other methods.
std::optional<std::size_t> block_parameter(const std::string& method) {
  static const std::map<std::string, std::size_t> kPlaces = {{"eth_getBlockByNumber", 0},
                                                             {"eth_getTransactionCount", 1},
                                                             {"eth_call", 1},
                                                             {"eth_getBalance", 1},
                                                             {"eth_getCode", 1},
                                                             {"eth_estimateGas", 1},
                                                             {"eth_feeHistory", 1}};
  const auto place = kPlaces.find(method);
  return place == kPlaces.end() ? std::nullopt : std::optional(place->second);
}

}  // namespace

class LyingNode::Impl {
 public:
  explicit Impl(std::string target)
      : work_(asio::make_work_guard(context_)),
        upstream_(context_.get_executor(), std::move(target)),
        server_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0),
                [this](node::Peer<tcp>& peer) { return serve(peer); }),
        port_(server_.port()),
        thread_([this] { context_.run(); }) {}

  ~Impl() {
    context_.stop();
    thread_.join();
  }

  std::uint16_t port() const { return port_; }
  void tell(Lies lies) {
    const std::lock_guard lock(mutex_);
    lies_ = std::move(lies);
  }
  std::map<std::string, std::uint64_t> told() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }

 private:
  Lies lies() const {
    const std::lock_guard lock(mutex_);
    return lies_;
  }
  void count(const std::string& method) {
    const std::lock_guard lock(mutex_);
    ++told_[method];
  }

  awaitable<void> serve(node::Peer<tcp>& peer) {
    while (const auto request = co_await peer.http_request()) {
      const auto told = lies();
      auto parsed = json::parse(*request);
      if (told.silent || told.garbage || told.delay.count() > 0) count("(any)");
      if (told.silent) {
        asio::steady_timer forever(context_, node::Deadline::max());
        co_await forever.async_wait(kNoThrow);
      }
      if (told.delay.count() > 0) {
        asio::steady_timer timer(context_, told.delay);
        co_await timer.async_wait(kNoThrow);
      }
      if (told.garbage) {
        if (!co_await peer.send_http("<html>502 Bad Gateway</html>")) co_return;
        continue;
      }
      std::string body;
      const auto* several = parsed.if_array();
      if (several != nullptr && told.max_batch && several->size() > *told.max_batch) {
        count("(batch)");
        body = json::serialize(error_of({{"id", nullptr}}, -32600, "batch too large"));
      } else if (several != nullptr) {
        json::array answers;
        for (const auto& call : *several) {
          auto answer = co_await answered(call.as_object(), told);
          if (!answer) co_return;
          answers.push_back(std::move(*answer));
        }
        body = json::serialize(answers);
      } else {
        const auto answer = co_await answered(parsed.as_object(), told);
        if (!answer) co_return;
        body = json::serialize(*answer);
      }
      if (!co_await peer.send_http(std::move(body))) co_return;
    }
  }

  /// The truth; the outcome is what the node said, or an error of its own where it did not answer.
  awaitable<json::object> truth(const json::object& call) {
    auto params = call.contains("params") ? call.at("params").as_array() : json::array{};
    const auto result =
        co_await upstream_.call(std::string(call.at("method").as_string()), std::move(params));
    if (result) co_return result_of(call, *result);
    const auto& error = result.error();
    co_return error_of(call, error.rpc_code, error.message, error.data);
  }

  awaitable<Answer> answered(json::object call, Lies told) {
    const std::string method(call.at("method").as_string());
    if (told.refused_methods.contains(method)) {
      count(method);
      co_return error_of(call, -32000, "out of service");
    }
    if (method == "eth_sendRawTransaction") co_return co_await submitted(call, told);
    if (method == "eth_chainId" && told.chain_id) {
      count(method);
      co_return result_of(call, json::string(to_quantity(*told.chain_id)));
    }
    if (told.old_blocks > 0) co_await make_old(call, method, told.old_blocks);
    auto answer = co_await truth(call);
    auto* result = answer.if_contains("result");
    if (result == nullptr) co_return answer;
    if (method == "eth_getTransactionCount" && told.nonce_offset != 0 && result->is_string()) {
      count(method);
      const auto nonce = static_cast<std::int64_t>(quantity(*result)) + told.nonce_offset;
      *result = json::string(to_quantity(static_cast<std::uint64_t>(std::max<std::int64_t>(0, nonce))));
    }
    if (method == "eth_getTransactionReceipt") co_await falsify(call, *result, told);
    if (method == "eth_getTransactionByHash" && told.hide_receipts && result->is_object()) {
      count(method);
      result->get_object()["blockHash"] = nullptr;
      result->get_object()["blockNumber"] = nullptr;
    }
    co_return answer;
  }

  awaitable<Answer> submitted(const json::object& call, const Lies& told) {
    const std::string method = "eth_sendRawTransaction";
    if (told.refusal || told.swallow || told.cut_after_forward) count(method);
    if (told.refusal) co_return error_of(call, -32000, *told.refusal);
    if (told.swallow) {
      const auto raw = from_hex(std::string_view(call.at("params").at(0).as_string()));
      co_return result_of(call, json::string(to_hex(keccak256(ByteView(raw.value_or(Bytes{}))))));
    }
    auto answer = co_await truth(call);
    if (told.cut_after_forward) co_return std::nullopt;
    co_return answer;
  }

  awaitable<std::uint64_t> head() {
    const auto number = co_await upstream_.call("eth_blockNumber", {});
    co_return number ? quantity(*number) : 0;
  }

  awaitable<void> make_old(json::object& call, const std::string& method, std::uint64_t blocks) {
    const auto place = block_parameter(method);
    if (!place || !call.contains("params")) co_return;
    auto& params = call.at("params").as_array();
    if (params.size() <= *place) co_return;
    auto& block = params[*place];
    if (block != "latest" && block != "pending") co_return;
    const auto now = co_await head();
    count(method);
    block = json::string(to_quantity(now > blocks ? now - blocks : 0));
  }

  awaitable<void> falsify(const json::object& call, json::value& receipt, const Lies& told) {
    const std::string method = "eth_getTransactionReceipt";
    if (receipt.is_object()) {
      const auto too_new = [&](std::uint64_t now) {
        return quantity(receipt.at("blockNumber")) + told.old_blocks > now;
      };
      if (told.hide_receipts || (told.old_blocks > 0 && too_new(co_await head()))) {
        receipt = nullptr;
        count(method);
      } else if (told.turn_receipts) {
        auto& fields = receipt.get_object();
        const bool success = fields.at("status") == "0x1";
        fields["status"] = success ? "0x0" : "0x1";
        if (success) fields["logs"] = json::array{};
        count(method);
      }
      co_return;
    }
    if (!told.invent_receipts || !receipt.is_null()) co_return;
    const auto block = co_await upstream_.call("eth_getBlockByNumber", {"latest", false});
    if (!block || !block->is_object()) co_return;
    receipt = json::object{
        {"transactionHash", call.at("params").at(0)}, {"transactionIndex", "0x0"},      {"status", "0x1"},
        {"blockNumber", block->at("number")},         {"blockHash", block->at("hash")}, {"gasUsed", "0x5208"},
        {"effectiveGasPrice", "0x3b9aca00"},          {"logs", json::array{}}};
    count(method);
  }

  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  mutable std::mutex mutex_;
  Lies lies_;
  std::map<std::string, std::uint64_t> told_;
  node::RpcClient upstream_;
  node::ScriptedServer<tcp> server_;
  const std::uint16_t port_;
  std::thread thread_;
};

LyingNode::LyingNode(std::string target) : impl_(std::make_unique<Impl>(std::move(target))) {}
LyingNode::~LyingNode() = default;

std::string LyingNode::url() const {
  return "http://127.0.0.1:" + std::to_string(impl_->port());
}
void LyingNode::tell(Lies lies) {
  impl_->tell(std::move(lies));
}
std::map<std::string, std::uint64_t> LyingNode::told() const {
  return impl_->told();
}

}  // namespace sep::support
