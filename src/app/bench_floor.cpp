#include "app/bench_floor.h"

#include <atomic>
#include <chrono>
#include <string_view>
#include <thread>
#include <tuple>

#include <fmt/format.h>

#include "app/bench_bus.h"
#include "app/blocking.h"
#include "app/config.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/ulid.h"
#include "ethereum/hash.h"
#include "ethereum/keys.h"
#include "ethereum/transaction.h"
#include "node/rpc.h"
#include "services/async.h"
#include "store/postgres.h"

namespace sep::app {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using services::Task;
using std::chrono::milliseconds;

constexpr std::size_t kWarmUp = 20;
constexpr auto kBound = 5s;
/// As long as an event of the record is on the average.
constexpr std::size_t kRowBytes = 400;
constexpr std::size_t kHashedBytes = 64 * 1024;  // less than half a millisecond
/// anvil's account 9: no part of the platform uses it.
constexpr std::string_view kOtherDevnetKey =
    "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6";
constexpr std::size_t kMostTransactions = 200;  // each is a block, which the platform follows

/// How many, and how far from each other.
struct Series {
  std::size_t samples;
  milliseconds apart;
};

Task<void> pause_between(const asio::any_io_executor& executor, Series series) {
  if (series.apart > 0ms) co_await services::pause(executor, series.apart);
}

Task<Status> requests(bus::Bus& bus, std::string subject, Series series, Samples& into) {
  const std::string body(kRowBytes, 'x');
  for (std::size_t i = 0; i < series.samples + kWarmUp; ++i) {
    co_await pause_between(bus.executor(), series);
    const auto started = monotonic_ns();
    SEP_CO_CHECK(co_await bus.request(subject, body, kBound));
    if (i >= kWarmUp) into.add(monotonic_ns() - started);
  }
  co_return Status{};
}

Status measure_requests(BusThread& asking, BusThread& answering, Series series, Samples& into) {
  const auto subject = "sepbench.request." + new_ulid();
  SEP_TRY(auto served, answering.on_executor([&] {
    return answering->serve(subject, "", [](bus::Message m) -> Task<std::string> { co_return m.body; });
  }));
  const auto measured = asking->wait(requests(*asking, subject, series, into));
  answering.on_executor([&] {
    served.reset();
    return 0;
  });
  return measured;
}

Task<Status> publications(bus::Bus& bus, std::string subject, Series series,
                          const std::atomic<std::int64_t>& delivered_at, Samples& into) {
  const std::string body(kRowBytes, 'x');
  for (std::size_t i = 0; i < series.samples + kWarmUp; ++i) {
    co_await pause_between(bus.executor(), series);
    const auto started = monotonic_ns();
    SEP_CO_CHECK(
        co_await bus.publish_event({.subject = subject, .body = body, .message_id = new_ulid()}, kBound));
    const auto until = started + std::chrono::nanoseconds(kBound).count();
    while (delivered_at < started && monotonic_ns() < until) co_await services::pause(bus.executor(), 1ms);
    if (delivered_at < started) co_return fail(errc::kTimeout, "a published message was not delivered");
    if (i >= kWarmUp) into.add(delivered_at - started);
  }
  co_return Status{};
}

Status measure_publications(BusThread& sending, BusThread& receiving, Series series, Samples& into) {
  const std::string stream = "SEPBENCH";
  const std::string subject = "sepbench.event";
  SEP_CHECK(sending->wait(sending->ensure_stream({.name = stream, .subjects = {subject}})));
  std::atomic<std::int64_t> delivered_at = 0;
  auto queue = receiving->wait(receiving->consume(
      {.stream = stream, .durable = "sepbench", .deliver_group = "sepbench", .filter_subject = subject},
      [&delivered_at](bus::Message) -> Task<bus::Verdict> {
        delivered_at = monotonic_ns();
        co_return bus::Verdict::ack();
      }));
  auto measured = queue ? sending->wait(publications(*sending, subject, series, delivered_at, into))
                        : Status(fail(queue.error()));
  if (queue)
    receiving.on_executor([&] {
      queue->reset();
      return 0;
    });
  std::ignore = sending->wait(sending->delete_stream(stream));
  return measured;
}

Status measure_commits(const std::string& conninfo, Series series, Samples& into) {
  static constexpr store::Statement kInsert{"bench_insert", "INSERT INTO sep_bench.rows VALUES ($1, $2)"};
  const auto refused = [](const store::PgFailure& failure) {
    return fail(errc::kStoreUnavailable, "PostgreSQL: " + failure.detail);
  };
  auto connection = store::PgConnection::connect(conninfo, 5, 10'000);
  if (!connection) return refused(connection.error());
  const auto made = connection->execute(
      "DROP SCHEMA IF EXISTS sep_bench CASCADE; CREATE SCHEMA sep_bench;"
      "CREATE TABLE sep_bench.rows (id TEXT PRIMARY KEY, body TEXT NOT NULL)");
  if (!made) return refused(made.error());
  const std::string body(kRowBytes, 'x');
  Status outcome;
  for (std::size_t i = 0; outcome && i < series.samples + kWarmUp; ++i) {
    std::this_thread::sleep_for(series.apart);
    const std::array<store::Parameter, 2> parameters{new_ulid(), body};
    const auto started = monotonic_ns();
    const auto inserted = connection->query(kInsert, parameters);
    if (!inserted)
      outcome = refused(inserted.error());
    else if (i >= kWarmUp)
      into.add(monotonic_ns() - started);
  }
  if (connection->alive()) std::ignore = connection->execute("DROP SCHEMA IF EXISTS sep_bench CASCADE");
  return outcome;
}

void measure_processor(Series series, Samples& into) {
  const Bytes data(kHashedBytes, 1);
  Hash32 hash;
  for (std::size_t i = 0; i < series.samples + kWarmUp; ++i) {
    std::this_thread::sleep_for(series.apart);
    const auto started = monotonic_ns();
    hash = keccak256(data);
    if (i >= kWarmUp) into.add(monotonic_ns() - started);
  }
  SEP_ASSERT(!hash.is_zero());
}

Task<Status> transactions(asio::any_io_executor executor, std::string endpoint, std::uint64_t chain_id,
                          Series series, Samples& into) {
  SEP_CO_TRY(const auto key, PrivateKey::from_hex(kOtherDevnetKey));
  node::RpcClient client(executor, endpoint);
  SEP_CO_TRY(const auto counted,
             co_await client.call("eth_getTransactionCount", {to_hex(key.address()), "pending"}));
  SEP_CO_TRY(const auto first, parse_quantity(std::string_view(counted.as_string())));
  for (std::size_t i = 0; i < series.samples + kWarmUp; ++i) {
    co_await pause_between(executor, series);
    Transaction transaction;
    transaction.chain_id = chain_id;
    transaction.nonce = first.to_u64() + i;
    transaction.max_fee_per_gas = Uint256(100'000'000'000U);
    transaction.max_priority_fee_per_gas = Uint256(1'000'000'000U);
    transaction.gas_limit = 21'000;
    transaction.to = key.address();
    const auto raw = to_hex(sign(std::move(transaction), key).raw);
    const auto started = monotonic_ns();
    SEP_CO_CHECK(co_await client.call("eth_sendRawTransaction", {raw}));
    if (i >= kWarmUp) into.add(monotonic_ns() - started);
  }
  co_return Status{};
}

}  // namespace

std::int64_t Floor::hop_ns() const {
  return request.percentile(50) + commit.percentile(50) + publish.percentile(50);
}

Status measure_floor(const engine::Settings& settings, std::size_t samples, milliseconds apart,
                     Floor& floor) {
  const Series series{samples, apart};
  measure_processor(series, floor.processor);
  {
    SEP_TRY(const auto one, BusThread::start(settings.endpoints.nats_url));
    SEP_TRY(const auto other, BusThread::start(settings.endpoints.nats_url));
    SEP_CHECK(measure_requests(*one, *other, series, floor.request));
    SEP_CHECK(measure_publications(*one, *other, series, floor.publish));
  }
  SEP_CHECK(measure_commits(settings.endpoints.postgres, series, floor.commit));
  if (settings.chain.chain_id != kDevnetChainId || settings.chain.endpoints.empty()) return {};
  const auto& node = settings.chain.endpoints.front();
  const auto endpoint = !node.ipc_path.empty()  ? node.ipc_path
                        : !node.rpc_url.empty() ? node.rpc_url
                                                : node.ws_url;
  return run_blocking([&](asio::any_io_executor executor) -> Task<Status> {
    co_return co_await transactions(executor, endpoint, settings.chain.chain_id,
                                    {std::min(samples, kMostTransactions), apart}, floor.send_raw);
  });
}

}  // namespace sep::app
