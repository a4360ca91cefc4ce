// The body of POST /intents: JSON, schema, meaning.
#include "fuzz/fuzz.h"

#include "base/decimal.h"
#include "engine/intent.h"
#include "engine/test_support.h"
#include "gateway/validation.h"

namespace sep {
namespace {

engine::ChainSettings chain() {
  engine::ChainSettings settings;
  settings.chain_id = 31337;
  settings.tokens = {engine::test::kDai, engine::test::kUsdc, engine::test::kWbtc, engine::test::kWeth};
  return settings;
}

void expect_points_into(const json::value& document, std::string_view pointer, std::string_view code) {
  boost::system::error_code error;
  const bool there = document.find_pointer(pointer, error) != nullptr;
  SEP_ASSERT(there != (code == errc::kMissingField));
}

void expect_guarantees(const engine::Intent& intent) {
  SEP_ASSERT(intent.base.address != intent.quote.address);
  SEP_ASSERT(!intent.amount.is_zero());
  SEP_ASSERT(intent.max_slippage_wad < Uint256(kWad));
  SEP_ASSERT(intent.time_window_s >= 1 && intent.time_window_s <= engine::kMaxTimeWindowSeconds);
}

}  // namespace

FUZZ_TARGET(data) {
  static const auto kChain = chain();
  const auto parsed = parse_json(fuzz::text_of(data));
  if (!parsed) {
    SEP_ASSERT(parsed.error().code == errc::kMalformedJson);
    return fuzz::expect_said(parsed.error());
  }
  const auto canonical = canonical_json(*parsed);
  SEP_ASSERT(canonical_json(parse_json(canonical).value()) == canonical);

  const auto faults = gateway::validate(gateway::schema::kIntent, *parsed);
  for (const auto& fault : faults) {
    SEP_ASSERT(!fault.code.empty() && !fault.message.empty());
    expect_points_into(*parsed, fault.pointer, fault.code);
  }
  if (!parsed->is_object()) {
    SEP_ASSERT(!faults.empty());
    return;
  }
  const auto intent = engine::parse_intent(parsed->get_object(), kChain);
  if (intent) {
    // The meaning is never laxer than the schema.
    if (faults.empty()) expect_guarantees(*intent);
    return;
  }
  SEP_ASSERT(!intent.error().empty());
  for (const auto& error : intent.error()) fuzz::expect_said(error);
}

}  // namespace sep
