#include "engine/ancestry.h"

namespace sep::engine {

void Ancestry::advance(const Block& head, const Hash32& parent) {
  head_ = head;
  // By number first: what is outside lies at the two ends, and a head costs what it moves.
  const auto lowest = head.number > kDepth ? head.number - kDepth : 0;
  parents_.erase(parents_.begin(), parents_.lower_bound({lowest, {}}));
  parents_.erase(parents_.lower_bound({head.number + 1, {}}), parents_.end());
  learn(head, parent);
}

void Ancestry::learn(const Block& block, const Hash32& parent) {
  parents_.insert_or_assign(block, parent);
}

std::variant<Ancestry::Relation, Ancestry::Block> Ancestry::relation(const Block& block) const {
  if (block.number > head_.number) return Relation::kAhead;
  if (head_.number - block.number > kDepth) return Relation::kTooDeep;
  auto at = head_;
  while (at.number > block.number) {
    const auto known = parents_.find(at);
    if (known == parents_.end()) return at;
    at = {at.number - 1, known->second};
  }
  return at == block ? Relation::kDescends : Relation::kDoesNot;
}

}  // namespace sep::engine
