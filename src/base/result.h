#pragma once
// Expected failures are values: Result<T> holds a T or an Error. Broken invariants end the process
// (SEP_ASSERT).
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/errors.h"

namespace sep {

/// What went wrong, for a program (`code`, one of schema/errors.json) and for a person (`detail`).
/// `pointer` is the JSON pointer of the field at fault, empty where no single field is.
struct Error {
  std::string_view code = errc::kInternal;
  std::string detail;
  std::string pointer;

  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

/// `return fail(errc::kNoRoute, "no pool connects …");`
inline std::unexpected<Error> fail(std::string_view code, std::string detail, std::string pointer = {}) {
  return std::unexpected(Error{code, std::move(detail), std::move(pointer)});
}
inline std::unexpected<Error> fail(Error error) {
  return std::unexpected(std::move(error));
}

[[noreturn]] inline void abort_with(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "broken invariant: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace sep

/// Always on. A broken invariant ends the process; a restart from the record is the recovery.
#define SEP_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::sep::abort_with(#condition, __FILE__, __LINE__))

#define SEP_CONCAT_INNER(a, b) a##b
#define SEP_CONCAT(a, b) SEP_CONCAT_INNER(a, b)

/// `SEP_TRY(auto value, may_fail());` declares `value` or returns the error from the enclosing function.
#define SEP_TRY(declaration, expression) \
  SEP_TRY_IMPL(declaration, expression, SEP_CONCAT(sep_result_, __LINE__))
#define SEP_TRY_IMPL(declaration, expression, name)           \
  auto name = (expression);                                   \
  if (!name) return std::unexpected(std::move(name).error()); \
  declaration = std::move(name).value()
#define SEP_CHECK(expression) \
  if (auto sep_status = (expression); !sep_status) return std::unexpected(std::move(sep_status).error())

/// The same inside a coroutine.
#define SEP_CO_TRY(declaration, expression) \
  SEP_CO_TRY_IMPL(declaration, expression, SEP_CONCAT(sep_result_, __LINE__))
#define SEP_CO_TRY_IMPL(declaration, expression, name)           \
  auto name = (expression);                                      \
  if (!name) co_return std::unexpected(std::move(name).error()); \
  declaration = std::move(name).value()
#define SEP_CO_CHECK(expression) \
  if (auto sep_status = (expression); !sep_status) co_return std::unexpected(std::move(sep_status).error())
