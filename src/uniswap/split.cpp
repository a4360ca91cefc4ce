#include "uniswap/split.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <utility>

namespace sep::uniswap {
namespace {

/// Shares are weighed in these parts of the amount.
constexpr std::uint32_t kWhole = 4096;
/// Where what a path gives is asked for: close together at the small end, where curves bend most; and, of the
/// single path, at its end, since that is what others take off it.
struct SampleAt {
  std::uint32_t share;
  bool only_single = false;
};
constexpr std::array<SampleAt, 13> kSamples = {{{16},
                                                {64},
                                                {192},
                                                {448},
                                                {768},
                                                {1152},
                                                {1664},
                                                {2304},
                                                {3072},
                                                {3584, true},
                                                {3840, true},
                                                {4032, true},
                                                {4096}}};
constexpr int kCapacityHalvings = 8;
/// Candidates are asked for in rounds: so many paths for such a part of the amount (small ones find what is
/// cheap and thin, large ones what is deep), without the pools of the best path of the earlier rounds of that
/// part.
struct Round {
  std::uint32_t part;
  std::size_t count;
};
constexpr std::array<Round, 9> kRounds = {{{kWhole / 4, 8},
                                           {kWhole / 4, 6},
                                           {kWhole / 4, 4},
                                           {kWhole / 4, 2},
                                           {kWhole / 32, 8},
                                           {kWhole / 32, 4},
                                           {kWhole / 32, 2},
                                           {kWhole / 256, 6},
                                           {kWhole / 256, 2}}};
constexpr std::size_t kMaxCandidates = 32;
constexpr std::size_t kBeam = 12;  // sets of each size that are added to
/// What is not looked for: a gain below this part of what a single path gives.
constexpr std::uint32_t kNegligible = 100'000;
constexpr std::size_t kTried = 4;  // sets that are divided by exact quotes
/// The parts that are moved between paths, as powers of two of the whole: with all sets that are tried, and
/// with the best of them. The best is often at a corner, just short of a tick whose gas is saved or of the
/// most that a path can do, and only a move of about the right size gets there: hence every power.
constexpr std::array<unsigned, 3> kCoarse = {5, 6, 7};
constexpr std::array<unsigned, 9> kFine = {8, 9, 10, 11, 12, 13, 14, 15, 16};

/// Amounts and costs are scaled to 48 bits, so that the difference of two values times a share fits 63.
constexpr unsigned kValueBits = 48;
constexpr std::int64_t kImpossible = -(std::int64_t{1} << 62);

/// What a path gives for a growing share: a polyline that begins at (0, 0) and bends only downwards. Amounts
/// do so by themselves; the gas of a tick that is crossed is a jump, which is spread over the shares before.
struct Curve {
  struct Point {
    std::uint32_t share = 0;
    std::int64_t value = 0;  // after the gas that is not in fixed_cost
  };
  // The first is (0, 0).
  std::array<Point, kSamples.size() + kCapacityHalvings + 1> points{};
  std::size_t count = 1;
  std::int64_t fixed_cost = 0;  // gas of the least share

  void add(const Point& point) {
    const auto slope_falls = [&](const Point& a, const Point& b) {
      return (point.value - b.value) * (b.share - a.share) <= (b.value - a.value) * (point.share - b.share);
    };
    while (count > 1 && !slope_falls(points[count - 2], points[count - 1])) --count;
    points[count++] = point;
  }
};

struct Sample {
  std::uint32_t share = 0;
  PathQuote quote;
};

struct CandidateSet {
  std::uint32_t members = 0;  // bits
  std::uint32_t conflicts = 0;
  std::int64_t value = kImpossible;
};

/// The pools of a path from the last to the first.
std::vector<std::uint32_t> from_the_end(const PoolPath& path) {
  std::vector<std::uint32_t> pools(path.pools.begin(), path.pools.begin() + path.hops);
  std::ranges::reverse(pools);
  return pools;
}

/// Whether they share a pool.
bool meet(const PoolPath& a, const PoolPath& b) {
  for (std::uint32_t i = 0; i < a.hops; ++i)
    for (std::uint32_t k = 0; k < b.hops; ++k)
      if (a.pools[i] == b.pools[k]) return true;
  return false;
}

constexpr Uint256 kMostOfAToken = Uint256::pow2(254);

/// The other end's amount of this one at the margin's rate, at most kMostOfAToken.
Uint256 worth(const PathSearch::Margin& margin, Kind kind, const Uint256& amount) {
  const Magnitude rate = kind == Kind::kExactInput ? margin.rate : margin.rate.inverse(Rounding::kDown);
  const Magnitude worth = multiply(Magnitude::of(amount, Rounding::kDown), rate, Rounding::kDown);
  return std::min(worth.floor(), kMostOfAToken);
}

/// a - b, or 0 where that is below 0.
Uint256 excess(const Uint256& a, const Uint256& b) {
  return a > b ? a - b : Uint256();
}

class Divider {
 public:
  Divider(const PoolGraph& graph, const Objective& objective, const Uint256& amount, std::uint32_t max_paths,
          const std::optional<PathSearch::Margin>& margin)
      : graph_(graph), objective_(objective), amount_(amount), max_paths_(max_paths), margin_(margin) {}

