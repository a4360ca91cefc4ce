#include "services/append_request.h"

#include <gtest/gtest.h>

#include "engine/topics.h"

namespace sep::services {
namespace {

constexpr std::string_view kIntentId = "01J5S3Y4PEJHBJ5A7FYHBXQRFG";

json::object event() {
  engine::Envelope envelope;
  envelope.event_id = "01J5S3Y4PEJHBJ5A7FYHBXQRFH";
  envelope.timestamp = {1'787'000'000'000};
  envelope.topic = engine::topic::kIntentCancelRequested;
  envelope.correlation_id = engine::correlation_of(kIntentId);
  envelope.causation_id = "01J5S3Y4PEJHBJ5A7FYHBXQRFG";
  envelope.sequence = 2;
  envelope.payload = {{"intentId", kIntentId}};
  return engine::to_json(envelope);
}
json::object append_of(json::array events) {
  return {{"events", std::move(events)}};
}
Result<engine::RecordAppend> parsed(const json::object& append) {
  return parse_append(json::serialize(append));
}
json::object nonce(std::string_view account) {
  return {{"chain_id", 1}, {"account", account}, {"nonce", 3}};
}

TEST(ParseAppend, ReadsEventsAndClaims) {
  auto document = append_of({event()});
  document["idempotency"] = json::object{{"key", "k"}, {"body_hash", "h"}};
  document["nonces"] = json::array{nonce("0x" + std::string(40, 'a'))};
  const auto append = parsed(document);
  ASSERT_TRUE(append) << append.error().detail;
  EXPECT_EQ(append->events.size(), 1);
  ASSERT_TRUE(append->idempotency);
  EXPECT_EQ(append->idempotency->key, "k");
  EXPECT_EQ(append->idempotency->correlation_id, engine::correlation_of(kIntentId));
  ASSERT_EQ(append->nonces.size(), 1);
  EXPECT_EQ(append->nonces[0].correlation_id, engine::correlation_of(kIntentId));
}

TEST(ParseAppend, RefusesWhatIsMalformed) {
  EXPECT_FALSE(parse_append("[]"));
  EXPECT_FALSE(parse_append("{"));
  EXPECT_FALSE(parsed({}));
  EXPECT_FALSE(parsed(append_of({})));
  auto wrong_payload = event();
  wrong_payload["payload"] = json::object{};
  EXPECT_EQ(parsed(append_of({event(), wrong_payload})).error().pointer, "/payload/intentId");
  auto unknown = event();
  unknown["topic"] = "exec.unheard_of";
  EXPECT_FALSE(parsed(append_of({unknown})));
}

TEST(ParseAppend, AnAccountHasOneSpelling) {
  auto document = append_of({event()});
  for (const std::string& digits : {std::string(40, 'a'), std::string(40, 'A')}) {
    document["nonces"] = json::array{nonce("0x" + digits)};
    EXPECT_EQ(parsed(document).value().nonces[0].account, "0x" + std::string(40, 'a'));
  }
}

TEST(ParseAppend, AClaimThatCannotBeReadIsNeverDropped) {
  auto document = append_of({event()});
  for (const json::value& claim : {json::value(nullptr), json::value("k"), json::value(json::array{}),
                                   json::value(json::object{{"key", "k"}})}) {
    document["idempotency"] = claim;
    EXPECT_FALSE(parsed(document)) << json::serialize(claim);
  }
  document.erase("idempotency");
  for (const json::value& claims :
       {json::value(nullptr), json::value(json::array{1}), json::value(json::array{json::object{}}),
        json::value(json::array{nonce("0xab")})}) {
    document["nonces"] = claims;
    EXPECT_FALSE(parsed(document)) << json::serialize(claims);
  }
}

}  // namespace
}  // namespace sep::services
