#include "services/event_publisher.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "services/fail_point.h"
#include "services/record_client.h"
#include "services/state_coordinator.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;
using engine::Envelope;
using engine::SharedEvent;

constexpr std::size_t kGroup = 512;             // publications on their way at once
constexpr std::size_t kMessageBytes = 500'000;  // NATS takes 1 MiB: room for one event beyond it
constexpr std::size_t kPage = 1'000;
constexpr auto kTimeout = 5s;
constexpr auto kRetry = 200ms;
constexpr auto kStreamCheck = 1s;  // how soon a loss is noticed while nothing is published
constexpr std::int64_t kRefusedForNs = 3'000'000'000;
constexpr std::uint64_t kForeignMessages = 100;  // at the stream's end, that are no events of this record

CommittedObject committed_object(std::span<const SharedEvent> events) {
  auto committed = std::make_shared<CommittedEvents>();
  committed->events.assign(events.begin(), events.end());
  for (const auto& event : events) {
    std::string text;
    engine::write_json(*event, text);
    committed->texts.push_back(std::make_shared<const std::string>(std::move(text)));
  }
  return committed;
}

}  // namespace

EventPublisher::EventPublisher(std::shared_ptr<bus::Bus> bus, std::string postgres, gateway::Metrics& metrics,
                               Leads leads)
    : bus_(std::move(bus)),
      postgres_(std::move(postgres)),
      metrics_(metrics),
      leads_(std::move(leads)),
      log_(logger("publisher")),
      thread_([this] { run(); }) {}

EventPublisher::~EventPublisher() {
  backlog_.close();
  thread_.join();
}

std::optional<std::string> EventPublisher::refuses() const {
  const std::scoped_lock lock(refusal_mutex_);
  if (!refused_since_ns_ || monotonic_ns() - *refused_since_ns_ < kRefusedForNs) return std::nullopt;
  return refusal_;
}

void EventPublisher::note(const Status& done) {
  const std::scoped_lock lock(refusal_mutex_);
  // Where the record cannot be read, or another leads, the stream refuses nothing.
  if (done || done.error().code == errc::kStoreUnavailable || done.error().code == errc::kNotReady) {
    refused_since_ns_.reset();
    return;
  }
  if (!refused_since_ns_) {
    refused_since_ns_ = monotonic_ns();
    log_->warn("the stream {} is behind the record: {}", kEventStream, done.error().detail);
  }
  refusal_ = done.error().detail;
}

void EventPublisher::run() {
  std::uint64_t term = 0;
  bool synchronised = false;
  for (;;) {
    auto look = backlog_.look(published_, term, kGroup, synchronised || term == 0 ? kStreamCheck : kRetry);
    if (look.term != std::exchange(term, look.term)) {
      synchronised = false;
      stream_.reset();
      note({});
    }
    if (term == 0) {
      if (look.closed) return;
      continue;
    }
    if (!synchronised) {
      const auto done = synchronise();
      synchronised = done.has_value();
      if (!synchronised && !pause_after(done, look.closed)) return;
      continue;
    }
    if (look.end <= published_) {
      note({});
      if (look.closed) return;
      synchronised = is_as_left();
      continue;
    }
    const auto events = next_events(std::move(look.events));
    const auto done = events ? publish(*events) : Status(fail(events.error()));
    if (done) {
      note(done);
      continue;
    }
    // Refused because another message is there, or for want of room, or not known to be taken: how far is the
    // stream? That it says so does not yet mean that it takes anything.
    synchronised = false;
    if (!pause_after(done, look.closed)) return;
  }
}

/// False where there is to be no other try.
bool EventPublisher::pause_after(const Status& failed, bool closed) {
  note(failed);
  if (!closed) std::this_thread::sleep_for(kRetry);
  return !closed;
}

Result<std::vector<SharedEvent>> EventPublisher::next_events(std::vector<SharedEvent> kept) {
  if (!kept.empty()) return kept;
  SEP_TRY(auto* store, record());
  SEP_TRY(auto events, store->range(published_ + 1, kPage));
  return engine::shared(std::move(events));
}

