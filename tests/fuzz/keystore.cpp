// Keystore files. Costs are kept small here; their bounds are tested beside the code.
#include "ethereum/keystore.h"

#include "fuzz/fuzz.h"

#include "base/json.h"

namespace sep {
namespace {

constexpr std::int64_t kMaxCost = 1024;

bool is_cheap(const json::value& value) {
  if (const auto* object = value.if_object())
    return std::ranges::all_of(*object, [](const auto& member) { return is_cheap(member.value()); });
  if (const auto* array = value.if_array()) return std::ranges::all_of(*array, is_cheap);
  if (const auto* number = value.if_int64()) return *number <= kMaxCost;
  return !value.is_uint64() && !value.is_double();
}

}  // namespace

FUZZ_TARGET(data) {
  const auto parsed = parse_json(fuzz::text_of(data));
  if (!parsed || !parsed->is_object() || !is_cheap(*parsed)) return;
  const auto key = decrypt_keystore(parsed->get_object(), "testpassword");
  if (!key) return fuzz::expect_said(key.error());
  // Its way back, under a password of its own.
  const auto file = encrypt_keystore(*key, "another", {}, {.n = 2, .r = 8, .p = 1});
  SEP_ASSERT(decrypt_keystore(file, "another").value().address() == key->address());
  SEP_ASSERT(!decrypt_keystore(file, "testpassword"));
}

}  // namespace sep
