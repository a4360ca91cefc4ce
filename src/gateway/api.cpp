#include "gateway/api.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <set>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/url.hpp>
#include <openssl/evp.h>

#include "base/hex.h"
#include "base/log.h"
#include "base/ulid.h"
#include "engine/envelope.h"
#include "engine/lifecycle.h"
#include "gateway/validation.h"

namespace sep::gateway {

namespace beast = boost::beast;
namespace http = beast::http;

namespace {

constexpr unsigned kMaxPageLimit = 200;
constexpr std::size_t kCompressFrom = 1024;  // bytes: below, a packet is a packet
constexpr std::size_t kEtagDigits = 22;
constexpr auto kRetryAfterS = "1";  // parts come back within seconds
// What metrics call the route of a path that is no call.
constexpr std::string_view kPageRoute = "page";
constexpr std::string_view kNoRoute = "none";

Reply json_reply(unsigned status, const json::value& document) {
  return {status, json::serialize(document), "application/json", {}};
}

Problem invalid_id(std::string_view text) {
  return {400,
          errc::kInvalidId,
          "\"" + std::string(text.substr(0, 64)) + "\" is not a ULID of 26 characters",
          {}};
}

std::string sha256_hex(std::string_view text) {
  std::array<std::uint8_t, 32> digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return to_hex(digest).substr(2);
}

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~'; });
}

// "application/json", with or without parameters.
bool is_json_type(std::string_view content_type) {
  const auto type = content_type.substr(0, content_type.find(';'));
  const auto end = type.find_last_not_of(" \t");
  return end != std::string_view::npos && beast::iequals(type.substr(0, end + 1), "application/json");
}

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

// What a foreign page cannot have made to lead here: an address, or localhost.
bool is_own_host(std::string_view authority) {
  const auto host = host_of(authority);
  if (beast::iequals(host, "localhost") || host.starts_with('[')) return true;
  boost::system::error_code error;
  asio::ip::make_address(std::string(host), error);
  return !error;
}

// A browser sends Origin with what a page of another site asks for.
bool is_own_origin(std::string_view origin, std::string_view authority) {
  const auto scheme = origin.find("://");
  return scheme != std::string_view::npos && beast::iequals(origin.substr(scheme + 3), authority);
}

// One that a pointer of the schema's faults says already, at the field or around it.
bool is_known(const std::vector<Fault>& faults, std::string_view pointer) {
  return std::any_of(faults.begin(), faults.end(), [&](const Fault& fault) {
    return pointer.starts_with(fault.pointer) &&
           (pointer.size() == fault.pointer.size() || pointer[fault.pointer.size()] == '/');
  });
}

void add_unknown(std::vector<Fault>& faults, std::vector<Fault> more) {
  for (auto& fault : more)
    if (!is_known(faults, fault.pointer)) faults.push_back(std::move(fault));
}

/// Nothing where there is none, or where it is at fault.
std::optional<std::string> idempotency_key(const Request& request, std::vector<Fault>& faults) {
  const auto given = request.count("Idempotency-Key");
  if (given == 0) return std::nullopt;
  std::string key(request["Idempotency-Key"]);
  if (given == 1 && !key.empty() && key.size() <= 128 && is_visible_ascii(key)) return key;
  faults.push_back(
      {"/header/Idempotency-Key", errc::kInvalidValue, "must be 1 to 128 visible ASCII characters, once"});
  return std::nullopt;
}

Answer<json::value> body_json(const Request& request) {
  if (!is_json_type(request[http::field::content_type]))
    return std::unexpected(
        Problem{415, errc::kUnsupportedMediaType, "the body must be application/json", {}});
  auto document = parse_json(request.body());
  if (!document) return std::unexpected(Problem{400, errc::kMalformedJson, document.error().detail, {}});
  return std::move(*document);
}

using Parameters = std::vector<std::pair<std::string, std::string>>;

template <class T>
Answer<Reply> answered(unsigned status, Answer<T> answer) {
  if (!answer) return std::unexpected(std::move(answer.error()));
  return json_reply(status, json::value(std::move(*answer)));
}

/// Says so where the answer is the record's: Redis is out, or behind.
Reply told(Source source, Reply reply) {
  if (source == Source::kRecord) reply.headers.emplace_back("X-Sep-Source", "record");
  return reply;
}

Answer<Reply> answered(unsigned status, Answer<Document> answer) {
  if (!answer) return std::unexpected(std::move(answer.error()));
  return told(answer->source, json_reply(status, json::value(std::move(answer->body))));
}

/// Faults of a query's parameters, gathered.
class QueryReader {
 public:
  explicit QueryReader(const Parameters& parameters) : parameters_(parameters) {}

