#pragma once
// Whether the chain's newest head descends from a block: a height says nothing about a branch, and of several
// front ends of one node some may still show one that is no more.
//
// Entry points: advance (a new head), relation (of a block to it), learn (the header that relation lacked).
//
// Invariants:
//  1. A relation follows from headers alone, each naming its parent by hash; within kDepth of the head
//     nothing is concluded from a height.
//  2. Every header that was learned brings a relation one block further, and no head within its kDepth takes
//     it back: it is found after at most kDepth headers.
//  3. What is kept lies within kDepth below the head.
#include <compare>
#include <cstdint>
#include <map>
#include <variant>

#include "ethereum/hash.h"

namespace sep::engine {

class Ancestry {
 public:
  struct Block {
    std::uint64_t number = 0;
    Hash32 hash;

    auto operator<=>(const Block&) const = default;
  };

  /// Blocks below the head that are followed one by one: some hours of any chain. No front end that is asked
  /// lags so far behind, and no branch is so long.
  static constexpr std::uint64_t kDepth = 4'096;

  enum class Relation {
    kDescends,  // the head is the block, or descends from it
    kDoesNot,   // one of the two is of an abandoned branch: later heads tell which
    kAhead,     // the block is higher than the head
    kTooDeep,   // more than kDepth below: the block that the node has at its height says
  };

  /// The newest head, at whatever height.
  void advance(const Block& head, const Hash32& parent);
  /// The header of a block that relation() named.
  void learn(const Block& block, const Hash32& parent);
  /// Headers are to be asked for anew, the head's too: one may have been a lie.
  void forget() { parents_.clear(); }

  const Block& head() const { return head_; }
  /// Of `block` to the head; or the block whose header is to be learned first.
  std::variant<Relation, Block> relation(const Block& block) const;

 private:
  Block head_;
  std::map<Block, Hash32> parents_;
};

}  // namespace sep::engine
