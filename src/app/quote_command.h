#pragma once
// `sep quote --pools FILE`: prices swaps on pool states from a file, without a node, one JSON line a request.
#include <iosfwd>
#include <string>

namespace sep::app {

/// Reads requests from `in` until it ends and writes one line for each to `out`, flushed at once:
///   {"id","token_in","token_out","amount_in" | "amount_out","pool"?}
///     ->
///     {"id","amount_in","amount_out","pools","fees","sqrt_price_x96_after","ticks_crossed","gas_estimate"}
///      | {"id","error": code of schema/errors.json,"detail"}
/// The best route over all pools of the file, or the one pool that is named. `pools` and what stands beside
/// it list every pool on the way; of several paths one after the other, and "paths" tells them apart:
///   [{"amount_in","amount_out","tokens","pools","fees","sqrt_price_x96_after","ticks_crossed"}]
/// Gas costs nothing here: a route is the best by its amounts.
/// Amounts are base units as decimal strings; addresses in any letter case; `id` a string or an integer, null
/// in the answer to a line whose id cannot be read. A bad line is answered with an error and the rest goes
/// on. Returns the exit status: 0, or 1 where the pools cannot be read (said on `err`).
int run_quote_stream(std::istream& in, std::ostream& out, std::ostream& err, const std::string& pools_path);

}  // namespace sep::app
