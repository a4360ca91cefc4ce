#pragma once
// Reads the operator's configuration (TOML; config/devnet.toml explains every key) into engine::Settings.
//
// Entry points: load_settings, check_endpoints.
// Invariants
//  1. Settings that come out are complete and consistent: every address carries EIP-55's checksum, every
//  symbol
//     named anywhere is a configured token, the key that everybody knows signs on no chain but the local one.
//  2. Nothing is ignored: a key that is not known is a fault, since it may be a misspelt limit.
//  3. All faults are told at once, each with file, line and key.
#include <filesystem>
#include <span>

#include "base/result.h"
#include "engine/settings.h"

namespace sep::app {

/// The chain on which signer.kind = "devnet" may sign: anvil's default.
inline constexpr std::uint64_t kDevnetChainId = 31337;

/// Reads the files in order; a later one replaces single keys of an earlier one, and lists ([[token]],
/// [[pool]], allowed_tokens) as a whole. CONFIGURATION: the detail has one line a fault.
Result<engine::Settings> load_settings(std::span<const std::filesystem::path> files);

/// Whether everything that services connect to is named: the node, NATS, PostgreSQL, Redis. `sep up` fills
/// these in, so load_settings lets them be empty. CONFIGURATION.
Status check_endpoints(const engine::Settings& settings);

}  // namespace sep::app
