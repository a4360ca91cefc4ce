#include "ethereum/revert.h"

#include <array>

#include "base/errors.h"
#include "base/hex.h"
#include "ethereum/abi.h"

namespace sep {
namespace {

struct KnownText {
  std::string_view text;
  std::string_view meaning;
  std::string_view code;
};

// Texts of Uniswap v3-core 1.0.1, v3-periphery, SwapRouter02 and OpenZeppelin's and common ERC-20 tokens.
constexpr KnownText kTexts[] = {
    {"Too little received", "the swap would have given less than the minimum", errc::kSlippageExceeded},
    {"Too much requested", "the swap would have taken more than the maximum", errc::kSlippageExceeded},
    {"Transaction too old", "the router's deadline had passed", errc::kTimeWindow},
    {"STF", "the router could not take the input token: balance or allowance too low",
     errc::kInsufficientBalance},
    {"ERC20: transfer amount exceeds balance", "the token balance is too low", errc::kInsufficientBalance},
    {"ERC20: transfer amount exceeds allowance", "the token allowance is too low", errc::kReverted},
    {"ERC20: insufficient allowance", "the token allowance is too low", errc::kReverted},
    {"TF", "the pool could not send the output token", errc::kReverted},
    {"ST", "a token transfer failed", errc::kReverted},
    {"SA", "a token approval failed", errc::kReverted},
    {"STE", "an ether transfer failed", errc::kReverted},
    {"SPL", "the price limit lies on the wrong side of the price", errc::kReverted},
    {"AS", "the amount to swap is zero", errc::kReverted},
    {"IIA", "the pool was not paid the input", errc::kReverted},
    {"LOK", "the pool is locked or not initialised", errc::kReverted},
    {"AI", "the pool is initialised already", errc::kReverted},
    {"M0", "the pool was not paid token0 of a mint", errc::kReverted},
    {"M1", "the pool was not paid token1 of a mint", errc::kReverted},
    {"L", "the pool has no liquidity", errc::kReverted},
    {"LO", "a tick's liquidity would exceed its maximum", errc::kReverted},
    {"LS", "liquidity underflow", errc::kReverted},
    {"LA", "liquidity overflow", errc::kReverted},
    {"T", "a tick out of range", errc::kReverted},
    {"R", "a price out of range", errc::kReverted},
    {"TLU", "the lower tick is not below the upper tick", errc::kReverted},
    {"TLM", "the lower tick is too low", errc::kReverted},
    {"TUM", "the upper tick is too high", errc::kReverted},
    {"Price slippage check", "the liquidity would have cost more than allowed", errc::kSlippageExceeded},
    {"F0", "a flash loan of token0 was not paid back", errc::kReverted},
    {"F1", "a flash loan of token1 was not paid back", errc::kReverted},
    {"I", "the pool's oracle is not initialised", errc::kReverted},
    {"OLD", "the pool's oracle does not reach back so far", errc::kReverted},
    {"NP", "the position holds no liquidity", errc::kReverted},
    {"TD", "the oracle's price and the pool's are too far apart", errc::kSlippageExceeded},
    {"BP", "the oracle was asked for a period of no length", errc::kReverted},
    {"NI", "the pool's oracle is not initialised", errc::kReverted},
    {"NEO", "the pool's oracle holds too few observations", errc::kReverted},
    {"ONI", "the pool's oracle has not written the observation before the last yet", errc::kReverted},
    {"DL", "the oracle's paths and amounts do not fit each other", errc::kReverted},
    {"Blockhash", "the chain moved past the block that the router was to build on", errc::kReverted},
    {"Insufficient WETH9", "the router holds too little WETH to pay out", errc::kReverted},
    {"Insufficient token", "the router holds too little of the token to pay out", errc::kReverted},
    {"Not WETH9", "ether came from something that is not WETH", errc::kReverted},
    {"INSUFFICIENT_INPUT_AMOUNT", "the amount paid is zero", errc::kReverted},
    {"INSUFFICIENT_OUTPUT_AMOUNT", "the amount wanted is zero", errc::kReverted},
    {"Permit expired", "the permit's deadline had passed", errc::kReverted},
    {"Invalid signature", "the permit's signature is wrong", errc::kReverted},
    {"Unauthorized", "the permit's signer is not the owner", errc::kReverted},
    {"slice_overflow", "the path is malformed", errc::kReverted},
    {"slice_outOfBounds", "the path is too short", errc::kReverted},
    {"toAddress_overflow", "the path is malformed", errc::kReverted},
    {"toAddress_outOfBounds", "the path is too short", errc::kReverted},
    {"toUint24_overflow", "the path is malformed", errc::kReverted},
    {"toUint24_outOfBounds", "the path is too short", errc::kReverted},
    {"Unexpected error", "the quoter met a revert without a text", errc::kReverted},
};

struct KnownPanic {
  unsigned code;
  std::string_view meaning;
};

// docs.soliditylang.org, "Panic via assert and Error via require".
constexpr KnownPanic kPanics[] = {
    {0x00, "a panic of the compiler"},
    {0x01, "a failed assertion"},
    {0x11, "arithmetic overflow or underflow"},
    {0x12, "division by zero"},
    {0x21, "an invalid enum value"},
    {0x22, "a badly encoded storage byte array"},
    {0x31, "pop on an empty array"},
    {0x32, "an array index out of bounds"},
    {0x41, "too much memory"},
    {0x51, "a call of an uninitialised function"},
};

struct KnownError {
  abi::Selector selector;
  std::string_view signature;
  std::string_view meaning;
  std::string_view code;
};

// Custom errors of ERC-6093 (OpenZeppelin 5) and OpenZeppelin's SafeERC20 and Address.
const std::array kErrors = [] {
  const auto known = [](std::string_view signature, std::string_view meaning, std::string_view code) {
    return KnownError{abi::selector(signature), signature, meaning, code};
  };
  return std::array{
      known("ERC20InsufficientBalance(address,uint256,uint256)", "the token balance is too low",
            errc::kInsufficientBalance),
      known("ERC20InsufficientAllowance(address,uint256,uint256)", "the token allowance is too low",
            errc::kReverted),
      known("ERC20InvalidSender(address)", "the token refuses the sender", errc::kReverted),
      known("ERC20InvalidReceiver(address)", "the token refuses the receiver", errc::kReverted),
      known("ERC20InvalidApprover(address)", "the token refuses the approver", errc::kReverted),
      known("ERC20InvalidSpender(address)", "the token refuses the spender", errc::kReverted),
      known("SafeERC20FailedOperation(address)", "a token operation failed", errc::kReverted),
      known("AddressInsufficientBalance(address)", "the ether balance is too low",
            errc::kInsufficientBalance),
      known("FailedInnerCall()", "an inner call failed", errc::kReverted),
      known("EnforcedPause()", "the contract is paused", errc::kReverted),
  };
}();

/// Contract texts reach logs and pages: no control characters, bounded length.
std::string printable(std::string_view text) {
  constexpr std::size_t kMax = 200;
  std::string out(text.substr(0, kMax));
  for (char& c : out)
    if (c < ' ' || c == '\x7f' || static_cast<unsigned char>(c) >= 0x80) c = '?';
  return out;
}

Revert describe_text(std::string_view raw) {
  const std::string text = printable(raw);
  for (const auto& known : kTexts)
    if (known.text == text)
      return {Revert::Kind::kError, std::string(known.meaning) + " (\"" + text + "\")", known.code};
  return {Revert::Kind::kError, "reverted with \"" + text + "\"", errc::kReverted};
}

Revert describe_panic(const Uint256& code) {
  for (const auto& known : kPanics)
    if (code == known.code)
      return {Revert::Kind::kPanic, std::string(known.meaning) + " (panic " + to_quantity(code) + ")",
              errc::kReverted};
  return {Revert::Kind::kPanic, "panic " + to_quantity(code), errc::kReverted};
}

}  // namespace

Revert decode_revert(ByteView data) {
  static const auto error_selector = abi::selector("Error(string)");
  static const auto panic_selector = abi::selector("Panic(uint256)");
  if (data.empty()) return {Revert::Kind::kEmpty, "reverted without a reason", errc::kReverted};
  if (const auto arguments = abi::Decoder::of_call(data, error_selector)) {
    if (const auto text = arguments->string(0)) return describe_text(*text);
  }
  if (const auto arguments = abi::Decoder::of_call(data, panic_selector)) {
    if (const auto code = arguments->uint(0)) return describe_panic(*code);
  }
  for (const auto& known : kErrors)
    if (abi::Decoder::of_call(data, known.selector))
      return {Revert::Kind::kCustom, std::string(known.meaning) + " (" + std::string(known.signature) + ")",
              known.code};
  return {Revert::Kind::kUnknown,
          "reverted with data " + to_hex(data.first(std::min<std::size_t>(data.size(), 36))),
          errc::kReverted};
}

}  // namespace sep
