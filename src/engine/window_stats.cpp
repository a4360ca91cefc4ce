#include "engine/window_stats.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <map>
#include <utility>

#include "engine/document.h"
#include "engine/lifecycle.h"

namespace sep::engine {
namespace {

using namespace document;

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::int64_t kHourMs = 60 * kMinuteMs;

/// How a window is put together.
struct Shape {
  std::string_view name;
  std::int64_t stored_ms;       // length of a bucket that is kept
  std::int64_t stored_count;    // of them in the window
  std::int64_t stored_a_shown;  // of them in a bucket that is shown
};

constexpr std::array<Shape, 4> kShapes = {{
    {"15m", kMinuteMs, 15, 1},
    {"1h", kMinuteMs, 60, 1},
    {"24h", kHourMs, 24, 1},
    {"7d", kHourMs, 7 * 24, 6},
}};
const Shape& shape_of(StatsWindow window) {
  return kShapes[static_cast<std::size_t>(window)];
}

std::string key_of(std::int64_t length_ms, Timestamp time) {
  const auto text = to_rfc3339(time);
  return length_ms == kMinuteMs
             ? "stats:minute:" + text.substr(0, std::string_view("2026-11-22T23:05").size())
             : "stats:hour:" + text.substr(0, std::string_view("2026-11-22T23").size());
}

Timestamp start_of(const Shape& shape, Timestamp now) {
  const auto last = now.ms - now.ms % shape.stored_ms;
  return {last - (shape.stored_count - 1) * shape.stored_ms};
}

std::vector<std::string> keys_from(const Shape& shape, Timestamp first) {
  std::vector<std::string> keys;
  for (std::int64_t i = 0; i < shape.stored_count; ++i)
    keys.push_back(key_of(shape.stored_ms, first.plus_ms(i * shape.stored_ms)));
  return keys;
}

// --- one bucket
// ---------------------------------------------------------------------------------------------------

constexpr std::array<std::string_view, 6> kCounts = {"submitted", "completed", "failed",
                                                     "rejected",  "expired",   "cancelled"};

/// The count that an intent in this state went into last.
std::optional<std::string_view> count_of(State state) {
  switch (state) {
    case State::kSubmitted:
      return "submitted";
    case State::kCompleted:
      return "completed";
    case State::kFailed:
      return "failed";
    case State::kRiskRejected:
    case State::kPlanRejected:
      return "rejected";
    case State::kExpired:
      return "expired";
    case State::kCancelled:
      return "cancelled";
    case State::kAccepted:
    case State::kPlanned:
    case State::kExecuting:
      return std::nullopt;
  }
  std::unreachable();
}

void add_count(json::object& bucket, std::string_view key, std::uint64_t more) {
  if (more > 0) bucket[key] = uint_or(bucket, key) + more;
}
void add_usd(json::object& bucket, std::string_view key, const Signed& more) {
  const auto sum = add(parse_signed(find_string(bucket, key), kUsdDecimals), more);
  if (sum.magnitude.is_zero())
    bucket.erase(key);
  else
    bucket[key] = format_signed(sum, kUsdDecimals);
}

/// Adds what one bucket holds to another.
void merge(json::object& sum, const json::object& bucket) {
  for (const auto key : kCounts) add_count(sum, key, uint_or(bucket, key));
  for (const std::string_view key : {"value_usd", "quote_gain_usd"})
    add_usd(sum, key, parse_signed(find_string(bucket, key), kUsdDecimals));
  if (const auto* durations = find_object(bucket, "settle_ms"))
    for (const auto& [bound, count] : *durations)
      add_count(object_in(sum, "settle_ms"), bound, uint_or(*durations, bound));
}

// --- of a completed intent
// ----------------------------------------------------------------------------------------

/// The smallest bound that is not below the duration.
std::uint64_t bound_of(std::uint64_t ms) {
  const auto bits = static_cast<unsigned>(std::bit_width(ms));
  const unsigned shift = bits > 4 ? bits - 4 : 0;  // leaves 8 to 15
  const auto step = std::uint64_t{1} << shift;
  return (ms + step - 1) >> shift << shift;
}

std::optional<std::uint64_t> settle_ms(const json::object& intent, const Envelope& event) {
  const auto received = parse_rfc3339(find_string(intent, "received_at"));
  if (!received) return std::nullopt;
  // A clock that stepped back must not give a negative duration.
  return static_cast<std::uint64_t>(std::max<std::int64_t>(event.timestamp.ms - received->ms, 0));
}

/// Decimals of the token that is paid by an acquisition and received by a disposal.
std::optional<unsigned> quote_decimals(const json::object& document) {
  const auto* assets = find_array(document, "assets");
  if (assets == nullptr || assets->size() != 2 || !(*assets)[1].is_object()) return std::nullopt;
  return decimals_of((*assets)[1].get_object());
}

/// In 10^-6 USD.
std::optional<Signed> quote_gain(const json::object& intent) {
  const auto* document = find_object(intent, "intent");
  const auto* summary = find_object(intent, "summary");
  const auto decimals = document != nullptr ? quote_decimals(*document) : std::nullopt;
  if (!decimals || summary == nullptr) return std::nullopt;
  const bool acquires = find_string(*document, "intent_type") == "acquire";
  const auto quoted = parse_decimal(find_string(*summary, "quoted"), *decimals);
  const auto filled = parse_decimal(find_string(*summary, acquires ? "amount_in" : "amount_out"), *decimals);
  if (!quoted || quoted->is_zero() || !filled) return std::nullopt;
  const auto better = acquires ? difference(*quoted, *filled) : difference(*filled, *quoted);
  const auto notional = usd(*summary, "notional_usd");
  const auto gain = better.negative ? mul_div_rounding_up(notional, better.magnitude, *quoted)
                                    : mul_div(notional, better.magnitude, *quoted);
  if (!gain) return std::nullopt;
  return Signed{*gain, better.negative};
}

void add_completed(json::object& bucket, const json::object& intent, const Envelope& event) {
  const auto* summary = find_object(intent, "summary");
  add_usd(bucket, "value_usd", {summary == nullptr ? Uint256() : usd(*summary, "notional_usd"), false});
  if (const auto gain = quote_gain(intent)) add_usd(bucket, "quote_gain_usd", *gain);
  if (const auto ms = settle_ms(intent, event))
    add_count(object_in(bucket, "settle_ms"), std::to_string(bound_of(*ms)), 1);
}

// --- what is shown
// ------------------------------------------------------------------------------------------------

json::object shown(const json::object& bucket, Timestamp start) {
  json::object out{{"start", to_rfc3339(start)}};
  for (const auto key : kCounts) out[key] = uint_or(bucket, key);
  for (const std::string_view key : {"value_usd", "quote_gain_usd"}) out[key] = string_or(bucket, key, "0");
  return out;
}

json::object settle_percentiles(const json::object& totals) {
  std::map<std::uint64_t, std::uint64_t> counts;  // by bound
  std::uint64_t count = 0;
  if (const auto* durations = find_object(totals, "settle_ms")) {
    for (const auto& [text, member] : *durations) {
      std::uint64_t bound = 0;
      std::from_chars(text.data(), text.data() + text.size(), bound);
      const auto more = uint_or(*durations, text);
      counts[bound] += more;
      count += more;
    }
  }
  const auto percentile = [&](std::uint64_t percent) -> std::uint64_t {
    const auto rank = (count * percent + 99) / 100;
    std::uint64_t seen = 0;
    for (const auto& [bound, more] : counts) {
      seen += more;
      if (seen >= rank) return bound;
    }
    return 0;
  };
  return {{"count", count}, {"p50", percentile(50)}, {"p95", percentile(95)}};
}

}  // namespace

std::array<std::string, 2> bucket_keys(Timestamp time) {
  return {key_of(kMinuteMs, time), key_of(kHourMs, time)};
}

json::object apply_to_bucket(json::object bucket, const json::object& intent, const Envelope& event) {
  const auto state = parse_state(find_string(intent, "state"));
  const auto count = state ? count_of(*state) : std::nullopt;
  if (!count) return bucket;
  add_count(bucket, *count, 1);
  if (*state == State::kCompleted) add_completed(bucket, intent, event);
  return bucket;
}

std::optional<StatsWindow> parse_stats_window(std::string_view text) {
  const auto* found = std::ranges::find(kShapes, text, &Shape::name);
  if (found == kShapes.end()) return std::nullopt;
  return static_cast<StatsWindow>(found - kShapes.begin());
}

std::vector<std::string> window_keys(StatsWindow window, Timestamp now) {
  const auto& shape = shape_of(window);
  return keys_from(shape, start_of(shape, now));
}

std::vector<std::string> previous_window_keys(StatsWindow window, Timestamp now) {
  const auto& shape = shape_of(window);
  return keys_from(shape, start_of(shape, now).plus_ms(-shape.stored_count * shape.stored_ms));
}

json::object window_json(StatsWindow window, Timestamp now,
                         std::span<const std::optional<json::object>> buckets,
                         std::span<const std::optional<json::object>> previous) {
  const auto& shape = shape_of(window);
  const auto stored_count = static_cast<std::size_t>(shape.stored_count);
  SEP_ASSERT(buckets.size() == stored_count && previous.size() == stored_count);
  const auto start = start_of(shape, now);
  const auto shown_ms = shape.stored_ms * shape.stored_a_shown;

  json::object totals;
  json::array shown_buckets;
  const auto group = static_cast<std::size_t>(shape.stored_a_shown);
  for (std::size_t at = 0; at < stored_count; at += group) {
    json::object sum;
    for (const auto& bucket : buckets.subspan(at, group))
      if (bucket) merge(sum, *bucket);
    merge(totals, sum);
    shown_buckets.push_back(shown(sum, start.plus_ms(static_cast<std::int64_t>(at) * shape.stored_ms)));
  }
  std::uint64_t previous_submitted = 0;
  for (const auto& bucket : previous)
    if (bucket) previous_submitted += uint_or(*bucket, "submitted");

  return {{"name", shape.name},
          {"from", to_rfc3339(start)},
          {"to", to_rfc3339(start.plus_ms(shape.stored_count * shape.stored_ms))},
          {"bucket_seconds", shown_ms / 1000},
          {"totals", shown(totals, start)},
          {"previous_submitted", previous_submitted},
          {"settle_ms", settle_percentiles(totals)},
          {"buckets", std::move(shown_buckets)}};
}

}  // namespace sep::engine
