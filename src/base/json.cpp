#include "base/json.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <boost/container/small_vector.hpp>
#include <fmt/format.h>

namespace sep {
namespace {

/// What Boost.JSON does not say of a text that it has found valid.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  /// An object names a key twice (Boost.JSON keeps the last one silently). Keys that differ only by escapes
  /// are compared after unescaping.
  bool duplicate_key() const { return duplicate_key_; }
  /// A number is no integer of 64 bits, so that it was read as a double.
  bool fraction() const { return fraction_; }

  void run() {
    for (std::size_t i = 0; i < text_.size(); ++i) {
      switch (text_[i]) {
        case '{':
          open_.push_back({.first_key = keys_.size(), .is_object = true});
          expect_key_ = true;
          break;
        case '[':
          open_.push_back({.first_key = keys_.size(), .is_object = false});
          expect_key_ = false;
          break;
        case '}':
        case ']':
          check_keys();
          expect_key_ = false;
          break;
        case ',':
          expect_key_ = !open_.empty() && open_.back().is_object;
          break;
        case '"':
          i = read_string(i);
          break;
        case '.':
        case 'e':  // of true and false, too: a needless look at the values, which finds nothing
        case 'E':
          fraction_ = true;
          break;
        default:
          if (text_[i] >= '0' && text_[i] <= '9') i = read_digits(i);
          break;
      }
    }
  }

 private:
  struct Level {
    std::size_t first_key;
    bool is_object;
  };
  // Up to so many keys each is compared with each.
  static constexpr std::size_t kFewKeys = 16;
  static constexpr std::size_t kSafeDigits = 18;  // every integer of so many fits 64 bits

  std::size_t read_string(std::size_t begin) {
    auto end = begin + 1;
    bool escaped = false;
    for (; text_[end] != '"'; end += text_[end] == '\\' ? 2 : 1) escaped |= text_[end] == '\\';
    if (std::exchange(expect_key_, false)) {
      const auto literal = text_.substr(begin, end - begin + 1);
      keys_.push_back(escaped ? unescaped(literal) : literal.substr(1, literal.size() - 2));
    }
    return end;
  }

  std::size_t read_digits(std::size_t begin) {
    auto end = begin;
    while (end + 1 < text_.size() && text_[end + 1] >= '0' && text_[end + 1] <= '9') ++end;
    if (end - begin >= kSafeDigits) fraction_ = true;
    return end;
  }

  std::string_view unescaped(std::string_view literal) {
    unescaped_.emplace_back(json::parse(literal).as_string());
    return unescaped_.back();
  }

  void check_keys() {
    const auto first = open_.back().first_key;
    open_.pop_back();
    const auto keys = std::span(keys_).subspan(first);
    if (keys.size() > kFewKeys) {
      std::ranges::sort(keys);
      duplicate_key_ |= std::ranges::adjacent_find(keys) != keys.end();
    } else {
      for (auto key = keys.begin(); key != keys.end(); ++key)
        duplicate_key_ |= std::find(keys.begin(), key, *key) != key;
    }
    keys_.resize(first);
  }

  std::string_view text_;
  std::vector<Level> open_;
  std::vector<std::string_view> keys_;  // of the objects that are open
  std::deque<std::string> unescaped_;   // what keys_ refers to that is not in the text
  bool expect_key_ = false;
  bool duplicate_key_ = false;
  bool fraction_ = false;
};

bool needs_escape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

void write_canonical(const json::value& value, std::string& out) {
  switch (value.kind()) {
    case json::kind::object: {
      const auto& object = value.get_object();
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
      break;
    }
    case json::kind::array: {
      out += '[';
      bool first = true;
      for (const auto& element : value.get_array()) {
        if (!first) out += ',';
        first = false;
        write_canonical(element, out);
      }
      out += ']';
      break;
    }
    case json::kind::string:
      append_json_string(value.get_string(), out);
      break;
    case json::kind::uint64:
      fmt::format_to(std::back_inserter(out), "{}", value.get_uint64());
      break;
    case json::kind::int64:
      fmt::format_to(std::back_inserter(out), "{}", value.get_int64());
      break;
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
  if (std::ranges::any_of(text, needs_escape)) {
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
  Scanner scanner(text);
  scanner.run();
  if (scanner.duplicate_key()) return fail(errc::kMalformedJson, "an object names a key twice");
  if (scanner.fraction() && !reads_back(value))
    return fail(errc::kMalformedJson, "a number has more digits than are kept");
  return value;
}

std::string canonical_json(const json::value& value) {
  std::string out;
  write_canonical(value, out);
  return out;
}

Result<std::string> get_string(const json::object& object, std::string_view key) {
  SEP_TRY(const auto* value, member(object, key));
  if (!value->is_string()) return wrong_type(key, "a string");
  return std::string(value->get_string());
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

Result<json::object> get_object(const json::object& object, std::string_view key) {
  SEP_TRY(const auto* value, member(object, key));
  if (!value->is_object()) return wrong_type(key, "an object");
  return value->get_object();
}

Result<json::array> get_array(const json::object& object, std::string_view key) {
  SEP_TRY(const auto* value, member(object, key));
  if (!value->is_array()) return wrong_type(key, "an array");
  return value->get_array();
}

std::string string_or(const json::object& object, std::string_view key, std::string_view fallback) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string(fallback);
}

}  // namespace sep