  void find_paths(PathSearch& search);
  void draw_curves(const PathSearch& search);
  std::optional<Division> best_division();

 private:
  Uint256 part(std::uint32_t share) const { return *mul_div(amount_, share, kWhole); }
  std::optional<PathQuote> quote(const PoolPath& path, const Uint256& amount) const {
    return quote_path(graph_, path, objective_.kind, amount);
  }
  std::vector<std::vector<Sample>> choose_candidates(const PathSearch& search);
  bool may_replace_single(const std::vector<Sample>& samples) const;
  std::vector<std::vector<Sample>> sample_all(const std::vector<PoolPath>& paths) const;
  void sample_below(const PoolPath& path, std::uint32_t impossible, std::vector<Sample>& samples) const;
  std::int64_t scaled(const Uint256& value) const;
  Curve to_curve(const std::vector<Sample>& samples) const;
  std::int64_t weigh(std::uint32_t members, std::array<std::uint32_t, kMaxPaths>* shares) const;
  std::vector<CandidateSet> best_sets() const;
  std::optional<Division> divide_over(std::uint32_t members) const;
  void improve(Division& division, std::span<const unsigned> powers) const;
  void improve_by(std::vector<Share>& shares, const Uint256& part) const;
  Uint256 score_of(const std::vector<Share>& shares) const;