  void fault(std::string_view name, std::string_view code, std::string message) {
    faults_.push_back({"/query/" + std::string(name), code, std::move(message)});
  }
  /// Calls `read(name, value)` for each parameter; it returns false for one that is not known.
  template <class Read>
  void each(Read read) {
    std::set<std::string_view> seen;
    for (const auto& [name, value] : parameters_) {
      if (!seen.insert(name).second)
        fault(name, errc::kInvalidValue, "must be given once");
      else if (!read(name, value))
        fault(name, errc::kUnknownField, "is not a known parameter");
    }
  }
  void read_limit(std::string_view value, unsigned& limit) {
    const auto read = std::from_chars(value.begin(), value.end(), limit);
    if (read.ec != std::errc() || read.ptr != value.end() || limit < 1 || limit > kMaxPageLimit)
      fault("limit", errc::kInvalidValue, "must be from 1 to " + std::to_string(kMaxPageLimit));
  }
  /// `value` where there was no fault.
  template <class T>
  Answer<T> answer(T value) {
    if (!faults_.empty()) return std::unexpected(validation_problem(std::move(faults_)));
    return value;
  }

 private:
  const Parameters& parameters_;
  std::vector<Fault> faults_;
};

bool is_hash(std::string_view text) {
  return text.size() == 66 && text.starts_with("0x") &&
         text.substr(2).find_first_not_of("0123456789abcdef") == text.npos;
}

/// "executing,planned", each once.
std::optional<std::vector<engine::State>> parse_states(std::string_view text) {
  std::vector<engine::State> states;
  for (bool more = true; more;) {
    const auto comma = text.find(',');
    const auto state = engine::parse_state(text.substr(0, comma));
    if (!state || std::ranges::find(states, *state) != states.end()) return std::nullopt;
    states.push_back(*state);
    more = comma != text.npos;
    text = more ? text.substr(comma + 1) : std::string_view{};
  }
  return states;
}

Answer<ListQuery> list_query(const Parameters& parameters) {
  ListQuery query;
  QueryReader reader(parameters);
  reader.each([&](const std::string& name, const std::string& value) {
    if (name == "state") {
      auto states = parse_states(value);
      if (!states)
        reader.fault(name, errc::kInvalidValue, "must be states of an intent, each once, parted by commas");
      query.states = std::move(states).value_or(std::vector<engine::State>{});
    } else if (name == "strategy_id") {
      query.strategy_id = value;
      if (!is_strategy_id(value)) reader.fault(name, errc::kInvalidValue, "is not a strategy's identifier");
    } else if (name == "since") {
      const auto since = parse_rfc3339(value);
      if (since)
        query.since_intent_id = lowest_ulid(*since);
      else
        reader.fault(name, errc::kInvalidValue, "must be a time such as 2026-08-21T19:26:00.000Z");
    } else if (name == "tx_hash") {
      query.tx_hash = value;
      if (!is_hash(value))
        reader.fault(name, errc::kInvalidValue, "must be 0x and 64 lower-case hexadecimal digits");
      if (parameters.size() > 1) reader.fault(name, errc::kInvalidValue, "must stand alone");
    } else if (name == "limit") {
      reader.read_limit(value, query.limit);
    } else if (name == "cursor") {
      query.before_intent_id = value;
      if (!is_ulid(value)) reader.fault(name, errc::kInvalidCursor, "is not a next_cursor of a page");
    } else {
      return false;
    }
    return true;
  });
  return reader.answer(std::move(query));
}

struct StrategiesQuery {
  std::optional<std::string> after;
  unsigned limit = 50;
};

Answer<StrategiesQuery> strategies_query(const Parameters& parameters) {
  StrategiesQuery query;
  QueryReader reader(parameters);
  reader.each([&](const std::string& name, const std::string& value) {
    if (name == "limit") {
      reader.read_limit(value, query.limit);
    } else if (name == "cursor") {
      query.after = value;
      if (!is_strategy_id(value)) reader.fault(name, errc::kInvalidCursor, "is not a next_cursor of a page");
    } else {
      return false;
    }
    return true;
  });
  return reader.answer(std::move(query));
}

Answer<std::optional<engine::StatsWindow>> stats_query(const Parameters& parameters) {
  std::optional<engine::StatsWindow> window;
  QueryReader reader(parameters);
  reader.each([&](const std::string& name, const std::string& value) {
    if (name != "window") return false;
    window = engine::parse_stats_window(value);
    if (!window) reader.fault(name, errc::kInvalidValue, "must be one of 15m, 1h, 24h, 7d");
    return true;
  });
  return reader.answer(window);
}

/// "/intents/{id}" against "/intents/01J…": the variable's value (empty without one), or nothing where they
/// differ.
std::optional<std::string> match_path(std::string_view pattern, const boost::urls::url_view& url) {
  std::string id;
  auto segment = url.segments().begin();
  const auto end = url.segments().end();
  for (auto rest = pattern.substr(1); !rest.empty(); ++segment) {
    const auto slash = rest.find('/');
    const auto expected = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
    if (segment == end) return std::nullopt;
    const std::string given = *segment;
    if (expected == "{id}" && !given.empty())
      id = given;
    else if (expected != given)
      return std::nullopt;
  }
  if (segment != end) return std::nullopt;
  return id;
}

std::string allowed_methods(const std::set<http::verb>& verbs) {
  std::string text;
  for (const auto verb : verbs) {
    if (!text.empty()) text += ", ";
    text += http::to_string(verb);
  }
  return text;
}

/// A header that may come in several lines, as one list.
std::string joined(const Request& request, http::field name) {
  std::string text;
  const auto [first, last] = request.equal_range(name);
  for (auto field = first; field != last; ++field) {
    if (!text.empty()) text += ", ";
    text += std::string_view(field->value());
  }
  return text;
}

PageRequest page_request(const Request& request) {
  const std::string_view target = request.target();
  const auto question = target.find('?');
  return {.path = target.substr(0, question),
          .query = question == target.npos ? std::string_view{} : target.substr(question + 1),
          .head = request.method() == http::verb::head,
          .accept = joined(request, http::field::accept),
          .accept_encoding = joined(request, http::field::accept_encoding),
          .if_none_match = joined(request, http::field::if_none_match),
          .if_range = joined(request, http::field::if_range),
          .range = joined(request, http::field::range)};
}

bool is_json(std::string_view content_type) {
  return content_type == "application/json" || content_type == "application/problem+json";
}

/// An answer that a client may keep, and ask for again with its ETag.
Reply revalidated(Reply reply) {
  reply.headers.emplace_back("ETag", "\"" + sha256_hex(reply.body.view()).substr(0, kEtagDigits) + "\"");
  reply.headers.emplace_back("Cache-Control", "no-cache");
  return reply;
}

/// Compresses what is worth it, where the client takes it; sends nothing where the client has it.
void negotiate(Reply& reply, const Request& request) {
  auto encoding = Encoding::kIdentity;
  if (is_json(reply.content_type) && reply.body.size() >= kCompressFrom) {
    constexpr std::array kAvailable = {Encoding::kGzip};
    reply.headers.emplace_back("Vary", "Accept-Encoding");
    encoding = choose_encoding(joined(request, http::field::accept_encoding), kAvailable);
  }
  const auto etag = std::ranges::find(reply.headers, "ETag", &Headers::value_type::first);
  if (etag != reply.headers.end()) {
    etag->second = encoded_etag(etag->second, encoding);
    if (if_none_match(joined(request, http::field::if_none_match), etag->second)) {
      reply.status = 304;
      reply.body = {};
      reply.content_type.clear();
      return;
    }
  }
  if (encoding == Encoding::kIdentity) return;
  reply.body = gzip(reply.body.view());
  reply.headers.emplace_back("Content-Encoding", to_string(encoding));
}

}  // namespace

