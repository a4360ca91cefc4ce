#pragma once
// What happened when: counts and values by the minute and by the hour, and the windows that GET /stats shows
// of them.
//
// Entry points: bucket_keys() and apply_to_bucket() for the projection, which keeps the buckets as documents;
// window_keys(), previous_window_keys() and window_json() for whoever shows a window. Invariants
//  1. A bucket is a fold like every document of engine/projection.h: equal events, equal bucket; no clock.
//  2. An event counts in the minute and in the hour (UTC) of its own timestamp. Only intent.submitted and the
//     events that end an intent count.
//  3. A bucket holds only members that are not zero: counts "submitted", "completed", "failed", "rejected",
//     "expired", "cancelled"; "value_usd"; "quote_gain_usd"; "settle_ms". Without any event there is none.
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "engine/envelope.h"

namespace sep::engine {

/// The keys of the two buckets of a time: "stats:minute:2026-11-22T23:05" and "stats:hour:2026-11-22T23".
std::array<std::string, 2> bucket_keys(Timestamp time);

/// The bucket (empty: none yet) after an event that led to the view `intent`. It changes where the event
/// submitted the intent or ended it. Of a completed one
///   value_usd       sums what risk valued it at,
///   quote_gain_usd  sums notional · (quoted − paid) / quoted for an acquisition and
///                   notional · (received − quoted) / quoted for a disposal, each rounded down (towards less
///                   gain) to 10^-6 USD; one without a notional or a quote adds nothing,
///   settle_ms       counts, by upper bound, the durations from submission to completion. Bounds above 15 ms
///                   are the numbers 8·2^k, 9·2^k, … 16·2^k, so that each is less than 12.5 % above what it
///                   stands for.
json::object apply_to_bucket(json::object bucket, const json::object& intent, const Envelope& event);

enum class StatsWindow { k15Minutes, k1Hour, k24Hours, k7Days };

/// "15m", "1h", "24h", "7d".
std::optional<StatsWindow> parse_stats_window(std::string_view text);

/// The window's buckets, oldest first; the last one is the bucket of `now`. 15 and 60 minutes, 24 and 168
/// hours.
std::vector<std::string> window_keys(StatsWindow window, Timestamp now);
/// As many before them.
std::vector<std::string> previous_window_keys(StatsWindow window, Timestamp now);

/// `window` of schema/api/stats.schema.json. `buckets` are the documents of window_keys(), `previous` of
/// previous_window_keys(), of the same `now`; nothing where there is none. Seven days are shown as 28 buckets
/// of 6 hours, the other windows one for one.
json::object window_json(StatsWindow window, Timestamp now,
                         std::span<const std::optional<json::object>> buckets,
                         std::span<const std::optional<json::object>> previous);

}  // namespace sep::engine
