#include "engine/ancestry.h"

#include <algorithm>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sep::engine {
namespace {

using Block = Ancestry::Block;
using Relation = Ancestry::Relation;

Hash32 hash_of(std::uint64_t number, std::uint8_t branch = 0) {
  Hash32 hash;
  for (std::size_t i = 0; i < 8; ++i) hash.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  hash.bytes[31] = branch;
  return hash;
}

Block block(std::uint64_t number, std::uint8_t branch = 0) {
  return {number, hash_of(number, branch)};
}

Relation known(const Ancestry& ancestry, const Block& of) {
  const auto found = ancestry.relation(of);
  EXPECT_TRUE(std::holds_alternative<Relation>(found)) << "of block " << of.number;
  return std::holds_alternative<Relation>(found) ? std::get<Relation>(found) : Relation::kAhead;
}

TEST(Ancestry, AReceiptOfAnAbandonedBranchIsNotBelowTheHeadWhateverItsHeight) {
  Ancestry ancestry;
  ancestry.advance(block(10), hash_of(9));
  ancestry.advance(block(11), hash_of(10));
  EXPECT_EQ(known(ancestry, block(10)), Relation::kDescends);
  // Blocks 10 and 11 leave; a front end that lags still shows what was in them.
  ancestry.advance(block(11, 1), hash_of(10, 1));
  ancestry.advance(block(12, 1), hash_of(11, 1));
  EXPECT_EQ(known(ancestry, block(10)), Relation::kDoesNot);
  EXPECT_EQ(known(ancestry, block(11)), Relation::kDoesNot);
  EXPECT_EQ(known(ancestry, block(10, 1)), Relation::kDescends);
  EXPECT_EQ(known(ancestry, block(12, 1)), Relation::kDescends) << "the head itself";
  EXPECT_EQ(known(ancestry, block(12)), Relation::kDoesNot);
  EXPECT_EQ(known(ancestry, block(13)), Relation::kAhead);
}

TEST(Ancestry, AHeadThatComesBackIsKnownWhereItStillCounts) {
  Ancestry ancestry;
  ancestry.advance(block(10), hash_of(9));
  ancestry.advance(block(11), hash_of(10));
  ancestry.advance(block(10, 1), hash_of(9));
  EXPECT_EQ(known(ancestry, block(10)), Relation::kDoesNot);
  EXPECT_EQ(known(ancestry, block(9)), Relation::kDescends);
  ancestry.advance(block(11), hash_of(10));
  EXPECT_EQ(known(ancestry, block(10)), Relation::kDescends);
}

TEST(Ancestry, HeadsThatWereMissedAreAskedForOneByOne) {
  Ancestry ancestry;
  ancestry.advance(block(10), hash_of(9));
  ancestry.advance(block(14), hash_of(13));
  EXPECT_EQ(std::get<Block>(ancestry.relation(block(10))), block(13));
  EXPECT_EQ(known(ancestry, block(13)), Relation::kDescends) << "the head names it";
  ancestry.learn(block(13), hash_of(12));
  ancestry.learn(block(12), hash_of(11));
  EXPECT_EQ(std::get<Block>(ancestry.relation(block(10))), block(11));
  ancestry.learn(block(11), hash_of(10));
  EXPECT_EQ(known(ancestry, block(9)), Relation::kDescends) << "what was known below goes on";
}

TEST(Ancestry, ALieIsForgotten) {
  Ancestry ancestry;
  ancestry.advance(block(11), hash_of(10, 9));
  EXPECT_EQ(known(ancestry, block(10)), Relation::kDoesNot);
  ancestry.forget();
  EXPECT_EQ(std::get<Block>(ancestry.relation(block(10))), block(11));
  ancestry.learn(block(11), hash_of(10));
  EXPECT_EQ(known(ancestry, block(10)), Relation::kDescends);
}

/// However deep a block is and however fast heads come, asking ends: the platform may have been away for
/// long.
TEST(Ancestry, WhatIsDeepIsFoundWhileHeadsGoOn) {
  Ancestry ancestry;
  auto head = Ancestry::kDepth + 100;
  const auto deep = block(100);
  ancestry.advance(block(head), hash_of(head - 1));
  std::uint64_t asked = 0;
  for (auto found = ancestry.relation(deep); std::holds_alternative<Block>(found);
       found = ancestry.relation(deep)) {
    ASSERT_LT(++asked, Ancestry::kDepth);
    const auto wanted = std::get<Block>(found);
    ancestry.learn(wanted, hash_of(wanted.number - 1));
  }
  EXPECT_EQ(known(ancestry, deep), Relation::kDescends);
  ++head;
  ancestry.advance(block(head), hash_of(head - 1));
  EXPECT_EQ(known(ancestry, deep), Relation::kTooDeep);
  EXPECT_EQ(known(ancestry, block(101)), Relation::kDescends);
}

/// Against a tree of blocks that knows: whatever is asked for is enough, and the answer is the tree's.
RC_GTEST_PROP(AncestryProperty, FollowsTheTree, ()) {
  struct Node {
    Block block;
    std::size_t parent;
  };
  std::vector<Node> tree{{block(0), 0}};
  const auto parent_hash = [&](const Node& node) { return tree[node.parent].block.hash; };
  const auto descends = [&](std::size_t from, const Block& of) {
    for (; tree[from].block.number > of.number; from = tree[from].parent) {
    }
    return tree[from].block == of;
  };
  Ancestry ancestry;
  for (int i = 0; i < 40; ++i) {
    const auto from = *rc::gen::inRange<std::size_t>(tree.size() < 6 ? 0 : tree.size() - 6, tree.size());
    const auto number = tree[from].block.number + 1;
    tree.push_back({block(number, static_cast<std::uint8_t>(i + 1)), from});
    if (*rc::gen::inRange(0, 3) == 0) continue;  // a head that was not heard of
    const auto head = tree.size() - 1;
    ancestry.advance(tree[head].block, parent_hash(tree[head]));
    const auto& of = tree[*rc::gen::inRange<std::size_t>(0, tree.size())].block;
    auto found = ancestry.relation(of);
    for (std::size_t asked = 0; std::holds_alternative<Block>(found); found = ancestry.relation(of)) {
      RC_ASSERT(++asked <= tree.size());
      const auto wanted = std::get<Block>(found);
      const auto node = std::ranges::find(tree, wanted, &Node::block);
      RC_ASSERT(node != tree.end());
      ancestry.learn(wanted, parent_hash(*node));
    }
    const auto expected = of.number > tree[head].block.number ? Relation::kAhead
                          : descends(head, of)                ? Relation::kDescends
                                                              : Relation::kDoesNot;
    RC_ASSERT(std::get<Relation>(found) == expected);
  }
}

}  // namespace
}  // namespace sep::engine
