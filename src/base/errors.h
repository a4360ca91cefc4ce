#pragma once
// The machine-readable codes of schema/errors.json, in its order. A test holds this file to that one.
#include <array>
#include <string_view>

namespace sep::errc {

inline constexpr std::string_view kMalformedJson = "MALFORMED_JSON";
inline constexpr std::string_view kMalformedRequest = "MALFORMED_REQUEST";
inline constexpr std::string_view kForbiddenOrigin = "FORBIDDEN_ORIGIN";
inline constexpr std::string_view kBodyTooLarge = "BODY_TOO_LARGE";
inline constexpr std::string_view kUnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE";
inline constexpr std::string_view kValidationFailed = "VALIDATION_FAILED";
inline constexpr std::string_view kMissingField = "MISSING_FIELD";
inline constexpr std::string_view kUnknownField = "UNKNOWN_FIELD";
inline constexpr std::string_view kWrongType = "WRONG_TYPE";
inline constexpr std::string_view kInvalidValue = "INVALID_VALUE";
inline constexpr std::string_view kInvalidAmount = "INVALID_AMOUNT";
inline constexpr std::string_view kTooManyDecimals = "TOO_MANY_DECIMALS";
inline constexpr std::string_view kAmountOverflow = "AMOUNT_OVERFLOW";
inline constexpr std::string_view kUnknownAsset = "UNKNOWN_ASSET";
inline constexpr std::string_view kSameAsset = "SAME_ASSET";
inline constexpr std::string_view kInvalidId = "INVALID_ID";
inline constexpr std::string_view kInvalidCursor = "INVALID_CURSOR";
inline constexpr std::string_view kNotFound = "NOT_FOUND";
inline constexpr std::string_view kMethodNotAllowed = "METHOD_NOT_ALLOWED";
inline constexpr std::string_view kIdempotencyConflict = "IDEMPOTENCY_CONFLICT";
inline constexpr std::string_view kAlreadyTerminal = "ALREADY_TERMINAL";
inline constexpr std::string_view kInvalidAction = "INVALID_ACTION";
inline constexpr std::string_view kSlowConsumer = "SLOW_CONSUMER";
inline constexpr std::string_view kOverloaded = "OVERLOADED";
inline constexpr std::string_view kNotionalLimit = "NOTIONAL_LIMIT";
inline constexpr std::string_view kSlippageLimit = "SLIPPAGE_LIMIT";
inline constexpr std::string_view kNoPrice = "NO_PRICE";
inline constexpr std::string_view kTokenNotAllowed = "TOKEN_NOT_ALLOWED";
inline constexpr std::string_view kOpenIntentsLimit = "OPEN_INTENTS_LIMIT";
inline constexpr std::string_view kKillSwitch = "KILL_SWITCH";
inline constexpr std::string_view kNoRoute = "NO_ROUTE";
inline constexpr std::string_view kInsufficientLiquidity = "INSUFFICIENT_LIQUIDITY";
inline constexpr std::string_view kInsufficientBalance = "INSUFFICIENT_BALANCE";
inline constexpr std::string_view kPriceImpact = "PRICE_IMPACT";
inline constexpr std::string_view kStaleMarket = "STALE_MARKET";
inline constexpr std::string_view kCriteriaUnreachable = "CRITERIA_UNREACHABLE";
inline constexpr std::string_view kSimulationReverted = "SIMULATION_REVERTED";
inline constexpr std::string_view kReverted = "REVERTED";
inline constexpr std::string_view kSlippageExceeded = "SLIPPAGE_EXCEEDED";
inline constexpr std::string_view kGasLimit = "GAS_LIMIT";
inline constexpr std::string_view kForeignNonce = "FOREIGN_NONCE";
inline constexpr std::string_view kSignerHalted = "SIGNER_HALTED";
inline constexpr std::string_view kTransactionRefused = "TRANSACTION_REFUSED";
inline constexpr std::string_view kTimeWindow = "TIME_WINDOW";
inline constexpr std::string_view kUserRequest = "USER_REQUEST";
inline constexpr std::string_view kSequenceConflict = "SEQUENCE_CONFLICT";
inline constexpr std::string_view kIllegalTransition = "ILLEGAL_TRANSITION";
inline constexpr std::string_view kNonceClaimed = "NONCE_CLAIMED";
inline constexpr std::string_view kInvalidEvent = "INVALID_EVENT";
inline constexpr std::string_view kChainMismatch = "CHAIN_MISMATCH";
inline constexpr std::string_view kConfiguration = "CONFIGURATION";
inline constexpr std::string_view kNodeUnreachable = "NODE_UNREACHABLE";
inline constexpr std::string_view kNodeError = "NODE_ERROR";
inline constexpr std::string_view kOutcomeUnknown = "OUTCOME_UNKNOWN";
inline constexpr std::string_view kTimeout = "TIMEOUT";
inline constexpr std::string_view kBusUnavailable = "BUS_UNAVAILABLE";
inline constexpr std::string_view kStoreUnavailable = "STORE_UNAVAILABLE";
inline constexpr std::string_view kDiskFull = "DISK_FULL";
inline constexpr std::string_view kCacheUnavailable = "CACHE_UNAVAILABLE";
inline constexpr std::string_view kNotReady = "NOT_READY";
inline constexpr std::string_view kInternal = "INTERNAL";

inline constexpr std::array<std::string_view, 61> kAll = {
    kMalformedJson,
    kMalformedRequest,
    kForbiddenOrigin,
    kBodyTooLarge,
    kUnsupportedMediaType,
    kValidationFailed,
    kMissingField,
    kUnknownField,
    kWrongType,
    kInvalidValue,
    kInvalidAmount,
    kTooManyDecimals,
    kAmountOverflow,
    kUnknownAsset,
    kSameAsset,
    kInvalidId,
    kInvalidCursor,
    kNotFound,
    kMethodNotAllowed,
    kIdempotencyConflict,
    kAlreadyTerminal,
    kInvalidAction,
    kSlowConsumer,
    kOverloaded,
    kNotionalLimit,
    kSlippageLimit,
    kNoPrice,
    kTokenNotAllowed,
    kOpenIntentsLimit,
    kKillSwitch,
    kNoRoute,
    kInsufficientLiquidity,
    kInsufficientBalance,
    kPriceImpact,
    kStaleMarket,
    kCriteriaUnreachable,
    kSimulationReverted,
    kReverted,
    kSlippageExceeded,
    kGasLimit,
    kForeignNonce,
    kSignerHalted,
    kTransactionRefused,
    kTimeWindow,
    kUserRequest,
    kSequenceConflict,
    kIllegalTransition,
    kNonceClaimed,
    kInvalidEvent,
    kChainMismatch,
    kConfiguration,
    kNodeUnreachable,
    kNodeError,
    kOutcomeUnknown,
    kTimeout,
    kBusUnavailable,
    kStoreUnavailable,
    kDiskFull,
    kCacheUnavailable,
    kNotReady,
    kInternal,
};

}  // namespace sep::errc
