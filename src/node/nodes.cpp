#include "node/nodes.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <span>
#include <tuple>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "node/connect.h"
#include "node/endpoint.h"

namespace sep::node {
namespace {

/// Headers kept of each endpoint, to see without a question that two are on the same chain.
constexpr std::size_t kRecentHeads = 64;
/// Agreed heads that nobody has read.
constexpr std::size_t kMaxUnread = 256;
/// How long a nonce waits for further answers when the first ones are enough but differ.
constexpr milliseconds kGrace{250};
/// Between questions about a head that could not be agreed on.
constexpr milliseconds kHeadRetry{500};
constexpr int kRateLimit = -32005;  // EIP-1474

Deadline within(milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

/// Whether an error is the endpoint's fault, not the question's.
bool blames_endpoint(const NodeError& error) {
  if (error.kind != NodeError::Kind::kAnswered) return true;
  return error.rpc_code == kRateLimit ||
         classify_refusal(error.rpc_code, error.message) == SubmitOutcome::Kind::kBusy;
}

bool accepted(const SubmitOutcome& outcome) {
  return outcome.kind == SubmitOutcome::Kind::kAccepted || outcome.kind == SubmitOutcome::Kind::kAlreadyKnown;
}

/// How much is still open after a refusal: where endpoints give different ones, the most open one counts.
int openness(SubmitOutcome::Kind kind) {
  using Kind = SubmitOutcome::Kind;
  switch (kind) {
    case Kind::kRefused:
      return 0;
    case Kind::kInsufficientFunds:
      return 1;
    case Kind::kUnderpriced:
      return 2;
    case Kind::kNonceTooLow:
      return 3;
    case Kind::kUnreachable:
      return 4;
    case Kind::kBusy:
      return 5;
    case Kind::kAccepted:
    case Kind::kAlreadyKnown:
    case Kind::kUnknown:
      break;
  }
  return 6;
}

/// What became of bytes that no endpoint accepted.
SubmitOutcome combined(std::span<const SubmitOutcome> outcomes) {
  const auto by_openness = [](const SubmitOutcome& a, const SubmitOutcome& b) {
    return openness(a.kind) < openness(b.kind);
  };
  auto most_open = *std::ranges::max_element(outcomes, by_openness);
  const auto least = std::ranges::min_element(outcomes, by_openness)->kind;
  constexpr int kLastRefusal = 3;
  // One refused, another could not be asked: it may have taken the same bytes when they were offered before.
  if (openness(most_open.kind) > kLastRefusal && openness(least) <= kLastRefusal)
    most_open.kind = SubmitOutcome::Kind::kUnknown;
  return most_open;
}

bool same(const Receipt& a, const Receipt& b) {
  return a.tx_hash == b.tx_hash && a.success == b.success && a.block_number == b.block_number &&
         a.block_hash == b.block_hash && a.gas_used == b.gas_used &&
         a.effective_gas_price_wei == b.effective_gas_price_wei && a.logs == b.logs;
}
bool same(const std::optional<Receipt>& a, const std::optional<Receipt>& b) {
  return a.has_value() == b.has_value() && (!a || same(*a, *b));
}
bool same(const std::optional<BlockHeader>& a, const std::optional<BlockHeader>& b) {
  return a == b;
}
bool same(const std::vector<Log>& a, const std::vector<Log>& b) {
  return a == b;
}
bool same(const Uint256& a, const Uint256& b) {
  return a == b;
}
bool same(std::uint64_t a, std::uint64_t b) {
  return a == b;
}
/// Nodes tell a halt in words of their own.
bool same(const Executed<Bytes>& a, const Executed<Bytes>& b) {
  return a.has_value() == b.has_value() && (!a || *a == *b);
}
bool same(const std::vector<Executed<Bytes>>& a, const std::vector<Executed<Bytes>>& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return same(x, y); });
}

}  // namespace

NodeOptions node_options(const engine::NodeEndpoint& endpoint, RpcOptions rpc) {
  const auto& url = endpoint.rpc_url.empty() ? endpoint.ws_url : endpoint.rpc_url;
  return {.rpc_url = url, .ipc_path = endpoint.ipc_path, .rpc = rpc};
}

