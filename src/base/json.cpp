#include "base/json.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

#include <boost/container/small_vector.hpp>
#include <fmt/format.h>

namespace sep {
namespace {

/// What a valid text shows that the value read from it does not.
struct Counts {
  std::size_t members = 0;     // names of members, with those that came twice
  bool unsafe_number = false;  // perhaps no integer of 64 bits, so that it was read as a double
};

/// The closing quote of the string that opens at `begin`.
std::size_t end_of_string(std::string_view text, std::size_t begin) {
  auto end = text.find('"', begin + 1);
  const auto escaped = [&] {
    auto first = end;
    while (text[first - 1] == '\\') --first;
    return (end - first) % 2 == 1;
  };
  while (escaped()) end = text.find('"', end + 1);
  return end;
}

Counts count(std::string_view text) {
  constexpr std::size_t kSafeDigits = 18;  // every integer of so many fits 64 bits
  Counts counts;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      i = end_of_string(text, i);
    } else if (c == ':') {
      ++counts.members;
    } else if (c >= '0' && c <= '9') {
      const auto end = std::min(text.find_first_not_of("0123456789", i), text.size());
      counts.unsafe_number |=
          end - i > kSafeDigits ||
          (end < text.size() && (text[end] == '.' || text[end] == 'e' || text[end] == 'E'));
      i = end - 1;
    }
  }
  return counts;
}

std::size_t members_of(const json::value& value) {
  std::size_t members = 0;
  if (const auto* array = value.if_array()) {
    for (const auto& element : *array) members += members_of(element);
  } else if (const auto* object = value.if_object()) {
    members = object->size();
    for (const auto& member : *object) members += members_of(member.value());
  }
  return members;
}

constexpr std::uint64_t kEach = 0x0101010101010101;  // of eight bytes

/// Whether one of eight bytes is below `limit`, which is at most 0x80. Alan Mycroft's test: subtracted from
/// each, the limit leaves a top bit where there was none; what is borrowed from the byte above shows only
/// where there is one below already.
constexpr bool any_below(std::uint64_t eight, std::uint64_t limit) {
  return ((eight - kEach * limit) & ~eight & kEach * 0x80) != 0;
}

/// Whether JSON writes a character of the text with a backslash: control characters, quotes and backslashes.
bool needs_escape(std::string_view text) {
  constexpr auto kBytes = sizeof(std::uint64_t);
  const auto among = [](std::uint64_t eight) {
    return any_below(eight, 0x20) || any_below(eight ^ kEach * '"', 1) || any_below(eight ^ kEach * '\\', 1);
  };
  const auto load = [&](std::size_t at, std::size_t size, std::uint64_t eight = 0) {
    std::memcpy(&eight, text.data() + at, size);
    return eight;
  };
  for (std::size_t at = 0; at + kBytes <= text.size(); at += kBytes)
    if (among(load(at, kBytes))) return true;
  const auto rest = text.size() % kBytes;
  if (rest == 0) return false;
  if (text.size() > kBytes) return among(load(text.size() - kBytes, kBytes));
  return among(load(0, rest, kEach * ' '));
}

void write_canonical(const json::value& value, std::string& out);

void write_canonical(const json::object& object, std::string& out) {
  boost::container::small_vector<const json::key_value_pair*, 32> members;
  for (const auto& member : object) members.push_back(&member);
  std::ranges::sort(members, {}, [](const auto* member) { return std::string_view(member->key()); });
  out += '{';
  for (const auto* member : members) {
    if (member != members.front()) out += ',';
    append_json_string(member->key(), out);
    out += ':';
    write_canonical(member->value(), out);
  }
  out += '}';
}

void write_canonical(const json::array& array, std::string& out) {
  out += '[';
  bool first = true;
  for (const auto& element : array) {
    if (!first) out += ',';
    first = false;
    write_canonical(element, out);
  }
  out += ']';
}

template <class Integer>
void write_integer(Integer value, std::string& out) {
  const fmt::format_int text(value);
  out.append(text.data(), text.size());
}

void write_canonical(const json::value& value, std::string& out) {
  switch (value.kind()) {
    case json::kind::object:
      return write_canonical(value.get_object(), out);
    case json::kind::array:
      return write_canonical(value.get_array(), out);
    case json::kind::string:
      return append_json_string(value.get_string(), out);
    case json::kind::uint64:
      return write_integer(value.get_uint64(), out);
    case json::kind::int64:
      return write_integer(value.get_int64(), out);
    default:
      out += json::serialize(value);
  }
}