Reply problem_reply(const Problem& problem, std::string_view request_id) {
  Reply reply{problem.status, json::serialize(to_json(problem, request_id)), "application/problem+json", {}};
  if (problem.retry_after_s != 0)
    reply.headers.emplace_back("Retry-After", std::to_string(problem.retry_after_s));
  else if (problem.status == 503)
    reply.headers.emplace_back("Retry-After", kRetryAfterS);
  return reply;
}

bool is_strategy_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

/// What a handler gets.
struct Api::Call {
  const Request& request;
  std::string id;  // the path's variable segment
  Parameters query;
};

struct Api::Route {
  http::verb verb;
  std::string_view path;  // {id} stands for one segment
  Handled (Api::*handler)(Call);
};

Api::Api(const ServerOptions& options, Backend& backend, std::shared_ptr<StreamHub> hub, Metrics& metrics)
    : backend_(backend), hub_(std::move(hub)), metrics_(metrics) {
  if (options.pages.empty()) return;
  auto pages = Pages::load(options.pages);
  if (pages)
    pages_ = std::move(*pages);
  else
    logger("gateway")->warn("no pages are served (run make web): {}", pages.error().detail);
}

std::span<const Api::Route> Api::routes() {
  using enum http::verb;
  static const std::array kRoutes = std::to_array<Route>({
      {post, "/intents", &Api::submit},
      {get, "/intents", &Api::list},
      {get, "/intents/{id}", &Api::intent},
      {get, "/intents/{id}/events", &Api::events},
      {post, "/intents/{id}/cancel", &Api::cancel},
      {get, "/plans/{id}", &Api::plan},
      {get, "/strategies/{id}/positions", &Api::positions},
      {post, "/quotes", &Api::quote},
      {get, "/strategies", &Api::strategies},
      {get, "/assets", &Api::assets},
      {get, "/account", &Api::account},
      {get, "/platform", &Api::platform},
      {get, "/status", &Api::status},
      {get, "/stats", &Api::stats},
      {get, "/healthz", &Api::healthz},
      {get, "/readyz", &Api::readyz},
      {get, "/metrics", &Api::metrics},
      {get, "/openapi.json", &Api::openapi},
      {get, "/stream", &Api::stream},
  });
  return kRoutes;
}

