// One operation at a time, for counting its instructions: `make bench-check`.
//   bench_counted            lists the cases
//   bench_counted NAME       prepares the case, runs it once to load what is loaded once, and then once
//   counted
// tools/bench_check.sh runs it under callgrind, which counts inside `counted` alone (--toggle-collect).
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "intent_case.h"
#include "pricing_cases.h"

#include "engine/projection.h"
#include "engine/sample_lives.h"
#include "gateway/validation.h"
#include "uniswap/swap_math.h"

namespace {

/// The name that callgrind waits for; kept a real call.
extern "C" [[gnu::noinline]] void counted(const std::function<void()>& operation) {
  operation();
  asm volatile("" ::: "memory");
}

}  // namespace

namespace sep::bench {
namespace {

using namespace uniswap;

template <class T>
void use(const T& value) {
  asm volatile("" ::"r"(&value) : "memory");
}

using Operations = std::vector<std::pair<std::string, std::function<void()>>>;

void add_arithmetic(Operations& list) {
  list.emplace_back("mul_div/256x256_by_256", [] {
    use(mul_div(Uint256::from_limbs({1, 2, 3, 0x1234567812345678}),
                Uint256::from_limbs({~0ULL, 5, 6, 0x0234567812345678}),
                Uint256::from_limbs({7, ~0ULL, 8, 0x7fffffffffffffff})));
  });
  list.emplace_back("price_of_tick/below_zero", [] { use(sqrt_ratio_at_tick(-198'080)); });
  list.emplace_back("price_of_tick/above_zero", [] { use(sqrt_ratio_at_tick(198'080)); });
  const Uint256 price = sqrt_ratio_at_tick(198'080) + 123'456'789;
  list.emplace_back("tick_of_price", [price] { use(tick_at_sqrt_ratio(price)); });
}

void add_quotes(Operations& list, const std::vector<Case>& cases) {
  for (const Case& swap : cases) {
    list.emplace_back("quote/" + swap.name,
                      [&swap] { use(quote(*swap.pool, swap.direction, swap.kind, swap.amount)); });
    list.emplace_back("exchange/" + swap.name,
                      [&swap] { use(swap.pool->exchange(swap.direction, swap.kind, swap.amount)); });
  }
}

void add_changes(Operations& list, const Pool& pool) {
  list.emplace_back("load/synthetic_500", [&pool] { use(Pool::create(pool.state())); });
  list.emplace_back("mint_burn_narrow/synthetic_500", [copy = pool]() mutable {
    SEP_ASSERT(copy.apply_mint(-180, 180, 1'000'000'000'000U).has_value());
    SEP_ASSERT(copy.apply_burn(-180, 180, 1'000'000'000'000U).has_value());
  });
}

void add_validation(Operations& list) {
  const auto document = parse_json(kIntentBody).value();
  list.emplace_back("validation/parse_json", [] { use(parse_json(kIntentBody)); });
  list.emplace_back("validation/schema",
                    [document] { use(gateway::validate(gateway::schema::kIntent, document)); });
  list.emplace_back("validation/parse_intent", [document, chain = ethereum()] {
    use(engine::parse_intent(document.as_object(), chain));
  });
}

/// The nine events of an intent into every document, and the documents' texts: each time the next one of the
/// list.
void add_fold(Operations& list) {
  struct State {
    std::vector<std::vector<engine::Envelope>> lives;
    std::size_t next = 0;
    engine::Projection projection{0, [](const std::string&) { return std::optional<json::object>(); }};
  };
  const auto state = std::make_shared<State>();
  engine::samples::Ids ids;
  std::uint64_t number = 0;
  for (int i = 0; i < 2; ++i) {
    state->lives.push_back(engine::samples::Life(ids, "demo", "acquire", "1").trade("2500", "1").events());
    for (auto& event : state->lives.back()) event.global_sequence = ++number;
  }
  list.emplace_back("record/fold_a_life", [state] {
    for (const auto& event : state->lives.at(state->next++))
      SEP_ASSERT(state->projection.apply(event).has_value());
    use(state->projection.take_changes());
  });
}

int run(int count, char** arguments) {
  // Synthetic pools only: the same on every machine.
  std::vector<Subject> pools;
  pools.push_back({"synthetic_500", synthetic_pool(500)});
  const auto swaps = cases(pools);
  Operations list;
  add_arithmetic(list);
  add_quotes(list, swaps);
  add_changes(list, pools[0].pool);
  add_validation(list);
  add_fold(list);
  for (auto& [name, operation] : list) {
    if (count < 2) {
      std::printf("%s\n", name.c_str());
    } else if (name == arguments[1]) {
      operation();
      counted(operation);
      return 0;
    }
  }
  if (count < 2) return 0;
  std::fprintf(stderr, "no case %s\n", arguments[1]);
  return 1;
}

}  // namespace
}  // namespace sep::bench

int main(int count, char** arguments) {
  return sep::bench::run(count, arguments);
}
