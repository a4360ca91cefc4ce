#include "node/heads.h"

#include <algorithm>
#include <deque>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/clock.h"
#include "base/log.h"
#include "node/channel.h"
#include "node/connect.h"

namespace sep::node {

class HeadFollower::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::any_io_executor executor, HeadOptions options)
      : executor_(std::move(executor)),
        options_(std::move(options)),
        endpoint_(parse_endpoint(!options_.ipc_path.empty() ? options_.ipc_path
                                 : !options_.ws_url.empty() ? options_.ws_url
                                                            : options_.rpc_url)),
        arrived_(executor_),
        stopped_event_(executor_) {}

  void start() {
    asio::co_spawn(executor_, [self = shared_from_this()] { return self->run(); }, asio::detached);
  }

  void stop() {
    stopped_ = true;
    if (channel_) channel_->close();
    http_.reset();
    connected_ = false;
    arrived_.notify();
    stopped_event_.notify();
  }

  awaitable<Result<Head>> next() {
    const auto self = shared_from_this();
    while (heads_.empty() && !stopped_) co_await arrived_.wait(Deadline::max());
    if (stopped_) co_return fail(errc::kNotReady, "the head follower is stopped");
    auto head = heads_.front();
    heads_.pop_front();
    co_return head;
  }

  bool connected() const { return connected_; }
  std::int64_t last_confirmed_ms() const { return last_confirmed_ms_; }

 private:
  static constexpr std::size_t kMaxUnread = 256;
  static constexpr std::size_t kMaxAnswerBytes =
      16 * 1024 * 1024;  // a block's transaction hashes stay far below

  Deadline within(milliseconds time) const { return std::chrono::steady_clock::now() + time; }

  awaitable<void> run() {
    auto backoff = options_.first_backoff;
    std::string last_complaint;
    while (!stopped_) {
      const auto confirmed_before = last_confirmed_ms_;
      const auto lost = co_await follow();
      if (stopped_) break;
      connected_ = false;
      if (lost.message != last_complaint) logger("heads")->warn("{}", last_complaint = lost.message);
      if (last_confirmed_ms_ != confirmed_before) backoff = options_.first_backoff;
      co_await stopped_event_.wait(within(backoff));
      backoff = std::min(backoff * 2, options_.max_backoff);
    }
  }

  /// Follows over one connection until it is lost.
  awaitable<NodeError> follow() {
    auto opened = co_await open();
    if (!opened) co_return opened.error();
    auto head = co_await latest();
    if (!head) co_return head.error();
    connected_ = true;
    push(*head);  // even where it is the one before the connection was lost
    while (!stopped_) {
      if (auto status = co_await wait_and_look(); !status) co_return status.error();
    }
    co_return NodeError{.message = "stopped", .data = nullptr};
  }

  awaitable<NodeResult<void>> open() {
    channel_.reset();
    http_.reset();
    subscribed_ = false;
    if (!endpoint_)
      co_return std::unexpected(NodeError{
          .kind = NodeError::Kind::kUnreachable, .message = endpoint_.error().detail, .data = nullptr});
    if (!endpoint_->duplex()) {
      http_ = std::make_shared<RpcClient>(executor_, options_.rpc_url,
                                          RpcOptions{options_.timeout, kMaxAnswerBytes, 1});
      co_return NodeResult<void>{};
    }
    SEP_CO_TRY(auto channel,
               co_await Channel::open(executor_, *endpoint_, kMaxAnswerBytes, within(options_.timeout)));
    if (stopped_) channel->close();
    channel_ = std::move(channel);
    const auto subscription = co_await ask("eth_subscribe", {"newHeads"});
    if (!subscription && subscription.error().kind != NodeError::Kind::kAnswered)
      co_return std::unexpected(subscription.error());
    subscribed_ = subscription.has_value();  // a node that refuses is polled
    co_return NodeResult<void>{};
  }

  awaitable<NodeResult<json::value>> ask(std::string method, json::array params) {
    if (const auto http = http_) co_return co_await http->call(std::move(method), std::move(params));
    const auto channel = channel_;
    std::vector<RpcCall> calls;
    calls.push_back({std::move(method), std::move(params)});
    auto results = co_await channel->call(std::move(calls), within(options_.timeout));
    co_return std::move(results.front());
  }

  /// The present head, which confirms it.
  awaitable<NodeResult<Head>> latest() {
    SEP_CO_TRY(const auto block, co_await ask("eth_getBlockByNumber", {"latest", false}));
    SEP_CO_TRY(auto head, header_from_json(block));
    confirm();
    co_return head;
  }

  /// Waits for a notification, or asks when none came for a while.
  awaitable<NodeResult<void>> wait_and_look() {
    if (subscribed_) {
      const auto channel = channel_;
      SEP_CO_TRY(const auto notice, co_await channel->notification(within(options_.probe_interval)));
      if (notice) {
        SEP_CO_TRY(const auto head, header_from_json(*notice));
        confirm();
        push_new(head);
        co_return NodeResult<void>{};
      }
    } else {
      co_await stopped_event_.wait(within(options_.poll_interval));
      if (stopped_) co_return NodeResult<void>{};
    }
    SEP_CO_TRY(const auto head, co_await latest());
    // Notifications that came with the answer are in order among themselves; they go first, and the next
    // question corrects what they may lack.
    if (!channel_ || !channel_->has_notification()) push_new(head);
    co_return NodeResult<void>{};
  }

  void confirm() { last_confirmed_ms_ = now().ms; }

  void push_new(const Head& head) {
    if (!last_ || last_->hash != head.hash) push(head);
  }

  void push(const Head& head) {
    last_ = head;
    if (heads_.size() == kMaxUnread) heads_.pop_front();
    heads_.push_back(head);
    arrived_.notify();
  }

  const asio::any_io_executor executor_;
  const HeadOptions options_;
  const Result<Endpoint> endpoint_;
  std::shared_ptr<Channel> channel_;  // of a unix socket or WebSocket
  std::shared_ptr<RpcClient> http_;   // otherwise
  bool subscribed_ = false;
  bool stopped_ = false;
  bool connected_ = false;
  std::int64_t last_confirmed_ms_ = 0;
  std::optional<Head> last_;
  std::deque<Head> heads_;
  Event arrived_;
  Event stopped_event_;
};

HeadFollower::HeadFollower(asio::any_io_executor executor, HeadOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options))) {
  impl_->start();
}

HeadFollower::~HeadFollower() {
  impl_->stop();
}

awaitable<Result<Head>> HeadFollower::next() {
  return impl_->next();
}
void HeadFollower::stop() {
  impl_->stop();
}
bool HeadFollower::connected() const {
  return impl_->connected();
}
std::int64_t HeadFollower::last_confirmed_ms() const {
  return impl_->last_confirmed_ms();
}

}  // namespace sep::node
