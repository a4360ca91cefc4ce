#pragma once
// The account of venue "paper", as its orchestrator tells it and the market service shows it.
#include <functional>

#include "bus/bus.h"
#include "engine/market_state.h"
#include "ethereum/address.h"

namespace sep::services {

/// The account that stands in plans and answers: no key of it is known, and nothing can be signed for it. The
/// last 20 bytes of keccak256("sep: paper account").
Address paper_account();

/// {"balances": {token: base units}}, of subject::kPaperAccount.
std::string paper_account_text(const std::map<Address, Uint256>& balances);
/// Calls `heard` with each state of the account that is told. BUS_UNAVAILABLE.
Result<bus::Subscription> hear_paper_account(bus::Bus& bus, std::function<void(engine::AccountState)> heard);

}  // namespace sep::services
