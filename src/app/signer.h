#pragma once
// The key that signs, as the operator configured it.
#include "base/result.h"
#include "engine/settings.h"
#include "ethereum/keys.h"

namespace sep::app {

/// The devnet's well-known key, or the keystore's. CONFIGURATION names the file that cannot be read or
/// opened; never the password.
Result<PrivateKey> load_signer(const engine::SignerSettings& settings);

}  // namespace sep::app
