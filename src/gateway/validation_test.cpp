#include "gateway/validation.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "base/hex.h"
#include "base/ulid.h"
#include "engine/projection.h"
#include "engine/topics.h"
#include "gateway/metrics.h"

namespace sep::gateway {
namespace {

namespace fs = std::filesystem;

const fs::path kSchemas = fs::path(SEP_SOURCE_DIR) / "schema";

std::string read(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

json::value read_json(const fs::path& path) {
  return json::parse(read(path));
}

struct Sample {
  std::string schema;
  fs::path path;
};

// samples/<kind>/<schema id>/<name>.json
std::vector<Sample> samples(const std::string& kind) {
  std::vector<Sample> found;
  for (const auto& entry : fs::recursive_directory_iterator(kSchemas / "samples" / kind)) {
    if (entry.is_regular_file())
      found.push_back({fs::relative(entry.path().parent_path(), kSchemas / "samples" / kind), entry.path()});
  }
  return found;
}

using FaultSet = std::multiset<std::pair<std::string, std::string>>;

FaultSet pairs_of(const std::vector<Fault>& faults) {
  FaultSet set;
  for (const auto& fault : faults) set.emplace(fault.pointer, fault.code);
  return set;
}

TEST(Validation, ValidSamplesHaveNoFault) {
  for (const auto& [schema, path] : samples("valid")) {
    ASSERT_TRUE(has_schema(schema)) << path;
    EXPECT_EQ(pairs_of(validate(schema, read_json(path))), FaultSet{}) << path;
  }
}

TEST(Validation, InvalidSamplesHaveExactlyTheFaultsTheyName) {
  const auto all = samples("invalid");
  EXPECT_GT(all.size(), 50u);
  for (const auto& [schema, path] : all) {
    ASSERT_TRUE(has_schema(schema)) << path;
    const auto sample = read_json(path);
    FaultSet expected;
    for (const auto& fault : sample.at("faults").as_array())
      expected.emplace(fault.at("pointer").as_string(), fault.at("code").as_string());
    EXPECT_EQ(pairs_of(validate(schema, sample.at("document"))), expected) << path;
  }
}

TEST(Validation, EveryMessageIsForAPerson) {
  for (const auto& [schema, path] : samples("invalid")) {
    for (const auto& fault : validate(schema, read_json(path).at("document"))) {
      EXPECT_TRUE(fault.message.starts_with("must") || fault.message.starts_with("is "))
          << path << fault.message;
    }
  }
}

TEST(Validation, MessagesSayWhatIsAllowed) {
  const auto one = [](std::string_view action) {
    const auto faults = validate("success_criterion", json::parse(action));
    return faults.size() == 1 ? faults.front().message : "";
  };
  EXPECT_EQ(one(R"({"metric": "max_gas_usd", "value": 5})"), "must be a string");
  EXPECT_EQ(
      one(R"({"metric": "x", "value": "5"})"),
      R"(must be one of "min_amount_out", "max_amount_in", "max_gas_usd", "max_price_impact", "complete_within_ms")");
}

TEST(Validation, EveryTopicHasAPayloadSchemaWithSamples) {
  std::set<std::string> sampled;
  for (const auto& sample : samples("valid")) sampled.insert(sample.schema);
  for (const auto topic : engine::topic::kAll) {
    EXPECT_TRUE(has_schema(payload_schema(topic))) << topic;
    EXPECT_TRUE(sampled.contains(payload_schema(topic))) << topic;
  }
}

TEST(Validation, TheErrorListKeepsItsOwnForm) {
  EXPECT_EQ(pairs_of(validate("errors", read_json(kSchemas / "errors.json"))), FaultSet{});
}

// A long string must not make a pattern slow, or deep.
TEST(Validation, LongStringsAreRefusedAtOnce) {
  auto intent = read_json(kSchemas / "samples/valid/intent/acquire.json");
  for (const auto* field : {"amount", "strategy_id", "intent_type"})
    intent.as_object()[field] = std::string(1 << 20, '1');
  EXPECT_EQ(pairs_of(validate(schema::kIntent, intent)), (FaultSet{{"/amount", "INVALID_AMOUNT"},
                                                                   {"/strategy_id", "INVALID_VALUE"},
                                                                   {"/intent_type", "INVALID_VALUE"}}));
}

TEST(Validation, ThePatternOfTheSchemaIsThatOfTheStream) {
  for (const std::string pattern : {"*", ">", "a", "a.*", "a.>", "*.>", "intent.cancel_requested", "", ".",
                                    "a.", ".a", "a..b", ">.a", "a.>.b", "a*", "a b", "a>", "*.*.x-1"}) {
    const json::value action{{"action", "subscribe"}, {"topics", json::array{pattern}}};
    EXPECT_EQ(validate(schema::kStreamAction, action).empty(), engine::topic::is_pattern(pattern)) << pattern;
  }
}

// --- the documents that the engine makes

std::vector<engine::Envelope> life_of_an_intent(std::span<const std::string_view> topics) {
  std::vector<engine::Envelope> events;
  for (const auto topic : topics) {
    engine::Envelope event;
    event.event_id = encode_ulid({1, static_cast<std::uint8_t>(events.size() + 1)});
    event.topic = topic;
    event.correlation_id = "intent-01J5S3Y4PEJHBJ5A7FYHBXQRFG";
    event.causation_id = events.empty() ? event.correlation_id : events.back().event_id;
    event.sequence = event.global_sequence = events.size() + 1;
    event.timestamp = Timestamp{1'780'000'000'000}.plus_ms(static_cast<std::int64_t>(events.size()));
    event.payload =
        read_json(kSchemas / "samples/valid" / payload_schema(topic) / "typical.json").as_object();
    events.push_back(std::move(event));
  }
  return events;
}

// Every document after every event of these lives is as its schema says.
std::set<std::string> expect_documents_follow_their_schemas(std::span<const std::string_view> topics) {
  engine::Projection projection(0, [](const std::string&) { return std::optional<json::object>{}; });
  std::set<std::string> kinds;
  for (const auto& event : life_of_an_intent(topics)) {
    EXPECT_EQ(pairs_of(validate(schema::kEnvelope, engine::to_json(event))), FaultSet{});
    EXPECT_TRUE(projection.apply(event));
    for (const auto& [key, text] : projection.take_changes().documents) {
      const auto kind = key.substr(0, key.find(':'));
      kinds.insert(kind);
      if (kind == "stats") continue;        // GET /stats adds the latencies
      if (kind == "transaction") continue;  // leads to an intent; never shown
      EXPECT_EQ(pairs_of(validate("views/" + kind, json::parse(text))), FaultSet{})
          << event.topic << ": " << text;
    }
  }
  return kinds;
}

TEST(Documents, OfACompletedIntent) {
  using namespace engine::topic;
  const auto kinds = expect_documents_follow_their_schemas(
      std::array{kIntentSubmitted, kRiskApproved, kIntentAccepted, kPlanCreated, kExecStarted,
                 kExecStepPrepared, kExecStepSubmitted, kExecStepReorged, kExecStepFilled, kExecCompleted});
  EXPECT_EQ(kinds, (std::set<std::string>{"intent", "plan", "positions", "stats", "transaction"}));
}

TEST(Documents, OfAFailedIntent) {
  using namespace engine::topic;
  expect_documents_follow_their_schemas(std::array{kIntentSubmitted, kRiskApproved, kIntentAccepted,
                                                   kPlanCreated, kExecStarted, kExecStepPrepared,
                                                   kExecStepSubmitted, kExecStepReverted, kExecFailed});
}

TEST(Documents, OfIntentsThatEndEarly) {
  using namespace engine::topic;
  expect_documents_follow_their_schemas(std::array{kIntentSubmitted, kRiskRejected});
  expect_documents_follow_their_schemas(
      std::array{kIntentSubmitted, kRiskApproved, kIntentAccepted, kPlanRejected});
  expect_documents_follow_their_schemas(std::array{kIntentSubmitted, kIntentExpired});
  expect_documents_follow_their_schemas(std::array{kIntentSubmitted, kRiskApproved, kIntentAccepted,
                                                   kPlanCreated, kIntentCancelRequested, kIntentCancelled});
}

TEST(Documents, StatsOfTheEngineWithTheLatenciesOfTheGateway) {
  auto stats = engine::empty_stats();
  stats["latency"] = Metrics().stages();
  EXPECT_EQ(pairs_of(validate("api/stats", stats)), FaultSet{});
}

// `make gen` was forgotten where this fails.
TEST(Schemas, GeneratedFilesAreThoseOfTheSources) {
  const auto sources = read_json(kSchemas / "generated/sources.json").as_object();
  std::set<std::string> files = {"openapi.yaml", "generate.mjs"};
  for (const auto& id : schema_ids()) files.insert(id + ".schema.json");
  for (const auto& entry : fs::recursive_directory_iterator(kSchemas)) {
    if (entry.path().string().ends_with(".schema.json")) files.insert(fs::relative(entry.path(), kSchemas));
  }
  EXPECT_EQ(sources.size(), files.size());
  for (const auto& file : files) {
    const auto text = read(kSchemas / file);
    std::array<std::uint8_t, 32> digest{};
    EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    ASSERT_TRUE(sources.contains(file)) << file;
    EXPECT_EQ(sources.at(file).as_string(), to_hex(digest).substr(2)) << file;
  }
}

// Every reference of the served document leads somewhere inside it.
TEST(Schemas, OpenapiIsWhole) {
  const auto document = json::parse(openapi_json());
  std::size_t references = 0;
  const auto check = [&](const auto& self, const json::value& value) -> void {
    if (value.is_array()) {
      for (const auto& element : value.get_array()) self(self, element);
    }
    if (!value.is_object()) return;
    for (const auto& [key, member] : value.get_object()) {
      if (key == "$ref") {
        ++references;
        boost::system::error_code error;
        const std::string reference(member.as_string());
        ASSERT_TRUE(reference.starts_with("#/")) << reference;
        EXPECT_NE(document.find_pointer(reference.substr(1), error), nullptr) << reference;
      }
      self(self, member);
    }
  };
  check(check, document);
  EXPECT_GT(references, 100u);
}

}  // namespace
}  // namespace sep::gateway
