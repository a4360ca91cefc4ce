#include "simulation/world.h"

#include <array>
#include <chrono>
#include <ctime>

#include "simulation/broker.h"
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/epoll.h>
#include <sys/timerfd.h>

// --- below Asio: a clock that stands still, and an epoll that never waits

namespace {
sep::sim::World* current_world = nullptr;

/// Set while a context is asked when its next timer ends: it "waits" in epoll_wait for so long.
struct {
  boost::asio::io_context* context = nullptr;
  int timeout_ms = 0;
} question;
}  // namespace

extern "C" {
int epoll_wait(int, struct epoll_event*, int, int timeout) noexcept(false) {
  if (question.context != nullptr && timeout != 0) {
    question.timeout_ms = timeout;
    question.context->stop();
  }
  return 0;
}
int epoll_ctl(int, int, int, struct epoll_event*) noexcept {
  return 0;
}
/// Without a timerfd Asio looks at its timers itself whenever it polls.
int timerfd_create(int, int) noexcept {
  errno = EMFILE;
  return -1;
}
}

std::chrono::steady_clock::time_point std::chrono::steady_clock::now() noexcept {
  if (current_world != nullptr)
    return time_point(std::chrono::milliseconds(1'000'000 + current_world->now_ms()));
  timespec real{};
  clock_gettime(CLOCK_MONOTONIC, &real);
  return time_point(std::chrono::seconds(real.tv_sec) + std::chrono::nanoseconds(real.tv_nsec));
}

// --- in place of base/system.cpp

namespace sep {

Timestamp now() {
  return current_world->now();
}
std::int64_t monotonic_ns() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}
std::string new_ulid() {
  return current_world->running()->next_ulid();
}

namespace sim {

// --- Process

bool Process::paused() const {
  return paused_until_ > world.now_ms();
}

std::string Process::next_ulid() {
  std::array<std::uint8_t, 10> random{};
  auto bits = world.random.next();
  for (std::size_t i = 1; i < 8; ++i, bits >>= 8) random[i] = static_cast<std::uint8_t>(bits);
  return ulids_.next(world.now(), random);
}

void Process::post(std::uint64_t incarnation, std::function<void()> handler) {
  if (!up() || incarnation != incarnation_) return;
  asio::post(*context_, std::move(handler));
  maybe_ready_ = true;
}

void Process::start() {
  SEP_ASSERT(!up());
  ++incarnation_;
  context_ = std::make_unique<asio::io_context>(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
  work_ =
      std::make_unique<asio::executor_work_guard<asio::io_context::executor_type>>(context_->get_executor());
  const asio::steady_timer first(*context_);  // from the first timer on the context polls for timers
  paused_until_ = 0;
  maybe_ready_ = true;
  next_timer_ = world.now_ms();
  world.trace(name, "starts");
  auto* const before = std::exchange(world.running_, this);
  boot(*this);
  world.running_ = before;
}

void Process::crash() {
  if (!up()) return;
  world.trace(name, "crashes");
  ++incarnation_;  // what its destructors send is not sent
  auto* const before = std::exchange(world.running_, this);
  if (world.broker != nullptr) world.broker->forget(*this);
  auto context = std::move(context_);
  work_.reset();
  parts_.clear();
  context.reset();
  world.running_ = before;
}

void Process::pause_until(std::int64_t ms) {
  world.trace(name, fmt::format("is paused for {} ms", ms - world.now_ms()));
  paused_until_ = ms;
}

bool Process::run_one() {
  auto* const before = std::exchange(world.running_, this);
  if (context_->stopped()) context_->restart();
  const bool ran = context_->poll_one() != 0;
  world.running_ = before;
  if (!ran) {
    maybe_ready_ = false;
    look_at_timers();
  }
  return ran;
}

void Process::look_at_timers() {
  question = {context_.get(), 1};
  context_->run_one();
  question.context = nullptr;
  context_->restart();
  next_timer_ = world.now_ms() + question.timeout_ms;
}

// --- World

World::World(std::uint64_t seed) : random(seed) {
  SEP_ASSERT(current_world == nullptr);
  current_world = this;
}

World::~World() {
  broker = nullptr;  // it is gone by then, and so is what it held
  for (const auto& process : processes_) process->crash();
  current_world = nullptr;
}

World* World::current() {
  return current_world;
}

void World::after(std::int64_t delay_ms, std::function<void()> event) {
  events_.emplace(std::pair(now_ms_ + delay_ms, next_event_++), std::move(event));
}

Process& World::add_process(std::string name, Process::Boot boot) {
  processes_.push_back(std::unique_ptr<Process>(new Process(*this, std::move(name), std::move(boot))));
  return *processes_.back();
}

Process& World::process_of(const asio::execution_context& context) {
  for (const auto& process : processes_)
    if (process->up() && &process->context() == &context) return *process;
  SEP_ASSERT(running_ != nullptr);
  return *running_;
}

void World::run_ready() {
  constexpr std::uint64_t kMostAtOnce =
      200'000;  // handlers in one millisecond: something goes round in circles
  std::vector<Process*> ready;
  const auto before = handlers_;
  while (violations_.empty()) {
    if (handlers_ - before > kMostAtOnce) return violated("progress", "time stands still");
    ready.clear();
    for (const auto& process : processes_)
      if (process->up() && process->maybe_ready_ && !process->paused()) ready.push_back(process.get());
    if (ready.empty()) return;
    auto& process = *random.pick(ready);
    if (!process.run_one()) continue;
    ++handlers_;
    if (faults_on && process.crashes && faults.crash != 0 && random.below(100'000) < faults.crash) {
      count("crash of " + process.name);
      process.crash();
      after(random.between(50, 8'000), [&process] {
        if (!process.up()) process.start();
      });
    }
  }
}

void World::run_until(std::int64_t ms) {
  while (violations_.empty()) {
    run_ready();
    auto next = ms;
    if (!events_.empty()) next = std::min(next, events_.begin()->first.first);
    for (const auto& process : processes_)
      if (process->up())
        next = std::min(next, std::max(process->paused_until_, process->maybe_ready_ ? process->paused_until_
                                                                                     : process->next_timer_));
    if (next >= ms) {
      now_ms_ = std::max(now_ms_, ms);
      return;
    }
    now_ms_ = std::max(now_ms_, next);
    while (!events_.empty() && events_.begin()->first.first <= now_ms_) {
      const auto event = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      event();
    }
    for (const auto& process : processes_)
      if (process->up() && process->next_timer_ <= now_ms_) process->maybe_ready_ = true;
  }
}

bool World::fault(unsigned share, std::string_view kind) {
  if (!faults_on || !random.per_mille(share)) return false;
  count(kind);
  if (tracing_) trace("fault", kind);
  return true;
}

void World::trace(std::string_view who, std::string_view what) {
  const auto add = [&](std::string_view text) {
    for (const char c : text) digest_ = (digest_ ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  };
  digest_ = (digest_ ^ static_cast<std::uint64_t>(now_ms_)) * 1'099'511'628'211U;
  add(who);
  add(what);
  if (tracing_)
    lines_.push_back(fmt::format("{:>10.3f} {:<16} {}", static_cast<double>(now_ms_) / 1000, who, what));
}

void World::violated(std::string oracle, std::string what, std::string correlation_id) {
  trace("violated", oracle + ": " + what);
  violations_.push_back({std::move(oracle), std::move(what), std::move(correlation_id)});
}

std::int64_t World::latency() {
  if (fault(faults.message_delayed, "message delayed")) return random.between(200, 6'000);
  return random.between(0, 5);
}

}  // namespace sim
}  // namespace sep