std::vector<std::string> Api::calls() {
  std::vector<std::string> calls;
  for (const auto& route : routes())
    calls.push_back(std::string(http::to_string(route.verb)) + " " + std::string(route.path));
  return calls;
}

Answer<json::object> Api::checked_intent(const json::value& document, std::vector<Fault> of_header) {
  const StageTimer timer(metrics_, stage::kValidation);
  auto faults = validate(schema::kIntent, document);
  if (document.is_object()) add_unknown(faults, backend_.intent_faults(document.get_object()));
  std::ranges::move(of_header, std::back_inserter(faults));
  if (!faults.empty()) return std::unexpected(validation_problem(std::move(faults)));
  return document.get_object();
}

Api::Handled Api::submit(Call call) {
  StageTimer timer(metrics_, stage::kPost);
  // First of all: a refusal has to cost little, and no time of it is an intent's.
  const auto place = co_await backend_.admit();
  if (!place) {
    timer.cancel();
    co_return std::unexpected(place.error());
  }
  std::vector<Fault> of_header;
  auto key = idempotency_key(call.request, of_header);
  const auto document = body_json(call.request);
  if (!document) co_return std::unexpected(document.error());
  auto intent = checked_intent(*document, std::move(of_header));
  if (!intent) co_return std::unexpected(std::move(intent.error()));
  auto body_hash = sha256_hex(canonical_json(*document));
  const auto answer =
      co_await backend_.submit_intent(std::move(*intent), std::move(key), std::move(body_hash));
  if (!answer) co_return std::unexpected(answer.error());
  if (!answer->replayed) metrics_.trace().record(series::kReceived, timer.started_ns(), answer->intent_id);
  auto reply = json_reply(201, json::object{{"intent_id", answer->intent_id},
                                            {"correlation_id", answer->correlation_id},
                                            {"state", answer->state}});
  reply.headers.emplace_back("Location", "/intents/" + answer->intent_id);
  if (answer->replayed) reply.headers.emplace_back("Idempotent-Replayed", "true");
  co_return reply;
}

Api::Handled Api::list(Call call) {
  auto query = list_query(call.query);
  if (!query) co_return std::unexpected(std::move(query.error()));
  auto page = co_await backend_.list(std::move(*query));
  if (!page) co_return std::unexpected(std::move(page.error()));
  json::object document{{"intents", std::move(page->intents)}, {"next_cursor", nullptr}};
  if (page->next_before) document["next_cursor"] = *page->next_before;
  co_return told(page->source, json_reply(200, document));
}