  const PoolGraph& graph_;
  const Objective& objective_;
  const Uint256& amount_;
  const std::uint32_t max_paths_;
  const std::optional<PathSearch::Margin>& margin_;  // nothing where no single path does the whole
  std::vector<PoolPath> found_;
  std::vector<PoolPath> candidates_;      // those of them that are weighed
  std::vector<std::uint32_t> conflicts_;  // by candidate, bits: those that share a pool with it, itself too
  std::vector<Curve> curves_;
  unsigned shift_ = 0;  // what values are scaled by
  std::int64_t further_path_cost_ = 0;
};

void Divider::find_paths(PathSearch& search) {
  const auto add = [&](const PoolPath& path) {
    if (found_.size() < kMaxCandidates && std::ranges::find(found_, path) == found_.end())
      found_.push_back(path);
  };
  if (margin_) add(margin_->single.path);
  std::vector<bool> excluded;
  for (std::size_t i = 0; i < kRounds.size(); ++i) {
    if (i == 0 || kRounds[i].part != kRounds[i - 1].part) excluded.assign(graph_.pool_count(), false);
    const auto best = search.best(std::max(part(kRounds[i].part), Uint256(1)), kRounds[i].count, excluded);
    if (best.empty()) continue;
    for (const auto& one : best) add(one.path);
    for (std::uint32_t hop = 0; hop < best.front().path.hops; ++hop)
      excluded[best.front().path.pools[hop]] = true;
  }
  // What begins alike stands together: its first hops are quoted once.
  std::ranges::sort(found_, [&](const PoolPath& a, const PoolPath& b) {
    return objective_.kind == Kind::kExactInput
               ? a.pools < b.pools
               : std::ranges::lexicographical_compare(from_the_end(a), from_the_end(b));
  });
}

/// Whether a path that cannot stand beside the single one may be better in its place, with others that are
/// worse than the single one's last bit: whether it is better for a part, the rest at that bit's rate.
bool Divider::may_replace_single(const std::vector<Sample>& samples) const {
  return std::ranges::any_of(samples, [&](const Sample& sample) {
    const Uint256 whole =
        sample.quote.amount + worth(*margin_, objective_.kind, amount_ - part(sample.share));
    return whole < kMostOfAToken &&
           objective_.score(whole, kGasOfTransaction + sample.quote.gas) > margin_->single.score;
  });
}

/// Of the paths that were found those that may be of use, with what they give at the samples. Without a
/// single path, or where one may take its place, all.
std::vector<std::vector<Sample>> Divider::choose_candidates(const PathSearch& search) {
  std::vector<PoolPath> others;
  std::vector<std::vector<Sample>> samples;
  for (const auto& path : found_) {
    const bool promising = margin_ && (path == margin_->single.path || search.promises(*margin_, path));
    (promising ? candidates_ : others).push_back(path);
  }
  if (margin_) {
    samples = sample_all(candidates_);
    const PoolPath& single = margin_->single.path;
    bool replaceable = false;
    for (std::size_t i = 0; i < candidates_.size() && !replaceable; ++i)
      replaceable =
          candidates_[i] != single && meet(candidates_[i], single) && may_replace_single(samples[i]);
    if (!replaceable) return samples;
  }
  std::ranges::move(sample_all(others), std::back_inserter(samples));
  candidates_.insert(candidates_.end(), others.begin(), others.end());
  return samples;
}

/// What every one of the paths gives at the samples that it can do, and close to the most that it can.
std::vector<std::vector<Sample>> Divider::sample_all(const std::vector<PoolPath>& paths) const {
  std::vector<std::vector<Sample>> samples(paths.size());
  std::vector<bool> exhausted(paths.size(), false);
  const auto is_single = [&](const PoolPath& path) { return margin_ && path == margin_->single.path; };
  for (const auto& [share, only_single] : kSamples) {
    if (part(share).is_zero()) continue;
    PathQuoter quoter(graph_, objective_.kind, part(share));
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (exhausted[i] || (only_single && !is_single(paths[i]))) continue;
      if (const auto result = quoter.quote(paths[i])) {
        samples[i].push_back({share, *result});
      } else {
        exhausted[i] = true;
        sample_below(paths[i], share, samples[i]);
      }
    }
  }
  return samples;
}

/// Closer and closer to the most that a path can do, below a share that it cannot.
void Divider::sample_below(const PoolPath& path, std::uint32_t impossible,
                           std::vector<Sample>& samples) const {
  std::uint32_t possible = samples.empty() ? 0 : samples.back().share;
  for (int halving = 0; halving < kCapacityHalvings && impossible - possible > 1; ++halving) {
    const std::uint32_t middle = possible + (impossible - possible) / 2;
    const auto result = part(middle).is_zero() ? std::nullopt : quote(path, part(middle));
    if (result) samples.push_back({middle, *result});
    (result ? possible : impossible) = middle;
  }
}

std::int64_t Divider::scaled(const Uint256& value) const {
  const Uint256 small = value >> shift_;
  return small.bit_length() > kValueBits ? std::int64_t{1} << kValueBits
                                         : static_cast<std::int64_t>(small.limb(0));
}

Curve Divider::to_curve(const std::vector<Sample>& samples) const {
  Curve curve;
  if (samples.empty()) return curve;
  const std::uint64_t fixed_gas = samples.front().quote.gas;
  curve.fixed_cost = scaled(objective_.gas_cost(fixed_gas));
  for (const auto& [share, quote] : samples) {
    const std::int64_t amount = scaled(quote.amount);
    const std::uint64_t more_gas = quote.gas > fixed_gas ? quote.gas - fixed_gas : 0;
    curve.add({share, (objective_.kind == Kind::kExactInput ? amount : -amount) -
                          scaled(objective_.gas_cost(more_gas))});
  }
  return curve;
}

void Divider::draw_curves(const PathSearch& search) {
  const auto samples = choose_candidates(search);
  conflicts_.assign(candidates_.size(), 0);
  for (std::size_t i = 0; i < candidates_.size(); ++i)
    for (std::size_t k = 0; k < candidates_.size(); ++k)
      if (meet(candidates_[i], candidates_[k])) conflicts_[i] |= 1U << k;
  unsigned bits = 0;
  for (const auto& path_samples : samples)
    for (const auto& one : path_samples) bits = std::max(bits, one.quote.amount.bit_length());
  shift_ = bits > kValueBits ? bits - kValueBits : 0;
  for (const auto& path_samples : samples) curves_.push_back(to_curve(path_samples));
  further_path_cost_ = scaled(objective_.gas_cost(kGasOfFurtherPath));
}

/// The value of the best division over the members' curves: pieces are taken in the order of their slope.
/// Below kImpossible / 2 where they cannot do the whole, and the higher the more they can.
std::int64_t Divider::weigh(std::uint32_t members, std::array<std::uint32_t, kMaxPaths>* shares) const {
  std::array<const Curve*, kMaxPaths> curves{};
  std::array<std::size_t, kMaxPaths> at{};  // the point that each has come to
  std::size_t count = 0;
  std::int64_t value = 0;
  for (std::uint32_t rest = members; rest != 0; rest &= rest - 1) {
    const Curve& curve = curves_[static_cast<std::size_t>(std::countr_zero(rest))];
    value -= curve.fixed_cost;
    curves[count++] = &curve;
  }
  value -= static_cast<std::int64_t>(count - 1) * further_path_cost_;
  if (shares != nullptr) shares->fill(0);

  std::uint32_t left = kWhole;
  while (left > 0) {
    std::size_t best = count;
    std::int64_t best_rise = 0;
    std::int64_t best_run = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (at[i] + 1 == curves[i]->count) continue;
      const auto& from = curves[i]->points[at[i]];
      const auto& to = curves[i]->points[at[i] + 1];
      const std::int64_t rise = to.value - from.value;
      const std::int64_t run = to.share - from.share;
      if (best != count && rise * best_run <= best_rise * run) continue;
      best = i;
      best_rise = rise;
      best_run = run;
    }
    if (best == count) return kImpossible + (kWhole - left);
    const auto taken = static_cast<std::uint32_t>(std::min<std::int64_t>(best_run, left));
    value += best_rise * taken / best_run;
    left -= taken;
    ++at[best];
    if (shares != nullptr) (*shares)[best] += taken;
  }
  return value;
}

