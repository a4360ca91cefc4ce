#pragma once
// A state coordinator with a PostgreSQL, a Redis and a nats-server of its own for each test.
#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "integration/record_fixture.h"
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "app/parts.h"
#include "engine/sample_lives.h"
#include "gateway/metrics.h"
#include "services/record_client.h"
#include "services/state_coordinator.h"
#include "support/platform.h"
#include "support/temp_dir.h"

namespace sep::services {

using engine::samples::Ids;
using engine::samples::Life;
using support::eventually;

class CoordinatorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    nats_ = app::start_nats(directory_ / "nats").value();
    redis_ = app::start_redis(directory_ / "redis").value();
    thread_ = std::thread([this] { context_.run(); });
    bus_ = bus::Bus::connect(context_.get_executor(), {.url = nats_->url(), .name = "test"}).value();
    endpoints_ = {.nats_url = nats_->url(),
                  .postgres = support::RecordServer::new_record(),
                  .redis_socket = redis_->socket()};
    record_.emplace(bus_);
    start_coordinator();
  }
  void start_coordinator() {
    coordinator_ = StateCoordinator::start(bus_, endpoints_, metrics_).value();
    ASSERT_TRUE(eventually([&] { return query(subject::kHead, {}).has_value(); }));
  }
  void TearDown() override {
    coordinator_.reset();
    record_.reset();
    bus_->close();
    guard_.reset();
    context_.stop();
    thread_.join();
    bus_.reset();
  }

  Result<json::object> query(const char* query_subject, json::object question) {
    return bus_->wait(record_->query(query_subject, std::move(question)));
  }
  std::uint64_t head(const char* member) {
    return get_uint(query(subject::kHead, {}).value(), member).value();
  }
  /// Appends the life's events, all but the first `known`, as one request that claims what they prepare, and
  /// `nonces`.
  void append(const Life& life, std::size_t known = 0, std::vector<NonceRequest> nonces = {}) {
    AppendRequest request{.nonces = std::move(nonces)};
    request.events.assign(life.events().begin() + static_cast<std::ptrdiff_t>(known), life.events().end());
    std::ranges::copy(support::claims_of(request.events), std::back_inserter(request.nonces));
    const auto answer = bus_->wait(record_->append(std::move(request)));
    ASSERT_TRUE(answer.has_value()) << answer.error().detail;
    ASSERT_EQ(answer->status, AppendAnswer::Status::kCommitted) << answer->reason << answer->detail;
  }

  support::TempDir directory_;
  std::unique_ptr<app::Nats> nats_;
  std::unique_ptr<app::Redis> redis_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_ =
      boost::asio::make_work_guard(context_);
  std::thread thread_;
  std::shared_ptr<bus::Bus> bus_;
  gateway::Metrics metrics_;
  engine::EndpointSettings endpoints_;
  std::unique_ptr<StateCoordinator> coordinator_;
  std::optional<RecordClient> record_;
  Ids ids_;
};

}  // namespace sep::services