/// What is no integer of 64 bits is a double, and Boost.JSON rounds many digits to a neighbour of the
/// nearest.
bool reads_back(const json::value& value) {
  if (value.is_double()) {
    json::error_code error;
    return json::parse(json::serialize(value), error) == value && !error;
  }
  if (const auto* array = value.if_array()) return std::ranges::all_of(*array, reads_back);
  const auto* object = value.if_object();
  return object == nullptr ||
         std::ranges::all_of(*object, [](const auto& member) { return reads_back(member.value()); });
}

Result<const json::value*> member(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || value->is_null())
    return fail(errc::kMissingField, "\"" + std::string(key) + "\" is missing", "/" + std::string(key));
  return value;
}

std::unexpected<Error> wrong_type(std::string_view key, std::string_view expected) {
  return fail(errc::kWrongType, "\"" + std::string(key) + "\" must be " + std::string(expected),
              "/" + std::string(key));
}

}  // namespace

void append_json_string(std::string_view text, std::string& out) {
  if (needs_escape(text)) {
    out += json::serialize(json::string(text));
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

Result<json::value> parse_json(std::string_view text, std::size_t max_depth, json::storage_ptr storage) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::error_code error;
  auto value = json::parse(text, error, std::move(storage), options);
  if (error) return fail(errc::kMalformedJson, "not valid JSON: " + error.message());
  const auto counts = count(text);
  // Boost.JSON keeps the last one of two silently.
  if (counts.members != members_of(value)) return fail(errc::kMalformedJson, "an object names a key twice");
  if (counts.unsafe_number && !reads_back(value))
    return fail(errc::kMalformedJson, "a number has more digits than are kept");
  return value;
}

json::storage_ptr storage_for(std::string_view text) {
  constexpr std::size_t kParsedSize = 4;  // what a document takes, roughly, in sizes of its text
  return json::make_shared_resource<json::monotonic_resource>(kParsedSize * text.size());
}

std::string canonical_json(const json::value& value) {
  std::string out;
  write_canonical(value, out);
  return out;
}

std::string canonical_json(const json::object& object) {
  std::string out;
  write_canonical(object, out);
  return out;
}

Result<std::string_view> text_at(const json::object& object, std::string_view key) {
  SEP_TRY(const auto* value, member(object, key));
  if (!value->is_string()) return wrong_type(key, "a string");
  return std::string_view(value->get_string());
}

Result<std::string> get_string(const json::object& object, std::string_view key) {
  SEP_TRY(const auto text, text_at(object, key));
  return std::string(text);
}

Result<std::int64_t> get_int(const json::object& object, std::string_view key) {
  SEP_TRY(const auto* value, member(object, key));
  if (value->is_int64()) return value->get_int64();
  if (value->is_uint64() && value->get_uint64() <= std::numeric_limits<std::int64_t>::max())
    return static_cast<std::int64_t>(value->get_uint64());
  return wrong_type(key, "an integer");
}

Result<std::uint64_t> get_uint(const json::object& object, std::string_view key) {
  SEP_TRY(const auto* value, member(object, key));
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<std::uint64_t>(value->get_int64());
  return wrong_type(key, "an integer of 0 or more");
}

Result<bool> get_bool(const json::object& object, std::string_view key) {
  SEP_TRY(const auto* value, member(object, key));
  if (!value->is_bool()) return wrong_type(key, "true or false");
  return value->get_bool();
}

const json::object* find_object(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* find_array(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_array();
}

std::string_view find_string(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

Result<const json::object*> object_at(const json::object& object, std::string_view key) {
  SEP_TRY(const auto* value, member(object, key));
  if (!value->is_object()) return wrong_type(key, "an object");
  return &value->get_object();
}

Result<const json::array*> array_at(const json::object& object, std::string_view key) {
  SEP_TRY(const auto* value, member(object, key));
  if (!value->is_array()) return wrong_type(key, "an array");
  return &value->get_array();
}

Result<json::object> get_object(const json::object& object, std::string_view key) {
  SEP_TRY(const auto* found, object_at(object, key));
  return *found;
}

Result<json::array> get_array(const json::object& object, std::string_view key) {
  SEP_TRY(const auto* found, array_at(object, key));
  return *found;
}

std::string string_or(const json::object& object, std::string_view key, std::string_view fallback) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string(fallback);
}

}  // namespace sep
