#pragma once
// What a caller of the API is told when a request fails: RFC 9457 problems, and the faults of single fields.
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "base/json.h"
#include "base/result.h"

namespace sep::gateway {

/// One field at fault. `pointer` is an RFC 6901 JSON pointer into the request's document ("" is the whole of
/// it); for query parameters and headers it is "/query/<name>" or "/header/<Name>".
struct Fault {
  std::string pointer;
  std::string_view code;
  std::string message;

  bool operator==(const Fault&) const = default;
};

/// A refusal or failure as the caller sees it. `detail` is a sentence for a person.
struct Problem {
  unsigned status = 500;
  std::string_view code = errc::kInternal;
  std::string detail;
  std::vector<Fault> errors;
  unsigned retry_after_s = 0;  // 0: as the status has it

  bool operator==(const Problem&) const = default;
};

template <class T>
using Answer = std::expected<T, Problem>;

/// The HTTP status that a code of schema/errors.json is answered with.
unsigned status_of(std::string_view code);
/// A problem without field faults; an error that has a pointer becomes VALIDATION_FAILED with that one fault.
Problem problem_of(Error error);
/// 400 VALIDATION_FAILED with every fault. `faults` is not empty.
Problem validation_problem(std::vector<Fault> faults);

/// The member `errors` of a problem: [{pointer, code, message}].
json::array to_json(const std::vector<Fault>& faults);
/// The document of RFC 9457: {type, title, status, detail, code, instance, errors?}. `instance` is the
/// request's id.
json::object to_json(const Problem& problem, std::string_view instance);

}  // namespace sep::gateway
