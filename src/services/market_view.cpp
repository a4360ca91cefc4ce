#include "services/market_view.h"

#include <boost/asio/co_spawn.hpp>

#include "base/log.h"
#include "services/async.h"
#include "services/subjects.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;
constexpr auto kSnapshotTimeout = 2s;
constexpr auto kRetryDelay = 200ms;
constexpr auto kSettleBound = 2s;
constexpr auto kSettleStep = 20ms;
/// Updates come at least once a second; silence for so long means that the subscription, or the market
/// service, was made anew.
constexpr std::int64_t kSilenceMs = 3'000;
/// Silence for which another market that is heard takes the place of the one that was followed: its next
/// update is overdue.
constexpr std::int64_t kReplacedMs = 1'000;

}  // namespace

class MarketView::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(std::shared_ptr<bus::Bus> bus, const engine::ChainSettings& chain)
      : bus_(std::move(bus)), chain_(chain), log_(logger("market-view")), stale_(bus_->executor()) {}

  Status start() {
    SEP_TRY(updates_,
            bus_->subscribe(subject::kMarketUpdate, "", [this](const bus::Message& m) { update(m); }));
    asio::co_spawn(bus_->executor(), keep_whole(), [self = shared_from_this()](std::exception_ptr) {});
    return {};
  }
  void stop() {
    stopping_ = true;
    updates_.reset();
    stale_.set();
  }
  const engine::MarketState& state() const { return state_; }
  const engine::PoolBook& pools() const { return pools_; }

  Task<Status> settle(const engine::MarketSettings& settings) {
    const auto self = shared_from_this();
    const auto until = monotonic_ns() + std::chrono::nanoseconds(kSettleBound).count();
    while (!stopping_ && !state_.check_fresh(now(), settings) && monotonic_ns() < until)
      co_await pause(bus_->executor(), kSettleStep);
    co_return state_.check_fresh(now(), settings);
  }

 private:
  void update(const bus::Message& message) {
    const auto document = parse_json(message.body);
    if (document && document->is_object() && state_.revision != 0) {
      const bool anothers = string_or(document->get_object(), "source") != state_.source;
      if (anothers && now().ms - last_heard_ms_ < kReplacedMs) return;  // two side by side: one is followed
      last_heard_ms_ = now().ms;
      if (const auto changed = engine::apply_update(state_, document->get_object())) {
        pools_.refresh(state_, chain_, *changed);
        return;
      }
    }
    whole_ = false;
    stale_.set();
  }

  Task<void> keep_whole() {
    const auto self = shared_from_this();
    while (!stopping_) {
      if (whole_ && now().ms - last_heard_ms_ < kSilenceMs) {
        co_await stale_.wait_for(1s);
        continue;
      }
      if (const auto fetched = co_await fetch(); !fetched) {
        log_->debug("no snapshot: {}", fetched.error().detail);
        co_await pause(bus_->executor(), kRetryDelay);
      }
    }
  }

  Task<Status> fetch() {
    SEP_CO_TRY(const auto reply, co_await bus_->request(subject::kMarketSnapshot, "{}", kSnapshotTimeout));
    SEP_CO_TRY(const auto document, parse_json(reply));
    if (!document.is_object()) co_return fail(errc::kInternal, "a snapshot must be an object");
    SEP_CO_TRY(state_, engine::market_from_snapshot(document.get_object()));
    pools_ = engine::PoolBook(state_, chain_);
    if (state_.revision == 0) co_return fail(errc::kStaleMarket, "the market is not loaded yet");
    whole_ = true;
    last_heard_ms_ = now().ms;
    co_return Status{};
  }

  std::shared_ptr<bus::Bus> bus_;
  engine::ChainSettings chain_;
  Logger log_;
  engine::MarketState state_;
  engine::PoolBook pools_;  // of state_
  bus::Subscription updates_;
  Signal stale_;
  bool whole_ = false;
  bool stopping_ = false;
  std::int64_t last_heard_ms_ = 0;
};

MarketView::MarketView(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
MarketView::~MarketView() {
  impl_->stop();
}
const engine::MarketState& MarketView::state() const {
  return impl_->state();
}

const engine::PoolBook& MarketView::pools() const {
  return impl_->pools();
}

Task<Status> MarketView::settle(const engine::MarketSettings& settings) {
  return impl_->settle(settings);
}

Result<std::shared_ptr<MarketView>> MarketView::start(std::shared_ptr<bus::Bus> bus,
                                                      const engine::ChainSettings& chain) {
  auto impl = std::make_shared<Impl>(std::move(bus), chain);
  SEP_CHECK(impl->start());
  return std::shared_ptr<MarketView>(new MarketView(std::move(impl)));
}

}  // namespace sep::services
