#include "gateway/negotiation.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <boost/algorithm/string/predicate.hpp>
#include <zlib.h>

#include "base/result.h"

namespace sep::gateway {
namespace {

constexpr int kGzipLevel = 2;         // of 9: most of what there is to gain, at about 10 ns a byte
constexpr int kGzipWindow = 15 + 16;  // zlib's window of 32 KiB; 16 more means gzip's framing
constexpr int kGzipMemory = 8;        // zlib's default
constexpr unsigned kWholeQuality = 1000;

std::string_view trimmed(std::string_view text) {
  constexpr auto kSpace = " \t";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// Cuts off what stands before the next `separator`, trimmed.
std::string_view take(std::string_view& text, char separator) {
  const auto at = text.find(separator);
  const auto token = trimmed(text.substr(0, at));
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return token;
}

/// "0.25" in thousandths; nothing for what is no quality (RFC 9110, 12.4.2).
std::optional<unsigned> parse_quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  unsigned value = static_cast<unsigned>(text[0] - '0') * kWholeQuality;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  unsigned weight = 100;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (c < '0' || c > '9') return std::nullopt;
    value += static_cast<unsigned>(c - '0') * weight;
    weight /= 10;
  }
  if (value > kWholeQuality) return std::nullopt;
  return value;
}

struct Preference {
  std::string_view name;
  unsigned quality = kWholeQuality;  // thousandths; 0: refused
};

/// The next of "br;q=1, gzip;q=0.5", other parameters left out. Nothing where its quality is malformed.
std::optional<Preference> take_preference(std::string_view& list) {
  auto element = take(list, ',');
  Preference preference{.name = take(element, ';')};
  while (!element.empty()) {
    auto parameter = take(element, ';');
    if (!boost::iequals(take(parameter, '='), "q")) continue;
    const auto quality = parse_quality(trimmed(parameter));
    if (!quality) return std::nullopt;
    preference.quality = *quality;
  }
  return preference;
}

constexpr std::array kNames = {std::string_view("identity"), std::string_view("gzip"),
                               std::string_view("br")};

std::optional<std::size_t> parse_number(std::string_view text) {
  std::size_t value = 0;
  const auto read = std::from_chars(text.begin(), text.end(), value);
  if (read.ec != std::errc() || read.ptr != text.end()) return std::nullopt;
  return value;
}

}  // namespace

std::string_view to_string(Encoding encoding) {
  return kNames[static_cast<std::size_t>(encoding)];
}

std::optional<Encoding> parse_encoding(std::string_view text) {
  if (boost::iequals(text, "x-gzip")) return Encoding::kGzip;
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (boost::iequals(text, kNames[i])) return static_cast<Encoding>(i);
  return std::nullopt;
}

Encoding choose_encoding(std::string_view accept_encoding, std::span<const Encoding> available) {
  std::array<std::optional<unsigned>, kNames.size()> named{};
  std::optional<unsigned> any;
  while (!accept_encoding.empty()) {
    const auto preference = take_preference(accept_encoding);
    if (!preference) continue;
    if (preference->name == "*") any = preference->quality;
    if (const auto encoding = parse_encoding(preference->name))
      named[static_cast<std::size_t>(*encoding)] = preference->quality;
  }
  // Identity that is not named is allowed, and liked less than what is.
  auto best = Encoding::kIdentity;
  unsigned best_quality = named[0].value_or(0);
  for (const auto encoding : available) {
    const auto quality = named[static_cast<std::size_t>(encoding)].value_or(any.value_or(0));
    if (quality == 0 || quality < best_quality || (quality == best_quality && encoding < best)) continue;
    best = encoding;
    best_quality = quality;
  }
  return best;
}

bool accepts_html(std::string_view accept) {
  while (!accept.empty()) {
    const auto preference = take_preference(accept);
    if (preference && boost::iequals(preference->name, "text/html")) return preference->quality > 0;
  }
  return false;
}

std::string encoded_etag(std::string_view etag, Encoding encoding) {
  if (encoding == Encoding::kIdentity) return std::string(etag);
  return std::string(etag.substr(0, etag.size() - 1)) + "-" + std::string(to_string(encoding)) + "\"";
}

bool if_none_match(std::string_view header, std::string_view etag) {
  if (trimmed(header) == "*") return true;
  // Not parted at commas: an entity tag may hold one.
  while (true) {
    const auto begin = header.find('"');
    if (begin == std::string_view::npos) return false;
    const auto end = header.find('"', begin + 1);
    if (end == std::string_view::npos) return false;
    if (header.substr(begin, end + 1 - begin) == etag) return true;
    header = header.substr(end + 1);
  }
}

bool if_range(std::string_view header, std::string_view etag) {
  return header.empty() || trimmed(header) == etag;
}

Range parse_range(std::string_view header, std::size_t size) {
  const auto unit = take(header, '=');
  if (!boost::iequals(unit, "bytes") || header.find(',') != std::string_view::npos) return WholeBody{};
  const auto dash = header.find('-');
  if (dash == std::string_view::npos) return WholeBody{};
  const auto from = trimmed(header.substr(0, dash));
  const auto to = trimmed(header.substr(dash + 1));
  if (from.empty()) {  // the last so many bytes
    const auto length = parse_number(to);
    if (!length) return WholeBody{};
    if (*length == 0 || size == 0) return NoSuchPart{};
    return BodyPart{size - std::min(*length, size), std::min(*length, size)};
  }
  const auto first = parse_number(from);
  const auto last = to.empty() ? std::optional(size) : parse_number(to);
  if (!first || !last || (!to.empty() && *last < *first)) return WholeBody{};
  if (*first >= size) return NoSuchPart{};
  return BodyPart{*first, std::min(*last, size - 1) - *first + 1};
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  SEP_ASSERT(deflateInit2(&stream, kGzipLevel, Z_DEFLATED, kGzipWindow, kGzipMemory, Z_DEFAULT_STRATEGY) ==
             Z_OK);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib does not write to it
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  SEP_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

}  // namespace sep::gateway
