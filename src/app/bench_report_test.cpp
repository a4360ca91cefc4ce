#include "app/bench_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sep::app {
namespace {

using testing::HasSubstr;
using testing::Not;

BenchReport report() {
  BenchReport made;
  made.platform = "http://127.0.0.1:1";
  made.load.rate = 100;
  for (const auto* name : {"post", "prechain"}) {
    Stage stage{name, std::string(name) + ": a -> b", {}};
    for (std::int64_t us = 1; us <= 1000; ++us) stage.samples.add(us * 1000);
    made.stages.push_back(std::move(stage));
  }
  made.stages.push_back({"single", "single", {}});
  made.stages.back().samples.add(0);
  made.outcome.statuses = {{201, 1000}, {429, 7}};
  made.outcome.endings = {{"exec.completed", 1000}};
  made.ratios = {{"pre-chain p50 / four hops", 1.5, 1.25, ""}};
  return made;
}

TEST(BenchReport, TablesTellWhatMissedItsGoal) {
  const auto text = text_of(report());
  EXPECT_THAT(text, HasSubstr("answers: 201 1000, 429 7; intents: exec.completed 1000"));
  EXPECT_THAT(text, HasSubstr("500 µs"));
  EXPECT_THAT(text, HasSubstr("1.50   goal at most 1.25   MISSED"));
  EXPECT_THAT(text, Not(HasSubstr("floor")));
}

TEST(BenchReport, TheDocumentHoldsEveryStage) {
  const auto document = json_of(report());
  EXPECT_EQ(document.at("stages").at("prechain").at("p99_us").as_double(), 990);
  EXPECT_EQ(document.at("stages").at("prechain").at("max_us").as_double(), 1000);
  EXPECT_EQ(document.at("answers").at("429").to_number<int>(), 7);
  EXPECT_EQ(document.at("ratios").at(0).at("met").as_bool(), false);
}

TEST(BenchReport, ThePictureHasALineAndANameForEachStage) {
  const auto svg = svg_of(report());
  EXPECT_THAT(svg, testing::StartsWith("<svg"));
  EXPECT_THAT(svg, testing::EndsWith("</svg>\n"));
  for (const auto* name : {"post", "prechain", "single"})
    EXPECT_THAT(svg, HasSubstr(">" + std::string(name) + "</text>"));
  std::size_t lines = 0;
  for (auto at = svg.find("<polyline"); at != std::string::npos; at = svg.find("<polyline", at + 1)) ++lines;
  EXPECT_EQ(lines, 3U);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

}  // namespace
}  // namespace sep::app
