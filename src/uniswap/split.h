#pragma once
// Divides an amount over several paths that share no pool.
#include <cstdint>
#include <optional>
#include <vector>

#include "uniswap/path_search.h"

namespace sep::uniswap {

/// One path and what it does of the whole.
struct Share {
  PoolPath path;
  Uint256 amount;  // of the request's amount; above 0
  PathQuote quote;
};

struct Division {
  std::vector<Share> shares;  // no two share a pool; their amounts add up to the whole
  std::uint64_t gas = 0;      // of the whole transaction
  Uint256 score;              // Objective::score of the whole
};

/// Gas of a transaction with these paths.
std::uint64_t gas_of(const std::vector<Share>& shares);

/// The best division of `amount` (above 0, below 2^255) over 2 to `max_paths` (2 to kMaxPaths) paths that the
/// search finds. Nothing where none can do the whole amount. `single` is the best single path for all of it,
/// where there is one.
///
/// Nothing either where no path's bounds promise a gain of about 0.001 % over the single one. Heuristic in
/// which paths are tried, exact in what they give: candidates are the best paths for a part of the amount,
/// also without the pools of the best ones, as far as they promise a gain; sets of them are weighed with what
/// each gives at a few sizes, in straight lines between; the best sets are then divided exactly, moving ever
/// smaller parts from path to path until moves of 1/65536 of the amount no longer help.
inline constexpr std::uint32_t kMaxPaths = 4;
std::optional<Division> divide(const PoolGraph& graph, const Objective& objective, PathSearch& search,
                               const Uint256& amount, std::uint32_t max_paths,
                               const std::optional<FoundPath>& single);

}  // namespace sep::uniswap