std::string endpoint_name(const engine::NodeEndpoint& endpoint) {
  if (!endpoint.name.empty()) return endpoint.name;
  const auto options = node_options(endpoint);
  const auto parsed = parse_endpoint(options.ipc_path.empty() ? options.rpc_url : options.ipc_path);
  return parsed ? parsed->name : "(none)";
}

NodesOptions nodes_options(const engine::ChainSettings& chain) {
  NodesOptions options;
  options.endpoints = chain.endpoints;
  options.chain_id = chain.chain_id;
  options.max_lag_blocks = chain.max_lag_blocks;
  options.rpc.timeout = milliseconds(chain.rpc_timeout_ms);
  options.poll_interval = milliseconds(chain.poll_interval_ms);
  return options;
}

std::string NodesHealth::detail() const {
  std::string ill;
  for (const auto& endpoint : endpoints)
    if (!endpoint.ok) ill += fmt::format("; {}: {}", endpoint.name, endpoint.detail);
  if (can_decide()) return fmt::format("{} of {} endpoints are well{}", voters, readers, ill);
  return fmt::format("nothing is decided: {} must agree, {} of {} endpoints that are read are well{}", needed,
                     voters, readers, ill);
}

class Nodes::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::any_io_executor executor, NodesOptions options)
      : executor_(std::move(executor)),
        options_(std::move(options)),
        log_(logger("nodes")),
        arrived_(executor_),
        heads_changed_(executor_),
        probed_(executor_),
        stopped_event_(executor_) {
    for (const auto& endpoint : options_.endpoints) {
      endpoints_.push_back(std::make_shared<Endpoint>(executor_, endpoint, options_));
      endpoints_.back()->place = endpoints_.size();
      if (endpoint.read) readers_.push_back(endpoints_.back());
    }
    needed_ = agreement_of(readers_.size());
  }

  void start() {
    for (const auto& endpoint : endpoints_) spawn(watch(endpoint));
    for (const auto& endpoint : readers_) spawn(follow(endpoint));
    if (!readers_.empty()) spawn(agree_on_heads());
  }

  void stop() {
    stopped_ = true;
    for (const auto& endpoint : endpoints_) {
      if (endpoint->heads) endpoint->heads->stop();
      endpoint->changed.notify();
    }
    arrived_.notify();
    heads_changed_.notify();
    probed_.notify();
    stopped_event_.notify();
  }

  awaitable<Result<Head>> next_head() {
    const auto self = shared_from_this();
    while (unread_.empty() && !stopped_) co_await arrived_.wait(Deadline::max());
    if (stopped_) co_return fail(errc::kNotReady, "the heads are not followed any more");
    auto head = unread_.front();
    unread_.pop_front();
    co_return head;
  }

  void repeat_head() {
    if (agreed_ && unread_.empty()) unread_.push_back(*agreed_);
    arrived_.notify();
  }

  std::int64_t confirmed_ms(const Hash32& block) const {
    if (!agreed_ || agreed_->hash != block) return 0;
    std::vector<std::int64_t> times;
    for (const auto& reader : readers_) {
      const bool counts = readers_.size() == 1 || votes(*reader);
      if (counts && confirms_agreed(*reader)) times.push_back(reader->heads->last_confirmed_ms());
    }
    if (times.size() < needed_ || needed_ == 0) return 0;
    std::ranges::sort(times, std::greater());
    return times[needed_ - 1];
  }

  NodesHealth health() const {
    NodesHealth health{.readers = readers_.size(), .needed = needed_, .decided = decided_, .open = open_};
    for (const auto& endpoint : endpoints_) {
      const auto why = illness(*endpoint);
      if (endpoint->settings.read && why.empty()) ++health.voters;
      health.endpoints.push_back(
          {.name = endpoint->name,
           .read = endpoint->settings.read,
           .submit = endpoint->settings.submit,
           .ok = why.empty(),
           .detail = why,
           .head = endpoint->head ? std::optional(endpoint->head->number) : std::nullopt,
           .lag_blocks = lag(*endpoint),
           .calls = endpoint->calls,
           .failures = endpoint->failures,
           .contradictions = endpoint->contradictions});
    }
    return health;
  }

  /// What so many as must agree answer alike. `what` is for messages.
  template <class T, class Ask>
  awaitable<NodeResult<T>> agreed(std::string what, Ask ask) {
    const auto self = shared_from_this();
    if (readers_.size() <= 1) co_return co_await from_healthiest<T>(ask);
    co_await first_probes();
    const auto asked = voters();
    if (asked.size() < needed_) co_return too_few(what, asked.size());
    const auto poll = ask_each<T>(asked, ask);
    for (;;) {
      if (const auto majority = poll->majority(needed_)) {
        ++decided_;
        for (std::size_t i = 0; i < asked.size(); ++i)
          if (poll->answers[i] && *poll->answers[i] && !same(**poll->answers[i], **poll->answers[*majority]))
            ++asked[i]->contradictions;
        co_return std::move(*poll->answers[*majority]);
      }
      if (poll->open == 0 || !poll->can_agree(needed_)) co_return undecided(what, *poll);
      co_await poll->changed.wait(Deadline::max());
    }
  }

  /// Of all readers, those too that have no vote: which chain it is, is asked before anything is known.
  awaitable<NodeResult<std::uint64_t>> chain_id() {
    const auto self = shared_from_this();
    if (readers_.empty()) co_return no_reader();
    const auto poll = ask_each<std::uint64_t>(readers_, [](Node& node) { return node.chain_id(); });
    for (;;) {
      if (const auto majority = poll->majority(needed_)) co_return *poll->answers[*majority];
      if (poll->open == 0) break;
      co_await poll->changed.wait(Deadline::max());
    }
    co_return undecided("the chain's id", *poll);
  }

  awaitable<NodeResult<std::uint64_t>> transaction_count(Address address, BlockId block) {
    const auto self = shared_from_this();
    const auto ask = [address, block](Node& node) { return node.transaction_count(address, block); };
    if (readers_.size() <= 1) co_return co_await from_healthiest<std::uint64_t>(ask);
    co_await first_probes();
    const auto asked = voters();
    if (asked.size() < needed_) co_return too_few("the account's nonce", asked.size());
    const auto poll = ask_each<std::uint64_t>(asked, ask);
    auto deadline = Deadline::max();
    for (;;) {
      std::vector<std::uint64_t> counts;
      for (const auto& answer : poll->answers)
        if (answer && *answer) counts.push_back(**answer);
      std::ranges::sort(counts, std::greater());
      const bool enough = counts.size() >= needed_;
      const bool alike = enough && counts.front() == counts[needed_ - 1];
      if (alike || (enough && (poll->open == 0 || std::chrono::steady_clock::now() >= deadline))) {
        ++decided_;
        co_return counts[needed_ - 1];
      }
      if (poll->open == 0) co_return undecided("the account's nonce", *poll);
      if (enough && deadline == Deadline::max()) deadline = within(kGrace);
      co_await poll->changed.wait(deadline);
    }
  }

  template <class T, class Ask>
  awaitable<NodeResult<T>> from_healthiest(Ask ask) {
    const auto self = shared_from_this();
    std::optional<NodeError> first;
    for (const auto& endpoint : by_health()) {
      auto answer = co_await ask(endpoint->node);
      note(*endpoint, answer);
      if (answer) co_return answer;
      if (!first) first = std::move(answer).error();
    }
    if (!first) co_return no_reader();
    co_return std::unexpected(std::move(*first));
  }

  /// The same for what one of them may lack.
  template <class T, class Ask>
  awaitable<NodeResult<std::optional<T>>> found_by_any(Ask ask) {
    const auto self = shared_from_this();
    std::optional<NodeError> error;
    bool lacked = false;
    for (const auto& endpoint : by_health()) {
      auto answer = co_await ask(endpoint->node);
      note(*endpoint, answer);
      if (answer && *answer) co_return answer;
      lacked = lacked || answer.has_value();
      if (!answer && !error) error = std::move(answer).error();
    }
    if (lacked) co_return std::nullopt;
    if (!error) co_return no_reader();
    co_return std::unexpected(std::move(*error));
  }

  awaitable<SubmitOutcome> send(Bytes raw) {
    const auto self = shared_from_this();
    const auto submitters = submitting();
    if (submitters.empty())
      co_return SubmitOutcome{SubmitOutcome::Kind::kUnreachable, "no endpoint is configured to submit to"};
    const auto sending = std::make_shared<Sending>(executor_, submitters.size());
    for (const auto& endpoint : submitters) spawn(send_to(endpoint, raw, sending));
    for (;;) {
      const auto taken = std::ranges::find_if(sending->outcomes, accepted);
      if (taken != sending->outcomes.end()) co_return *taken;
      if (sending->outcomes.size() == submitters.size()) co_return combined(sending->outcomes);
      co_await sending->changed.wait(Deadline::max());
    }
  }

 private:
  struct Endpoint {
    Endpoint(const asio::any_io_executor& executor, const engine::NodeEndpoint& endpoint,
             const NodesOptions& options)
        : settings(endpoint),
          name(endpoint_name(endpoint)),
          node(executor, node_options(endpoint, options.rpc)),
          changed(executor),
          backoff(options.first_backoff) {
      if (!endpoint.read) return;
      heads.emplace(executor, HeadOptions{.ipc_path = endpoint.ipc_path,
                                          .ws_url = endpoint.ws_url,
                                          .rpc_url = endpoint.rpc_url,
                                          .poll_interval = options.poll_interval});
    }

    /// The hash of the block at this height on the endpoint's chain, as far as its heads told it.
    std::optional<Hash32> hash_at(std::uint64_t number) const {
      if (const auto at = recent.find(number); at != recent.end()) return at->second.hash;
      if (const auto next = recent.find(number + 1); next != recent.end()) return next->second.parent_hash;
      return std::nullopt;
    }

    void take(const Head& next) {
      recent.erase(recent.lower_bound(next.number), recent.end());
      const auto parent = recent.find(next.number - 1);
      // A gap hides whether what came before it is still there.
      if (parent == recent.end() || parent->second.hash != next.parent_hash) recent.clear();
      recent.emplace(next.number, next);
      if (recent.size() > kRecentHeads) recent.erase(recent.begin());
      head = next;
    }

    const engine::NodeEndpoint settings;
    const std::string name;
    std::size_t place = 0;  // in the configuration
    Node node;
    std::optional<HeadFollower> heads;  // of one that is read
    Event changed;                      // it fell ill, or all is to stop
    milliseconds backoff;               // before the next probe of it while it is ill
    std::string illness;                // empty: it answers
    std::string other_chain;            // what it says where it is not ours
    bool probed = false;
    bool was_well = true;  // as last logged
    std::optional<Head> head;
    std::map<std::uint64_t, Head> recent;
    std::uint64_t calls = 0, failures = 0, contradictions = 0;
  };
  using EndpointPtr = std::shared_ptr<Endpoint>;

  /// One question to several.
  template <class T>
  struct Poll {
    Poll(const asio::any_io_executor& executor, std::vector<EndpointPtr> who)
        : asked(std::move(who)), answers(asked.size()), open(asked.size()), changed(executor) {}

    /// The index of an answer that `needed` gave.
    std::optional<std::size_t> majority(std::size_t needed) const {
      for (std::size_t i = 0; i < answers.size(); ++i)
        if (answers[i] && *answers[i] && support(i) >= needed) return i;
      return std::nullopt;
    }
    std::size_t support(std::size_t index) const {
      return static_cast<std::size_t>(std::ranges::count_if(
          answers, [&](const auto& other) { return other && *other && same(**other, **answers[index]); }));
    }
    /// Whether those that have not answered could still make a majority.
    bool can_agree(std::size_t needed) const {
      if (open >= needed) return true;
      for (std::size_t i = 0; i < answers.size(); ++i)
        if (answers[i] && *answers[i] && support(i) + open >= needed) return true;
      return false;
    }

    std::vector<EndpointPtr> asked;
    std::vector<std::optional<NodeResult<T>>> answers;
    std::size_t open;
    Event changed;
  };

  struct Sending {
    Sending(const asio::any_io_executor& executor, std::size_t count) : changed(executor) {
      outcomes.reserve(count);
    }
    std::vector<SubmitOutcome> outcomes;
    Event changed;
  };

  void spawn(awaitable<void> task) {
    asio::co_spawn(
        executor_, [self = shared_from_this(), task = std::move(task)]() mutable { return std::move(task); },
        asio::detached);
  }

  // --- Health

  /// Why it is not counted on; empty where it is.
  std::string illness(const Endpoint& endpoint) const {
    if (!endpoint.illness.empty()) return endpoint.illness;
    if (!endpoint.other_chain.empty()) return endpoint.other_chain;
    if (!endpoint.probed) return "was not asked yet";
    const auto behind = lag(endpoint);
    if (behind > options_.max_lag_blocks) return fmt::format("is {} blocks behind the others", behind);
    return {};
  }

  bool votes(const Endpoint& endpoint) const { return illness(endpoint).empty(); }

  /// Blocks behind a height that lying endpoints cannot raise while enough honest ones answer.
  std::uint64_t lag(const Endpoint& endpoint) const {
    if (!endpoint.head) return 0;
    std::vector<std::uint64_t> heights;
    for (const auto& reader : readers_)
      if (reader->head && reader->illness.empty() && reader->other_chain.empty())
        heights.push_back(reader->head->number);
    std::ranges::sort(heights, std::greater());
    const auto tolerated = readers_.size() - needed_;
    if (heights.size() <= tolerated) return 0;
    const auto height = heights[tolerated];
    return height > endpoint.head->number ? height - endpoint.head->number : 0;
  }

  std::vector<EndpointPtr> voters() const {
    std::vector<EndpointPtr> well;
    for (const auto& reader : readers_)
      if (votes(*reader)) well.push_back(reader);
    return well;
  }

  /// All readers, the one to ask first in front.
  std::vector<EndpointPtr> by_health() const {
    auto readers = readers_;
    const auto rank = [&](const EndpointPtr& reader) {
      const bool behind = agreed_ && (!reader->head || reader->head->number < agreed_->number);
      return std::tuple(!illness(*reader).empty(), behind, reader->place);
    };
    std::ranges::sort(readers, {}, rank);
    return readers;
  }

  std::vector<EndpointPtr> submitting() const {
    std::vector<EndpointPtr> all, ours;
    for (const auto& endpoint : endpoints_) {
      if (!endpoint->settings.submit) continue;
      all.push_back(endpoint);
      if (endpoint->other_chain.empty()) ours.push_back(endpoint);
    }
    return ours.empty() ? all : ours;
  }

  template <class T>
  void note(Endpoint& endpoint, const NodeResult<T>& answer) {
    ++endpoint.calls;
    if (answer || !blames_endpoint(answer.error()))
      endpoint.backoff = options_.first_backoff;
    else
      fell_ill(endpoint, answer.error().message);
  }

  void note(Endpoint& endpoint, const SubmitOutcome& outcome) {
    using Kind = SubmitOutcome::Kind;
    ++endpoint.calls;
    if (outcome.kind == Kind::kUnknown || outcome.kind == Kind::kUnreachable)
      fell_ill(endpoint, outcome.message);
    else
      endpoint.backoff = options_.first_backoff;
  }

  void fell_ill(Endpoint& endpoint, const std::string& why) {
    ++endpoint.failures;
    endpoint.illness = why.empty() ? "does not answer" : why;
    endpoint.changed.notify();
    health_changed();
  }

  void health_changed() {
    for (const auto& endpoint : endpoints_) {
      const auto why = illness(*endpoint);
      if (!endpoint->probed || why.empty() == endpoint->was_well) continue;
      endpoint->was_well = why.empty();
      if (why.empty())
        log_->info("{} is well again", endpoint->name);
      else
        log_->warn("{} is not counted on: {}", endpoint->name, why);
    }
    if (readers_.size() > 1 && started_) {
      const bool can = voters().size() >= needed_;
      if (can != could_decide_) {
        could_decide_ = can;
        if (can)
          log_->info("{} of {} endpoints are well: decisions are made again", voters().size(),
                     readers_.size());
        else
          log_->warn("{}", health().detail());
      }
    }
    heads_changed_.notify();
    ++head_changes_;
  }

  /// Asks now and then, and after each pause while it is ill.
  awaitable<void> watch(EndpointPtr endpoint) {
    while (!stopped_) {
      co_await probe(*endpoint);
      if (endpoint->illness.empty() && endpoint->other_chain.empty() && !stopped_)
        co_await endpoint->changed.wait(within(options_.probe_interval));
      if (stopped_ || (endpoint->illness.empty() && endpoint->other_chain.empty())) continue;
      const auto pause = endpoint->backoff;
      endpoint->backoff = std::min(pause * 2, options_.max_backoff);
      co_await stopped_event_.wait(within(pause));
    }
  }

  /// Right after the start nobody has a vote: waits until enough have one, or all were asked.
  awaitable<void> first_probes() {
    const auto unasked = [](const EndpointPtr& reader) { return !reader->probed; };
    while (!stopped_ && voters().size() < needed_ && std::ranges::any_of(readers_, unasked))
      co_await probed_.wait(Deadline::max());
  }

  awaitable<void> probe(Endpoint& endpoint) {
    const auto chain = co_await endpoint.node.chain_id();
    ++endpoint.calls;
    endpoint.probed = true;
    const std::shared_ptr<void> tell(nullptr, [this](void*) { probed_.notify(); });
    if (!chain && (endpoint.settings.read || blames_endpoint(chain.error()))) {
      fell_ill(endpoint, chain.error().message);
      co_return;
    }
    endpoint.illness.clear();
    endpoint.other_chain.clear();
    // Without an answer it is a private endpoint, which may know nothing but eth_sendRawTransaction.
    if (chain && *chain != options_.chain_id)
      endpoint.other_chain = fmt::format("serves chain {}, not {}", *chain, options_.chain_id);
    started_ = started_ || voters().size() >= needed_;
    health_changed();
  }

  // --- Heads

  awaitable<void> follow(EndpointPtr endpoint) {
    while (!stopped_) {
      const auto head = co_await endpoint->heads->next();
      if (!head) co_return;
      endpoint->take(*head);
      health_changed();
    }
  }

  awaitable<void> agree_on_heads() {
    while (!stopped_) {
      const auto changes = head_changes_;
      const auto head = co_await find_head();
      if (stopped_) co_return;
      if (head && (!agreed_ || head->hash != agreed_->hash) && !goes_back(*head)) {
        agreed_ = *head;
        if (unread_.size() == kMaxUnread) unread_.pop_front();
        unread_.push_back(*head);
        arrived_.notify();
      }
      if (changes == head_changes_) co_await heads_changed_.wait(head ? Deadline::max() : within(kHeadRetry));
    }
  }

  /// The highest block that so many as must agree have reached, if they have the same one there.
  awaitable<std::optional<Head>> find_head() {
    if (readers_.size() == 1) co_return readers_.front()->head;
    std::vector<EndpointPtr> who;
    for (const auto& voter : voters())
      if (voter->head) who.push_back(voter);
    if (who.size() < needed_) co_return std::nullopt;
    std::ranges::sort(who, std::greater(), [](const EndpointPtr& e) { return e->head->number; });
    const auto height = who[needed_ - 1]->head->number;
    std::vector<Head> candidates;
    std::vector<Hash32> hashes;
    for (const auto& endpoint : who) {
      if (endpoint->head->number < height) break;
      if (endpoint->head->number == height) candidates.push_back(*endpoint->head);
      const auto hash = co_await hash_at(endpoint, height);
      if (hash) hashes.push_back(*hash);
    }
    for (const auto& candidate : candidates)
      if (static_cast<std::size_t>(std::ranges::count(hashes, candidate.hash)) >= needed_)
        co_return candidate;
    co_return std::nullopt;
  }

  awaitable<std::optional<Hash32>> hash_at(EndpointPtr endpoint, std::uint64_t height) {
    if (const auto known = endpoint->hash_at(height)) co_return known;
    const auto header = co_await endpoint->node.header(height);
    note(*endpoint, header);
    if (!header || !*header) co_return std::nullopt;
    co_return (*header)->hash;
  }

  /// Its chain holds the agreed head, and not far below its own: two that went separate ways above it confirm
  /// it no longer.
  bool confirms_agreed(const Endpoint& reader) const {
    return reader.head && reader.head->number >= agreed_->number &&
           reader.head->number - agreed_->number <= options_.max_lag_blocks &&
           reader.hash_at(agreed_->number) == agreed_->hash;
  }

  /// Lower than before, though the higher block is still there.
  bool goes_back(const Head& head) const {
    if (!agreed_ || head.number >= agreed_->number) return false;
    return std::ranges::any_of(readers_, [&](const EndpointPtr& reader) {
      if (readers_.size() > 1 && !votes(*reader)) return false;
      return reader->head && reader->head->number >= agreed_->number &&
             reader->hash_at(agreed_->number) == agreed_->hash;
    });
  }

  // --- Agreement

  template <class T, class Ask>
  std::shared_ptr<Poll<T>> ask_each(const std::vector<EndpointPtr>& who, const Ask& ask) {
    const auto poll = std::make_shared<Poll<T>>(executor_, who);
    for (std::size_t i = 0; i < who.size(); ++i) spawn(ask_one(ask, poll, i));
    return poll;
  }

  template <class T, class Ask>
  awaitable<void> ask_one(Ask ask, std::shared_ptr<Poll<T>> poll, std::size_t index) {
    auto& endpoint = *poll->asked[index];
    auto answer = co_await ask(endpoint.node);
    note(endpoint, answer);
    poll->answers[index] = std::move(answer);
    --poll->open;
    poll->changed.notify();
  }

  std::unexpected<NodeError> too_few(const std::string& what, std::size_t well) {
    ++open_;
    return std::unexpected(
        NodeError{.kind = NodeError::Kind::kUnknownOutcome,
                  .message = fmt::format("{} stays open: {} endpoints must agree, {} of {} are well", what,
                                         needed_, well, readers_.size()),
                  .data = nullptr});
  }

  template <class T>
  std::unexpected<NodeError> undecided(const std::string& what, const Poll<T>& poll) {
    ++open_;
    std::size_t answered = 0;
    const NodeError* error = nullptr;
    for (const auto& answer : poll.answers) {
      if (!answer) continue;
      if (*answer)
        ++answered;
      else if (error == nullptr)
        error = &answer->error();
    }
    if (answered == 0 && error != nullptr) return std::unexpected(*error);
    return std::unexpected(NodeError{
        .kind = NodeError::Kind::kUnknownOutcome,
        .message = fmt::format("{} stays open: {} endpoints must agree, the {} that answered do not", what,
                               needed_, answered),
        .data = nullptr});
  }

  static std::unexpected<NodeError> no_reader() {
    return std::unexpected(NodeError{.kind = NodeError::Kind::kUnreachable,
                                     .message = "no endpoint of an Ethereum node is configured to be read",
                                     .data = nullptr});
  }

  awaitable<void> send_to(EndpointPtr endpoint, Bytes raw, std::shared_ptr<Sending> sending) {
    auto outcome = co_await endpoint->node.send_raw_transaction(std::move(raw));
    note(*endpoint, outcome);
    if (endpoints_.size() > 1 && !outcome.message.empty())
      outcome.message = endpoint->name + ": " + outcome.message;
    sending->outcomes.push_back(std::move(outcome));
    sending->changed.notify();
  }

  const asio::any_io_executor executor_;
  const NodesOptions options_;
  Logger log_;
  std::vector<EndpointPtr> endpoints_;
  std::vector<EndpointPtr> readers_;
  std::size_t needed_ = 0;
  bool stopped_ = false;
  bool started_ = false;  // so many as must agree were well once
  bool could_decide_ = true;
  std::uint64_t decided_ = 0, open_ = 0;
  std::uint64_t head_changes_ = 0;
  std::optional<Head> agreed_;
  std::deque<Head> unread_;
  Event arrived_, heads_changed_, probed_, stopped_event_;
};

