#include "simulation/broker.h"

#include <algorithm>

namespace sep::sim {
namespace {

/// NATS's wildcards: '*' one token, '>' the rest.
bool matches(std::string_view pattern, std::string_view subject) {
  while (true) {
    const auto p = pattern.substr(0, pattern.find('.'));
    const auto s = subject.substr(0, subject.find('.'));
    if (p == ">") return true;
    if (p != "*" && p != s) return false;
    const bool p_ends = p.size() == pattern.size();
    const bool s_ends = s.size() == subject.size();
    if (p_ends || s_ends) return p_ends && s_ends;
    pattern.remove_prefix(p.size() + 1);
    subject.remove_prefix(s.size() + 1);
  }
}

}  // namespace

std::vector<Broker::ListenerPtr> Broker::listeners_of(const std::string& subject, bool announcements) {
  std::erase_if(listeners_, [](const ListenerPtr& listener) { return !listener->alive(); });
  std::vector<ListenerPtr> found;
  std::map<std::string, std::vector<ListenerPtr>> groups;
  for (const auto& listener : listeners_) {
    if (listener->announcements != announcements || !matches(listener->subject, subject)) continue;
    if (listener->group.empty())
      found.push_back(listener);
    else
      groups[listener->group].push_back(listener);
  }
  for (auto& [group, members] : groups) found.push_back(world_.random.pick(members));
  return found;
}

void Broker::deliver(const ListenerPtr& listener, const bus::Message& message) {
  listener->process->post(listener->incarnation, [listener, message] {
    if (listener->open) listener->handler(message);
  });
}

void Broker::forget(const Process& process) {
  for (const auto& weak : all_listeners_)
    if (const auto listener = weak.lock(); listener && listener->process == &process) {
      listener->open = false;
      listener->handler = {};
    }
  for (const auto& weak : all_members_)
    if (const auto member = weak.lock(); member && member->process == &process) {
      member->open = false;
      member->receive = {};
    }
  std::erase_if(all_listeners_, [](const auto& weak) { return weak.expired(); });
  std::erase_if(all_members_, [](const auto& weak) { return weak.expired(); });
}

void Broker::request(const std::string& subject, const std::string& body,
                     std::shared_ptr<Question> question) {
  bus::Message message{.subject = subject, .body = body};
  message.reply = fmt::format("_INBOX.{}", ++next_inbox_);
  questions_[message.reply] = question;
  if (world_.fault(world_.faults.request_lost, "request lost")) return;
  world_.after(world_.latency(), [this, message, weak = std::weak_ptr(question)] {
    const auto targets = listeners_of(message.subject);
    if (!targets.empty()) {
      for (const auto& target : targets) deliver(target, message);
      return;
    }
    if (const auto asked = weak.lock())
      asked->process->post(asked->incarnation, [weak] {
        if (const auto still = weak.lock())
          still->answered(fail(errc::kBusUnavailable, "nobody serves the subject"));
      });
  });
}

void Broker::reply(Process& from, const std::string& to, const std::string& body) {
  if (!from.up()) return;
  if (world_.fault(world_.faults.reply_lost, "reply lost")) return;
  world_.after(world_.latency(), [this, to, body] {
    const auto found = questions_.find(to);
    if (found == questions_.end()) return;
    const auto weak = found->second;
    questions_.erase(found);
    if (const auto question = weak.lock())
      question->process->post(question->incarnation, [weak, body] {
        if (const auto still = weak.lock()) still->answered(body);
      });
  });
}

void Broker::publish(Process& from, const std::string& subject, const std::string& body) {
  if (!from.up()) return;
  for (const auto& listener : listeners_of(subject)) {
    if (world_.fault(world_.faults.delivery_lost, "message lost")) continue;
    world_.after(world_.latency(), [listener, message = bus::Message{.subject = subject, .body = body}] {
      if (listener->alive()) deliver(listener, message);
    });
  }
}

void Broker::announce(const std::string& subject, const std::string& message_id, std::any what) {
  for (const auto& listener : listeners_of(subject, true)) {
    if (world_.fault(world_.faults.delivery_lost, "announcement lost")) continue;
    world_.count("announcement");
    const bus::Message message{.subject = subject, .body = message_id, .deliveries = 1, .object = what};
    world_.after(world_.latency(), [listener, message] {
      if (listener->alive()) deliver(listener, message);
    });
  }
}

// --- the stream

bus::PubAck Broker::store(const bus::Publication& publication) {
  const auto [known, is_new] = ids_.try_emplace(publication.message_id, stream_.size() + 1);
  if (!is_new) return {.sequence = known->second, .duplicate = true};
  stream_.push_back({publication.subject, publication.body, publication.message_id});
  const auto sequence = stream_.size();
  for (const auto& [durable, consumer] : consumers_) pump(durable);
  return {.sequence = sequence, .duplicate = false};
}

std::optional<bus::StoredMessage> Broker::last() const {
  if (stream_.empty()) return std::nullopt;
  return bus::StoredMessage{
      .sequence = stream_.size(), .subject = stream_.back().subject, .body = stream_.back().body};
}

void Broker::wipe() {
  stream_.clear();
  ids_.clear();
  reset_consumers();
}

void Broker::reset_consumers() {
  for (auto& [durable, consumer] : consumers_) {
    consumer.next = 1;
    consumer.pending.clear();
    consumer.made = ++made_;
    world_.after(consumer.config.check_interval.count(), [this, durable] { pump(durable); });
  }
}

void Broker::join(const bus::ConsumerConfig& config, const std::shared_ptr<Member>& member) {
  auto [found, is_new] = consumers_.try_emplace(config.durable);
  if (is_new) {
    found->second.config = config;
    found->second.made = ++made_;
  }
  found->second.members.push_back(member);
  all_members_.push_back(member);
  pump(config.durable);
}

void Broker::pump(const std::string& durable) {
  auto& consumer = consumers_.at(durable);
  std::erase_if(consumer.members, [](const auto& member) { return !member->alive(); });
  if (consumer.members.empty()) return;
  while (consumer.next <= stream_.size()) {
    const auto sequence = consumer.next++;
    if (!matches(consumer.config.filter_subject, stream_[sequence - 1].subject)) continue;
    consumer.pending.try_emplace(sequence);
    hand_over(durable, sequence);
  }
}

void Broker::hand_over(const std::string& durable, std::uint64_t sequence) {
  auto& consumer = consumers_.at(durable);
  const auto found = consumer.pending.find(sequence);
  if (found == consumer.pending.end()) return;
  auto& pending = found->second;
  const auto wait = consumer.config.ack_wait.count();
  std::erase_if(consumer.members, [](const auto& member) { return !member->alive(); });
  if (consumer.members.empty()) {
    watch(durable, sequence, 1'000);
    return;
  }
  pending.holder = world_.random.pick(consumer.members);
  ++pending.deliveries;
  if (pending.deliveries > 1) world_.count("redelivery");
  pending.due_ms = world_.now_ms() + wait;
  watch(durable, sequence, wait);
  if (world_.fault(world_.faults.delivery_lost, "delivery lost")) return;
  const bus::Message message{.subject = stream_[sequence - 1].subject,
                             .reply = {},
                             .body = stream_[sequence - 1].body,
                             .stream_sequence = sequence,
                             .deliveries = pending.deliveries};
  const auto copies = world_.fault(world_.faults.delivery_repeated, "delivery repeated") ? 2 : 1;
  for (int i = 0; i < copies; ++i)
    world_.after(world_.latency(), [member = pending.holder, message, id = stream_[sequence - 1].id] {
      member->process->post(member->incarnation, [member, message, id] {
        if (member->open) member->receive(message, id);
      });
    });
}

/// Redelivers when the holder is silent: a live one that works on it says so.
void Broker::watch(const std::string& durable, std::uint64_t sequence, std::int64_t delay_ms) {
  const auto made = consumers_.at(durable).made;
  world_.after(delay_ms, [this, durable, sequence, made] {
    auto& consumer = consumers_.at(durable);
    const auto found = consumer.pending.find(sequence);
    if (consumer.made != made || found == consumer.pending.end()) return;
    auto& pending = found->second;
    if (pending.due_ms > world_.now_ms()) return;
    const auto& holder = pending.holder;
    if (holder && holder->alive() && !holder->process->paused() && holder->held.contains(sequence)) {
      const auto wait = consumer.config.ack_wait.count();
      pending.due_ms = world_.now_ms() + wait;
      watch(durable, sequence, wait);
      return;
    }
    hand_over(durable, sequence);
  });
}

void Broker::acknowledge(const std::string& durable, std::uint64_t sequence) {
  world_.on_acknowledge(stream_[sequence - 1].body);
  if (world_.fault(world_.faults.ack_lost, "acknowledgement lost")) return;
  world_.after(world_.latency(),
               [this, durable, sequence] { consumers_.at(durable).pending.erase(sequence); });
}

void Broker::again(const std::string& durable, std::uint64_t sequence, std::int64_t delay_ms) {
  const auto found = consumers_.at(durable).pending.find(sequence);
  if (found == consumers_.at(durable).pending.end()) return;
  found->second.holder.reset();
  found->second.due_ms = world_.now_ms() + delay_ms;
  watch(durable, sequence, delay_ms);
}

void Broker::dead(const std::string& durable, std::uint64_t sequence, const std::string& reason) {
  world_.count("dead letter");
  world_.trace("nats",
               fmt::format("dead letter of {}: {} ({})", durable, stream_[sequence - 1].subject, reason));
  consumers_.at(durable).pending.erase(sequence);
}

}  // namespace sep::sim
