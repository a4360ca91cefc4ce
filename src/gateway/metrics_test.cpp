#include "gateway/metrics.h"

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sep::gateway {
namespace {

using testing::HasSubstr;

TEST(Metrics, TextHasWhatWasCounted) {
  Metrics metrics;
  metrics.add("sep_things_total", {{"kind", "a"}}, 2, "Things seen.");
  metrics.add("sep_things_total", {{"kind", "a"}});
  metrics.add("sep_things_total", {{"kind", "b"}});
  metrics.set("sep_level", 4.5);
  metrics.observe(stage::kRisk, 1500);
  const auto text = metrics.text();
  EXPECT_THAT(text, HasSubstr("# HELP sep_things_total Things seen."));
  EXPECT_THAT(text, HasSubstr("# TYPE sep_things_total counter"));
  EXPECT_THAT(text, HasSubstr("sep_things_total{kind=\"a\"} 3"));
  EXPECT_THAT(text, HasSubstr("sep_things_total{kind=\"b\"} 1"));
  EXPECT_THAT(text, HasSubstr("sep_level 4.5"));
  EXPECT_THAT(text, HasSubstr("sep_stage_seconds_count{stage=\"risk\"} 1"));
}

TEST(Metrics, EveryNameIsSepsAndTellsItsKind) {
  Metrics metrics;
  EXPECT_DEATH(metrics.add("things_total"), "broken invariant");
  EXPECT_DEATH(metrics.add("sep_things"), "broken invariant");
  EXPECT_DEATH(metrics.set("level", 1), "broken invariant");
  EXPECT_DEATH(metrics.set("sep_level_total", 1), "broken invariant");
}

TEST(Metrics, EveryNameIsInTheDocs) {
  const auto text_of = [](const std::filesystem::path& path) {
    std::ifstream file(path);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  };
  const std::filesystem::path root(SEP_SOURCE_DIR);
  const auto docs = text_of(root / "docs/operations.md");
  const std::regex name("\"(sep_[a-z_]*[a-z])\"");
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "src")) {
    if (entry.path().extension() != ".cpp" || entry.path().stem().string().ends_with("_test")) continue;
    const auto text = text_of(entry.path());
    for (std::sregex_iterator found(text.begin(), text.end(), name), end; found != end; ++found)
      names.insert((*found)[1]);
  }
  EXPECT_THAT(names, testing::Contains("sep_stage_seconds"));
  for (const auto& one : names) EXPECT_THAT(docs, HasSubstr("`" + one)) << one;
}

TEST(Metrics, StagesAreHeldToTheirBudget) {
  Metrics metrics;
  for (int i = 0; i < 100; ++i) metrics.observe(stage::kValidation, 20);
  metrics.observe(stage::kPrechain, 60'000);
  const auto stages = metrics.stages();
  const auto& validation = stages.at(stage::kValidation).as_object();
  EXPECT_EQ(validation.at("count"), 100);
  EXPECT_EQ(validation.at("p99_us"), 20);
  EXPECT_EQ(validation.at("budget_us"), 10'000);
  EXPECT_EQ(validation.at("within_budget"), true);
  EXPECT_EQ(stages.at(stage::kPrechain).at("within_budget"), false);
  EXPECT_EQ(stages.at(stage::kPlanning).at("count"), 0);
  EXPECT_EQ(stages.at(stage::kPlanning).at("budget_us"), 25'000);
  EXPECT_FALSE(stages.at(stage::kPlanning).as_object().contains("within_budget"));  // nothing to judge
  EXPECT_FALSE(stages.contains(stage::kRisk));
}

TEST(Metrics, ThreadsLoseNothing) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        metrics.add("sep_n_total");
        metrics.observe(stage::kAppend, i);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(metrics.text(), HasSubstr("sep_n_total 4000"));
  EXPECT_EQ(metrics.stages().at(stage::kAppend).at("count"), 4000);
}

}  // namespace
}  // namespace sep::gateway
