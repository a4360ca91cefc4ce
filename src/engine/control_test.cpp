#include "engine/control.h"

#include <map>
#include <random>
#include <set>
#include <tuple>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/sample_lives.h"
#include "engine/topics.h"

namespace sep::engine {
namespace {

using samples::Ids;
using samples::Life;

const SignerId kSigner{31337, parse_address("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266").value()};
const std::string kSignerText = "signer-31337-0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
const ControlReason kWhy{.reason = std::string(errc::kUserRequest), .detail = "checking", .by = "ops@desk"};

/// The next event of a control.
Envelope next(Ids& ids, const std::optional<Control>& control, const std::string& id, ControlState to,
              const ControlReason& why = kWhy) {
  Envelope event;
  event.event_id = ids.next();
  event.timestamp = samples::kStart;
  event.topic = control_topic(id, to);
  event.correlation_id = id;
  event.sequence = control ? control->sequence + 1 : 1;
  event.causation_id = control ? control->last_event_id : id;
  event.payload = control_payload(id, why);
  return event;
}

Control halted_control(const std::string& id, const ControlReason& why = kWhy) {
  Ids ids;
  return advance_control(std::nullopt, std::array{next(ids, std::nullopt, id, ControlState::kHalted, why)})
      .value();
}

Controls controls_of(std::initializer_list<Control> list) {
  Controls controls;
  for (const auto& control : list) controls.emplace(control.correlation_id, control);
  return controls;
}

TEST(CorrelationId, NamesIntentsTheKillSwitchAndSigners) {
  EXPECT_EQ(correlation_of(kSigner), kSignerText);
  EXPECT_EQ(signer_of(kSignerText), kSigner);
  for (const std::string good : {"control", kSignerText.c_str(), "intent-01J5S3Y4PEJHBJ5A7FYHBXQRFG",
                                 "signer-18446744073709551615-0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"})
    EXPECT_TRUE(is_correlation_id(good)) << good;
  for (const std::string bad :
       {"", "controls", "control-", "intent-", "signer-", "signer-1", "signer-1-",
        "signer-0-0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        "signer-01-0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        "signer--1-0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        "signer-1-0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",  // EIP-55: another text of the same account
        "signer-1-0xf39fd6e51aad88f6f4ce6ab8827279cfffb922",
        "signer-1-f39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        "signer-18446744073709551616-0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"})
    EXPECT_FALSE(is_correlation_id(bad)) << bad;
  EXPECT_TRUE(is_control("control"));
  EXPECT_TRUE(is_control(kSignerText));
  EXPECT_FALSE(is_control("intent-01J5S3Y4PEJHBJ5A7FYHBXQRFG"));
}

TEST(Control, IsHaltedAndActiveInTurn) {
  Ids ids;
  for (const auto& id : {std::string("control"), kSignerText}) {
    std::optional<Control> control;
    for (const auto to : {ControlState::kHalted, ControlState::kActive, ControlState::kHalted}) {
      const auto after = advance_control(control, std::array{next(ids, control, id, to)});
      ASSERT_TRUE(after) << after.error().detail;
      EXPECT_EQ(after->state, to);
      EXPECT_EQ(after->sequence, control ? control->sequence + 1 : 1);
      EXPECT_EQ(after->since, samples::kStart);
      EXPECT_EQ(after->why, kWhy);
      const auto again = advance_control(after.value(), std::array{next(ids, after.value(), id, to)});
      ASSERT_FALSE(again);
      EXPECT_EQ(again.error().code, errc::kIllegalTransition);
      control = *after;
    }
  }
  const auto resumed =
      advance_control(std::nullopt, std::array{next(ids, std::nullopt, "control", ControlState::kActive)});
  ASSERT_FALSE(resumed);
  EXPECT_EQ(resumed.error().code, errc::kIllegalTransition);
}

TEST(Control, RefusesWhatIsNotItsNextEvent) {
  Ids ids;
  const auto good = next(ids, std::nullopt, kSignerText, ControlState::kHalted);
  const auto code_of = [&](auto change) {
    auto event = good;
    change(event);
    const auto result = advance_control(std::nullopt, std::array{event});
    return result ? std::string_view("accepted") : result.error().code;
  };
  EXPECT_EQ(code_of([](Envelope&) {}), "accepted");
  EXPECT_EQ(code_of([](Envelope& e) { e.sequence = 2; }), errc::kSequenceConflict);
  EXPECT_EQ(code_of([](Envelope& e) { e.causation_id = e.event_id; }), errc::kSequenceConflict);
  EXPECT_EQ(code_of([](Envelope& e) { e.topic = topic::kControlHalted; }), errc::kInvalidEvent);
  EXPECT_EQ(code_of([](Envelope& e) { e.topic = topic::kIntentSubmitted; }), errc::kInvalidEvent);
  EXPECT_EQ(code_of([](Envelope& e) { samples::edit(e)["chainId"] = 1; }), errc::kInvalidEvent);
  EXPECT_EQ(code_of([](Envelope& e) { samples::edit(e)["account"] = samples::hex('a', 40); }),
            errc::kInvalidEvent);
  EXPECT_EQ(advance_control(std::nullopt, {}).error().code, errc::kInvalidEvent);
}

TEST(Control, IntentsHaveNoEventsOfControlsNorControlsOfIntents) {
  Ids ids;
  const auto halt = next(ids, std::nullopt, "control", ControlState::kHalted);
  EXPECT_EQ(advance_head(std::nullopt, std::array{halt}).error().code, errc::kIllegalTransition);
  Life life(ids, "demo", "acquire", "1");
  EXPECT_EQ(advance_control(std::nullopt, life.submit().events()).error().code, errc::kInvalidEvent);
}

TEST(Control, ItsDocumentIsReadBackWhole) {
  auto why = kWhy;
  why.nonce = 7;
  const auto control = halted_control(kSignerText, why);
  EXPECT_EQ(control_from_json(to_json(control)).value(), control);
  EXPECT_EQ(describe(control),
            "since " + to_rfc3339(samples::kStart) + " by ops@desk (USER_REQUEST: checking)");
  auto broken = to_json(control);
  broken.erase("since");
  EXPECT_EQ(control_from_json(broken).error().code, errc::kInvalidEvent);
}

// --- admission

/// The code that refuses the life's events from `from` on as one append, or "admitted".
std::string_view verdict(const Controls& controls, const Life& life, std::size_t from,
                         std::initializer_list<NonceAsked> nonces = {}) {
  const auto after = advance_head(std::nullopt, life.events());
  EXPECT_TRUE(after.has_value()) << after.error().detail;
  const auto admitted =
      admit(controls, std::span(life.events()).subspan(from), after->state, std::vector(nonces));
  return admitted ? std::string_view("admitted") : admitted.error().code;
}

TEST(Admission, TheKillSwitchStopsWhatBeginsWorkAndNothingElse) {
  const auto off = controls_of({});
  const auto on = controls_of({halted_control("control")});
  Ids ids;
  const auto life = [&] { return Life(ids, "demo", "acquire", "1"); };
  const NonceAsked fresh{kSigner, false};
  const NonceAsked held{kSigner, true};
  struct Case {
    std::string name;
    Life life;
    std::size_t from;
    std::vector<NonceAsked> nonces;
    std::string_view halted;
  };
  const auto planned = [&] { return life().submit().accept().plan("2500", "1"); };
  const auto sent = [&] { return planned().start().prepare(0).broadcast(0); };
  const std::vector<Case> cases = {
      {"submitted", life().submit(), 0, {}, "admitted"},
      {"accepted", life().submit().accept(), 1, {}, errc::kKillSwitch},
      {"rejected", life().submit().reject_risk(), 1, {}, "admitted"},
      {"planned", planned(), 3, {}, errc::kKillSwitch},
      {"no plan", life().submit().accept().reject_plan(), 3, {}, "admitted"},
      {"started", planned().start(), 4, {}, errc::kKillSwitch},
      {"started and prepared", planned().start().prepare(0), 4, {fresh}, errc::kKillSwitch},
      {"filled on paper", planned().fill_on_paper("2500", "1"), 4, {}, errc::kKillSwitch},
      {"started to fail", planned().start().fail(), 4, {}, "admitted"},
      {"expired", planned().expire(), 4, {}, "admitted"},
      {"cancelled", planned().ask_to_cancel().cancel(), 4, {}, "admitted"},
      {"prepared later", planned().start().prepare(0), 5, {fresh}, errc::kKillSwitch},
      {"broadcast", sent(), 6, {}, "admitted"},
      {"replaced", sent().prepare(0), 7, {held}, "admitted"},
      {"cancellation", sent().prepare(0, "cancel"), 7, {held}, "admitted"},
      {"filled", sent().fill(0, "2500", "1"), 7, {}, "admitted"},
      {"completed", sent().fill(0, "2500", "1").complete(), 8, {}, "admitted"},
      {"reverted", sent().revert(0), 7, {}, "admitted"},
      {"planned again", sent().revert(0).approve().plan("2500", "1"), 8, {}, errc::kKillSwitch},
      {"failed after a revert", sent().revert(0).fail(), 8, {}, "admitted"},
      {"reorganised", sent().fill(0, "2500", "1").reorg(0), 8, {}, "admitted"},
  };
  for (const auto& one : cases) {
    const auto after = advance_head(std::nullopt, one.life.events()).value();
    const auto events = std::span(one.life.events()).subspan(one.from);
    EXPECT_TRUE(admit(off, events, after.state, one.nonces)) << one.name;
    const auto result = admit(on, events, after.state, one.nonces);
    EXPECT_EQ(result ? std::string_view("admitted") : result.error().code, one.halted) << one.name;
  }
}

TEST(Admission, AHaltedSignerGetsNoNewNonce) {
  const auto halted = controls_of({halted_control(kSignerText)});
  Ids ids;
  auto life = Life(ids, "demo", "acquire", "1").submit().accept().plan("2500", "1").start().prepare(0);
  EXPECT_EQ(verdict(halted, life, 4, {{kSigner, false}}), errc::kSignerHalted);
  EXPECT_EQ(verdict(halted, life, 4, {{kSigner, true}}), "admitted");
  EXPECT_EQ(verdict(halted, life, 4, {{kSigner, true}, {kSigner, false}}), errc::kSignerHalted);
  auto elsewhere = kSigner;
  elsewhere.chain_id = 1;
  EXPECT_EQ(verdict(halted, life, 4, {{elsewhere, false}}), "admitted");
  // It takes no nonce: the account is not concerned.
  EXPECT_EQ(verdict(halted, Life(ids, "demo", "acquire", "1").submit().accept(), 1), "admitted");
  // Both halted: the wider reason counts.
  const auto both = controls_of({halted_control(kSignerText), halted_control("control")});
  EXPECT_EQ(verdict(both, life, 5, {{kSigner, false}}), errc::kKillSwitch);
}

TEST(Admission, TellsWhoHaltedWhenAndWhy) {
  Ids ids;
  const auto life = Life(ids, "demo", "acquire", "1").submit().accept();
  const auto refused = admit(controls_of({halted_control("control")}), std::span(life.events()).subspan(1),
                             State::kAccepted, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail, "all new work is halted since " + to_rfc3339(samples::kStart) +
                                        " by ops@desk (USER_REQUEST: checking)");
}

/// Writes a record as the coordinator does: an append enters where its life and the controls allow it.
class Record {
 public:
  /// Whether it entered.
  bool append(std::span<const Envelope> events) {
    const auto& id = events.front().correlation_id;
    if (is_control(id)) {
      const auto known = controls_.find(id);
      auto after =
          advance_control(known == controls_.end() ? std::nullopt : std::optional(known->second), events);
      if (!after) return false;
      controls_.insert_or_assign(id, std::move(*after));
    } else {
      const auto known = heads_.find(id);
      const auto after =
          advance_head(known == heads_.end() ? std::nullopt : std::optional(known->second), events);
      if (!after) return false;
      std::vector<NonceAsked> nonces;
      for (const auto& event : events)
        if (event.topic == topic::kExecStepPrepared)
          nonces.push_back({kSigner, held_.contains({id, get_uint(event.payload, "nonce").value()})});
      if (!admit(controls_, events, after->state, nonces)) return false;
      for (const auto& event : events)
        if (event.topic == topic::kExecStepPrepared)
          held_.emplace(id, get_uint(event.payload, "nonce").value());
      heads_.insert_or_assign(id, *after);
    }
    appends_.emplace_back(events.begin(), events.end());
    return true;
  }
  const Controls& controls() const { return controls_; }
  const std::vector<std::vector<Envelope>>& appends() const { return appends_; }

 private:
  Controls controls_;
  std::map<std::string, IntentHead> heads_;
  std::set<std::pair<std::string, std::uint64_t>> held_;
  std::vector<std::vector<Envelope>> appends_;
};

/// A life cut into appends as the services make them: what needs another event with it goes with it.
std::vector<std::vector<Envelope>> appends_of(const Life& life) {
  std::vector<std::vector<Envelope>> out;
  for (const auto& event : life.events()) {
    const auto last = out.empty() ? std::string_view{} : std::string_view(out.back().back().topic);
    const bool joins = last == topic::kRiskApproved || last == topic::kExecStarted;
    if (!joins) out.emplace_back();
    out.back().push_back(event);
  }
  return out;
}

// Read from the finished record alone, with its own notion of what is halted: no admission code.
void check_record(const std::vector<std::vector<Envelope>>& appends) {
  bool stopped = false;
  bool account_stopped = false;
  std::set<std::tuple<std::string, std::uint64_t>> held;
  std::map<std::string, std::uint64_t> sequences;
  for (const auto& append : appends) {
    for (const auto& event : append) {
      RC_ASSERT(event.sequence == ++sequences[event.correlation_id]);
      if (event.topic == "control.halted" || event.topic == "control.resumed") {
        RC_ASSERT(stopped == (event.topic == "control.resumed"));
        stopped = !stopped;
      }
      if (event.topic == "signer.halted" || event.topic == "signer.resumed") {
        RC_ASSERT(account_stopped == (event.topic == "signer.resumed"));
        account_stopped = !account_stopped;
      }
      RC_ASSERT(!stopped || (event.topic != "intent.accepted" && event.topic != "plan.created"));
      if (event.topic != "exec.step_prepared") continue;
      const bool is_new = held.emplace(event.correlation_id, get_uint(event.payload, "nonce").value()).second;
      RC_ASSERT(!is_new || (!stopped && !account_stopped));
    }
  }
}

RC_GTEST_PROP(Admission, NoNewWorkBetweenHaltAndResume, ()) {
  std::mt19937_64 random(*rc::gen::arbitrary<std::uint64_t>());
  Ids ids;
  std::vector<std::vector<std::vector<Envelope>>> lives;
  for (int i = 0; i < 12; ++i) lives.push_back(appends_of(samples::random_life(ids, random)));
  std::vector<std::size_t> at(lives.size(), 0);
  Record record;
  for (int step = 0; step < 200; ++step) {
    if (random() % 6 == 0) {
      // Halts and resumes of several people, some of them late: what is not legal does not enter.
      const std::string id = random() % 2 == 0 ? "control" : kSignerText;
      const auto known = record.controls().find(id);
      const auto before = known == record.controls().end() ? std::nullopt : std::optional(known->second);
      record.append(std::array{
          next(ids, before, id, random() % 2 == 0 ? ControlState::kHalted : ControlState::kActive)});
      continue;
    }
    const auto pick = random() % lives.size();
    if (at[pick] == lives[pick].size()) continue;
    const bool quiet = !any_halted(record.controls());
    const bool entered = record.append(lives[pick][at[pick]]);
    RC_ASSERT(entered || !quiet);
    if (entered) ++at[pick];
  }
  check_record(record.appends());
  // Whoever holds a nonce comes to an end whatever is halted, as long as no new plan is needed.
  for (const auto& id : {std::string("control"), kSignerText})
    if (halted(record.controls(), id) == nullptr) {
      const auto known = record.controls().find(id);
      const auto before = known == record.controls().end() ? std::nullopt : std::optional(known->second);
      RC_ASSERT(record.append(std::array{next(ids, before, id, ControlState::kHalted)}));
    }
  for (std::size_t i = 0; i < lives.size(); ++i)
    for (; at[i] < lives[i].size() && record.append(lives[i][at[i]]); ++at[i]) {
    }
  for (std::size_t i = 0; i < lives.size(); ++i) {
    if (at[i] == lives[i].size()) continue;
    const auto& refused = lives[i][at[i]];
    const bool begins = std::ranges::any_of(refused, [](const Envelope& event) {
      return event.topic == topic::kIntentAccepted || event.topic == topic::kPlanCreated ||
             event.topic == topic::kExecStarted || event.topic == topic::kExecStepPrepared;
    });
    RC_ASSERT(begins);
  }
  check_record(record.appends());
}

}  // namespace
}  // namespace sep::engine
