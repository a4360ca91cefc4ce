#include "engine/sequencer.h"

#include <deque>
#include <map>
#include <numeric>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/sample_lives.h"
#include "engine/topics.h"

namespace sep::engine {
namespace {

using samples::Ids;
using samples::Life;
using Kind = Staging::Kind;

/// The life's events from `first` (from 0) on, at most `count`, as one append with its nonces.
RecordAppend part(const Life& life, std::size_t first = 0, std::size_t count = 1'000) {
  RecordAppend append;
  const auto end = std::min(life.events().size(), first + count);
  append.events.assign(life.events().begin() + static_cast<std::ptrdiff_t>(first),
                       life.events().begin() + static_cast<std::ptrdiff_t>(end));
  for (const auto nonce : samples::prepared_nonces(append.events))
    append.nonces.push_back({1, samples::hex('A', 40), nonce, append.correlation_id()});
  return append;
}

RecordAppend claiming(RecordAppend append, std::string key, std::vector<std::uint64_t> nonces = {}) {
  if (!key.empty()) append.idempotency = {std::move(key), "hash", append.correlation_id()};
  for (const auto nonce : nonces)
    append.nonces.push_back({1, samples::hex('A', 40), nonce, append.correlation_id()});
  return append;
}

/// A store that holds the promises which the record holds, each checked anew.
class ModelStore {
 public:
  Result<std::optional<IntentRow>> row(const std::string& correlation_id) {
    ++lookups;
    const auto found = rows_.find(correlation_id);
    return found == rows_.end() ? std::nullopt : std::optional(found->second);
  }

  /// Nothing: committed.
  std::optional<CommitFailure::Kind> commit(const CommitBatch& batch) {
    EXPECT_FALSE(batch.events.empty());
    for (std::size_t i = 0; i < batch.events.size(); ++i)
      if (batch.events[i].global_sequence != events.size() + i + 1) return CommitFailure::Kind::kRecordMoved;
    std::set<std::string> changed;
    for (const auto& change : batch.heads) {
      EXPECT_TRUE(changed.insert(change.row.correlation_id).second) << "an intent is there twice";
      const auto known = rows_.find(change.row.correlation_id);
      if ((known == rows_.end() ? 0 : known->second.head.sequence) != change.expected_sequence)
        return CommitFailure::Kind::kHeadMoved;
    }
    for (const auto& claim : batch.idempotency)
      if (keys.contains(claim.key)) return CommitFailure::Kind::kIdempotencyKey;
    for (const auto& claim : batch.nonces)
      if (const auto owner = nonces.find(claim.nonce);
          owner != nonces.end() && owner->second != claim.correlation_id)
        return CommitFailure::Kind::kAccountNonce;
    std::set<std::string> keys_of_batch;
    for (const auto& claim : batch.idempotency) {
      EXPECT_TRUE(keys_of_batch.insert(claim.key).second) << "a key is there twice";
      keys[claim.key] = claim.correlation_id;
    }
    for (const auto& claim : batch.nonces) nonces[claim.nonce] = claim.correlation_id;
    for (const auto& change : batch.heads) rows_[change.row.correlation_id] = change.row;
    events.insert(events.end(), batch.events.begin(), batch.events.end());
    return std::nullopt;
  }

  std::vector<Envelope> events;
  std::map<std::string, std::string> keys;
  std::map<std::uint64_t, std::string> nonces;
  int lookups = 0;

 private:
  std::map<std::string, IntentRow> rows_;
};

class SequencerTest : public ::testing::Test {
 protected:
  Kind stage(const RecordAppend& append) { return sequencer_.stage(append).kind; }
  void commit() {
    ASSERT_EQ(store_.commit(sequencer_.batch()), std::nullopt);
    sequencer_.committed();
  }
  Life life() { return {ids_, "demo", "acquire", "1"}; }

