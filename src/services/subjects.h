#pragma once
// Subjects of the requests that services ask each other, and of what the market publishes. Events have their
// topics as subjects (engine/topics.h); the record's requests are in services/record_client.h.

#include "engine/envelope.h"

namespace sep::services {

/// The object of risk.evaluate, within a process.
struct RiskQuestion {
  engine::Payload payload;  // with the "intent": that of intent.submitted
  std::string intent_id;
  bool asked_again = false;
  bool executing = false;  // let in before
};

}  // namespace sep::services

namespace sep::services::subject {

/// {"intent_id", "intent", "asked_again"?} → {"approved", "notional_usd", "checks", "reason"?, "detail"?}, or
/// {"reason", "detail"} alone where nothing can be decided yet: to be asked again. "asked_again" says that an
/// earlier approval may have been refused by a halt.
inline constexpr const char* kRiskEvaluate = "risk.evaluate";
/// {"intent_id", "intent"} → {"plan": payload of plan.created} or {"reason", "detail"}
inline constexpr const char* kPlanMake = "quote.plan";
/// {"assets", "amount", "intent_type", …} → the answer of POST /quotes, or {"reason", "detail"}
inline constexpr const char* kQuotePrice = "quote.price";
/// {} → every pool's state and the account's balances, at one block
inline constexpr const char* kMarketSnapshot = "market.snapshot";
/// Published: what changed with a block, or that nothing did
inline constexpr const char* kMarketUpdate = "market.update";

/// Published by venue "paper" as its balances move, and once a second: services/paper_account.h
inline constexpr const char* kPaperAccount = "paper.account";

/// Published once a second by each service of each process: services/heartbeat.h
inline constexpr const char* kServiceAlive = "service.alive";

/// Published once a second by each service that talks to the node: services/node_health.h
inline constexpr const char* kNodeHealth = "node.health";

/// {"seconds"}: every process records its trace anew. {"answer_to"}: every process ends it and publishes
/// there
/// {"process", "boot_id", "series": {name: entries}}. services/measuring.h
inline constexpr const char* kMeasureBegin = "measure.begin";
inline constexpr const char* kMeasureEnd = "measure.end";
/// + process: {"series", "from"} → {"entries"}, empty behind the last
inline constexpr const char* kMeasureRead = "measure.read.";

}  // namespace sep::services::subject
