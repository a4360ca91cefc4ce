#pragma once
// The simulated NATS server: subjects, requests, and one stream with its work queues. What bus/bus.h promises
// stands on it (bus.cpp).
//
// It may lose requests and answers, lose and repeat deliveries, lose acknowledgements, deliver late and out
// of order; it redelivers what is not acknowledged within ack_wait. It keeps what it acknowledged as stored,
// unless the stream is wiped.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "simulation/world.h"

#include "bus/bus.h"

namespace sep::sim {

class Broker {
 public:
  explicit Broker(World& world) : world_(world) { world.broker = this; }

  /// A process's interest in a subject.
  struct Listener {
    Process* process = nullptr;
    std::uint64_t incarnation = 0;
    std::string subject;
    std::string group;
    bus::MessageHandler handler;  // called on the process
    bool announcements = false;   // what is announced, instead of what is published
    bool open = true;

    bool alive() const { return open && process->up() && process->incarnation() == incarnation; }
  };
  using ListenerPtr = std::shared_ptr<Listener>;
  void listen(const ListenerPtr& listener) {
    listeners_.push_back(listener);
    all_listeners_.push_back(listener);
  }
  /// The process is about to end: what its handlers hold must not outlive it.
  void forget(const Process& process);

  /// An answer that is waited for.
  struct Question {
    Process* process = nullptr;
    std::uint64_t incarnation = 0;
    std::function<void(Result<std::string>)> answered;  // called on the process, at most once
  };
  void request(const std::string& subject, const std::string& body, std::shared_ptr<Question> question);
  void reply(Process& from, const std::string& to, const std::string& body);
  void publish(Process& from, const std::string& subject, const std::string& body);
  /// Here an announcement reaches other processes too, and may be lost: handlers must hold against more than
  /// the platform does to them. Its id is the message's body.
  void announce(const std::string& subject, const std::string& message_id, std::any what);

  // --- buckets of keys, in memory

  std::map<std::string, std::map<std::string, bus::KeyValue>> buckets;
  std::uint64_t revision = 0;

  // --- the stream

  struct Stored {
    std::string subject;
    std::string body;
    std::string id;
  };
  /// Where the message is, and whether it was there before.
  bus::PubAck store(const bus::Publication& publication);
  std::optional<bus::StoredMessage> last() const;
  /// Everything in the stream is gone, its consumers too.
  void wipe();
  bool has_consumer(const std::string& durable) const { return consumers_.contains(durable); }
  void reset_consumers();

  /// One process's part of a work queue.
  struct Member {
    Process* process = nullptr;
    std::uint64_t incarnation = 0;
    std::function<void(bus::Message, std::string id)> receive;  // called on the process
    std::set<std::uint64_t> held;                               // stream sequences without a verdict
    bool open = true;

    bool alive() const { return open && process->up() && process->incarnation() == incarnation; }
  };
  void join(const bus::ConsumerConfig& config, const std::shared_ptr<Member>& member);
  void acknowledge(const std::string& durable, std::uint64_t sequence);
  void again(const std::string& durable, std::uint64_t sequence, std::int64_t delay_ms);
  void dead(const std::string& durable, std::uint64_t sequence, const std::string& reason);

 private:
  struct Pending {
    std::uint64_t deliveries = 0;
    std::int64_t due_ms = 0;  // redelivered then
    std::shared_ptr<Member> holder;
  };
  struct Consumer {
    bus::ConsumerConfig config;
    std::uint64_t next = 1;
    std::uint64_t made = 0;  // tells it from one of the same name made anew
    std::map<std::uint64_t, Pending> pending;
    std::vector<std::shared_ptr<Member>> members;
  };

  static void deliver(const ListenerPtr& listener, const bus::Message& message);
  std::vector<ListenerPtr> listeners_of(const std::string& subject, bool announcements = false);
  void pump(const std::string& durable);
  void hand_over(const std::string& durable, std::uint64_t sequence);
  void watch(const std::string& durable, std::uint64_t sequence, std::int64_t delay_ms);

  World& world_;
  std::vector<ListenerPtr> listeners_;
  std::vector<std::weak_ptr<Listener>> all_listeners_;
  std::vector<std::weak_ptr<Member>> all_members_;
  std::map<std::string, std::weak_ptr<Question>> questions_;
  std::uint64_t next_inbox_ = 0;
  std::vector<Stored> stream_;
  std::map<std::string, std::uint64_t> ids_;  // message id → sequence
  std::map<std::string, Consumer> consumers_;
  std::uint64_t made_ = 0;
};

}  // namespace sep::sim