Nodes::Nodes(asio::any_io_executor executor, NodesOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options))) {
  impl_->start();
}
Nodes::~Nodes() {
  impl_->stop();
}

awaitable<Result<Head>> Nodes::next_head() {
  return impl_->next_head();
}
void Nodes::repeat_head() {
  impl_->repeat_head();
}
std::int64_t Nodes::confirmed_ms(const Hash32& block) const {
  return impl_->confirmed_ms(block);
}
void Nodes::stop() {
  impl_->stop();
}
NodesHealth Nodes::health() const {
  return impl_->health();
}

awaitable<NodeResult<std::uint64_t>> Nodes::chain_id() {
  return impl_->chain_id();
}
awaitable<NodeResult<std::uint64_t>> Nodes::transaction_count(Address address, BlockId block) {
  return impl_->transaction_count(address, block);
}
awaitable<NodeResult<std::optional<Receipt>>> Nodes::receipt(Hash32 transaction) {
  return impl_->agreed<std::optional<Receipt>>(
      "the receipt of " + to_hex(transaction),
      [transaction](Node& node) { return node.receipt(transaction); });
}
awaitable<NodeResult<std::vector<Log>>> Nodes::logs(Hash32 block, std::vector<Address> addresses,
                                                    std::vector<Hash32> topics0) {
  return impl_->agreed<std::vector<Log>>("the logs of block " + to_hex(block),
                                         [=](Node& node) { return node.logs(block, addresses, topics0); });
}

