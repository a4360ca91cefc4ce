#include "app/quote_command.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <istream>
#include <iterator>
#include <limits>
#include <map>
#include <ostream>
#include <vector>

#include "base/json.h"
#include "uniswap/pool.h"
#include "uniswap/pool_graph.h"
#include "uniswap/pools_file.h"
#include "uniswap/router.h"

namespace sep::app {
namespace {

using uniswap::Kind;
using uniswap::Pool;

constexpr std::size_t kMaxLine = 16'384;  // bytes; a request has some 300

struct Request {
  uniswap::QuoteRequest quote;
  std::optional<Address> pool;  // only this one
};

/// The pools of a file, as one market and by pair of tokens.
class Book {
 public:
  static Result<Book> read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(errc::kNotFound, "cannot be opened");
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    SEP_TRY(auto parsed, uniswap::parse_pools_file(text));
    Book book;
    for (std::size_t i = 0; i < parsed.pools.size(); ++i) {
      auto pool = Pool::create(std::move(parsed.pools[i]));
      const std::string pointer = "/pools/" + std::to_string(i);
      if (!pool) return fail(pool.error().code, pool.error().detail, pointer + pool.error().pointer);
      if (!book.pools_.try_emplace(pool->state().address, std::move(*pool)).second)
        return fail(errc::kInvalidValue, "the same pool twice", pointer + "/address");
    }
    std::vector<const Pool*> all;
    for (const auto& [address, pool] : book.pools_) all.push_back(&pool);
    book.graph_ = uniswap::PoolGraph(all);
    return book;
  }

  Result<uniswap::Route> price(const Request& request) const {
    if (!request.pool) return uniswap::best_route(graph_, request.quote);
    const auto found = pools_.find(*request.pool);
    std::vector<const Pool*> only;
    if (found != pools_.end()) only.push_back(&found->second);
    return uniswap::best_direct(only, request.quote, request.pool);
  }