Result<store::EventStore*> EventPublisher::record() {
  if (!record_) {
    SEP_TRY(auto opened, store::EventStore::open(postgres_, store::EventStore::Role::kReader));
    record_.emplace(std::move(opened));
  }
  return &*record_;
}

Status EventPublisher::synchronise() {
  SEP_TRY(auto* store, record());
  SEP_TRY(const auto info, bus_->wait(bus_->ensure_stream(event_stream())));
  if (const auto intact = look_for_losses(info, *store); !intact) {
    if (intact.error().code != errc::kNotFound) return intact;
    return refill(*store, intact.error().detail);
  }
  auto published = published_by(info, *store);
  if (!published) {
    if (published.error().code != errc::kNotFound) return fail(published.error());
    return refill(*store, published.error().detail);
  }
  published_ = *published;
  stream_ = info;
  SEP_TRY(const auto end, store->last_global_sequence());
  if (end > published_ && !refused_since_ns_)
    log_->info("{} committed events are not in the stream yet", end - published_);
  return {};
}

/// NOT_FOUND, with what was lost, where the stream is not what it was.
Status EventPublisher::look_for_losses(const bus::StreamInfo& info, store::EventStore& store) {
  const auto lost = [](std::string what) { return fail(errc::kNotFound, std::move(what)); };
  if (stream_ && stream_->created != info.created) return lost("was made anew");
  if (stream_ && stream_->last_sequence > info.last_sequence)
    return lost(fmt::format("ends at {} where it ended at {}", info.last_sequence, stream_->last_sequence));
  // Nothing is ever taken out of it: what it counted must be there.
  if (info.messages != info.last_sequence)
    return lost(fmt::format("holds {} of {} messages", info.messages, info.last_sequence));
  SEP_TRY(const auto delivered, bus_->wait(bus_->furthest_delivery(kEventStream)));
  if (delivered > info.last_sequence)
    return lost(fmt::format("ends at {} where {} was delivered", info.last_sequence, delivered));
  if (info.messages > 0) return {};
  SEP_TRY(const auto end, store.last_global_sequence());
  return end == 0 ? Status{} : lost("is empty");
}

/// The record's last event that the stream holds. NOT_FOUND where it holds none of this record.
Result<std::uint64_t> EventPublisher::published_by(const bus::StreamInfo& info, store::EventStore& store) {
  SEP_TRY(const auto end, store.last_global_sequence());
  if (info.messages == 0) return 0;
  for (std::uint64_t back = 0; back < std::min(kForeignMessages, info.last_sequence); ++back) {
    SEP_TRY(const auto message, bus_->wait(bus_->get_message(kEventStream, info.last_sequence - back)));
    const auto event = message ? engine::parse_envelope(message->body)
                               : Result<Envelope>(fail(errc::kNotFound, "is not there"));
    if (!event || event->global_sequence == 0) {
      log_->error("message {} of {} is no event of the record", info.last_sequence - back, kEventStream);
      continue;
    }
    if (event->global_sequence > end)
      return fail(errc::kNotFound,
                  fmt::format("is ahead of the record: {} of {}", event->global_sequence, end));
    SEP_TRY(const auto recorded, store.range(event->global_sequence, 1));
    if (recorded.empty() || recorded.front().event_id != event->event_id)
      return fail(errc::kNotFound, "belongs to another record");
    return event->global_sequence;
  }
  return fail(errc::kNotFound, "ends with messages that are no events");
}

