#pragma once
// What a service asks of the coordinator with record.append, checked. Pure.
#include <string_view>

#include "base/result.h"
#include "engine/sequencer.h"

namespace sep::services {

/// Reads the body of a record.append: at least one event, each payload valid by the schema of its topic; the
/// claims are made for the first event's intent. MALFORMED_JSON, INVALID_EVENT, MISSING_FIELD, WRONG_TYPE.
Result<engine::RecordAppend> parse_append(std::string_view body);

}  // namespace sep::services
