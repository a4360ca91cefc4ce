#include "services/paper_account.h"

#include <algorithm>

#include "base/hex.h"
#include "ethereum/hash.h"
#include "services/subjects.h"

namespace sep::services {
namespace {

Result<engine::AccountState> account_of(const std::string& text) {
  SEP_TRY(const auto document, parse_json(text));
  if (!document.is_object()) return fail(errc::kWrongType, "an account must be an object");
  SEP_TRY(const auto balances, get_object(document.get_object(), "balances"));
  engine::AccountState account{.address = paper_account()};
  for (const auto& [token, amount] : balances) {
    SEP_TRY(const auto address, parse_address(std::string_view(token)));
    if (!amount.is_string()) return fail(errc::kWrongType, "a balance must be a string");
    SEP_TRY(account.balances[address], parse_uint256(std::string_view(amount.get_string())));
  }
  return account;
}

}  // namespace

Address paper_account() {
  const auto hash = keccak256("sep: paper account");
  Address address;
  std::copy_n(hash.bytes.end() - 20, 20, address.bytes.begin());
  return address;
}

std::string paper_account_text(const std::map<Address, Uint256>& balances) {
  json::object object;
  for (const auto& [token, amount] : balances) object[to_hex(token)] = to_string(amount);
  return json::serialize(json::object{{"balances", std::move(object)}});
}

Result<bus::Subscription> hear_paper_account(bus::Bus& bus, std::function<void(engine::AccountState)> heard) {
  return bus.subscribe(subject::kPaperAccount, "", [heard = std::move(heard)](const bus::Message& message) {
    if (auto account = account_of(message.body)) heard(std::move(*account));
  });
}

}  // namespace sep::services
