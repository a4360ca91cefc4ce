#include "engine/lifecycle.h"

#include <set>

#include <gtest/gtest.h>

#include "engine/topics.h"

namespace sep::engine {
namespace {

const std::string kIntent = "01J5S3Y4PEJHBJ5A7FYHBXQRFG";

/// Builds chains of events with right sequence and causation.
class Chain {
 public:
  Chain& add(std::string_view topic) {
    Envelope event;
    event.event_id = fmt_id(++count_);
    event.topic = topic;
    event.correlation_id = correlation_of(kIntent);
    event.causation_id = events_.empty() ? event.correlation_id : events_.back().event_id;
    event.sequence = count_;
    events_.push_back(event);
    return *this;
  }
  std::vector<Envelope>& events() { return events_; }
  Result<IntentHead> run() const { return advance_head(std::nullopt, events_); }

 private:
  static std::string fmt_id(std::uint64_t n) {
    auto id = std::string("01J5S3Y4PEJHBJ5A7FYHBX0000");
    for (std::size_t i = id.size(); n != 0; n /= 10) id[--i] = static_cast<char>('0' + n % 10);
    return id;
  }
  std::vector<Envelope> events_;
  std::uint64_t count_ = 0;
};

Chain planned() {
  return Chain()
      .add(topic::kIntentSubmitted)
      .add(topic::kRiskApproved)
      .add(topic::kIntentAccepted)
      .add(topic::kPlanCreated);
}

Chain executing() {
  return planned().add(topic::kExecStarted);
}

TEST(Lifecycle, happy_path_ends_completed) {
  auto chain = executing()
                   .add(topic::kExecStepPrepared)
                   .add(topic::kExecStepSubmitted)
                   .add(topic::kExecStepFilled)
                   .add(topic::kExecCompleted);
  const auto head = chain.run();
  ASSERT_TRUE(head) << head.error().detail;
  EXPECT_EQ(head->state, State::kCompleted);
  EXPECT_EQ(head->sequence, 9u);
  EXPECT_EQ(head->last_event_id, chain.events().back().event_id);
}

TEST(Lifecycle, appends_in_parts_give_the_same_head_as_one) {
  auto chain = executing();
  const std::span<const Envelope> events = chain.events();
  auto head = advance_head(std::nullopt, events.first(1));
  ASSERT_TRUE(head);
  head = advance_head(*head, events.subspan(1, 2));
  ASSERT_TRUE(head);
  head = advance_head(*head, events.subspan(3));
  ASSERT_TRUE(head);
  EXPECT_EQ(*head, *chain.run());
}

TEST(Lifecycle, a_terminal_state_takes_nothing_more) {
  const std::array<Chain, 6> ended = {
      executing().add(topic::kExecCompleted),
      executing().add(topic::kExecFailed),
      Chain().add(topic::kIntentSubmitted).add(topic::kRiskRejected),
      Chain()
          .add(topic::kIntentSubmitted)
          .add(topic::kRiskApproved)
          .add(topic::kIntentAccepted)
          .add(topic::kPlanRejected),
      planned().add(topic::kIntentExpired),
      planned().add(topic::kIntentCancelled),
  };
  std::set<State> states;
  for (const auto& chain : ended) {
    const auto head = chain.run();
    ASSERT_TRUE(head);
    EXPECT_TRUE(is_terminal(head->state));
    states.insert(head->state);
    for (const auto topic : topic::kAll) {
      auto longer = chain;
      const auto result = longer.add(topic).run();
      ASSERT_FALSE(result) << to_string(head->state) << " then " << topic;
      EXPECT_EQ(result.error().code, errc::kIllegalTransition);
    }
  }
  EXPECT_EQ(states.size(), ended.size());
}

TEST(Lifecycle, every_open_state_can_expire_and_be_cancelled) {
  const std::array<Chain, 4> open = {
      Chain().add(topic::kIntentSubmitted),
      Chain().add(topic::kIntentSubmitted).add(topic::kRiskApproved).add(topic::kIntentAccepted), planned(),
      executing()};
  for (const auto& chain : open) {
    for (const auto topic : {topic::kIntentExpired, topic::kIntentCancelled}) {
      auto longer = chain;
      EXPECT_TRUE(longer.add(topic::kIntentCancelRequested).add(topic).run());
    }
  }
}

TEST(Lifecycle, acceptance_and_a_second_plan_need_the_risk_engine) {
  EXPECT_FALSE(Chain().add(topic::kIntentSubmitted).add(topic::kIntentAccepted).run());
  EXPECT_FALSE(Chain().add(topic::kIntentSubmitted).add(topic::kRiskApproved).run());
  EXPECT_FALSE(executing().add(topic::kExecStepReverted).add(topic::kPlanCreated).run());
  const auto retried =
      executing().add(topic::kExecStepReverted).add(topic::kRiskApproved).add(topic::kPlanCreated).run();
  ASSERT_TRUE(retried) << retried.error().detail;
  EXPECT_EQ(retried->state, State::kPlanned);
}

TEST(Lifecycle, execution_needs_a_plan_and_completion_an_execution) {
  auto accepted = Chain().add(topic::kIntentSubmitted).add(topic::kRiskApproved).add(topic::kIntentAccepted);
  EXPECT_FALSE(accepted.add(topic::kExecStarted).run());
  EXPECT_FALSE(planned().add(topic::kExecCompleted).run());
  EXPECT_FALSE(planned().add(topic::kExecStepPrepared).run());
  EXPECT_FALSE(Chain().add(topic::kIntentAccepted).run());
}

TEST(Lifecycle, wrong_sequence_and_causation_are_conflicts) {
  auto gap = planned();
  gap.events()[2].sequence = 4;
  auto result = gap.run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::kSequenceConflict);
  EXPECT_EQ(result.error().pointer, "/sequence");

  auto cause = planned();
  cause.events()[3].causation_id = cause.events()[1].event_id;
  result = cause.run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().pointer, "/causationId");

  auto second = Chain().add(topic::kIntentSubmitted);
  const auto head = second.run();
  result = advance_head(*head, second.events());  // the same first event again
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::kSequenceConflict);
}

TEST(Lifecycle, an_append_holds_one_intent) {
  auto mixed = planned();
  mixed.events()[1].correlation_id = correlation_of("01J5S3Y4PEJHBJ5A7FYHBXQRFH");
  const auto result = mixed.run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::kInvalidEvent);
  EXPECT_FALSE(advance_head(std::nullopt, {}));
}

TEST(Lifecycle, names_round_trip) {
  for (const auto state : kAllStates) EXPECT_EQ(parse_state(to_string(state)), state);
  EXPECT_FALSE(parse_state("settled"));
}

}  // namespace
}  // namespace sep::engine
