#include "app/timeline.h"

#include <algorithm>

#include <fmt/format.h>

namespace sep::app {
namespace {

/// One member on the way down; a null value where the path leads nowhere.
const json::value& at(const json::value& value, std::string_view key) {
  static const json::value kNothing;
  const auto* object = value.if_object();
  const auto* found = object != nullptr ? object->if_contains(key) : nullptr;
  return found != nullptr ? *found : kNothing;
}

std::string text(const json::value& value) {
  if (value.is_null()) return "?";
  return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
}

std::string amount_of(const json::value& amount, const json::value& asset) {
  return with_thousands(text(amount)) + " " + text(at(asset, "symbol"));
}

std::string symbol(const json::object& intent, std::size_t index) {
  const auto assets = get_array(intent, "assets");
  return assets && assets->size() > index ? text(at(assets->at(index), "symbol")) : "?";
}

bool acquires(const json::object& intent) {
  return string_or(intent, "intent_type") == "acquire";
}
std::string symbol_in(const json::object& intent) {
  return symbol(intent, acquires(intent) ? 1 : 0);
}
std::string symbol_out(const json::object& intent) {
  return symbol(intent, acquires(intent) ? 0 : 1);
}

std::string describe_plan(const json::object& payload) {
  std::string result;
  const auto steps = get_array(payload, "steps");
  for (const auto& step : steps ? *steps : json::array{}) {
    if (text(at(step, "kind")) == "approve") {
      result += fmt::format("approve {}, then ", amount_of(at(step, "amount"), at(step, "token")));
    } else if (text(at(step, "swap_kind")) == "exact_output") {
      result +=
          fmt::format("swap at most {} for {}", amount_of(at(step, "max_amount_in"), at(step, "token_in")),
                      amount_of(at(step, "amount_out"), at(step, "token_out")));
      result += fmt::format(" (quoted {})", with_thousands(text(at(step, "amount_in"))));
    } else {
      result += fmt::format("swap {} for at least {}", amount_of(at(step, "amount_in"), at(step, "token_in")),
                            amount_of(at(step, "min_amount_out"), at(step, "token_out")));
      result += fmt::format(" (quoted {})", with_thousands(text(at(step, "amount_out"))));
    }
    if (const auto& impact = at(step, "price_impact"); impact.is_string())
      result += fmt::format(", price impact {}", about_percent(impact.as_string()));
  }
  const json::value all(payload);
  const auto& cost = at(all, "estimatedCost");
  if (cost.is_object()) result += fmt::format(", gas about {} USD", text(at(cost, "gas_usd")));
  return result;
}

std::string reason_of(const json::object& payload) {
  const auto reason = string_or(payload, "reason");
  const auto detail = string_or(payload, "detail");
  if (reason.empty()) return detail;
  return detail.empty() ? reason : reason + ": " + detail;
}

std::string clock_of(std::string_view timestamp) {
  const auto t = timestamp.find('T');
  return t == std::string_view::npos ? std::string(timestamp) : std::string(timestamp.substr(t + 1, 12));
}

}  // namespace

std::string with_thousands(std::string_view decimal) {
  const std::string_view digits = decimal.substr(0, decimal.find('.'));
  const bool negative = digits.starts_with('-');
  const std::string_view plain = digits.substr(negative ? 1 : 0);
  if (plain.empty() || !std::ranges::all_of(plain, [](char c) { return c >= '0' && c <= '9'; }))
    return std::string(decimal);
  std::string result = negative ? "-" : "";
  for (std::size_t i = 0; i < plain.size(); ++i) {
    if (i != 0 && (plain.size() - i) % 3 == 0) result += ',';
    result += plain[i];
  }
  return result + std::string(decimal.substr(digits.size()));
}

std::string as_percent(std::string_view ratio) {
  const auto dot = ratio.find('.');
  std::string whole(ratio.substr(0, dot));
  std::string fraction(dot == std::string_view::npos ? std::string_view{} : ratio.substr(dot + 1));
  fraction.resize(std::max<std::size_t>(fraction.size(), 2), '0');
  whole += fraction.substr(0, 2);
  fraction.erase(0, 2);
  while (whole.size() > 1 && whole.front() == '0') whole.erase(0, 1);
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  return whole + (fraction.empty() ? "" : "." + fraction) + " %";
}

std::string about_percent(std::string_view ratio) {
  constexpr std::size_t kDecimals = 6;  // of the ratio: four of the percentage
  const auto dot = ratio.find('.');
  return as_percent(dot == std::string_view::npos ? ratio : ratio.substr(0, dot + 1 + kDecimals));
}

std::string describe_intent(const json::object& intent) {
  const auto constraints = get_object(intent, "constraints").value_or(json::object{});
  const json::value limits(constraints);
  return fmt::format("{} {} {} {} {}, at most {} slippage, within {} s",
                     string_or(intent, "intent_type", "?"), with_thousands(string_or(intent, "amount", "?")),
                     symbol(intent, 0), acquires(intent) ? "with" : "for", symbol(intent, 1),
                     as_percent(string_or(constraints, "max_slippage", "?")),
                     text(at(limits, "time_window")));
}

std::string Timeline::describe(std::string_view topic, const json::object& payload) {
  const json::value all(payload);
  const auto member = [&](std::string_view key) { return text(at(all, key)); };
  if (topic == "intent.submitted") {
    intent_ = get_object(payload, "intent").value_or(json::object{});
    return describe_intent(intent_);
  }
  if (topic == "risk.approved")
    return fmt::format("worth {} USD, {} checks passed", with_thousands(member("notionalUsd")),
                       get_array(payload, "checks").value_or(json::array{}).size());
  if (topic == "plan.created") return describe_plan(payload);
  if (topic == "exec.step_prepared" || topic == "exec.step_submitted")
    return fmt::format("{}, nonce {}, attempt {}, transaction {}", member("kind"), member("nonce"),
                       member("attempt"), member("txHash"));
  if (topic == "exec.step_filled") {
    if (member("amountIn") == "0" && member("amountOut") == "0")
      return fmt::format("approved in block {}, gas {}", member("blockNumber"),
                         with_thousands(member("gasUsed")));
    if (string_or(payload, "txHash").empty())
      return fmt::format("{} {} for {} {} on paper, at the prices of block {}",
                         with_thousands(member("amountIn")), symbol_in(intent_),
                         with_thousands(member("amountOut")), symbol_out(intent_), member("blockNumber"));
    return fmt::format("{} {} for {} {} in block {}, gas {}", with_thousands(member("amountIn")),
                       symbol_in(intent_), with_thousands(member("amountOut")), symbol_out(intent_),
                       member("blockNumber"), with_thousands(member("gasUsed")));
  }
  if (topic == "exec.step_reorged")
    return fmt::format("transaction {} left the chain again", member("txHash"));
  if (topic == "exec.completed") {
    std::string criteria;
    for (const auto& criterion : get_array(payload, "criteria").value_or(json::array{}))
      criteria +=
          fmt::format("{}{} {} ({})", criteria.empty() ? "" : ", ", text(at(criterion, "metric")),
                      at(criterion, "met").is_bool() && at(criterion, "met").as_bool() ? "met" : "not met",
                      text(at(criterion, "actual")));
    return criteria;
  }
  if (topic.starts_with("control.") || topic.starts_with("signer."))
    return fmt::format("by {}, {}", member("by"), reason_of(payload));
  return reason_of(payload);
}

std::string Timeline::line(const json::object& envelope) {
  const auto topic = string_or(envelope, "topic", "?");
  const auto payload = get_object(envelope, "payload").value_or(json::object{});
  const auto timestamp = string_or(envelope, "timestamp");
  const auto description = describe(topic, payload);
  const auto time = parse_rfc3339(timestamp);
  const std::int64_t passed = time && last_ ? time->ms - last_->ms : 0;
  if (time) last_ = *time;

  const json::value all(payload);
  if (topic == "exec.completed") {
    filled_ = true;
    const auto hash = string_or(payload, "txHash");
    ending_ = fmt::format(
        "{} {} {} for {} {}, {}", acquires(intent_) ? "Bought" : "Sold",
        with_thousands(text(at(all, acquires(intent_) ? "amountOut" : "amountIn"))), symbol(intent_, 0),
        with_thousands(text(at(all, acquires(intent_) ? "amountIn" : "amountOut"))), symbol(intent_, 1),
        hash.empty() ? std::string("on paper")
                     : fmt::format("gas {} USD, transaction {}", text(at(all, "gasCostUsd")), hash));
  } else if (topic == "risk.rejected" || topic == "plan.rejected" || topic == "exec.failed") {
    const auto what = topic == "risk.rejected"   ? "Rejected by risk. "
                      : topic == "plan.rejected" ? "No plan. "
                                                 : "Failed. ";
    ending_ = what + description;
  } else if (topic == "intent.expired") {
    ending_ = "Expired. " + description;
  } else if (topic == "intent.cancelled") {
    ending_ = "Cancelled.";
  }
  if (description.empty()) return fmt::format("{}  +{:>6} ms  {}", clock_of(timestamp), passed, topic);
  return fmt::format("{}  +{:>6} ms  {:<20} {}", clock_of(timestamp), passed, topic, description);
}

}  // namespace sep::app
