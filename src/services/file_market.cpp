#include "services/file_market.h"

#include <fstream>
#include <sstream>
#include <tuple>

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/ulid.h"
#include "engine/market_state.h"
#include "services/async.h"
#include "services/market_view.h"
#include "services/paper_account.h"
#include "services/subjects.h"
#include "uniswap/pools_file.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;
constexpr auto kHeartbeat = 500ms;

Result<engine::MarketState> read_state(const std::string& path) {
  const auto refuse = [&](const std::string& why) {
    return fail(errc::kConfiguration, fmt::format("market.pools_file {}: {}", path, why));
  };
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  if (!stream) return refuse("cannot be read");
  auto file = uniswap::parse_pools_file(text.str());
  if (!file) return refuse(file.error().pointer + " " + file.error().detail);
  engine::MarketState state;
  state.source = new_ulid();
  state.revision = 1;
  state.block.number = file->block_number;
  state.block.timestamp_s = now().unix_seconds();
  for (auto& pool : file->pools) {
    const auto address = to_checksum(pool.address);
    auto made = uniswap::Pool::create(std::move(pool));
    if (!made) return refuse(fmt::format("pool {}: {}", address, made.error().detail));
    state.pools.push_back({std::move(*made), {}});
  }
  return state;
}

}  // namespace

class FileMarket::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(std::shared_ptr<bus::Bus> bus, engine::MarketState state)
      : bus_(std::move(bus)), state_(std::move(state)), heartbeat_(bus_->executor()) {}

  Status start() {
    SEP_TRY(snapshots_,
            bus_->serve(subject::kMarketSnapshot, "market", [self = this](bus::Message) -> Task<std::string> {
              self->state_.confirmed_at = now();
              co_return json::serialize(engine::snapshot_json(self->state_));
            }));
    SEP_TRY(account_, hear_paper_account(*bus_, [this](engine::AccountState account) {
              state_.account = std::move(account);
              publish();
            }));
    asio::co_spawn(bus_->executor(), beat(), [self = shared_from_this()](std::exception_ptr) {});
    return {};
  }
  void stop() {
    stopping_ = true;
    snapshots_.reset();
    account_.reset();
    heartbeat_.cancel();
  }

 private:
  Task<void> beat() {
    const auto self = shared_from_this();
    while (!stopping_) {
      publish();
      co_await wait(heartbeat_, kHeartbeat);
    }
  }
  void publish() {
    ++state_.revision;
    state_.confirmed_at = now();
    std::ignore = bus_->publish(subject::kMarketUpdate, json::serialize(engine::update_json(state_, {})));
  }

  std::shared_ptr<bus::Bus> bus_;
  engine::MarketState state_;
  asio::steady_timer heartbeat_;
  bus::Subscription snapshots_, account_;
  bool stopping_ = false;
};

FileMarket::FileMarket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
FileMarket::~FileMarket() {
  impl_->stop();
}

Result<std::unique_ptr<FileMarket>> FileMarket::start(std::shared_ptr<bus::Bus> bus,
                                                      const engine::Settings& settings) {
  SEP_TRY(auto state, read_state(settings.market.pools_file));
  auto impl = std::make_shared<Impl>(std::move(bus), std::move(state));
  SEP_CHECK(impl->start());
  return std::unique_ptr<FileMarket>(new FileMarket(std::move(impl)));
}

}  // namespace sep::services
