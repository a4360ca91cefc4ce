#pragma once
// Coroutines for code that has nothing else to do than to wait for them: commands, and starting parts.
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace sep::app {

/// Runs `make(executor)`, a coroutine, to its end on an executor of its own and returns its result. What the
/// coroutine left behind on the executor is dropped with it.
template <class Make>
auto run_blocking(Make make) {
  using Awaitable = std::invoke_result_t<Make, boost::asio::any_io_executor>;
  using Value = typename Awaitable::value_type;
  boost::asio::io_context context(1);
  std::optional<Value> result;
  std::exception_ptr thrown;
  boost::asio::co_spawn(context, make(boost::asio::any_io_executor(context.get_executor())),
                        [&](std::exception_ptr exception, Value value) {
                          thrown = exception;
                          if (!exception) result = std::move(value);
                          context.stop();
                        });
  context.run();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*result);
}

}  // namespace sep::app
