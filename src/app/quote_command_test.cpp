#include "app/quote_command.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/json.h"

namespace sep::app {
namespace {

namespace fs = std::filesystem;

// One position from -600 to 600 around price 1, fee 0.3 %: the pool of pool_test.cpp's worked case.
constexpr const char* kPools = R"({"chain_id":1,"block_number":1,"pools":[{
  "address":"0x0000000000000000000000000000000000000003",
  "token0":"0x00000000000000000000000000000000000000aa","token1":"0x00000000000000000000000000000000000000bb",
  "fee":3000,"tick_spacing":60,"sqrt_price_x96":"79228162514264337593543950336","tick":0,
  "liquidity":"1000000000000000000","ticks":[
    {"tick":-600,"liquidity_gross":"1000000000000000000","liquidity_net":"1000000000000000000"},
    {"tick":600,"liquidity_gross":"1000000000000000000","liquidity_net":"-1000000000000000000"}]}]})";

struct Outcome {
  int status = 0;
  std::vector<json::object> answers;
  std::string err;
};

Outcome run(const std::string& input, const std::string& pools = kPools) {
  const fs::path path = fs::temp_directory_path() / ("sep_quote_" + std::to_string(::getpid()) + ".json");
  std::ofstream(path) << pools;
  std::istringstream in(input);
  std::ostringstream out, err;
  Outcome outcome;
  outcome.status = run_quote_stream(in, out, err, path);
  fs::remove(path);
  outcome.err = err.str();
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);) outcome.answers.push_back(parse_json(line)->as_object());
  return outcome;
}

std::string request(const std::string& members) {
  return R"({"id":"q","token_in":"0x00000000000000000000000000000000000000Aa",)"
         R"("token_out":"0x00000000000000000000000000000000000000bB",)" +
         members + "}\n";
}

TEST(QuoteCommand, AnswersBothKinds) {
  const auto outcome =
      run(request(R"("amount_in":"1000000000000000")") + request(R"("amount_out":"996006981039903")"));
  EXPECT_EQ(outcome.status, 0);
  ASSERT_EQ(outcome.answers.size(), 2U);
  const auto& input = outcome.answers[0];
  EXPECT_EQ(input.at("id"), "q");
  EXPECT_EQ(input.at("amount_out"), "996006981039903");
  EXPECT_EQ(input.at("pools"), (json::array{"0x0000000000000000000000000000000000000003"}));
  EXPECT_EQ(input.at("fees"), (json::array{3000}));
  EXPECT_EQ(input.at("ticks_crossed"), (json::array{0}));
  EXPECT_TRUE(input.at("gas_estimate").is_string());
  EXPECT_TRUE(input.at("sqrt_price_x96_after").as_array()[0].is_string());
  EXPECT_EQ(outcome.answers[1].at("amount_out"), "996006981039903");
}

/// The pool of kPools with other tokens and another address.
std::string pool_like(const std::string& token0, const std::string& token1, const std::string& address) {
  const std::string whole = kPools;
  auto pool = whole.substr(whole.find("[{") + 1, whole.rfind("]}") - whole.find("[{") - 1);
  const auto replace = [&](const std::string& from, const std::string& to) {
    pool.replace(pool.find(from), from.size(), to);
  };
  replace("0x00000000000000000000000000000000000000aa", "0x00000000000000000000000000000000000000" + token0);
  replace("0x00000000000000000000000000000000000000bb", "0x00000000000000000000000000000000000000" + token1);
  replace("0x0000000000000000000000000000000000000003", "0x00000000000000000000000000000000000000" + address);
  return pool;
}

std::string pools_file(const std::vector<std::string>& pools) {
  const std::string whole = kPools;
  std::string list;
  for (const auto& pool : pools) list += (list.empty() ? "" : ",") + pool;
  return whole.substr(0, whole.find("[{") + 1) + list + "]}";
}

TEST(QuoteCommand, OnePathOfTwoPoolsListsThemInOrder) {
  const auto outcome = run(request(R"("amount_in":"1000000000000000")"),
                           pools_file({pool_like("ab", "bb", "03"), pool_like("aa", "ab", "04")}));
  ASSERT_EQ(outcome.answers.size(), 1U);
  const auto& answer = outcome.answers[0];
  ASSERT_TRUE(answer.contains("pools")) << json::serialize(answer);
  EXPECT_EQ(answer.at("pools"), (json::array{"0x0000000000000000000000000000000000000004",
                                             "0x0000000000000000000000000000000000000003"}));
  EXPECT_EQ(answer.at("fees"), (json::array{3000, 3000}));
  EXPECT_EQ(answer.at("ticks_crossed").as_array().size(), 2U);
  EXPECT_EQ(answer.at("sqrt_price_x96_after").as_array().size(), 2U);
  EXPECT_FALSE(answer.contains("paths"));
}

