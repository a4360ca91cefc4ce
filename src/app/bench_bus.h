#pragma once
// A connection to the bus with a thread of its own, as another process would have.
#include <memory>
#include <string>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "bus/bus.h"

namespace sep::app {

class BusThread {
 public:
  static Result<std::unique_ptr<BusThread>> start(const std::string& url) {
    auto self = std::unique_ptr<BusThread>(new BusThread());
    SEP_TRY(self->bus_, bus::Bus::connect(self->context_.get_executor(), {.url = url, .name = "sep bench"}));
    return self;
  }
  ~BusThread() {
    if (bus_) bus_->close();
    guard_.reset();
    context_.stop();
    thread_.join();
  }
  BusThread(const BusThread&) = delete;
  BusThread& operator=(const BusThread&) = delete;
  bus::Bus& operator*() { return *bus_; }
  bus::Bus* operator->() { return bus_.get(); }

  /// Runs `function` on the executor and gives what it returns.
  template <class Function>
  auto on_executor(Function function) {
    using Value = std::invoke_result_t<Function>;
    return bus_->wait(
        [](Function run) -> boost::asio::awaitable<Value> { co_return run(); }(std::move(function)));
  }

 private:
  BusThread() = default;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_ =
      boost::asio::make_work_guard(context_);
  std::thread thread_{[this] { context_.run(); }};
  std::shared_ptr<bus::Bus> bus_;
};

}  // namespace sep::app
