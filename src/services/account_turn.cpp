#include "services/account_turn.h"

#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "engine/topics.h"
#include "services/async.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;

constexpr auto kRetry = 300ms;  // to join the queue

}  // namespace

AccountTurn::AccountTurn(std::shared_ptr<bus::Bus> bus, std::uint64_t chain_id, const Address& account,
                         gateway::Metrics& metrics, Calls calls)
    : bus_(std::move(bus)),
      options_{.bucket = std::string(kLeaseBucket), .key = orchestrator_lease(chain_id, account)},
      metrics_(metrics),
      calls_(std::move(calls)) {}

void AccountTurn::start() {
  lease_ = std::make_shared<Lease>(bus_, options_, [this] { begin(); }, [this] { cease(); });
  lease_->start();
}

void AccountTurn::stop() {
  stopping_ = true;
  cease();
  if (lease_) lease_->stop();
}

void AccountTurn::begin() {
  ++term_;
  metrics_.set("sep_orchestrator_leads", 1, {}, "1 where this process drives the account");
  calls_.begin();
  asio::co_spawn(bus_->executor(), join_the_queue(term_), [self = shared_from_this()](std::exception_ptr) {});
}

void AccountTurn::cease() {
  ++term_;
  metrics_.set("sep_orchestrator_leads", 0, {}, "1 where this process drives the account");
  plans_.reset();
  calls_.cease();
}

Task<void> AccountTurn::join_the_queue(std::uint64_t term) {
  while (holds(term)) {
    auto joined = co_await bus_->consume({.stream = "EVENTS",
                                          .durable = "orchestrator-workers",
                                          .deliver_group = "orchestrator.workers",
                                          .filter_subject = std::string(engine::topic::kPlanCreated),
                                          .early = true},
                                         calls_.plan);
    if (joined) {
      if (holds(term)) plans_ = std::move(*joined);
      co_return;
    }
    log_->warn("the work queue cannot be joined: {}", joined.error().detail);
    co_await pause(bus_->executor(), kRetry);
  }
}

}  // namespace sep::services
