#include "app/signer.h"

#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "base/json.h"
#include "ethereum/keystore.h"

namespace sep::app {
namespace {

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  if (!file) return fail(errc::kConfiguration, fmt::format("cannot read {}", path));
  return content.str();
}

/// Editors end a file with a new line, which is no part of the password.
std::string without_line_end(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace

Result<PrivateKey> load_signer(const engine::SignerSettings& settings) {
  if (settings.kind == engine::SignerSettings::Kind::kDevnet) return PrivateKey::from_hex(kDevnetPrivateKey);
  SEP_TRY(const auto text, read_file(settings.keystore_path));
  SEP_TRY(const auto password, read_file(settings.password_path));
  const auto file = parse_json(text);
  if (!file || !file->is_object())
    return fail(errc::kConfiguration, fmt::format("{} is not a keystore file", settings.keystore_path));
  auto key = decrypt_keystore(file->as_object(), without_line_end(password));
  if (!key)
    return fail(errc::kConfiguration, fmt::format("{}: {}", settings.keystore_path, key.error().detail));
  return key;
}

}  // namespace sep::app
