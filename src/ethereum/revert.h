#pragma once
// Why a call or transaction reverted, for a program and for a person.
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace sep {

struct Revert {
  enum class Kind {
    kEmpty,   // no data: a bare `require`, `revert()`, or out of gas
    kError,   // Error(string)
    kPanic,   // Panic(uint256): a failed assertion of the compiler
    kCustom,  // a custom error of the contracts this platform meets
    kUnknown  // any other data
  };
  Kind kind = Kind::kEmpty;
  /// A sentence for a person; names the contract's own text or error.
  std::string text;
  /// SLIPPAGE_EXCEEDED, INSUFFICIENT_BALANCE, TIME_WINDOW or REVERTED.
  std::string_view code;
};

/// Reads revert data of any length and content.
Revert decode_revert(ByteView data);

}  // namespace sep