Status EventPublisher::refill(store::EventStore& store, std::string_view why) {
  // A coordinator that was stopped, and knows the stream as it was before another one led, must not touch it.
  SEP_TRY(const bool leads, leads_(store));
  if (!leads) return fail(errc::kNotReady, "another coordinator leads");
  // Commits go on meanwhile. The end comes first: an intent that is submitted later lies behind it, and is
  // published as any other.
  SEP_TRY(const auto end, store.last_global_sequence());
  SEP_TRY(auto wanted, store.unfinished_events(end));
  if (end != 0 && (wanted.empty() || wanted.back() != end)) wanted.push_back(end);
  log_->warn("the stream {} {}: making it anew with {} events of what is unfinished", kEventStream, why,
             wanted.size());
  metrics_.add("sep_stream_refills_total");

  stream_.reset();
  SEP_CHECK(bus_->wait(bus_->delete_stream(kEventStream)));
  SEP_TRY(auto info, bus_->wait(bus_->ensure_stream(event_stream())));
  stream_ = info;
  // In the record's order and with its last event as the last one, so that the stream always says how far it
  // is: what a crash in between leaves out is published at the next start, whoever's it is.
  for (std::span<const std::uint64_t> rest(wanted); !rest.empty();) {
    const auto page = rest.first(std::min(rest.size(), kPage));
    rest = rest.subspan(page.size());
    SEP_TRY(auto events, store.events(page));
    SEP_CHECK(publish(engine::shared(std::move(events))));
  }
  published_ = end;
  return {};
}

Status EventPublisher::publish(std::span<const SharedEvent> events) {
  while (!events.empty()) {
    const auto group = events.first(std::min(events.size(), kGroup));
    events = events.subspan(group.size());
    const auto committed = committed_object(group);
    tell(committed);
    std::vector<bus::Publication> publications;
    for (std::size_t i = 0; i < group.size(); ++i) {
      const auto& event = *group[i];
      publications.push_back(
          {.subject = event.topic,
           .body = *committed->texts[i],
           .message_id = event.global_sequence == swallowed_ ? event.event_id + ".again" : event.event_id,
           .expected_last_sequence = stream_->last_sequence + i,
           .object = group[i]});
    }
    fail_point("publish.before");
    if (!one_by_one_) {
      const auto last = bus_->publish_row(std::move(publications), kTimeout);
      fail_point("publish.after");
      const auto end = stream_->last_sequence + group.size();
      one_by_one_ = !last || last->duplicate || last->sequence != end;
      if (one_by_one_)
        return fail(last ? Error{errc::kSequenceConflict, "the stream is further than expected", {}}
                         : last.error());
      published_ = group.back()->global_sequence;
      stream_->last_sequence = stream_->messages = end;
      continue;
    }
    const auto results = bus_->publish_events(std::move(publications), kTimeout);
    fail_point("publish.after");
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (!results[i]) return fail(results[i].error());
      published_ = group[i]->global_sequence;
      // It held the event already: the sequences that the following ones expect are not those that they get.
      if (results[i]->duplicate) swallowed_ = group[i]->global_sequence;
      if (results[i]->duplicate) return fail(errc::kSequenceConflict, "the stream is further than expected");
      stream_->last_sequence = results[i]->sequence;
      stream_->messages = results[i]->sequence;
    }
    one_by_one_ = false;
  }
  return {};
}

/// Those who watch need not wait for the stream. What does not arrive they find on the record.
void EventPublisher::tell(const CommittedObject& committed) {
  // This process gets all of it with the first message.
  auto object = committed;
  std::string message;
  const auto send = [&] {
    std::ignore = bus_->publish(subject::kCommitted, std::exchange(message, {}), object);
    object = std::make_shared<const CommittedEvents>();
  };
  for (const auto& text : committed->texts) {
    if (!message.empty() && message.size() + text->size() > kMessageBytes) send();
    message += *text;
    message += '\n';
  }
  if (!message.empty()) send();
}

bool EventPublisher::is_as_left() {
  const auto info = bus_->wait(bus_->stream_info(kEventStream));
  if (!info) return info.error().code != errc::kNotFound;  // NATS is away: that is noticed when it is back
  return info->created == stream_->created && info->last_sequence == stream_->last_sequence &&
         info->messages == stream_->messages;
}

}  // namespace sep::services
