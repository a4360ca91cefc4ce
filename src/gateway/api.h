#pragma once
// One HTTP request in, one answer out: the calls of SPEC 4 and the pages. Beneath Server, which knows
// connections; internal to this folder.
//
// Invariants
//  1. answer() always answers: what goes wrong is a problem document.
//  2. A call wins over a page of the same path.
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "gateway/pages.h"
#include "gateway/reply.h"
#include "gateway/server.h"

namespace sep::gateway {

using Request = boost::beast::http::request<boost::beast::http::string_body>;

Reply problem_reply(const Problem& problem, std::string_view request_id);
/// 1 to 64 letters, digits, dots, underscores or hyphens.
bool is_strategy_id(std::string_view text);

class Api {
 public:
  /// `options.pages` is read now; where that fails the log says why, and there are no pages.
  Api(const ServerOptions& options, Backend& backend, std::shared_ptr<StreamHub> hub, Metrics& metrics);

  /// "GET /intents/{id}", …: everything that there is beside the pages.
  static std::vector<std::string> calls();
  /// `request` outlives the call.
  asio::awaitable<Reply> answer(const Request& request, std::string request_id);
  /// Why a request is refused whatever it asks: it comes from another site's page, or names another host.
  std::optional<Problem> refused(const Request& request) const;

 private:
  struct Call;
  struct Route;
  using Handled = asio::awaitable<Answer<Reply>>;

  static std::span<const Route> routes();
  Handled routed(const Request& request, std::string_view request_id, std::string& route_name);
  Handled submit(Call call);
  Handled list(Call call);
  Handled intent(Call call);
  Handled events(Call call);
  Handled cancel(Call call);
  Handled plan(Call call);
  Handled positions(Call call);
  Handled quote(Call call);
  Handled strategies(Call call);
  Handled account(Call call);
  Handled platform(Call call);
  Handled status(Call call);
  Handled assets(Call call);
  Handled stats(Call call);
  Handled healthz(Call call);
  Handled readyz(Call call);
  Handled metrics(Call call);
  Handled openapi(Call call);
  Handled stream(Call call);

  /// With `of_header`, which is told together with what the document is at fault.
  Answer<json::object> checked_intent(const json::value& document, std::vector<Fault> of_header);

  Pages pages_;
  Backend& backend_;
  std::shared_ptr<StreamHub> hub_;
  Metrics& metrics_;
};

}  // namespace sep::gateway
