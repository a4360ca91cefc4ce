#include "base/clock.h"

#include <chrono>

namespace sep {

std::string to_rfc3339(Timestamp time) {
  using namespace std::chrono;
  const sys_time<milliseconds> point{milliseconds{time.ms}};
  const auto day = floor<days>(point);
  const year_month_day date{day};
  const hh_mm_ss clock{point - day};
  std::string text = "0000-00-00T00:00:00.000Z";
  const auto write = [&](std::size_t at, std::size_t digits, std::int64_t value) {
    for (; digits > 0; --digits, value /= 10) text[at + digits - 1] = static_cast<char>('0' + value % 10);
  };
  write(0, 4, static_cast<int>(date.year()));
  write(5, 2, static_cast<unsigned>(date.month()));
  write(8, 2, static_cast<unsigned>(date.day()));
  write(11, 2, clock.hours().count());
  write(14, 2, clock.minutes().count());
  write(17, 2, clock.seconds().count());
  write(20, 3, clock.subseconds().count());
  return text;
}

Result<Timestamp> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  const auto malformed = [&] {
    return fail(errc::kInvalidValue, "not a time of the form 2026-08-21T19:26:00.000Z: " + std::string(text));
  };
  constexpr std::string_view kForm = "0000-00-00T00:00:00.000Z";
  if (text.size() != kForm.size()) return malformed();
  bool as_formed = text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':' &&
                   text[16] == ':' && text[19] == '.' && text[23] == 'Z';
  const auto number = [&](std::size_t at, std::size_t length) {
    unsigned value = 0;
    for (const char c : text.substr(at, length)) {
      as_formed &= c >= '0' && c <= '9';
      value = 10 * value + static_cast<unsigned>(c - '0');
    }
    return value;
  };
  const year_month_day date{year{static_cast<int>(number(0, 4))}, month{number(5, 2)}, day{number(8, 2)}};
  const auto hour = number(11, 2);
  const auto minute = number(14, 2);
  const auto second = number(17, 2);
  const auto ms = number(20, 3);
  if (!as_formed || !date.ok() || hour > 23 || minute > 59 || second > 59) return malformed();
  const auto point = sys_days{date} + hours{hour} + minutes{minute} + seconds{second} + milliseconds{ms};
  return Timestamp{duration_cast<milliseconds>(point.time_since_epoch()).count()};
}

}  // namespace sep
