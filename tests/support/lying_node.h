#pragma once
// An Ethereum node that lies: stands between a client and a node of this machine, over HTTP, and changes what
// passes. What it is not told to lie about passes as it is. Thread-safe.
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace sep::support {

/// What it lies about. All can be combined; the ways of not answering at all come first.
struct Lies {
  bool silent = false;                   // takes every request and never answers
  bool garbage = false;                  // answers every request with what is no JSON
  std::chrono::milliseconds delay{0};    // before every answer
  std::optional<std::size_t> max_batch;  // refuses more calls in one batch, with one error for all
  std::optional<std::uint64_t> chain_id;
  std::set<std::string> refused_methods;  // calls of these are answered with an error

  std::uint64_t old_blocks = 0;   // the head, what depends on it, and receipts: as of so many blocks ago
  std::int64_t nonce_offset = 0;  // added to every account's nonce, which stays at least 0
  bool hide_receipts = false;     // no transaction is mined
  bool invent_receipts = false;   // every transaction that is not mined is, in the latest block, with success
  bool turn_receipts = false;     // success is failure, and failure success

  bool swallow = false;                // accepts transactions and does not pass them on
  bool cut_after_forward = false;      // passes transactions on and cuts the connection instead of answering
  std::optional<std::string> refusal;  // refuses transactions with these words, and does not pass them on
};

class LyingNode {
 public:
  /// `target` is the node's http://HOST:PORT; it need not be there yet.
  explicit LyingNode(std::string target);
  ~LyingNode();
  LyingNode(const LyingNode&) = delete;
  LyingNode& operator=(const LyingNode&) = delete;

  /// "http://127.0.0.1:PORT"
  std::string url() const;
  /// From now on.
  void tell(Lies lies);
  /// How many answers it has changed or withheld, by method, since it was made.
  std::map<std::string, std::uint64_t> told() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sep::support
