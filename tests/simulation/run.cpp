#include "simulation/run.h"

#include <algorithm>
#include <set>

#include "simulation/broker.h"
#include "simulation/chain.h"
#include "simulation/record.h"
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/decimal.h"
#include "base/hex.h"
#include "engine/test_support.h"
#include "engine/topics.h"
#include "gateway/metrics.h"
#include "services/async.h"
#include "services/execution_orchestrator.h"
#include "services/execution_planner.h"
#include "services/intent_manager.h"
#include "services/market_view.h"
#include "services/risk_engine.h"

namespace sep::sim {
namespace {

using engine::Envelope;
using engine::State;
using services::Task;
namespace topic = engine::topic;

gateway::Metrics& metrics() {
  static gateway::Metrics shared;  // decides nothing
  return shared;
}

std::shared_ptr<const PrivateKey> signer() {
  static const auto key = std::make_shared<PrivateKey>(PrivateKey::from_hex(kDevnetPrivateKey).value());
  return key;
}

/// A share from the list, in half of the runs; otherwise none.
unsigned sometimes(Random& random, std::vector<unsigned> shares) {
  return random.one_in(2) ? 0 : random.pick(shares);
}

Faults draw_faults(Random& random) {
  Faults faults;
  if (random.one_in(20)) return faults;  // a run without any
  faults.request_lost = sometimes(random, {5, 20, 60});
  faults.reply_lost = sometimes(random, {5, 20, 60});
  faults.message_delayed = sometimes(random, {5, 30});
  faults.delivery_lost = sometimes(random, {10, 100});
  faults.delivery_repeated = sometimes(random, {20, 200});
  faults.ack_lost = sometimes(random, {20, 200});
  faults.publish_unknown = sometimes(random, {10, 50});
  faults.commit_unavailable = sometimes(random, {5, 50});
  faults.commit_unknown = sometimes(random, {5, 50});
  faults.leadership_lost = sometimes(random, {5, 30});
  faults.crash = sometimes(random, {50, 200, 600});
  faults.pauses = random.one_in(2);
  faults.cache_flushed = random.one_in(2);
  faults.cache_unavailable = random.one_in(2);
  faults.rpc_timeout = sometimes(random, {10, 50, 200});
  faults.rpc_refused = sometimes(random, {10, 50});
  faults.rpc_error = sometimes(random, {10, 50});
  faults.rpc_slow = sometimes(random, {10, 50});
  faults.receipt_hidden = sometimes(random, {100, 500});
  faults.node_stalls = random.one_in(3);
  faults.nodes_disagree = random.one_in(3);
  faults.dropped_from_pool = sometimes(random, {50, 300});
  faults.inclusion_delayed = sometimes(random, {200, 700});
  faults.fee_spikes = random.one_in(3);
  faults.reorganised = sometimes(random, {30, 150});
  faults.outsiders = random.one_in(2);
  faults.foreign_nonce = random.one_in(12);
  faults.market_stale = random.one_in(4);
  faults.halts = random.one_in(4);
  faults.buckets_lost = random.one_in(4);
  faults.states_forgotten = random.one_in(3);
  return faults;
}

/// One thing that a user wants, and what was answered.
struct Wish {
  json::object intent;
  std::optional<std::string> key;
  std::int64_t at_ms = 0;
  std::int64_t cancel_at_ms = 0;  // 0: never
  std::string correlation_id;     // acknowledged as
  bool done = false;              // nothing more is asked
};

class Run {
 public:
  Run(std::uint64_t seed, Trace trace) : seed_(seed), world_(seed), broker_(world_), store_(world_) {
    if (trace == Trace::kLines) world_.keep_trace();
    world_.faults = draw_faults(world_.random);
    configure();
    store_.on_nonce = [this](const engine::NonceClaim& claim) {
      if (engine::any_halted(halts_))
        world_.violated("halted", fmt::format("nonce {} was taken", claim.nonce), claim.correlation_id);
    };
    store_.on_event = [this](const Envelope& event) { committed(event); };
    world_.on_broadcast = [this](const Hash32& hash) {
      if (!store_.prepared(hash))
        world_.violated("broadcast", to_hex(hash) + " was handed to the node before it was on the record");
    };
    world_.on_acknowledge = [this](const std::string& body) { input_done(body); };
  }