awaitable<NodeResult<Executed<Bytes>>> Nodes::call(CallRequest request, BlockId block) {
  auto ask = [request = std::move(request), block](Node& node) { return node.call(request, block); };
  if (const auto* hash = block.if_hash())
    return impl_->agreed<Executed<Bytes>>("a call at block " + to_hex(*hash), std::move(ask));
  return impl_->from_healthiest<Executed<Bytes>>(std::move(ask));
}
awaitable<NodeResult<std::vector<Executed<Bytes>>>> Nodes::call_many(std::vector<CallRequest> requests,
                                                                     BlockId block) {
  auto ask = [requests = std::move(requests), block](Node& node) { return node.call_many(requests, block); };
  if (const auto* hash = block.if_hash())
    return impl_->agreed<std::vector<Executed<Bytes>>>("calls at block " + to_hex(*hash), std::move(ask));
  return impl_->from_healthiest<std::vector<Executed<Bytes>>>(std::move(ask));
}
awaitable<NodeResult<Uint256>> Nodes::balance(Address address, BlockId block) {
  const auto ask = [address, block](Node& node) { return node.balance(address, block); };
  if (const auto* hash = block.if_hash())
    return impl_->agreed<Uint256>("a balance at block " + to_hex(*hash), ask);
  return impl_->from_healthiest<Uint256>(ask);
}