  Ids ids_;
  ModelStore store_;
  Sequencer sequencer_{[this](const std::string& id) { return store_.row(id); }};
};

TEST_F(SequencerTest, AGroupHoldsManyIntentsAndSeveralAppendsOfOne) {
  auto first = life(), second = life();
  first.submit().accept();
  second.submit();
  sequencer_.reset(0);
  EXPECT_EQ(stage(part(first, 0, 1)), Kind::kStaged);
  EXPECT_EQ(stage(part(second)), Kind::kStaged);
  EXPECT_EQ(stage(part(first, 1)), Kind::kStaged);
  const auto& batch = sequencer_.batch();
  ASSERT_EQ(batch.events.size(), 4U);
  EXPECT_EQ(batch.events[2].event_id, first.events()[1].event_id);
  EXPECT_EQ(batch.events[3].global_sequence, 4U);
  ASSERT_EQ(batch.heads.size(), 2U);
  EXPECT_EQ(batch.heads[0].row.head.sequence, 3U);
  EXPECT_EQ(batch.heads[0].row.head.state, State::kAccepted);
  EXPECT_EQ(batch.heads[0].row.strategy_id, "demo");
  EXPECT_EQ(batch.heads[0].row.deadline, samples::kStart.plus_ms(300'000));
  EXPECT_EQ(batch.heads[0].expected_sequence, 0U);
  EXPECT_EQ(sequencer_.last_global_sequence(), 0U);
  commit();
  EXPECT_EQ(sequencer_.last_global_sequence(), 4U);

  first.plan("2500", "1");
  EXPECT_EQ(stage(part(first, 3)), Kind::kStaged);
  EXPECT_EQ(sequencer_.batch().events[0].global_sequence, 5U);
  EXPECT_EQ(sequencer_.batch().heads[0].expected_sequence, 3U);
  EXPECT_EQ(store_.lookups, 0);
}

TEST_F(SequencerTest, WhatIsDroppedLeavesNothingAndIsAskedForAnew) {
  auto one = life();
  one.submit().accept();
  sequencer_.reset(0);
  ASSERT_EQ(stage(part(one, 0, 1)), Kind::kStaged);
  commit();
  ASSERT_EQ(stage(part(one, 1)), Kind::kStaged);
  sequencer_.dropped();
  EXPECT_TRUE(sequencer_.batch().events.empty());
  EXPECT_EQ(sequencer_.last_global_sequence(), 1U);
  ASSERT_EQ(stage(part(one, 1)), Kind::kStaged);
  EXPECT_EQ(store_.lookups, 1);
  EXPECT_EQ(sequencer_.batch().events[0].global_sequence, 2U);
  commit();
}

TEST_F(SequencerTest, AConflictTellsWhereTheRecordHasTheIntent) {
  auto one = life();
  one.submit().accept();
  sequencer_.reset(0);
  ASSERT_EQ(stage(part(one, 0, 1)), Kind::kStaged);
  commit();
  auto late = part(one, 2);
  const auto gap = sequencer_.stage(late);
  EXPECT_EQ(gap.kind, Kind::kConflict);
  EXPECT_EQ(gap.why.code, errc::kSequenceConflict);
  EXPECT_EQ(gap.head, (IntentHead{1, one.events()[0].event_id, State::kSubmitted}));
  auto unknown = life();
  unknown.submit().accept();
  const auto no_intent = sequencer_.stage(part(unknown, 1));
  EXPECT_EQ(no_intent.kind, Kind::kConflict);
  EXPECT_EQ(no_intent.head, std::nullopt);
  EXPECT_TRUE(sequencer_.batch().events.empty());
}

/// What is staged may yet fail: nobody is told a head, or a duplicate, that is not on the record.
TEST_F(SequencerTest, WhoeverMeetsWhatIsStagedWaits) {
  auto one = life();
  one.submit().accept().cancel();
  auto other = life();
  other.submit();
  sequencer_.reset(0);
  ASSERT_EQ(stage(part(one, 0, 1)), Kind::kStaged);
  EXPECT_EQ(stage(part(one, 0, 1)), Kind::kLater) << "a repeat";
  EXPECT_EQ(stage(part(one, 1, 2)), Kind::kLater) << "behind what waits";
  EXPECT_EQ(stage(part(other)), Kind::kStaged);
  commit();
  EXPECT_EQ(stage(part(one, 0, 1)), Kind::kConflict);
  EXPECT_EQ(stage(part(one, 1, 2)), Kind::kStaged);
}

TEST_F(SequencerTest, AKeyOrANonceIsInABatchOnce) {
  auto one = life(), two = life(), three = life();
  one.submit();
  two.submit();
  three.submit();
  sequencer_.reset(0);
  EXPECT_EQ(stage(claiming(part(one), "key", {7, 7, 8})), Kind::kStaged);
  EXPECT_EQ(stage(claiming(part(two), "key")), Kind::kLater);
  auto lower_case = claiming(part(three), "", {8});
  lower_case.nonces[0].account = samples::hex('a', 40);
  EXPECT_EQ(stage(lower_case), Kind::kLater);
  EXPECT_EQ(sequencer_.batch().nonces.size(), 2U);
  EXPECT_EQ(sequencer_.batch().idempotency.size(), 1U);
  commit();
  EXPECT_EQ(stage(lower_case), Kind::kStaged) << "the store decides";
}

TEST_F(SequencerTest, WhatCannotEnterIsRefused) {
  sequencer_.reset(0);
  auto one = life(), two = life();
  one.submit().accept();
  two.submit();
  auto mixed = part(one, 0, 1);
  mixed.events.push_back(two.events()[0]);
  EXPECT_EQ(stage(mixed), Kind::kRefused);
  auto twice = part(one);
  twice.events[2].event_id = twice.events[1].event_id;
  EXPECT_EQ(stage(twice), Kind::kRefused);
  auto no_intent = part(two);
  no_intent.events[0].payload = {};
  EXPECT_EQ(stage(no_intent), Kind::kRefused);
  EXPECT_TRUE(sequencer_.batch().events.empty());
}

TEST_F(SequencerTest, WhatIsPreparedClaimsItsNonce) {
  auto one = life();
  one.submit().accept().plan("2500", "1", true).start().prepare(0, "approve").prepare(1);
  sequencer_.reset(0);
  auto append = part(one);
  ASSERT_EQ(append.nonces.size(), 2U);
  append.nonces.pop_back();
  const auto refused = sequencer_.stage(append);
  EXPECT_EQ(refused.kind, Kind::kRefused);
  EXPECT_EQ(refused.why.code, errc::kInvalidEvent);
  EXPECT_EQ(refused.why.pointer, "/nonces");
  append.nonces.push_back({1, samples::hex('A', 40), 7, append.correlation_id()});
  EXPECT_EQ(stage(append), Kind::kRefused) << "another nonce";
  EXPECT_TRUE(sequencer_.batch().events.empty());
  EXPECT_EQ(stage(part(one)), Kind::kStaged);
}

TEST_F(SequencerTest, WhatTheRecordCannotBeAskedForIsSaid) {
  Sequencer blind([](const std::string&) -> Result<std::optional<IntentRow>> {
    return fail(errc::kStoreUnavailable, "gone");
  });
  blind.reset(0);
  auto one = life();
  one.submit().accept();
  const auto staging = blind.stage(part(one, 1));
  EXPECT_EQ(staging.kind, Kind::kUnavailable);
  EXPECT_EQ(staging.why.code, errc::kStoreUnavailable);
}

/// The kill switch's next event.
RecordAppend switched(Ids& ids, const std::optional<Control>& before, ControlState to) {
  Envelope event;
  event.event_id = ids.next();
  event.timestamp = samples::kStart;
  event.topic = control_topic(kControlCorrelation, to);
  event.correlation_id = kControlCorrelation;
  event.causation_id = before ? before->last_event_id : std::string(kControlCorrelation);
  event.sequence = before ? before->sequence + 1 : 1;
  event.payload = control_payload(kControlCorrelation, {.reason = "USER_REQUEST", .by = "ops@desk"});
  RecordAppend append;
  append.events.push_back(std::move(event));
  return append;
}

TEST_F(SequencerTest, AHaltIsABatchByItselfAndHoldsWhatComesBehindIt) {
  auto first = life(), second = life();
  first.submit().accept();
  second.submit().accept();
  sequencer_.reset(0);
  const auto halt = switched(ids_, std::nullopt, ControlState::kHalted);
  EXPECT_EQ(stage(part(first)), Kind::kStaged);
  EXPECT_EQ(stage(halt), Kind::kLater);
  EXPECT_EQ(stage(part(second)), Kind::kLater) << "it came behind the halt";
  commit();
  EXPECT_EQ(stage(halt), Kind::kStaged);
  EXPECT_EQ(stage(part(second)), Kind::kLater);
  ASSERT_EQ(sequencer_.batch().controls.size(), 1U);
  EXPECT_EQ(sequencer_.batch().controls[0].expected_sequence, 0U);
  EXPECT_EQ(sequencer_.batch().events[0].global_sequence, 4U);
  const auto halted = sequencer_.batch().controls[0].control;
  EXPECT_TRUE(halted.halted());
  commit();
  EXPECT_EQ(stage(halt), Kind::kConflict) << "a repeat";
  const auto refused = sequencer_.stage(part(second));
  EXPECT_EQ(refused.kind, Kind::kConflict);
  EXPECT_EQ(refused.why.code, errc::kKillSwitch);
  EXPECT_EQ(refused.head, std::nullopt);
  EXPECT_EQ(stage(part(second, 0, 1)), Kind::kStaged);
  EXPECT_EQ(stage(part(second, 1)), Kind::kLater) << "its head is only staged";
  commit();

  EXPECT_EQ(stage(switched(ids_, halted, ControlState::kActive)), Kind::kStaged);
  commit();
  EXPECT_EQ(stage(part(second, 1)), Kind::kStaged);
}

TEST_F(SequencerTest, AHaltThatIsNotCommittedHoldsNothing) {
  auto one = life();
  one.submit().accept();
  sequencer_.reset(0);
  ASSERT_EQ(stage(switched(ids_, std::nullopt, ControlState::kHalted)), Kind::kStaged);
  sequencer_.dropped();
  EXPECT_EQ(stage(part(one)), Kind::kStaged);
}

TEST_F(SequencerTest, ANonceIsNewUnlessTheRecordOrTheBatchSaysOtherwise) {
  auto one = life();
  one.submit().accept().plan("2500", "1").start().prepare(0).prepare(0);
  const SignerId signer{1, parse_address(samples::hex('a', 40)).value()};
  Controls controls;
  controls[correlation_of(signer)] = {
      .correlation_id = correlation_of(signer), .sequence = 1, .state = ControlState::kHalted};
  Sequencer sequencer([this](const std::string& id) { return store_.row(id); },
                      [this](const NonceClaim& claim) -> Result<bool> {
                        const auto found = store_.nonces.find(claim.nonce);
                        return found != store_.nonces.end() && found->second == claim.correlation_id;
                      });
  sequencer.reset(0);
  EXPECT_EQ(sequencer.stage(part(one, 0, 6)).kind, Kind::kStaged);
  sequencer.know(controls);
  EXPECT_EQ(sequencer.stage(part(one, 6)).kind, Kind::kStaged) << "held in the batch";
  ASSERT_EQ(store_.commit(sequencer.batch()), std::nullopt);
  sequencer.committed();
  one.prepare(0);
  EXPECT_EQ(sequencer.stage(claiming(part(one, 7), "", {6})).why.code, errc::kSignerHalted);
  EXPECT_EQ(sequencer.stage(part(one, 7)).kind, Kind::kStaged) << "held on the record";
  sequencer.reset(store_.events.size());
  auto nobodys = claiming(part(one, 7), "", {6});
  nobodys.nonces[0].account = "0x1";
  sequencer.know(controls);
  EXPECT_EQ(sequencer.stage(nobodys).kind, Kind::kRefused);
}

TEST(Sequencer, SplitsWhatOneAppendIsAtFaultForAndReloadsOtherwise) {
  using Failure = CommitFailure::Kind;
  for (const auto kind : {Failure::kIdempotencyKey, Failure::kAccountNonce, Failure::kHeadMoved,
                          Failure::kDuplicateEvent, Failure::kInvalid}) {
    EXPECT_EQ(after_failure(kind, 2), AfterFailure::kSplit);
    EXPECT_EQ(after_failure(kind, 1), AfterFailure::kRefuse);
  }
  for (const auto kind :
       {Failure::kRecordMoved, Failure::kNotLeading, Failure::kUnavailable, Failure::kOutcomeUnknown}) {
    EXPECT_EQ(after_failure(kind, 2), AfterFailure::kReload);
    EXPECT_EQ(after_failure(kind, 1), AfterFailure::kReload);
  }
  EXPECT_EQ(after_failure(Failure::kFull, 2), AfterFailure::kWait);
  EXPECT_EQ(after_failure(Failure::kOther, 2), AfterFailure::kSplit);
  EXPECT_EQ(after_failure(Failure::kOther, 1), AfterFailure::kWait);
}

/// Appends as services make them, each as often as it likes, in groups of any size, with a store that fails
/// now and then: every life is on the record once, in its order, and no batch breaks a promise.
RC_GTEST_PROP(SequencerProp, EveryLifeEntersOnceInOrder, (std::uint64_t seed)) {
  std::mt19937_64 random(seed);
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  Ids ids;
  std::vector<Life> lives;
  for (int i = 0; i < 8; ++i) lives.push_back(samples::random_life(ids, random));
  ModelStore store;
  Sequencer sequencer([&](const std::string& id) { return store.row(id); });
  sequencer.reset(0);

  std::map<std::string, std::size_t> done;  // events of the life that were answered as on the record
  const auto next_append = [&](const Life& life) {
    const auto at = done[life.correlation_id()];
    auto count = std::size_t{1};
    while (at + count < life.events().size() &&
           (life.events()[at + count - 1].topic == topic::kRiskApproved || chance(20)))
      ++count;
    return part(life, at, count);
  };
  const auto on_record = [&](const RecordAppend& append) {
    return std::ranges::any_of(store.events, [&](const Envelope& event) {
      return event.event_id == append.events.front().event_id;
    });
  };
  for (int rounds = 0; rounds < 10'000; ++rounds) {
    std::vector<RecordAppend> group;
    for (const auto& life : lives) {
      if (done[life.correlation_id()] == life.events().size() || chance(30)) continue;
      group.push_back(next_append(life));
      while (chance(25)) group.push_back(group.back());   // asked again
      if (chance(10)) group.push_back(part(life, 0, 1));  // an old one
    }
    if (group.empty()) {
      if (std::ranges::all_of(lives, [&](auto& l) { return done[l.correlation_id()] == l.events().size(); }))
        break;
      continue;
    }
    std::ranges::shuffle(group, random);
    while (!group.empty()) {
      std::vector<RecordAppend> members, later;
      for (const auto& append : group) {
        const auto kind = sequencer.stage(append).kind;
        if (kind == Kind::kStaged) members.push_back(append);
        if (kind == Kind::kLater) later.push_back(append);
        RC_ASSERT(kind != Kind::kRefused && kind != Kind::kUnavailable);
        if (kind == Kind::kConflict) RC_ASSERT(on_record(append) || append.events[0].sequence > 1);
      }
      RC_ASSERT(later.size() < group.size());
      if (!members.empty()) {
        const bool lost = chance(10);
        const auto failure = lost && chance(50) ? std::optional(CommitFailure::Kind::kUnavailable)
                                                : store.commit(sequencer.batch());
        if (!failure && !lost) {
          sequencer.committed();
        } else if (!lost && after_failure(*failure, members.size()) != AfterFailure::kReload) {
          // Only a first event whose intent is not remembered: it is taken to be new without asking.
          RC_ASSERT(*failure == CommitFailure::Kind::kHeadMoved);
          sequencer.dropped();
          std::erase_if(members, on_record);
          later.insert(later.begin(), members.begin(), members.end());
        } else {
          sequencer.reset(store.events.size());
        }
      }
      group = std::move(later);
    }
    for (const auto& life : lives) {
      auto& at = done[life.correlation_id()];
      at = static_cast<std::size_t>(
          std::ranges::count(store.events, life.correlation_id(), &Envelope::correlation_id));
    }
  }
  std::size_t total = 0;
  for (const auto& life : lives) {
    std::vector<Envelope> entered;
    for (auto event : store.events)
      if (event.correlation_id == life.correlation_id()) {
        event.global_sequence = 0;
        entered.push_back(std::move(event));
      }
    RC_ASSERT(entered == life.events());
    total += entered.size();
  }
  RC_ASSERT(store.events.size() == total);
}

/// Lives and a kill switch in groups of any order, with a store that fails now and then: the record has
/// nothing that begins work between a halt and its end.
RC_GTEST_PROP(SequencerProp, NothingBeginsBetweenHaltAndResume, (std::uint64_t seed)) {
  std::mt19937_64 random(seed);
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  Ids ids;
  std::vector<Life> lives;
  for (int i = 0; i < 10; ++i) lives.push_back(samples::random_life(ids, random));
  ModelStore store;
  Controls controls;  // as the store has them
  Sequencer sequencer([&](const std::string& id) { return store.row(id); });
  const auto reload = [&] {
    sequencer.reset(store.events.size());
    sequencer.know(controls);
  };
  reload();
  const auto recorded = [&](const Life& life) {
    return static_cast<std::size_t>(
        std::ranges::count(store.events, life.correlation_id(), &Envelope::correlation_id));
  };
  for (int rounds = 0; rounds < 60; ++rounds) {
    std::vector<RecordAppend> group;
    for (const auto& life : lives) {
      const auto at = recorded(life);
      if (at == life.events().size() || chance(40)) continue;
      const bool joined = life.events()[at].topic == topic::kRiskApproved;
      group.push_back(part(life, at, joined ? 2 : 1));
    }
    if (chance(30)) {
      const auto known = controls.find(kControlCorrelation);
      group.push_back(switched(ids, known == controls.end() ? std::nullopt : std::optional(known->second),
                               chance(50) ? ControlState::kHalted : ControlState::kActive));
    }
    std::ranges::shuffle(group, random);
    while (!group.empty()) {
      std::vector<RecordAppend> later;
      for (const auto& append : group)
        if (sequencer.stage(append).kind == Kind::kLater) later.push_back(append);
      RC_ASSERT(later.size() < group.size());
      const auto& batch = sequencer.batch();
      RC_ASSERT(batch.controls.empty() || batch.events.size() == 1);
      if (!batch.events.empty()) {
        if (chance(10)) {
          reload();  // not committed, and the writer begins anew
        } else {
          RC_ASSERT(store.commit(batch) == std::nullopt);
          for (const auto& change : batch.controls)
            controls.insert_or_assign(change.control.correlation_id, change.control);
          if (chance(10))
            reload();  // committed, and the answer was lost
          else
            sequencer.committed();
        }
      }
      group = std::move(later);
    }
  }
  bool halted = false;
  for (const auto& event : store.events) {
    if (event.correlation_id == kControlCorrelation) {
      RC_ASSERT(halted == (event.topic == topic::kControlResumed));
      halted = !halted;
    }
    RC_ASSERT(!halted || (event.topic != topic::kIntentAccepted && event.topic != topic::kPlanCreated &&
                          event.topic != topic::kExecStarted));
  }
}

}  // namespace
}  // namespace sep::engine
