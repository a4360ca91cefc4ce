#include "base/json.h"

#include <algorithm>
#include <limits>
#include <unordered_set>
#include <vector>

namespace sep {
namespace {

/// Boost.JSON keeps the last of two equal keys silently; this handler-free check reads the text's own keys.
class KeyScanner {
 public:
  explicit KeyScanner(std::string_view text) : text_(text) {}

  /// True when some object of the (already valid) text names a key twice. Keys that differ only by escapes
  /// are compared after unescaping.
  bool has_duplicate() {
    std::vector<std::unordered_set<std::string>> objects;
    std::vector<char> open;
    bool expect_key = false;
    for (std::size_t i = 0; i < text_.size(); ++i) {
      switch (text_[i]) {
        case '{':
          open.push_back('{');
          objects.emplace_back();
          expect_key = true;
          break;
        case '[':
          open.push_back('[');
          expect_key = false;
          break;
        case '}':
          objects.pop_back();
          open.pop_back();
          expect_key = false;
          break;
        case ']':
          open.pop_back();
          expect_key = false;
          break;
        case ',':
          expect_key = !open.empty() && open.back() == '{';
          break;
        case '"': {
          const std::size_t begin = i++;
          while (text_[i] != '"') i += text_[i] == '\\' ? 2 : 1;
          if (expect_key) {
            const auto literal = text_.substr(begin, i - begin + 1);
            const auto key = literal.find('\\') == std::string_view::npos
                                 ? std::string(literal.substr(1, literal.size() - 2))
                                 : std::string(json::parse(literal).as_string());
            if (!objects.back().insert(key).second) return true;
            expect_key = false;
          }
          break;
        }
        default:
          break;
      }
    }
    return false;
  }

 private:
  std::string_view text_;
};

void write_canonical(const json::value& value, std::string& out) {
  switch (value.kind()) {
    case json::kind::object: {
      std::vector<const json::key_value_pair*> members;
      for (const auto& member : value.get_object()) members.push_back(&member);
      std::ranges::sort(members, {}, [](const auto* member) { return std::string_view(member->key()); });
      out += '{';
      for (const auto* member : members) {
        if (member != members.front()) out += ',';
        out += json::serialize(json::string(member->key()));
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

Result<json::value> parse_json(std::string_view text, std::size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::error_code error;
  auto value = json::parse(text, error, {}, options);
  if (error) return fail(errc::kMalformedJson, "not valid JSON: " + error.message());
  if (KeyScanner(text).has_duplicate()) return fail(errc::kMalformedJson, "an object names a key twice");
  if (!reads_back(value)) return fail(errc::kMalformedJson, "a number has more digits than are kept");
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
