// Micro-benchmarks of what happens to the body of a POST /intents before anything is appended: JSON, schema,
// meaning.
#include "gateway/validation.h"

#include "intent_case.h"
#include <benchmark/benchmark.h>

namespace sep::bench {
namespace {

void BM_ParseJson(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(parse_json(kIntentBody));
}
BENCHMARK(BM_ParseJson);

void BM_Schema(benchmark::State& state) {
  const auto document = parse_json(kIntentBody).value();
  for (auto _ : state) benchmark::DoNotOptimize(gateway::validate(gateway::schema::kIntent, document));
}
BENCHMARK(BM_Schema);

void BM_ParseIntent(benchmark::State& state) {
  const auto document = parse_json(kIntentBody).value();
  const auto chain = ethereum();
  for (auto _ : state) benchmark::DoNotOptimize(engine::parse_intent(document.as_object(), chain));
}
BENCHMARK(BM_ParseIntent);

void BM_Validation(benchmark::State& state) {
  const auto chain = ethereum();
  for (auto _ : state) {
    const auto document = parse_json(kIntentBody);
    SEP_ASSERT(document.has_value());
    SEP_ASSERT(gateway::validate(gateway::schema::kIntent, *document).empty());
    SEP_ASSERT(engine::parse_intent(document->as_object(), chain).has_value());
  }
}
BENCHMARK(BM_Validation);

}  // namespace
}  // namespace sep::bench
