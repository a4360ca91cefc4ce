#include "gateway/problem.h"

#include <array>
#include <utility>

#include <boost/beast/http/status.hpp>

namespace sep::gateway {
namespace {

using StatusOfCode = std::pair<std::string_view, unsigned>;

// Codes that are not here are 500: they should not reach a caller.
constexpr std::array kStatuses = std::to_array<StatusOfCode>({
    {errc::kMalformedJson, 400},
    {errc::kValidationFailed, 400},
    {errc::kMissingField, 400},
    {errc::kUnknownField, 400},
    {errc::kWrongType, 400},
    {errc::kInvalidValue, 400},
    {errc::kInvalidAmount, 400},
    {errc::kTooManyDecimals, 400},
    {errc::kAmountOverflow, 400},
    {errc::kUnknownAsset, 400},
    {errc::kSameAsset, 400},
    {errc::kInvalidId, 400},
    {errc::kInvalidCursor, 400},
    {errc::kInvalidAction, 400},
    {errc::kNotFound, 404},
    {errc::kMethodNotAllowed, 405},
    {errc::kIdempotencyConflict, 409},
    {errc::kAlreadyTerminal, 409},
    {errc::kSequenceConflict, 409},
    {errc::kIllegalTransition, 409},
    {errc::kBodyTooLarge, 413},
    {errc::kUnsupportedMediaType, 415},
    {errc::kOverloaded, 429},
    {errc::kNoPrice, 422},
    {errc::kNoRoute, 422},
    {errc::kInsufficientLiquidity, 422},
    {errc::kPriceImpact, 422},
    {errc::kStaleMarket, 503},
    {errc::kNodeUnreachable, 503},
    {errc::kBusUnavailable, 503},
    {errc::kStoreUnavailable, 503},
    {errc::kDiskFull, 503},
    {errc::kCacheUnavailable, 503},
    {errc::kNotReady, 503},
    {errc::kOutcomeUnknown, 503},
    {errc::kKillSwitch, 503},
    {errc::kNodeError, 502},
    {errc::kTimeout, 504},
});

}  // namespace

unsigned status_of(std::string_view code) {
  for (const auto& [known, status] : kStatuses) {
    if (known == code) return status;
  }
  return 500;
}

Problem problem_of(Error error) {
  if (!error.pointer.empty()) {
    return validation_problem({Fault{std::move(error.pointer), error.code, std::move(error.detail)}});
  }
  return Problem{status_of(error.code), error.code, std::move(error.detail), {}};
}

Problem validation_problem(std::vector<Fault> faults) {
  std::string detail =
      faults.size() == 1 ? "One field is at fault." : std::to_string(faults.size()) + " fields are at fault.";
  return Problem{400, errc::kValidationFailed, std::move(detail), std::move(faults)};
}

json::array to_json(const std::vector<Fault>& faults) {
  json::array array;
  for (const auto& fault : faults) {
    array.push_back(
        json::object{{"pointer", fault.pointer}, {"code", fault.code}, {"message", fault.message}});
  }
  return array;
}

json::object to_json(const Problem& problem, std::string_view instance) {
  const std::string_view title =
      boost::beast::http::obsolete_reason(boost::beast::http::status(problem.status));
  json::object object{{"type", "about:blank"},    {"title", title},       {"status", problem.status},
                      {"detail", problem.detail}, {"code", problem.code}, {"instance", instance}};
  if (!problem.errors.empty()) object["errors"] = to_json(problem.errors);
  return object;
}

}  // namespace sep::gateway
