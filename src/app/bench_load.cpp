#include "app/bench_load.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string_view>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "engine/topics.h"

namespace sep::app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kNsPerS = 1'000'000'000;

struct Target {
  std::string host, port;
};

Result<Target> target_of(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || parsed->scheme() != "http" || parsed->host().empty())
    return fail(errc::kInvalidValue, fmt::format("'{}' is not an address of the form http://host:port", url));
  return Target{parsed->host_address(), parsed->has_port() ? std::string(parsed->port()) : "80"};
}

/// The text of a string member, found without reading the document: events are many, and their form is known.
std::string_view member(std::string_view text, std::string_view name) {
  const auto at = text.find(name);
  if (at == std::string_view::npos) return {};
  const auto rest = text.substr(at + name.size());
  return rest.substr(0, rest.find('"'));
}

std::uint64_t number_after(std::string_view text, std::string_view name) {
  const auto at = text.rfind(name);
  std::uint64_t value = 0;
  if (at != std::string_view::npos)
    std::from_chars(text.data() + at + name.size(), text.data() + text.size(), value);
  return value;
}

struct Answered {
  unsigned status = 0;  // 0: the connection broke
  std::string_view body;
};

/// HTTP/1.1 without more than this needs: the load must not cost what is measured.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  using Done = std::function<void(Answered)>;

  HttpConnection(asio::io_context& context, tcp::resolver::results_type endpoints)
      : socket_(context), endpoints_(std::move(endpoints)) {}

  /// `request` outlives the answer.
  void send(const std::string& request, Done done) {
    request_ = &request;
    done_ = std::move(done);
    if (socket_.is_open()) return write();
    asio::async_connect(socket_, endpoints_, [self = shared_from_this()](error_code error, const auto&) {
      if (error) return self->broken();
      self->socket_.set_option(tcp::no_delay(true), error);
      self->write();
    });
  }

 private:
  void write() {
    asio::async_write(socket_, asio::buffer(*request_),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        if (error) return self->broken();
                        self->read();
                      });
  }

  void read() {
    buffer_.resize(std::max<std::size_t>(buffer_.size(), filled_ + 4096));
    socket_.async_read_some(asio::buffer(buffer_.data() + filled_, buffer_.size() - filled_),
                            [self = shared_from_this()](error_code error, std::size_t size) {
                              if (error) return self->broken();
                              self->filled_ += size;
                              self->look();
                            });
  }

  void look() {
    const std::string_view text(buffer_.data(), filled_);
    const auto head = text.find("\r\n\r\n");
    if (head == std::string_view::npos) return read();
    const auto length = content_length(text.substr(0, head));
    if (filled_ < head + 4 + length) return read();
    unsigned status = 0;
    std::from_chars(text.data() + 9, text.data() + 12, status);
    const auto done = std::exchange(done_, nullptr);
    filled_ = 0;  // one request at a time: nothing stands behind the answer
    done({status, text.substr(head + 4, length)});
  }

  static std::size_t content_length(std::string_view head) {
    constexpr std::string_view kName = "content-length:";
    const auto at = std::ranges::search(head, kName, [](char a, char b) { return std::tolower(a) == b; });
    const auto offset = static_cast<std::size_t>(at.begin() - head.begin()) + kName.size();
    std::size_t length = 0;
    if (at.empty()) return 0;
    const auto digits = head.find_first_not_of(' ', offset);
    std::from_chars(head.data() + digits, head.data() + head.size(), length);
    return length;
  }

  void broken() {
    error_code ignored;
    socket_.close(ignored);
    filled_ = 0;
    if (const auto done = std::exchange(done_, nullptr)) done({});
  }

  tcp::socket socket_;
  tcp::resolver::results_type endpoints_;
  const std::string* request_ = nullptr;
  Done done_;
  std::string buffer_;
  std::size_t filled_ = 0;
};

/// A client of WS /stream that hears everything. One that is dropped goes on behind what it heard.
class StreamClient : public std::enable_shared_from_this<StreamClient> {
 public:
  /// Returns the event's global sequence.
  using OnEvent = std::function<std::uint64_t(std::string_view text, std::int64_t at_ns)>;

  StreamClient(asio::io_context& context, tcp::resolver::results_type endpoints, std::string host,
               OnEvent on_event)
      : context_(context),
        endpoints_(std::move(endpoints)),
        host_(std::move(host)),
        on_event_(std::move(on_event)) {}