Api::Handled Api::intent(Call call) {
  if (!is_ulid(call.id)) co_return std::unexpected(invalid_id(call.id));
  co_return answered(200, co_await backend_.intent(std::move(call.id)));
}

Api::Handled Api::events(Call call) {
  if (!is_ulid(call.id)) co_return std::unexpected(invalid_id(call.id));
  auto events = co_await backend_.events(call.id);
  if (!events) co_return std::unexpected(std::move(events.error()));
  co_return json_reply(200, json::object{{"intent_id", call.id},
                                         {"correlation_id", engine::correlation_of(call.id)},
                                         {"events", std::move(*events)}});
}

Api::Handled Api::cancel(Call call) {
  if (!is_ulid(call.id)) co_return std::unexpected(invalid_id(call.id));
  co_return answered(202, co_await backend_.cancel(std::move(call.id)));
}

Api::Handled Api::plan(Call call) {
  if (!is_ulid(call.id)) co_return std::unexpected(invalid_id(call.id));
  co_return answered(200, co_await backend_.plan(std::move(call.id)));
}

Api::Handled Api::positions(Call call) {
  if (!is_strategy_id(call.id))
    co_return std::unexpected(
        Problem{400,
                errc::kInvalidValue,
                "a strategy's identifier is 1 to 64 letters, digits, dots, underscores or hyphens",
                {}});
  co_return answered(200, co_await backend_.positions(std::move(call.id)));
}

Api::Handled Api::quote(Call call) {
  auto document = body_json(call.request);
  if (!document) co_return std::unexpected(std::move(document.error()));
  auto faults = validate(schema::kQuoteRequest, *document);
  if (document->is_object()) add_unknown(faults, backend_.quote_faults(document->get_object()));
  if (!faults.empty()) co_return std::unexpected(validation_problem(std::move(faults)));
  co_return answered(200, co_await backend_.quote(std::move(document->as_object())));
}

Api::Handled Api::strategies(Call call) {
  auto query = strategies_query(call.query);
  if (!query) co_return std::unexpected(std::move(query.error()));
  auto page = co_await backend_.strategies(std::move(query->after), query->limit);
  if (!page) co_return std::unexpected(std::move(page.error()));
  json::object document{{"strategies", json::value_from(page->strategies)}, {"next_cursor", nullptr}};
  if (page->next_after) document["next_cursor"] = *page->next_after;
  co_return told(page->source, json_reply(200, document));
}

Api::Handled Api::assets(Call) {
  co_return revalidated(json_reply(200, backend_.assets()));
}
Api::Handled Api::platform(Call) {
  co_return revalidated(json_reply(200, backend_.platform()));
}
Api::Handled Api::account(Call) {
  co_return answered(200, co_await backend_.account());
}
Api::Handled Api::status(Call) {
  co_return json_reply(200, co_await backend_.status());
}
Api::Handled Api::stats(Call call) {
  const auto window = stats_query(call.query);
  if (!window) co_return std::unexpected(window.error());
  co_return answered(200, co_await backend_.stats(*window));
}
Api::Handled Api::healthz(Call) {
  co_return json_reply(200, json::object{{"status", "ok"}});
}

Api::Handled Api::readyz(Call) {
  const auto readiness = co_await backend_.readiness();
  co_return json_reply(readiness.ready ? 200 : 503, readiness.document);
}

Api::Handled Api::metrics(Call) {
  const auto stream = hub_->stats();
  metrics_.set("sep_stream_clients", static_cast<double>(stream.clients), {}, "Open WebSocket streams.");
  metrics_.set("sep_stream_subscriptions", static_cast<double>(stream.subscriptions), {},
               "Subscriptions of all streams.");
  metrics_.set("sep_stream_head", static_cast<double>(stream.head), {}, "The last globalSequence passed on.");
  metrics_.set("sep_stream_delivered", static_cast<double>(stream.delivered), {},
               "Events queued for streams since the start.");
  metrics_.set("sep_stream_dropped_clients", static_cast<double>(stream.dropped_clients), {},
               "Slow streams dropped since the start.");
  metrics_.set("sep_stream_gaps_filled", static_cast<double>(stream.gaps_filled), {},
               "Times that the feed skipped events.");
  co_return Reply{200, metrics_.text(), "text/plain; version=0.0.4; charset=utf-8", {}};
}