awaitable<NodeResult<std::string>> Nodes::client_version() {
  return impl_->from_healthiest<std::string>([](Node& node) { return node.client_version(); });
}
awaitable<NodeResult<std::optional<BlockHeader>>> Nodes::header(BlockId block) {
  const auto ask = [block](Node& node) { return node.header(block); };
  if (const auto* hash = block.if_hash())
    return impl_->agreed<std::optional<BlockHeader>>("block " + to_hex(*hash), ask);
  return impl_->found_by_any<BlockHeader>(ask);
}
awaitable<NodeResult<Bytes>> Nodes::code(Address address, BlockId block) {
  return impl_->from_healthiest<Bytes>([address, block](Node& node) { return node.code(address, block); });
}
awaitable<NodeResult<std::vector<SimulatedCall>>> Nodes::simulate(std::vector<CallRequest> requests,
                                                                  BlockId block) {
  return impl_->from_healthiest<std::vector<SimulatedCall>>(
      [requests = std::move(requests), block](Node& node) { return node.simulate(requests, block); });
}
awaitable<NodeResult<FeeHistory>> Nodes::fee_history(unsigned blocks, BlockId newest,
                                                     std::vector<unsigned> percentiles) {
  return impl_->from_healthiest<FeeHistory>(
      [blocks, newest, percentiles](Node& node) { return node.fee_history(blocks, newest, percentiles); });
}
awaitable<NodeResult<std::optional<TransactionInfo>>> Nodes::transaction(Hash32 transaction) {
  return impl_->found_by_any<TransactionInfo>(
      [transaction](Node& node) { return node.transaction(transaction); });
}
awaitable<NodeResult<std::optional<std::vector<TransactionInfo>>>> Nodes::transactions(BlockId block) {
  return impl_->found_by_any<std::vector<TransactionInfo>>(
      [block](Node& node) { return node.transactions(block); });
}
awaitable<NodeResult<std::optional<Halt>>> Nodes::halt_of(Hash32 transaction) {
  return impl_->found_by_any<Halt>([transaction](Node& node) { return node.halt_of(transaction); });
}

awaitable<SubmitOutcome> Nodes::send_raw_transaction(Bytes raw) {
  return impl_->send(std::move(raw));
}

}  // namespace sep::node