/// Sets of two and more, best first.
std::vector<CandidateSet> Divider::best_sets() const {
  const auto is_better_set = [](const CandidateSet& a, const CandidateSet& b) {
    return a.value != b.value ? a.value > b.value : a.members < b.members;
  };
  std::vector<CandidateSet> best;
  std::vector<CandidateSet> beam(1, {0, 0, 0});
  for (std::uint32_t size = 1; size <= max_paths_; ++size) {
    std::vector<CandidateSet> grown;
    for (const auto& set : beam)
      for (std::size_t i = 0; i < candidates_.size(); ++i)
        if ((set.conflicts >> i & 1) == 0)
          grown.push_back({set.members | 1U << i, set.conflicts | conflicts_[i], kImpossible});
    std::ranges::sort(grown, {}, &CandidateSet::members);
    const auto same = std::ranges::unique(grown, {}, &CandidateSet::members);
    grown.erase(same.begin(), same.end());
    for (auto& set : grown) set.value = weigh(set.members, nullptr);
    std::ranges::sort(grown, is_better_set);
    // All single ones are grown from: what is best alone is often in the way.
    if (size > 1 && grown.size() > kBeam) grown.resize(kBeam);
    beam = std::move(grown);
    if (size > 1) best.insert(best.end(), beam.begin(), beam.end());
  }
  std::erase_if(best, [](const CandidateSet& set) { return set.value < kImpossible / 2; });
  std::ranges::sort(best, is_better_set);
  if (best.size() > kTried) best.resize(kTried);
  return best;
}

Uint256 Divider::score_of(const std::vector<Share>& shares) const {
  Uint256 amount;
  for (const auto& share : shares) amount += share.quote.amount;
  return objective_.score(amount, gas_of(shares));
}

/// The best single move of `part` from one path to another, where it helps.
void Divider::improve_by(std::vector<Share>& shares, const Uint256& part) const {
  struct Moved {
    std::optional<PathQuote> less;
    std::optional<PathQuote> more;
  };
  std::array<Moved, kMaxPaths> moved;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i].amount > part) moved[i].less = quote(shares[i].path, shares[i].amount - part);
    moved[i].more = quote(shares[i].path, shares[i].amount + part);
  }
  for (int moves = 0; moves < 64; ++moves) {
    Uint256 best = score_of(shares);
    std::size_t best_from = shares.size();
    std::size_t best_to = shares.size();
    for (std::size_t from = 0; from < shares.size(); ++from)
      for (std::size_t to = 0; to < shares.size(); ++to) {
        if (from == to || !moved[from].less || !moved[to].more) continue;
        std::uint64_t gas = gas_of(shares);
        gas += moved[from].less->gas + moved[to].more->gas - shares[from].quote.gas - shares[to].quote.gas;
        Uint256 amount = moved[from].less->amount + moved[to].more->amount;
        for (std::size_t i = 0; i < shares.size(); ++i)
          if (i != from && i != to) amount += shares[i].quote.amount;
        const Uint256 score = objective_.score(amount, gas);
        if (score <= best) continue;
        best = score;
        best_from = from;
        best_to = to;
      }
    if (best_from == shares.size()) return;
    Share& from = shares[best_from];
    Share& to = shares[best_to];
    from.amount -= part;
    to.amount += part;
    moved[best_from] = {std::nullopt, std::exchange(from.quote, *moved[best_from].less)};
    moved[best_to] = {std::exchange(to.quote, *moved[best_to].more), std::nullopt};
    if (from.amount > part) moved[best_from].less = quote(from.path, from.amount - part);
    moved[best_to].more = quote(to.path, to.amount + part);
  }
}