Api::Handled Api::openapi(Call) {
  static const Reply kDocument = revalidated({200, std::string(openapi_json()), "application/json", {}});
  co_return kDocument;
}

// Upgrades are taken before routing; what comes here asked without one.
Api::Handled Api::stream(Call) {
  co_return std::unexpected(Problem{426, errc::kMalformedRequest, "/stream is a WebSocket", {}});
}

std::optional<Problem> Api::refused(const Request& request) const {
  const std::string_view host = request[http::field::host];
  if (host.empty() && request.version() >= 11)
    return Problem{400, errc::kMalformedRequest, "the header Host is missing", {}};
  if (!host.empty() && !is_own_host(host))
    return Problem{403,
                   errc::kForbiddenOrigin,
                   "\"" + std::string(host.substr(0, 100)) + "\" is not a name of this server",
                   {}};
  const std::string_view origin = request[http::field::origin];
  if (!origin.empty() && !is_own_origin(origin, host))
    return Problem{403, errc::kForbiddenOrigin, "requests of pages of other sites are refused", {}};
  return std::nullopt;
}

Api::Handled Api::routed(const Request& request, std::string_view request_id, std::string& route_name) {
  if (auto problem = refused(request)) co_return std::unexpected(std::move(*problem));
  const auto url = boost::urls::parse_origin_form(request.target());
  if (!url)
    co_return std::unexpected(
        Problem{400, errc::kMalformedRequest, "the request's target is not a path", {}});
  const bool head = request.method() == http::verb::head;
  std::set<http::verb> allowed;
  const auto allow = [&](http::verb verb) {
    allowed.insert(verb);
    if (verb == http::verb::get) allowed.insert(http::verb::head);
  };
  for (const auto& route : routes()) {
    auto id = match_path(route.path, *url);
    if (!id) continue;
    route_name = route.path;
    if (route.verb == request.method() || (head && route.verb == http::verb::get)) {
      Call call{request, std::move(*id), {}};
      for (const auto parameter : url->params()) call.query.emplace_back(parameter.key, parameter.value);
      co_return co_await (this->*route.handler)(std::move(call));
    }
    allow(route.verb);
  }
  if (allowed.empty()) {
    if (auto page = pages_.answer(page_request(request))) {
      route_name = kPageRoute;
      if (head || request.method() == http::verb::get) co_return std::move(*page);
      allow(http::verb::get);
    }
  }
  if (allowed.empty() && url->encoded_path() == "/")
    co_return std::unexpected(Problem{503, errc::kNotReady, "the pages are not built: run make web", {}});
  if (allowed.empty())
    co_return std::unexpected(Problem{404, errc::kNotFound, "there is nothing at this path", {}});
  allowed.insert(http::verb::options);
  const auto methods = allowed_methods(allowed);
  Reply reply{204, {}, {}, {}};
  if (request.method() != http::verb::options)
    reply = problem_reply({405, errc::kMethodNotAllowed, "this path answers " + methods, {}}, request_id);
  reply.headers.emplace_back("Allow", methods);
  co_return reply;
}

asio::awaitable<Reply> Api::answer(const Request& request, std::string request_id) {
  std::string route(kNoRoute);
  Answer<Reply> answer;
  try {
    answer = co_await routed(request, request_id, route);
  } catch (const std::exception& exception) {
    logger("gateway")->error("{} {} ({}): {}", std::string(request.method_string()), route, request_id,
                             exception.what());
    answer = std::unexpected(
        Problem{500, errc::kInternal, "an error that should not happen; the log has more", {}});
  }
  std::optional<Reply> reply;
  if (answer)
    reply = std::move(*answer);
  else if (route == kNoRoute && answer.error().status == 404)
    reply = pages_.not_found(page_request(request));
  if (!reply) reply = problem_reply(answer.error(), request_id);
  if (route != kPageRoute) negotiate(*reply, request);
  if (reply->status == 426) reply->headers.emplace_back("Upgrade", "websocket");
  metrics_.add("sep_http_requests_total", {{"route", route}, {"status", std::to_string(reply->status)}}, 1,
               "Answered HTTP requests.");
  co_return std::move(*reply);
}

}  // namespace sep::gateway
