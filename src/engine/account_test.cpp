#include "engine/account.h"

#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/topics.h"

namespace sep::engine {
namespace {

TEST(Account, TheNextNonceFollowsChainAndRecord) {
  EXPECT_EQ(*next_nonce({.latest = 5, .settled = 5, .pending = 5}), 5U);
  EXPECT_EQ(*next_nonce({.latest = 5, .pending = 5, .recorded = 9}), 9U) << "claimed, and not sent yet";
  EXPECT_EQ(*next_nonce({.latest = 9, .settled = 9, .pending = 9, .recorded = 7}), 9U)
      << "others used the key before";
  EXPECT_EQ(*next_nonce({.latest = 5, .pending = 7, .recorded = 7}), 7U) << "ours wait in the pool";
  EXPECT_EQ(*next_nonce({.latest = 5, .recorded = 7, .handed_out = 8}), 8U);
}

TEST(Account, ADroppedPoolChangesNothing) {
  EXPECT_EQ(*next_nonce({.latest = 5, .pending = 5, .recorded = 7}), 7U);
}

TEST(Account, AForeignTransactionInThePoolIsWaitedFor) {
  EXPECT_EQ(next_nonce({.latest = 5, .pending = 8, .recorded = 7}).error().code, errc::kNotReady);
  EXPECT_EQ(next_nonce({.latest = 5, .settled = 5, .pending = 6}).error().code, errc::kNotReady);
  EXPECT_EQ(*next_nonce({.latest = 8, .settled = 8, .pending = 8, .recorded = 7}), 8U)
      << "mined: it is in nobody's way";
}

/// A reorganisation may lose it; then nobody would ever fill its nonce.
TEST(Account, AForeignTransactionThatMayLeaveTheChainIsWaitedFor) {
  EXPECT_EQ(next_nonce({.latest = 8, .settled = 7, .pending = 8, .recorded = 7}).error().code,
            errc::kNotReady);
  EXPECT_EQ(next_nonce({.latest = 9, .settled = 8, .pending = 9, .recorded = 7}).error().code,
            errc::kNotReady);
  EXPECT_EQ(next_nonce({.latest = 1, .pending = 1}).error().code, errc::kNotReady);
  EXPECT_EQ(*next_nonce({.latest = 7, .settled = 5, .pending = 7, .recorded = 7}), 7U)
      << "ours has an owner who sends it again";
  EXPECT_EQ(*next_nonce({.latest = 8, .settled = 7, .recorded = 7, .handed_out = 9}), 9U);
}

TEST(Account, GapsAreTheNoncesThatNobodyDrives) {
  const std::vector<std::uint64_t> in_flight = {6, 8};
  EXPECT_EQ(unattended_nonces(5, 9, in_flight), (std::vector<std::uint64_t>{5, 7}));
  EXPECT_TRUE(unattended_nonces(6, 7, in_flight).empty());
  EXPECT_TRUE(unattended_nonces(9, 9, {}).empty());
  EXPECT_TRUE(unattended_nonces(9, 5, {}).empty());
}

TEST(Account, OnlyWhatTheRecordSaysWasFilledIsSentAgain) {
  const auto prepared = [](std::uint64_t nonce, const char* tx_hash, const char* raw) {
    Envelope event;
    event.topic = topic::kExecStepPrepared;
    event.payload = {{"nonce", nonce}, {"txHash", tx_hash}, {"rawTx", raw}};
    return event;
  };
  std::vector<Envelope> events = {prepared(7, "0xa", "0x01"), prepared(8, "0xb", "0x02"),
                                  prepared(8, "0xc", "0x03")};
  const auto then = [&](std::string_view topic, const char* tx_hash) {
    events.emplace_back().topic = topic;
    events.back().payload = {{"txHash", tx_hash}};
  };
  EXPECT_FALSE(*bytes_at_nonce(events, 8)) << "never included: it may not have been ours that was";
  then(topic::kExecStepFilled, "0xb");
  EXPECT_EQ(**bytes_at_nonce(events, 8), Bytes{2});
  EXPECT_FALSE(*bytes_at_nonce(events, 7));
  then(topic::kExecStepReorged, "0xb");
  EXPECT_FALSE(*bytes_at_nonce(events, 8));
  then(topic::kExecStepFilled, "0xc");
  EXPECT_EQ(**bytes_at_nonce(events, 8), Bytes{3});
  then(topic::kExecStepReverted, "0xa");
  EXPECT_FALSE(*bytes_at_nonce(events, 7)) << "elsewhere it might succeed";
}

/// Whatever a node's pool says, nonces that are handed out one after the other are consecutive, never below
/// the chain's, and never one that the record knows.
RC_GTEST_PROP(AccountProperty, NoncesHandedOutLeaveNoGap, ()) {
  const auto start = *rc::gen::inRange<std::uint64_t>(0, 50);
  auto recorded = start;
  std::set<std::uint64_t> claimed;
  for (int i = 0; i < 30; ++i) {
    const auto latest = *rc::gen::inRange(start, recorded + 1);
    const auto pending = *rc::gen::inRange(latest, recorded + 3);
    const auto settled = *rc::gen::inRange(start, latest + 1);
    const auto next =
        next_nonce({.latest = latest, .settled = settled, .pending = pending, .recorded = recorded});
    RC_ASSERT(next.has_value() == (pending <= recorded));
    if (!next) continue;
    RC_ASSERT(*next == recorded);
    RC_ASSERT(claimed.insert(*next).second);
    recorded = *next + 1;
  }
}

}  // namespace
}  // namespace sep::engine
