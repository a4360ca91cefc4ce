#include "bus/protocol.h"

#include <gtest/gtest.h>

namespace sep::bus {
namespace {

TEST(AckSubject, ReadsTheShortForm) {
  const auto delivery = parse_ack_subject("$JS.ACK.EVENTS.planner-workers.3.41.17.1787000000123456789.5");
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->deliveries, 3u);
  EXPECT_EQ(delivery->stream_sequence, 41u);
  EXPECT_EQ(delivery->consumer_sequence, 17u);
  EXPECT_EQ(delivery->stored_at, "1787000000123456789");
}

TEST(AckSubject, ReadsTheLongFormWithDomainAndAccount) {
  for (const std::string subject :
       {"$JS.ACK._.ABCDEF.EVENTS.workers.1.2.3.4.5", "$JS.ACK.hub.AB.EVENTS.w.1.2.3.4.5.x"}) {
    const auto delivery = parse_ack_subject(subject);
    ASSERT_TRUE(delivery) << subject;
    EXPECT_EQ(delivery->deliveries, 1u);
    EXPECT_EQ(delivery->stream_sequence, 2u);
    EXPECT_EQ(delivery->consumer_sequence, 3u);
    EXPECT_EQ(delivery->stored_at, "4");
  }
}

TEST(AckSubject, RefusesWhatIsNone) {
  for (const std::string subject :
       {"", "_INBOX.x.1", "$JS.ACK.", "$JS.ACK.S.c.1.2.3.4", "$JS.ACK.S.c.one.2.3.4.5",
        "$JS.ACK.S.c.1.2.-3.4.5", "$JS.ACK.S.c.1.2x.3.4.5", "$JS.ACK.S.c.1.2.3.4.5.6"}) {
    EXPECT_FALSE(parse_ack_subject(subject)) << subject;
  }
}

TEST(StreamConfig, KeepsTheDuplicateWindowWithinTheAge) {
  StreamConfig config{.name = "S", .subjects = {"a.>"}, .duplicate_window = milliseconds(2000)};
  EXPECT_EQ(stream_config_json(config).at("duplicate_window"), 2'000'000'000);
  EXPECT_EQ(stream_config_json(config).at("max_age"), 0);
  config.max_age = milliseconds(1500);
  EXPECT_EQ(stream_config_json(config).at("duplicate_window"), 1'500'000'000);
}

TEST(Configuration, IsComparedAsTheServerWritesIt) {
  const json::object wanted{{"durable_name", "w"}, {"filter_subject", ""}, {"max_deliver", -1}};
  EXPECT_TRUE(has_configuration({{"durable_name", "w"}, {"max_deliver", -1}, {"num_replicas", 0}}, wanted));
  EXPECT_FALSE(has_configuration({{"durable_name", "w"}, {"max_deliver", 5}}, wanted));
  EXPECT_FALSE(has_configuration({{"durable_name", "w"}}, wanted)) << "-1 is not what an absent number means";
  EXPECT_FALSE(
      has_configuration({{"durable_name", "w"}, {"max_deliver", -1}, {"filter_subject", "a"}}, wanted));
}

TEST(ApiReply, GivesTheErrorACode) {
  const auto code_of = [](std::string_view text) {
    const auto reply = parse_api_reply(text);
    return reply ? std::string_view("none") : reply.error().code;
  };
  EXPECT_EQ(code_of(R"({"error":{"code":404,"err_code":10059,"description":"stream not found"}})"),
            errc::kNotFound);
  EXPECT_EQ(code_of(R"({"error":{"code":503,"description":"unavailable"}})"), errc::kBusUnavailable);
  EXPECT_EQ(code_of(R"({"error":{"code":400,"description":"bad"}})"), errc::kInvalidValue);
  EXPECT_EQ(code_of(R"({"stream":"S","seq":1})"), "none");
  EXPECT_EQ(code_of("[]"), errc::kInternal);
  EXPECT_EQ(code_of("+OK"), errc::kMalformedJson);
}

TEST(PubAck, SaysWhetherTheStreamHadItAlready) {
  EXPECT_FALSE(parse_pub_ack(R"({"stream":"S","seq":7})")->duplicate);
  const auto ack = parse_pub_ack(R"({"stream":"S","seq":7,"duplicate":true})");
  EXPECT_TRUE(ack->duplicate);
  EXPECT_EQ(ack->sequence, 7u);
}

TEST(ConsumerInfo, IsWhatIsLeftToDo) {
  const auto info = parse_consumer_info({{"num_pending", 3}, {"num_ack_pending", 2}, {"num_waiting", 1}});
  EXPECT_EQ(info->pending, 3u);
  EXPECT_EQ(info->unacknowledged, 2u);
  EXPECT_EQ(parse_consumer_info({{"num_pending", 3}}).error().code, errc::kMissingField);
}

TEST(StoredMessage, DecodesBase64OfEveryLength) {
  const auto body_of = [](std::string_view base64) {
    const auto stored =
        parse_stored_message({{"message", json::object{{"subject", "a.b"}, {"seq", 9}, {"data", base64}}}});
    return stored ? stored->body : "error " + std::string(stored.error().code);
  };
  // RFC 4648, section 10.
  EXPECT_EQ(body_of(""), "");
  EXPECT_EQ(body_of("Zg=="), "f");
  EXPECT_EQ(body_of("Zm8="), "fo");
  EXPECT_EQ(body_of("Zm9v"), "foo");
  EXPECT_EQ(body_of("Zm9vYmFy"), "foobar");
  EXPECT_EQ(body_of("!!!!"), "error INTERNAL");
}

TEST(NegativeAck, CarriesTheDelayInNanoseconds) {
  EXPECT_EQ(negative_ack(milliseconds(0)), "-NAK");
  EXPECT_EQ(negative_ack(milliseconds(250)), "-NAK {\"delay\": 250000000}");
}

TEST(DeadLetter, KeepsTheMessageAndTheReason) {
  const Message message{.subject = "intent.accepted", .body = "{\"a\":1}", .deliveries = 4};
  EXPECT_EQ(dead_letter_json(message, "NO_ROUTE"),
            R"({"data":"{\"a\":1}","reason":"NO_ROUTE","subject":"intent.accepted","tries":4})");
}

}  // namespace
}  // namespace sep::bus
