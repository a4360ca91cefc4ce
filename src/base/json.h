#pragma once
// JSON as the platform uses it: Boost.JSON values, amounts always strings, one canonical text for what is
// stored and compared byte for byte.
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/result.h"

namespace sep {

namespace json = boost::json;

/// Parses one complete JSON text of at most `max_depth` levels. MALFORMED_JSON otherwise; duplicate keys are
/// refused, since two readers could take different ones, and so are numbers that would not read back from
/// their own text as they were (fractions and integers above 64 bits of many digits: no document has any).
/// What is read lives in `storage`.
inline constexpr std::size_t kMaxJsonDepth = 32;
Result<json::value> parse_json(std::string_view text, std::size_t max_depth = kMaxJsonDepth,
                               json::storage_ptr storage = {});

/// Memory for the document of a text that is read and given back as one: a single allocation, as a rule.
json::storage_ptr storage_for(std::string_view text);

/// The one text of a value: object keys in byte order, no white space. Equal values give equal bytes,
/// whatever order their keys came in (PostgreSQL's JSONB changes the order).
std::string canonical_json(const json::value& value);
/// The same: an object as a value would be a copy of it.
std::string canonical_json(const json::object& object);

/// Adds the text as a JSON string, quotes included.
void append_json_string(std::string_view text, std::string& out);

/// Reads of one member; `pointer` of the error is "/<key>". MISSING_FIELD, WRONG_TYPE.
Result<std::string> get_string(const json::object& object, std::string_view key);
Result<std::int64_t> get_int(const json::object& object, std::string_view key);
Result<std::uint64_t> get_uint(const json::object& object, std::string_view key);
Result<bool> get_bool(const json::object& object, std::string_view key);
Result<json::object> get_object(const json::object& object, std::string_view key);
Result<json::array> get_array(const json::object& object, std::string_view key);

/// Without a copy: what they give lies in the document.
Result<std::string_view> text_at(const json::object& object, std::string_view key);
Result<const json::object*> object_at(const json::object& object, std::string_view key);
Result<const json::array*> array_at(const json::object& object, std::string_view key);

/// A look at one member without a copy; nullptr, or an empty text, where it is absent or of another type.
const json::object* find_object(const json::object& object, std::string_view key);
const json::array* find_array(const json::object& object, std::string_view key);
std::string_view find_string(const json::object& object, std::string_view key);

/// The member as a string, or `fallback` where it is absent or null.
std::string string_or(const json::object& object, std::string_view key, std::string_view fallback = {});

}  // namespace sep
