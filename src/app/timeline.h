#pragma once
// Events and documents as lines for a person. Pure.
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"

namespace sep::app {

/// "2501.12" -> "2,501.12"; anything that is no plain decimal stays as it is.
std::string with_thousands(std::string_view decimal);

/// "0.0104" -> "1.04 %".
std::string as_percent(std::string_view ratio);
/// As as_percent, cut after four decimals: for what was measured, not for limits.
std::string about_percent(std::string_view ratio);

/// Tells an intent's events one by one, in order.
class Timeline {
 public:
  /// "12:01:02.345  +   3 ms  plan.created         swap up to 2,512.4 USDC …": the milliseconds since the
  /// event before. An event of unknown shape is told by its topic alone.
  std::string line(const json::object& envelope);
  /// After the terminal event: how the intent ended, as a sentence ("Bought 1 WETH for 2,501.12 USDC, …").
  const std::optional<std::string>& ending() const { return ending_; }
  /// Whether it ended with a fill.
  bool filled() const { return filled_; }

 private:
  std::string describe(std::string_view topic, const json::object& payload);

  json::object intent_;
  std::optional<Timestamp> last_;
  std::optional<std::string> ending_;
  bool filled_ = false;
};

/// "acquire 1 WETH with USDC, at most 1 % slippage, within 300 s".
std::string describe_intent(const json::object& intent);

}  // namespace sep::app
