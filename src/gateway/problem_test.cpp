#include "gateway/problem.h"

#include <gtest/gtest.h>

#include "gateway/validation.h"

namespace sep::gateway {
namespace {

TEST(Problem, DocumentsFollowTheirSchema) {
  for (const auto code : errc::kAll) {
    EXPECT_TRUE(validate("api/problem", to_json(problem_of(Error{code, "why", ""}), "id-1")).empty()) << code;
    EXPECT_TRUE(validate("api/problem", to_json(problem_of(Error{code, "why", "/amount"}), "id-1")).empty())
        << code;
  }
}

TEST(Problem, AnErrorWithAPointerIsAFaultOfThatField) {
  const auto problem = problem_of(Error{errc::kTooManyDecimals, "USDC has 6 decimals", "/amount"});
  EXPECT_EQ(problem.status, 400u);
  EXPECT_EQ(problem.code, errc::kValidationFailed);
  EXPECT_EQ(problem.errors, (std::vector<Fault>{{"/amount", errc::kTooManyDecimals, "USDC has 6 decimals"}}));
}

TEST(Problem, StatusesSayWhoseFaultItIs) {
  EXPECT_EQ(status_of(errc::kNotFound), 404u);
  EXPECT_EQ(status_of(errc::kIdempotencyConflict), 409u);
  EXPECT_EQ(status_of(errc::kStoreUnavailable), 503u);
  EXPECT_EQ(status_of(errc::kInternal), 500u);
  EXPECT_EQ(status_of("NEVER_HEARD_OF"), 500u);
}

}  // namespace
}  // namespace sep::gateway
