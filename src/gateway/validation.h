#pragma once
// Documents against schema/: every fault of a document at once, each with its pointer, code and a message
// that a person can act on.
//
// Entry points: validate() checks a parsed document; payload_schema() names the schema of a topic's payload.
//
// Invariants
//  1. The schemas are those of schema/**.schema.json, embedded when the program is built; no file is read.
//  2. A field has at most one fault. A fault of a container (a missing or an unknown member) is reported at
//  the
//     member, so no two faults share a pointer.
//  3. Faults come in the document's order of reading: parent before child, missing members before unknown
//  ones.
//  4. A pattern is tried only on strings within the schema's maxLength, so no input makes it slow.
//
// docs/decisions/0010-own-schema-walk.md says why this is not valijson.
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "gateway/problem.h"

namespace sep::gateway {

/// A schema by its file's name without ".schema.json": "intent", "api/quote_request",
/// "payloads/intent.submitted". The constants are those that requests need.
using SchemaId = std::string_view;

namespace schema {
inline constexpr SchemaId kIntent = "intent";
inline constexpr SchemaId kQuoteRequest = "api/quote_request";
inline constexpr SchemaId kStreamAction = "api/stream_action";
inline constexpr SchemaId kEnvelope = "envelope";
}  // namespace schema

/// "payloads/<topic>"
std::string payload_schema(std::string_view topic);

/// Every fault of `document`, empty when it is valid. Codes: MISSING_FIELD (pointer of the missing member),
/// UNKNOWN_FIELD (pointer of the unknown member), WRONG_TYPE, INVALID_VALUE, or what the schema names as
/// `x-fault-code` for a wrong value (INVALID_AMOUNT, INVALID_ID, UNKNOWN_ASSET). Aborts on an unknown schema
/// id.
std::vector<Fault> validate(SchemaId id, const json::value& document);

/// True where a schema of that id exists.
bool has_schema(SchemaId id);
/// All ids, sorted.
std::vector<std::string> schema_ids();

/// The text of GET /openapi.json: schema/openapi.yaml with all schemas inside.
std::string_view openapi_json();

}  // namespace sep::gateway