 private:
  std::map<Address, Pool> pools_;  // its nodes stay where they are
  uniswap::PoolGraph graph_;
};

/// An address in any letter case: files and chains differ in it, and a mistyped one names no pool anyway.
Result<Address> get_address(const json::object& object, std::string_view key) {
  SEP_TRY(auto text, get_string(object, key));
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
  auto address = parse_address(text);
  if (!address) return fail(errc::kInvalidValue, address.error().detail, "/" + std::string(key));
  return address;
}

Result<Uint256> get_base_units(const json::object& object, std::string_view key) {
  SEP_TRY(const auto text, get_string(object, key));
  const std::string pointer = "/" + std::string(key);
  const auto value = parse_uint256(text);
  if (!value && value.error().code == errc::kAmountOverflow)
    return fail(errc::kAmountOverflow, "is above 2^256 - 1", pointer);
  if (!value || value->is_zero())
    return fail(errc::kInvalidAmount, "must be base units as a decimal integer above 0", pointer);
  return *value;
}

Result<Request> read_request(const json::object& object) {
  constexpr std::array<std::string_view, 6> kFields = {"id",        "token_in",   "token_out",
                                                       "amount_in", "amount_out", "pool"};
  for (const auto& member : object)
    if (std::ranges::find(kFields, std::string_view(member.key())) == kFields.end())
      return fail(errc::kUnknownField, "is not a field of a quote request", "/" + std::string(member.key()));
  Request request;
  SEP_TRY(request.quote.token_in, get_address(object, "token_in"));
  SEP_TRY(request.quote.token_out, get_address(object, "token_out"));
  const bool exact_input = object.contains("amount_in");
  if (exact_input == object.contains("amount_out"))
    return fail(exact_input ? errc::kInvalidValue : errc::kMissingField,
                "needs one of amount_in and amount_out", "/amount_in");
  request.quote.kind = exact_input ? Kind::kExactInput : Kind::kExactOutput;
  SEP_TRY(request.quote.amount, get_base_units(object, exact_input ? "amount_in" : "amount_out"));
  if (object.contains("pool")) {
    SEP_TRY(request.pool, get_address(object, "pool"));
  }
  return request;
}

void append_hops(json::object& to, const uniswap::Path& path) {
  const auto list = [&](std::string_view key) -> json::array& {
    auto& value = to[key];
    return value.is_array() ? value.get_array() : value.emplace_array();
  };
  for (const auto& hop : path.hops) {
    list("pools").push_back(json::string(to_checksum(hop.pool)));
    list("fees").push_back(hop.fee_pips);
    list("sqrt_price_x96_after").push_back(json::string(to_string(hop.sqrt_price_x96_after)));
    list("ticks_crossed").push_back(hop.ticks_crossed);
  }
}

json::object path_json(const uniswap::Path& path) {
  json::array tokens{json::string(to_checksum(path.hops.front().token_in))};
  for (const auto& hop : path.hops) tokens.push_back(json::string(to_checksum(hop.token_out)));
  json::object object{{"amount_in", to_string(path.amount_in)},
                      {"amount_out", to_string(path.amount_out)},
                      {"tokens", std::move(tokens)}};
  append_hops(object, path);
  return object;
}

json::object to_answer(const json::value& id, const uniswap::Route& route) {
  json::object answer{
      {"id", id}, {"amount_in", to_string(route.amount_in)}, {"amount_out", to_string(route.amount_out)}};
  for (const auto& path : route.paths) append_hops(answer, path);
  answer["gas_estimate"] = std::to_string(route.gas_estimate);
  if (route.paths.size() > 1) {
    auto& paths = answer["paths"].emplace_array();
    for (const auto& path : route.paths) paths.push_back(path_json(path));
  }
  return answer;
}

json::object to_answer(const json::value& id, const Error& error) {
  const std::string detail = error.pointer.empty() ? error.detail : error.pointer + " " + error.detail;
  return {{"id", id}, {"error", error.code}, {"detail", detail}};
}

json::object answer(const Book& book, std::string_view line) {
  const auto document = parse_json(line);
  if (!document) return to_answer(nullptr, document.error());
  if (!document->is_object())
    return to_answer(nullptr, Error{errc::kWrongType, "a request is an object", {}});
  const auto& object = document->get_object();
  const auto* id = object.if_contains("id");
  if (id == nullptr) return to_answer(nullptr, Error{errc::kMissingField, "is missing", "/id"});
  if (!id->is_string() && !id->is_int64() && !id->is_uint64())
    return to_answer(nullptr, Error{errc::kWrongType, "must be a string or an integer", "/id"});
  const auto request = read_request(object);
  if (!request) return to_answer(*id, request.error());
  const auto route = book.price(*request);
  return route ? to_answer(*id, *route) : to_answer(*id, route.error());
}

/// The next line without its end; false at the end of the input. Of a longer line than kMaxLine only
/// `too_long` is kept.
bool read_line(std::istream& in, std::string& line, bool& too_long) {
  line.clear();
  too_long = false;
  bool any = false;
  for (int c = in.get(); c != std::istream::traits_type::eof(); c = in.get()) {
    any = true;
    if (c == '\n') return true;
    if (line.size() == kMaxLine) {
      too_long = true;
      in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
      return true;
    }
    line += static_cast<char>(c);
  }
  return any;
}

}  // namespace

int run_quote_stream(std::istream& in, std::ostream& out, std::ostream& err, const std::string& pools_path) {
  const auto book = Book::read(pools_path);
  if (!book) {
    err << "sep quote: " << pools_path << ": " << book.error().pointer << " " << book.error().detail << "\n";
    return 1;
  }
  std::string line;
  bool too_long = false;
  while (read_line(in, line, too_long)) {
    const auto reply = too_long
                           ? to_answer(nullptr, Error{errc::kBodyTooLarge, "a line has over 16384 bytes", {}})
                           : answer(*book, line);
    out << json::serialize(reply) << "\n" << std::flush;
  }
  return 0;
}

}  // namespace sep::app