TEST(QuoteCommand, SeveralPathsAreToldApartAndAddUp) {
  const auto outcome = run(
      request(R"("amount_in":"1000000000000001")") +
          request(R"("amount_in":"1000000000000001","pool":"0x0000000000000000000000000000000000000004")"),
      pools_file({pool_like("aa", "bb", "03"), pool_like("aa", "bb", "04")}));
  ASSERT_EQ(outcome.answers.size(), 2U);
  const auto& answer = outcome.answers[0];
  ASSERT_TRUE(answer.contains("paths")) << json::serialize(answer);
  const auto& paths = answer.at("paths").as_array();
  ASSERT_EQ(paths.size(), 2U);
  EXPECT_EQ(answer.at("pools").as_array().size(), 2U);
  for (const char* amount : {"amount_in", "amount_out"})
    EXPECT_EQ(std::stoull(string_or(paths[0].as_object(), amount)) +
                  std::stoull(string_or(paths[1].as_object(), amount)),
              std::stoull(string_or(answer, amount)));
  EXPECT_EQ(paths[0].at("tokens"), (json::array{"0x00000000000000000000000000000000000000AA",
                                                "0x00000000000000000000000000000000000000bb"}));
  const auto& direct = outcome.answers[1];
  EXPECT_EQ(direct.at("pools"), (json::array{"0x0000000000000000000000000000000000000004"}));
  EXPECT_FALSE(direct.contains("paths"));
  EXPECT_LT(std::stoull(string_or(direct, "amount_out")), std::stoull(string_or(answer, "amount_out")));
}

TEST(QuoteCommand, ABadLineIsAnsweredAndTheRestGoesOn) {
  const auto outcome =
      run("nonsense\n" + std::string(100'000, 'x') + "\n[]\n{}\n{\"id\":1.5}\n" +
          request(R"("amount_in":5)") + request(R"("amount_in":"0")") + request(R"("amount_in":"-1")") +
          request(R"("amount_in":"1","amount_out":"1")") + request(R"("amount_in":"1","extra":1)") +
          "{\"id\":7}\n" + request("\"amount_in\":\"" + std::string(90, '9') + "\"") +
          request(R"("amount_out":"1000000000000000000000")") +
          request(R"("amount_in":"1","pool":"0x0000000000000000000000000000000000000009")") +
          request(R"("amount_in":"1000000")"));
  std::vector<std::string> codes;
  for (const auto& answer : outcome.answers) codes.push_back(string_or(answer, "error", "ok"));
  EXPECT_EQ(codes, (std::vector<std::string>{
                       "MALFORMED_JSON", "BODY_TOO_LARGE", "WRONG_TYPE", "MISSING_FIELD", "WRONG_TYPE",
                       "WRONG_TYPE", "INVALID_AMOUNT", "INVALID_AMOUNT", "INVALID_VALUE", "UNKNOWN_FIELD",
                       "MISSING_FIELD", "AMOUNT_OVERFLOW", "INSUFFICIENT_LIQUIDITY", "NO_ROUTE", "ok"}));
  EXPECT_TRUE(outcome.answers[0].at("id").is_null());
  EXPECT_EQ(outcome.answers[10].at("id"), 7);
}

TEST(QuoteCommand, RefusesAPoolsFileThatCannotBe) {
  std::string wrong = kPools;
  wrong.replace(wrong.find("\"liquidity\":\"1"), 14, "\"liquidity\":\"2");
  const auto outcome = run("", wrong);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("/pools/0/liquidity"), std::string::npos) << outcome.err;
  std::istringstream in;
  std::ostringstream out, err;
  EXPECT_EQ(run_quote_stream(in, out, err, "/nonexistent/pools.json"), 1);
}

TEST(QuoteCommand, ALastLineWithoutItsEndCounts) {
  auto text = request(R"("amount_in":"1000000")");
  text.pop_back();
  EXPECT_EQ(run(text).answers.size(), 1U);
}

}  // namespace
}  // namespace sep::app