  Status open() {
    socket_ = std::make_unique<websocket::stream<tcp::socket, false>>(context_);
    buffer_.clear();
    error_code error;
    auto& lowest = beast::get_lowest_layer(*socket_);
    asio::connect(lowest, endpoints_, error);
    if (!error) lowest.set_option(tcp::no_delay(true), error);
    if (!error) socket_->handshake(host_, "/stream", error);
    socket_->read_message_max(64ULL << 20U);
    socket_->text(true);
    const auto from = last_ == 0 ? std::string() : fmt::format(R"(,"fromSequence":{})", last_ + 1);
    const auto action = fmt::format(R"({{"action":"subscribe","topics":[">"]{}}})", from);
    if (!error) socket_->write(asio::buffer(action), error);
    if (error) return fail(errc::kNotReady, "the event stream: " + error.message());
    return {};
  }
  void read() {
    socket_->async_read(
        buffer_, [self = shared_from_this()](error_code error, std::size_t) { self->read_one(error); });
  }
  std::size_t dropped() const { return dropped_; }

 private:
  void read_one(error_code error) {
    // What is there already is taken in one turn: beside hundreds of busy connections one message a turn
    // would make this client the slow one.
    for (int taken = 1; !error; ++taken) {
      const auto data = buffer_.cdata();
      const auto global = on_event_({static_cast<const char*>(data.data()), data.size()}, monotonic_ns());
      last_ = std::max(last_, global);
      buffer_.clear();
      if (taken == kMostATurn || beast::get_lowest_layer(*socket_).available(error) == 0) return read();
      if (!error) socket_->read(buffer_, error);
    }
    if (error == asio::error::operation_aborted) return;
    ++dropped_;
    if (open()) read();
  }

  static constexpr int kMostATurn = 256;

  asio::io_context& context_;
  tcp::resolver::results_type endpoints_;
  std::string host_;
  OnEvent on_event_;
  std::unique_ptr<websocket::stream<tcp::socket, false>> socket_;
  beast::flat_buffer buffer_;
  std::uint64_t last_ = 0;
  std::size_t dropped_ = 0;
};

class Load {
 public:
  explicit Load(const LoadOptions& options) : options_(options), random_(options.seed), timer_(context_) {}

  Result<LoadOutcome> run() {
    SEP_CHECK(connect());
    const auto begin = monotonic_ns() + kNsPerS / 10;
    measured_from_ns_ = begin + static_cast<std::int64_t>(options_.warm_up_s * kNsPerS);
    until_ns_ = measured_from_ns_ + static_cast<std::int64_t>(options_.seconds * kNsPerS);
    outcome_.started_ns = measured_from_ns_;
    next_due_ns_ = begin;
    arm();
    context_.run_until(Clock::time_point(std::chrono::nanoseconds(until_ns_)) +
                       std::chrono::milliseconds(static_cast<std::int64_t>(options_.drain_s * 1000)));
    for (const auto& client : streams_) outcome_.dropped_streams += client->dropped();
    conclude();
    return std::move(outcome_);
  }

 private:
  Status connect() {
    SEP_TRY(const auto target, target_of(options_.url));
    for (const auto& body : options_.bodies)
      requests_.push_back(
          fmt::format("POST /intents HTTP/1.1\r\nHost: {}:{}\r\nContent-Type: "
                      "application/json\r\nContent-Length: {}\r\n\r\n{}",
                      target.host, target.port, body.size(), body));
    error_code error;
    tcp::resolver resolver(context_);
    const auto endpoints = resolver.resolve(target.host, target.port, error);
    if (error) return fail(errc::kNotReady, fmt::format("{}: {}", options_.url, error.message()));
    for (std::size_t i = 0; i < options_.connections; ++i)
      idle_.push_back(std::make_shared<HttpConnection>(context_, endpoints));
    outcome_.received.resize(options_.ws_clients);
    for (std::size_t i = 0; i < options_.ws_clients; ++i) {
      streams_.push_back(std::make_shared<StreamClient>(
          context_, endpoints, target.host + ":" + target.port,
          [this, i](std::string_view text, std::int64_t at) { return heard(i, text, at); }));
      SEP_CHECK(streams_.back()->open());
      streams_.back()->read();
    }
    return {};
  }

  std::int64_t gap_ns() {
    if (options_.spacing == Spacing::kOneByOne) return until_ns_;  // until the present one has ended
    const double mean = kNsPerS / options_.rate;
    if (options_.spacing == Spacing::kFixed) return static_cast<std::int64_t>(mean);
    return static_cast<std::int64_t>(std::exponential_distribution<double>(1 / mean)(random_));
  }

  void arm() {
    timer_.expires_at(Clock::time_point(std::chrono::nanoseconds(next_due_ns_)));
    timer_.async_wait([this](error_code) { arrive(); });
  }

