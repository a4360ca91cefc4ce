#pragma once
// What a service asks of the coordinator with record.append, checked. Pure.
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/sequencer.h"

namespace sep::services {

/// The object of a record.append that does not leave the process.
using AppendObject = std::shared_ptr<const engine::RecordAppend>;

/// Its body where it does.
std::string append_text(const engine::RecordAppend& append);
/// Reads the body; the claims are made for the first event's intent. Checked as below. MALFORMED_JSON,
/// INVALID_EVENT, MISSING_FIELD, WRONG_TYPE.
Result<engine::RecordAppend> parse_append(std::string_view body);
/// At least one event, each of a known topic, its payload valid by that topic's schema and not too large.
/// INVALID_EVENT.
Status check_append(const engine::RecordAppend& append);

}  // namespace sep::services