void Divider::improve(Division& division, std::span<const unsigned> powers) const {
  for (const unsigned power : powers)
    if (const Uint256 part = amount_ >> power; !part.is_zero()) improve_by(division.shares, part);
  division.gas = gas_of(division.shares);
  division.score = score_of(division.shares);
}

std::optional<Division> Divider::divide_over(std::uint32_t members) const {
  std::array<std::uint32_t, kMaxPaths> parts{};
  weigh(members, &parts);
  Division division;
  Uint256 left = amount_;
  std::size_t index = 0;
  std::size_t largest = 0;
  for (std::uint32_t rest = members; rest != 0; rest &= rest - 1, ++index) {
    const Uint256 amount = part(parts[index]);
    if (amount.is_zero()) continue;
    left -= amount;
    division.shares.push_back({candidates_[static_cast<std::size_t>(std::countr_zero(rest))], amount, {}});
    if (amount > division.shares[largest].amount) largest = division.shares.size() - 1;
  }
  if (division.shares.size() < 2) return std::nullopt;
  division.shares[largest].amount += left;
  for (auto& share : division.shares) {
    const auto result = quote(share.path, share.amount);
    if (!result) return std::nullopt;
    share.quote = *result;
  }
  improve(division, kCoarse);
  return division;
}

std::optional<Division> Divider::best_division() {
  std::optional<Division> best;
  for (const auto& set : best_sets()) {
    auto division = divide_over(set.members);
    if (division && (!best || division->score > best->score)) best = std::move(division);
  }
  if (best) improve(*best, kFine);
  return best;
}

/// What further paths must be better than for a division to be better than the single path by more than a
/// part in kNegligible.
///
/// The rate is that of the single path's last bit. Whatever an amount is divided into, it gives at most the
/// amount at that rate and, for each path, the most that the path is better than the rate by: for the single
/// path that is what it gives for the whole amount. So further paths must be better by their gas, except for
/// what the single path saves when it crosses fewer ticks; and paths without the single one, of which each
/// has one of its pools (or else they would be better with it), by what it is better.
PathSearch::Margin margin_of(const PoolGraph& graph, const Objective& objective, const Uint256& amount,
                             const FoundPath& single, std::uint32_t max_paths) {
  const bool exact_input = objective.kind == Kind::kExactInput;
  PathSearch::Margin margin{single, rate_after(graph, single.path, objective.kind, amount), {}, {}};
  const Uint256 at_rate = worth(margin, objective.kind, amount);
  const Uint256 better =
      exact_input ? excess(single.quote.amount, at_rate) : excess(at_rate, single.quote.amount);
  const Uint256 negligible = single.quote.amount / kNegligible;
  const Uint256 gas_now = objective.gas_cost(single.quote.gas);
  const Uint256 saved = excess(gas_now, objective.gas_cost(single.path.hops * (kGasOfHop + kGasOfStep)));
  for (std::uint32_t hops = 1; hops <= kMaxHops; ++hops) {
    const Uint256 gas = objective.gas_cost(hops * (kGasOfHop + kGasOfStep));
    const Uint256 further = gas + objective.gas_cost(kGasOfFurtherPath);
    margin.beside[hops - 1] =
        excess(further + excess(negligible, saved) / (max_paths - 1), excess(saved, negligible));
    margin.instead[hops - 1] = excess(gas + excess(better + negligible, gas_now) / single.path.hops,
                                      excess(gas_now, better + negligible));
  }
  return margin;
}

}  // namespace

std::uint64_t gas_of(const std::vector<Share>& shares) {
  std::uint64_t gas = kGasOfTransaction + (shares.size() - 1) * kGasOfFurtherPath;
  for (const auto& share : shares) gas += share.quote.gas;
  return gas;
}

std::optional<Division> divide(const PoolGraph& graph, const Objective& objective, PathSearch& search,
                               const Uint256& amount, std::uint32_t max_paths,
                               const std::optional<FoundPath>& single) {
  std::optional<PathSearch::Margin> margin;
  if (single) {
    margin = margin_of(graph, objective, amount, *single, max_paths);
    if (!search.any_promises(*margin)) return std::nullopt;
  }
  Divider divider(graph, objective, amount, max_paths, margin);
  divider.find_paths(search);
  divider.draw_curves(search);
  return divider.best_division();
}

}  // namespace sep::uniswap