  void arrive() {
    for (const auto now = monotonic_ns(); next_due_ns_ <= now && next_due_ns_ < until_ns_;
         next_due_ns_ += gap_ns()) {
      waiting_.push_back(next_due_ns_);
      if (!measuring_ && next_due_ns_ >= measured_from_ns_) {
        measuring_ = true;
        if (options_.on_measuring) options_.on_measuring();
      }
    }
    dispatch();
    outcome_.largest_backlog = std::max(outcome_.largest_backlog, waiting_.size());
    if (next_due_ns_ < until_ns_)
      arm();
    else
      all_due_ = true;
  }

  void dispatch() {
    while (!waiting_.empty() && !idle_.empty()) {
      const auto due = waiting_.front();
      waiting_.pop_front();
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      ++under_way_;
      if (due >= measured_from_ns_) ++outcome_.sent;
      const auto& request =
          requests_[std::uniform_int_distribution<std::size_t>(0, requests_.size() - 1)(random_)];
      connection->send(request, [this, due, connection, written = monotonic_ns()](Answered answer) {
        --under_way_;
        idle_.push_back(connection);
        answered(due, written, answer);
        dispatch();
        go_on_when_done();
      });
    }
  }

  void answered(std::int64_t due, std::int64_t written, Answered answer) {
    const auto at = monotonic_ns();
    const bool measured = due >= measured_from_ns_;
    if (measured) {
      ++outcome_.statuses[answer.status];
      outcome_.answered.add(at - written);
    }
    if (answer.status != 201) return;
    if (measured) outcome_.post.add(at - due);
    const auto id = member(answer.body, R"("intent_id":")");
    auto& intent = outcome_.intents[std::string(id)];
    intent.due_ns = due;
    intent.answered_ns = at;
    intent.measured = measured;
    if (intent.ended_ns == 0) ++open_;
  }

  std::uint64_t heard(std::size_t client, std::string_view text, std::int64_t at) {
    const auto global = number_after(text, R"("globalSequence":)");
    if (global == 0) return 0;  // the answer to the subscription
    if (received_ < kMostReceived) {
      ++received_;
      outcome_.received[client].emplace_back(global, at);
    }
    if (client != 0) return global;
    const auto topic = member(text, R"("topic":")");
    if (!engine::topic::ends_an_intent(topic)) return global;
    const auto id = member(text, R"("correlationId":"intent-)");
    auto& intent = outcome_.intents[std::string(id)];
    if (intent.due_ns != 0 && intent.ended_ns == 0) --open_;
    intent.ended_ns = at;
    intent.ended_with = topic;
    go_on_when_done();
    return global;
  }

  void go_on_when_done() {
    if (!all_due_ || !waiting_.empty() || under_way_ != 0 || open_ != 0) return;
    next_due_ns_ = monotonic_ns();
    if (options_.spacing != Spacing::kOneByOne || next_due_ns_ >= until_ns_) return context_.stop();
    all_due_ = false;
    arrive();
  }

  void conclude() {
    std::erase_if(outcome_.intents, [](const auto& entry) { return entry.second.due_ns == 0; });  // others'
    std::size_t in_time = 0;
    for (const auto& [id, intent] : outcome_.intents) {
      if (intent.ended_with == engine::topic::kExecCompleted && intent.ended_ns >= measured_from_ns_ &&
          intent.ended_ns < until_ns_)
        ++in_time;
      if (!intent.measured) continue;
      ++outcome_.endings[intent.ended_ns == 0 ? "unfinished" : intent.ended_with];
      if (intent.ended_with == engine::topic::kExecCompleted)
        outcome_.completed.add(intent.ended_ns - intent.due_ns);
      outcome_.ended_ns = std::max(outcome_.ended_ns, intent.ended_ns);
    }
    outcome_.goodput = static_cast<double>(in_time) / options_.seconds;
  }

  const LoadOptions& options_;
  asio::io_context context_{1};
  std::mt19937_64 random_;
  asio::steady_timer timer_;
  std::vector<std::string> requests_;
  std::vector<std::shared_ptr<HttpConnection>> idle_;
  std::vector<std::shared_ptr<StreamClient>> streams_;
  std::deque<std::int64_t> waiting_;  // when they were due
  std::size_t under_way_ = 0;
  std::size_t open_ = 0;  // acknowledged, and not ended
  std::size_t received_ = 0;
  std::int64_t measured_from_ns_ = 0, until_ns_ = 0, next_due_ns_ = 0;
  bool measuring_ = false, all_due_ = false;
  LoadOutcome outcome_;
};

}  // namespace

Result<LoadOutcome> run_load(const LoadOptions& options) {
  return Load(options).run();
}

}  // namespace sep::app
