#pragma once
// New heads of the chain, as a stream that survives the node.
//
// Entry point: HeadFollower::next.
// Invariants
//  1. The first head is the present one. After a lost connection the present head is delivered again, even if
//  it is
//     the same: only then a head repeats.
//  2. Heads may be skipped (a lost connection, a slow reader): whoever needs every block walks the parent
//  hashes. The
//     last head delivered is the node's present one once nothing is left to read.
//  3. An idle node is asked once a second, so `last_confirmed_ms` grows as long as the node answers, and a
//     subscription that fell silent loses nothing.
#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/result.h"
#include "node/node.h"

namespace sep::node {

using Head = BlockHeader;

struct HeadOptions {
  std::string ipc_path;  // preferred: eth_subscribe over the unix socket
  std::string ws_url;    // then: eth_subscribe over WebSocket
  std::string rpc_url;   // then: polling
  milliseconds poll_interval{1000};
  milliseconds probe_interval{1000};  // between questions to an idle node that has a subscription
  milliseconds timeout{3000};         // of one question; longer is a lost connection
  milliseconds first_backoff{50};     // between attempts to connect, doubled up to max_backoff
  milliseconds max_backoff{2000};
};

class HeadFollower {
 public:
  /// Starts following at once.
  HeadFollower(asio::any_io_executor executor, HeadOptions options);
  ~HeadFollower();
  HeadFollower(const HeadFollower&) = delete;
  HeadFollower& operator=(const HeadFollower&) = delete;

  /// The next head; waits through lost connections. One reader. NOT_READY once stopped.
  awaitable<Result<Head>> next();
  void stop();

  /// The node answered last time it was asked.
  bool connected() const;
  /// Unix milliseconds of the last answer that confirmed the head; 0 before the first.
  std::int64_t last_confirmed_ms() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace sep::node