  ~Run() {
    for (const auto& process : world_.processes()) process->crash();
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Report run() {
    start();
    const auto horizon = wishes_.back().at_ms + world_.random.between(60'000, 900'000);
    while (world_.now_ms() < horizon && !finished() && world_.violations().empty()) {
      world_.run_until(std::min(horizon, world_.now_ms() + world_.random.between(5'000, 60'000)));
      if (world_.random.one_in(3)) check_read_models();
    }
    stop_faults();
    // Whatever is under way ends within its window, a cancellation's way into a block, and the confirmations.
    const auto patience = world_.now_ms() + 700'000 + 60 * chain_->options().block_interval_ms;
    while (!finished() && world_.now_ms() < patience && world_.violations().empty())
      world_.run_until(world_.now_ms() + 10'000);
    if (world_.violations().empty() && !finished()) tell_unfinished();
    world_.run_until(world_.now_ms() + 10 * chain_->options().block_interval_ms);
    if (world_.violations().empty()) check_end();
    return report();
  }

 private:
  void configure() {
    auto& random = world_.random;
    settings_ = engine::test::settings();
    settings_.chain.confirmations = static_cast<unsigned>(random.one_in(2) ? 7 : random.between(1, 7));
    settings_.market.max_age_ms = 5'000;
    for (auto& token : settings_.chain.tokens)
      token.reset_allowance = token.symbol == "USDC" && random.one_in(4);
    settings_.risk.max_open_intents = random.one_in(4) ? 3 : 0;
    settings_.execution.max_fee_per_gas_wei =
        engine::test::number(random.one_in(2) ? "100000000000" : "40000000000");
    ChainState genesis;
    genesis.nonce = random.one_in(2) ? 0 : random.below(50);
    genesis.native_wei = engine::test::wad("1000");
    for (const auto& token : settings_.chain.tokens)
      genesis.balances[token.address] = engine::test::units(random.one_in(12) ? "3" : "100000", token);
    genesis.pools.push_back(engine::test::usdc_weth());
    if (random.one_in(2))
      genesis.pools.push_back(engine::test::usdc_weth(0xa2, 3'000, 20'000'000'000'000'000));
    genesis.pools.push_back(engine::test::pool(0xa3, engine::test::kWbtc, engine::test::kWeth, 3'000,
                                               engine::test::kWbtcWethTick, 2'000'000'000'000'000U));
    initial_ = genesis;
    Chain::Options options;
    options.block_interval_ms = random.one_in(3) ? random.between(1'000, 4'000) : 12'000;
    options.confirmations = settings_.chain.confirmations;
    options.replacement_percent = random.one_in(2) ? 10 : 12;
    options.refuses_below_base_fee = random.one_in(3);
    options.refuses_nonce_gaps = random.one_in(3);
    options.base_fee_wei = Uint256(random.between(1, 20)) * Uint256(1'000'000'000U);
    options.endpoints = random.one_in(2) ? 1 : 2 + random.below(2);
    options.front_ends_of_each = world_.faults.nodes_disagree && random.one_in(2) ? 2 : 1;
    for (std::size_t i = 0; i < options.endpoints; ++i)
      settings_.chain.endpoints.push_back(
          {.name = fmt::format("node {}", i), .rpc_url = fmt::format("simulated:{}", i)});
    chain_ = std::make_unique<Chain>(world_, settings_, signer()->address(), std::move(genesis), options);
    const auto count = random.between(1, 8);
    std::int64_t at = random.between(100, 3'000);
    for (std::int64_t i = 0; i < count; ++i) {
      wishes_.push_back(draw_wish(at));
      at += random.one_in(3) ? random.between(0, 50) : random.between(0, 90'000);
    }
  }

  Wish draw_wish(std::int64_t at) {
    auto& random = world_.random;
    const bool wbtc = random.one_in(5);
    const auto& base = wbtc ? engine::test::kWbtc : engine::test::kWeth;
    const auto& quote = wbtc ? engine::test::kWeth : engine::test::kUsdc;
    const std::vector<std::string_view> amounts =
        wbtc ? std::vector<std::string_view>{"0.0001", "0.01", "0.05", "0.1", "0.3"}
             : std::vector<std::string_view>{"0.001", "0.1", "0.5", "1", "1.5", "3", "3.9", "5"};
    const std::vector<std::string_view> slippages = {"0", "0.0005", "0.003", "0.01", "0.03", "0.05", "0.06"};
    const std::vector<std::string_view> styles = {"passive", "normal", "aggressive"};
    const std::vector<std::int64_t> windows = {5, 30, 60, 120, 300, 600};
    Wish wish;
    wish.at_ms = at;
    wish.intent = engine::test::intent_document(random.one_in(2) ? "acquire" : "dispose",
                                                amounts[random.below(amounts.size())], base, quote);
    auto& constraints = wish.intent["constraints"].as_object();
    constraints["max_slippage"] = slippages[random.below(slippages.size())];
    constraints["time_window"] = windows[random.below(windows.size())];
    constraints["execution_style"] = styles[random.below(styles.size())];
    if (!random.one_in(4)) wish.key = fmt::format("key-{}", wishes_.size());
    if (random.one_in(4)) wish.cancel_at_ms = at + random.between(0, 120'000);
    return wish;
  }

  // --- what runs

  template <class Start>
  Process& service(std::string name, Start start) {
    auto& process = world_.add_process(std::move(name), [start](Process& started) {
      asio::co_spawn(started.executor(), boot(started, start), asio::detached);
    });
    process.start();
    return process;
  }

  /// Tries until the service runs, as `sep serve` is started again until it does.
  template <class Start>
  static Task<void> boot(Process& process, Start start) {
    while (true) {
      auto bus = bus::Bus::connect(process.executor(), {}).value();
      auto started = co_await start(bus);
      if (started) {
        process.keep(std::shared_ptr<void>(std::move(*started)));
        co_return;
      }
      co_await services::pause(process.executor(), std::chrono::milliseconds(500));
    }
  }

  void start() {
    const auto copies = [this] { return world_.random.one_in(2) ? 2 : 1; };
    const auto coordinators = copies();
    for (int i = 0; i < coordinators; ++i) {
      auto& process = world_.add_process(fmt::format("coordinator {}", i + 1), [this](Process& started) {
        start_coordinator(started, store_, cache_);
      });
      process.start();
    }
    using services::MarketView;
    const auto managers = copies();
    for (int i = 0; i < managers; ++i)
      service(fmt::format("intent manager {}", i + 1), [this](std::shared_ptr<bus::Bus> bus) {
        return services::IntentManager::start(bus, settings_.risk, metrics());
      });
    service("risk engine",
            [this](std::shared_ptr<bus::Bus> bus) -> Task<Result<std::unique_ptr<services::RiskEngine>>> {
              co_return services::RiskEngine::start(bus, settings_,
                                                    MarketView::start(bus, settings_.chain).value());
            });
    service("planner", [this](std::shared_ptr<bus::Bus> bus) {
      return services::ExecutionPlanner::start(bus, settings_,
                                               MarketView::start(bus, settings_.chain).value(), metrics());
    });
    const auto orchestrators = copies();
    for (int i = 0; i < orchestrators; ++i)
      service(fmt::format("orchestrator {}", i + 1), [this](std::shared_ptr<bus::Bus> bus) {
        return services::ExecutionOrchestrator::start(bus, settings_, signer(), metrics());
      });
    platform_ = world_.processes().size();
    auto& users = world_.add_process("users", [this](Process& started) {
      for (auto& wish : wishes_) asio::co_spawn(started.executor(), want(started, wish), asio::detached);
    });
    users.crashes = false;  // who asks remembers
    users.start();
    auto& operators = world_.add_process("operator", [this](Process& started) {
      asio::co_spawn(started.executor(), operate(started), asio::detached);
    });
    operators.crashes = false;
    operators.start();
    chain_->start();
    trouble();
  }

  /// What the gateway does with POST /intents and POST /intents/{id}/cancel, asked until it is answered.
  Task<void> want(Process& users, Wish& wish) {
    const auto pause = [&](std::int64_t ms) {
      return services::pause(users.executor(), std::chrono::milliseconds(ms));
    };
    co_await pause(wish.at_ms);
    const std::shared_ptr<void> when_done(nullptr, [&wish](void*) { wish.done = true; });
    services::RecordClient record(bus::Bus::connect(users.executor(), {}).value());
    while (wish.correlation_id.empty()) {
      const auto intent_id = new_ulid();
      const auto correlation_id = engine::correlation_of(intent_id);
      services::AppendRequest request;
      request.events = services::next_events(
          correlation_id, std::nullopt,
          {{topic::kIntentSubmitted, {{"intentId", intent_id}, {"intent", wish.intent}}}},
          *ulid_time(intent_id));
      if (wish.key) request.idempotency = {*wish.key, "hash of " + *wish.key};
      const auto answer = co_await record.append(std::move(request));
      if (answer && answer->on_record()) {
        wish.correlation_id = correlation_id;
      } else if (answer && answer->idempotency) {
        wish.correlation_id = answer->idempotency->first;
      } else if (!wish.key) {
        world_.count("user gave up without an answer");
        co_return;  // whether it is on the record is not known, and asking again would be another intent
      } else {
        co_await pause(world_.random.between(200, 3'000));
      }
    }
    world_.trace("users", "acknowledged " + wish.correlation_id);
    if (wish.cancel_at_ms == 0) co_return;
    co_await pause(std::max<std::int64_t>(0, wish.cancel_at_ms - world_.now_ms()));
    for (int attempt = 0; attempt < 20; ++attempt) {
      const auto events = co_await record.history(wish.correlation_id);
      if (events && !events->empty()) {
        const auto head = engine::advance_head(std::nullopt, *events);
        if (!head || engine::is_terminal(head->state)) co_return;
        if (std::ranges::find(*events, topic::kIntentCancelRequested, &Envelope::topic) != events->end())
          co_return;
        services::AppendRequest request;
        request.events = services::next_events(
            wish.correlation_id, *head,
            {{topic::kIntentCancelRequested, {{"intentId", engine::intent_id_of(wish.correlation_id)}}}},
            world_.now());
        const auto answer = co_await record.append(std::move(request));
        if (answer && answer->on_record()) {
          world_.count("cancellation asked for");
          co_return;
        }
      }
      co_await pause(300);
    }
  }

  /// A person with `sep halt`, `sep resume` and `sep signer resume`.
  Task<void> operate(Process& person) {
    const auto pause = [&](std::int64_t ms) {
      return services::pause(person.executor(), std::chrono::milliseconds(ms));
    };
    services::RecordClient record(bus::Bus::connect(person.executor(), {}).value());
    const auto set = [&](std::string id, engine::ControlState state) -> Task<void> {
      while (true) {
        const auto answer = co_await record.set_control(
            id, state, {.reason = std::string(errc::kUserRequest), .detail = "", .by = "somebody@desk"});
        if (answer) co_return;
        co_await services::pause(person.executor(), std::chrono::seconds(1));
      }
    };
    while (true) {
      co_await pause(world_.random.between(5'000, 60'000));
      for (const auto& [id, control] : engine::Controls(store_.controls()))
        if (control.halted()) co_await set(id, engine::ControlState::kActive);
      if (!world_.faults_on || !world_.faults.halts || !world_.random.one_in(3)) continue;
      world_.count("kill switch");
      co_await set(std::string(engine::kControlCorrelation), engine::ControlState::kHalted);
      co_await pause(world_.random.between(1'000, 60'000));
      co_await set(std::string(engine::kControlCorrelation), engine::ControlState::kActive);
    }
  }

  // --- troubles that come with time

  void every(std::int64_t least_ms, std::int64_t most_ms, std::function<void()> what) {
    world_.after(world_.random.between(least_ms, most_ms), [this, least_ms, most_ms, what = std::move(what)] {
      if (!world_.faults_on) return;
      what();
      every(least_ms, most_ms, what);
    });
  }

  void trouble() {
    auto& random = world_.random;
    if (world_.faults.pauses)
      every(5'000, 120'000, [this, &random] {
        auto& process = *world_.processes()[random.below(platform_)];
        if (!process.up() || process.paused()) return;
        world_.count("pause of " + process.name);
        process.pause_until(world_.now_ms() +
                            (random.one_in(2) ? random.between(100, 3'000) : random.between(3'000, 60'000)));
      });
    if (world_.faults.cache_flushed)
      every(20'000, 200'000, [this] {
        world_.count("cache flushed");
        cache_.flush();
      });
    if (world_.faults.buckets_lost)
      every(20'000, 200'000, [this] {
        world_.count("buckets lost");
        broker_.buckets.clear();
      });
    if (world_.faults.node_stalls)
      every(20'000, 200'000, [this, &random] {
        world_.count("front end stalls");
        chain_->stall_front_end(random.between(1'000, 60'000));
      });
    if (world_.faults.dropped_from_pool != 0) every(5'000, 60'000, [this] { chain_->drop_pending(); });
    if (world_.faults.foreign_nonce)
      every(1'000, 150'000, [this] {
        foreign_ = true;
        chain_->use_nonce_elsewhere();
      });
    if (world_.faults.market_stale)
      every(20'000, 200'000, [this, &random] {
        world_.count("market stale");
        world_.market_stale = true;
        world_.after(random.between(1'000, 30'000), [this] { world_.market_stale = false; });
      });
  }

  void stop_faults() {
    world_.faults_on = false;
    world_.market_stale = false;
    world_.trace("world", "faults stop");
    for (const auto& process : world_.processes()) {
      process->pause_until(world_.now_ms());
      if (!process->up()) process->start();
    }
    chain_->settle_down();
  }

  // --- what must hold

  bool finished() const {
    return std::ranges::all_of(wishes_, &Wish::done) &&
           std::ranges::all_of(
               store_.rows(), [](const auto& entry) { return engine::is_terminal(entry.second.head.state); });
  }

  void tell_unfinished() {
    for (const auto& [id, row] : store_.rows())
      if (!engine::is_terminal(row.head.state))
        world_.violated("liveness",
                        fmt::format("still {} long after faults stopped", engine::to_string(row.head.state)),
                        id);
    for (const auto& wish : wishes_)
      if (wish.key && wish.correlation_id.empty())
        world_.violated("liveness", *wish.key + " was never answered");
  }

  void committed(const Envelope& event) {
    if (engine::is_control(event.correlation_id)) {
      halts_.insert_or_assign(event.correlation_id, engine::control_after(event));
      return;
    }
    if (engine::halted(halts_, engine::kControlCorrelation) != nullptr &&
        (event.topic == topic::kIntentAccepted || event.topic == topic::kPlanCreated))
      world_.violated("halted", event.topic + " while the kill switch is on", event.correlation_id);
    auto& last = last_[event.correlation_id];
    const auto sequence = last ? last->sequence + 1 : 1;
    const auto& cause = last ? last->last_event_id : event.correlation_id;
    if (event.sequence != sequence || event.causation_id != cause)
      world_.violated(
          "sequence",
          fmt::format("{} has sequence {} where {} is due", event.topic, event.sequence, sequence),
          event.correlation_id);
    if (last && engine::is_terminal(last->state))
      world_.violated("sequence", event.topic + " after the end", event.correlation_id);
    const auto state = state_after(event.topic);
    last = engine::IntentHead{event.sequence, event.event_id,
                              state  ? *state
                              : last ? last->state
                                     : State::kSubmitted};
    if (sequence == 1 && event.topic != topic::kIntentSubmitted)
      world_.violated("sequence", event.topic + " comes first", event.correlation_id);
  }

  /// A worker is done with its input once what follows from it is on the record: its own event, or another's.
  void input_done(const std::string& body) {
    const auto input = engine::envelope_from_json(parse_json(body).value()).value();
    // Where an intent executes, the orchestrator hears of its cancellation by other ways.
    if (input.topic == topic::kIntentCancelRequested) return;
    const auto after = store_.history(input.correlation_id, input.sequence + 1);
    if (std::ranges::all_of(after,
                            [](const Envelope& e) { return e.topic == topic::kIntentCancelRequested; }))
      world_.violated("acknowledged", input.topic + " was acknowledged before anything followed from it",
                      input.correlation_id);
  }

  /// Written down once more, beside engine/lifecycle.cpp.
  static std::optional<State> state_after(std::string_view event_topic) {
    if (event_topic == topic::kIntentSubmitted) return State::kSubmitted;
    if (event_topic == topic::kIntentAccepted) return State::kAccepted;
    if (event_topic == topic::kPlanCreated) return State::kPlanned;
    if (event_topic == topic::kExecStarted) return State::kExecuting;
    if (event_topic == topic::kExecCompleted) return State::kCompleted;
    if (event_topic == topic::kExecFailed) return State::kFailed;
    if (event_topic == topic::kRiskRejected) return State::kRiskRejected;
    if (event_topic == topic::kPlanRejected) return State::kPlanRejected;
    if (event_topic == topic::kIntentExpired) return State::kExpired;
    if (event_topic == topic::kIntentCancelled) return State::kCancelled;
    return std::nullopt;
  }

  /// The cache against a fold of the record up to where the cache is.
  void check_read_models() {
    if (!world_.violations().empty()) return;
    Cache whole;
    engine::Projection projection(0, [](const std::string&) { return std::optional<json::object>{}; });
    const auto& events = store_.events();
    for (std::uint64_t i = 0; i < cache_.head; ++i)
      if (!projection.apply(events[i])) return world_.violated("read models", "the fold refuses the record");
    // Documents of finished intents leave the projection with their changes: all are taken at once.
    if (cache_.head != 0) whole.apply(projection.take_changes());
    for (auto& [state, ids] : cache_.by_state)
      if (ids != whole.by_state[state]) return world_.violated("read models", "the list of " + state);
    if (whole.documents == cache_.documents) return;
    for (const auto& [key, document] : whole.documents)
      if (const auto found = cache_.documents.find(key);
          found == cache_.documents.end() || found->second != document)
        return world_.violated(
            "read models",
            fmt::format("{} at {}: {} instead of {}", key, cache_.head,
                        found == cache_.documents.end() ? "nothing" : found->second, document));
    world_.violated("read models", "a document that the record does not have");
  }

  struct OnChain {
    unsigned swaps = 0;
    Uint256 amount_in, amount_out;
  };

  void check_end() {
    // Everything is quiet: the cache has caught up.
    if (cache_.head != store_.events().size())
      world_.violated("read models", fmt::format("still at {} of {}", cache_.head, store_.events().size()));
    check_read_models();
    std::map<std::string, OnChain> on_chain;
    Uint256 gas_wei;
    for (const auto* block : chain_->canonical()) {
      for (const auto& transaction : block->transactions) {
        gas_wei += Uint256(transaction.result.gas_used) * transaction.effective_gas_price_wei;
        if (transaction.foreign) continue;
        const auto owner = store_.prepared().find(transaction.hash);
        if (owner == store_.prepared().end()) {
          world_.violated("broadcast", to_hex(transaction.hash) + " is mined and not on the record");
          continue;
        }
        if (!transaction.result.swapped || !transaction.result.success) continue;
        auto& seen = on_chain[owner->second];
        ++seen.swaps;
        seen.amount_in = transaction.result.amount_in;
        seen.amount_out = transaction.result.amount_out;
      }
    }
    check_once(on_chain);
    check_balances(gas_wei);
    check_nonces();
    check_acknowledged();
  }

  void check_once(std::map<std::string, OnChain>& on_chain) {
    for (const auto& [id, row] : store_.rows()) {
      const auto& seen = on_chain[id];
      const auto state = engine::to_string(row.head.state);
      const auto expected = row.head.state == State::kCompleted ? 1U : 0U;
      if (seen.swaps != expected) {
        world_.violated("once", fmt::format("{} with {} swaps on the chain", state, seen.swaps), id);
        continue;
      }
      if (expected == 0) continue;
      const auto history = store_.history(id);
      const auto& end = history.back().payload;
      const auto plan =
          std::ranges::find(history.rbegin(), history.rend(), topic::kPlanCreated, &Envelope::topic);
      const auto swap = engine::plan_from_payload(plan->payload).value().swap();
      const auto in = engine::test::units(end.at("amountIn").as_string(), swap.token_in);
      const auto out = engine::test::units(end.at("amountOut").as_string(), swap.token_out);
      if (in != seen.amount_in || out != seen.amount_out)
        world_.violated("once", "completed with amounts that the chain does not have", id);
      expected_[swap.token_in.address].second += in;
      expected_[swap.token_out.address].first += out;
    }
  }

  void check_balances(const Uint256& gas_wei) {
    const auto& state = chain_->tip().after;
    for (const auto& [token, before] : initial_.balances) {
      const auto& [received, paid] = expected_[token];
      if (state.balances.at(token) + paid != before + received)
        world_.violated("balances", fmt::format("{}: {} where the record says {}", to_checksum(token),
                                                to_string(state.balances.at(token)),
                                                to_string(before + received - paid)));
    }
    if (state.native_wei + gas_wei != initial_.native_wei) world_.violated("balances", "gas");
    // What the record says that gas cost, per inclusion that stayed.
    Uint256 recorded;
    std::map<std::string, Uint256> included;
    for (const auto& event : store_.events()) {
      if (event.topic == topic::kExecStepReorged)
        included.erase(std::string(event.payload.at("txHash").as_string()));
      if (event.topic != topic::kExecStepFilled && event.topic != topic::kExecStepReverted) continue;
      included[std::string(event.payload.at("txHash").as_string())] =
          parse_uint256(event.payload.at("gasUsed").as_string()).value() *
          parse_uint256(event.payload.at("effectiveGasPrice").as_string()).value();
    }
    for (const auto& [hash, cost] : included) recorded += cost;
    if (!foreign_ && recorded != gas_wei)
      world_.violated("balances", fmt::format("gas of {} wei where the record says {}", to_string(gas_wei),
                                              to_string(recorded)));
  }

  void check_nonces() {
    const auto& nonces = store_.nonces();
    if (nonces.empty()) return;
    auto next = nonces.begin()->first;
    for (const auto& [nonce, id] : nonces)
      if (nonce != next++ && !foreign_)
        return world_.violated("nonces", fmt::format("{} is missing", next - 1), id);
    const auto used = chain_->tip().after.nonce;
    if (!foreign_ && used != next)
      world_.violated("nonces", fmt::format("the chain is at {} where the record is at {}", used, next));
  }

  void check_acknowledged() {
    std::set<std::string> ids;
    for (const auto& wish : wishes_) {
      if (wish.correlation_id.empty()) continue;
      if (!store_.row(wish.correlation_id))
        world_.violated("acknowledged", "it is not on the record", wish.correlation_id);
      if (!ids.insert(wish.correlation_id).second)
        world_.violated("acknowledged", "two keys have one intent", wish.correlation_id);
    }
    const auto keyed = static_cast<std::size_t>(
        std::ranges::count_if(wishes_, [](const Wish& wish) { return wish.key.has_value(); }));
    const auto keyless = wishes_.size() - keyed;
    if (store_.rows().size() > keyed + keyless)
      world_.violated("acknowledged", "more intents than were wanted");
  }

  Report report() {
    Report report;
    report.seed = seed_;
    report.simulated_ms = world_.now_ms();
    report.handlers = world_.handlers();
    report.events = store_.events().size();
    for (const auto& wish : wishes_)
      if (!wish.correlation_id.empty()) ++report.acknowledged;
    for (const auto& [id, row] : store_.rows()) {
      const auto history = store_.history(id);
      auto outcome = std::string(engine::to_string(row.head.state));
      if (const auto reason = string_or(history.back().payload, "reason"); !reason.empty())
        outcome += " " + reason;
      ++report.outcomes[outcome];
    }
    report.counts = world_.counts();
    report.digest = world_.digest();
    report.violations = world_.violations();
    report.trace = world_.trace_lines();
    return report;
  }

  std::uint64_t seed_;
  World world_;
  Broker broker_;
  Store store_;
  Cache cache_;
  engine::Settings settings_;
  std::unique_ptr<Chain> chain_;
  ChainState initial_;
  std::vector<Wish> wishes_;
  std::size_t platform_ = 0;  // processes of the platform, the first ones
  bool foreign_ = false;
  engine::Controls halts_;
  std::map<std::string, std::optional<engine::IntentHead>> last_;
  std::map<Address, std::pair<Uint256, Uint256>> expected_;  // received, paid
};

}  // namespace

Report run_seed(std::uint64_t seed, Trace trace) {
  return Run(seed, trace).run();
}

}  // namespace sep::sim
