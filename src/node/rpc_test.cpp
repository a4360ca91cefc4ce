#include "node/rpc.h"

#include <cstdio>
#include <filesystem>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "node/endpoint.h"
#include "node/scripted_server.h"

namespace sep::node {
namespace {

using asio::ip::tcp;
using unix_socket = asio::local::stream_protocol;
using HttpPeer = Peer<tcp>;
using IpcPeer = Peer<unix_socket>;
using Kind = NodeError::Kind;

std::string id_in(const std::string& request) {
  return json::serialize(json::parse(request).at("id"));
}
std::string answer(const std::string& request, const std::string& result) {
  return R"({"jsonrpc":"2.0","id":)" + id_in(request) + R"(,"result":)" + result + "}";
}

class HttpTest : public ::testing::Test {
 protected:
  using Serve = ScriptedServer<tcp>::Serve;

  void serve(Serve script) {
    server_.emplace(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0), std::move(script));
  }
  /// Answers every request with what `respond` makes of its body.
  void serve_bodies(std::function<std::string(const std::string&)> respond, std::string status = "200 OK") {
    serve([=](HttpPeer& peer) -> awaitable<void> {
      while (const auto request = co_await peer.http_request())
        if (!co_await peer.send_http(respond(*request), status)) co_return;
    });
  }
  RpcClient& client(RpcOptions options = {}) {
    if (!client_)
      client_.emplace(context_.get_executor(), "http://127.0.0.1:" + std::to_string(server_->port()),
                      options);
    return *client_;
  }
  NodeResult<json::value> call(std::string method = "eth_blockNumber", json::array params = {}) {
    return run(context_, client().call(std::move(method), std::move(params)));
  }

  asio::io_context context_;
  std::optional<ScriptedServer<tcp>> server_;
  std::optional<RpcClient> client_;
};

TEST_F(HttpTest, SendsMethodAndParamsAndReturnsTheResult) {
  json::value seen;
  serve_bodies([&](const std::string& request) {
    seen = json::parse(request);
    return answer(request, R"({"a":[1,"0x2"]})");
  });
  const auto result = call("eth_call", {"x", 1});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(*result, json::parse(R"({"a":[1,"0x2"]})"));
  EXPECT_EQ(seen.at("jsonrpc"), "2.0");
  EXPECT_EQ(seen.at("method"), "eth_call");
  EXPECT_EQ(seen.at("params"), json::parse(R"(["x",1])"));
}

TEST_F(HttpTest, KeepsTheNodesErrorWhole) {
  serve_bodies([](const std::string& request) {
    return R"({"jsonrpc":"2.0","id":)" + id_in(request) +
           R"(,"error":{"code":3,"message":"execution reverted","data":"0x08c379a0"}})";
  });
  const auto result = call();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kAnswered);
  EXPECT_EQ(result.error().rpc_code, 3);
  EXPECT_EQ(result.error().message, "execution reverted");
  EXPECT_EQ(result.error().data, "0x08c379a0");
  EXPECT_FALSE(result.error().unsupported());
  EXPECT_EQ(Error(result.error()).code, errc::kNodeError);
}

TEST_F(HttpTest, NoListenerIsUnreachable) {
  std::uint16_t port = 0;
  {
    tcp::acceptor closed(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    port = closed.local_endpoint().port();
  }
  RpcClient client(context_.get_executor(), "http://127.0.0.1:" + std::to_string(port));
  const auto result = run(context_, client.call("eth_sendRawTransaction", {}));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kUnreachable);
  EXPECT_EQ(Error(result.error()).code, errc::kNodeUnreachable);
}

TEST_F(HttpTest, ACutAfterTheRequestLeavesTheOutcomeUnknown) {
  serve([](HttpPeer& peer) -> awaitable<void> { co_await peer.http_request(); });
  const auto result = call("eth_sendRawTransaction");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kUnknownOutcome);
  EXPECT_EQ(Error(result.error()).code, errc::kOutcomeUnknown);
}

TEST_F(HttpTest, ACutInTheMiddleOfTheAnswerLeavesTheOutcomeUnknown) {
  serve([](HttpPeer& peer) -> awaitable<void> {
    co_await peer.http_request();
    co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"jsonrpc\"");
  });
  EXPECT_EQ(call().error().kind, Kind::kUnknownOutcome);
}

TEST_F(HttpTest, SilenceEndsAtTheTimeout) {
  serve([](HttpPeer& peer) -> awaitable<void> {
    co_await peer.http_request();
    co_await peer.http_request();
  });
  const auto begin = std::chrono::steady_clock::now();
  const auto result = run(context_, client().call("eth_blockNumber", {}, milliseconds(60)));
  const auto took = std::chrono::steady_clock::now() - begin;
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kUnknownOutcome);
  EXPECT_GE(took, milliseconds(60));
  EXPECT_LT(took, milliseconds(3000));
}

struct Hostile {
  std::string name;
  std::string body;  // ID stands for the request's id
};
class HostileAnswer : public HttpTest, public ::testing::WithParamInterface<Hostile> {};

TEST_P(HostileAnswer, IsNeverTakenForAResult) {
  serve_bodies([](const std::string& request) {
    auto body = GetParam().body;
    if (const auto at = body.find("ID"); at != std::string::npos) body.replace(at, 2, id_in(request));
    return body;
  });
  client({.max_answer_bytes = 4096});
  const auto result = call();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kUnknownOutcome);
}

INSTANTIATE_TEST_SUITE_P(
    Http, HostileAnswer,
    ::testing::Values(
        Hostile{"empty", ""}, Hostile{"html", "<html>hello</html>"},
        Hostile{"half", R"({"jsonrpc":"2.0","id":ID,"resu)"}, Hostile{"number", "17"},
        Hostile{"null", "null"}, Hostile{"array", R"([{"id":ID,"result":1}])"},
        Hostile{"other_id", R"({"id":999999,"result":1})"}, Hostile{"negative_id", R"({"id":-1,"result":1})"},
        Hostile{"string_id", R"({"id":"ID","result":1})"}, Hostile{"no_id", R"({"result":1})"},
        Hostile{"no_result", R"({"id":ID})"}, Hostile{"error_is_text", R"({"id":ID,"error":"no"})"},
        Hostile{"error_without_code", R"({"id":ID,"error":{"message":"no"}})"},
        Hostile{"error_code_is_text", R"({"id":ID,"error":{"code":"3","message":"no"}})"},
        Hostile{"two_texts", R"({"id":ID,"result":1}{"id":2})"},
        Hostile{"deep", R"({"id":ID,"result":)" + std::string(1000, '[') + std::string(1000, ']') + "}"},
        Hostile{"large", R"({"id":ID,"result":")" + std::string(5000, 'a') + "\"}"}),
    [](const auto& instance) { return instance.param.name; });

TEST_F(HttpTest, AnEndlessAnswerIsCut) {
  bool sent_all = true;
  serve([&](HttpPeer& peer) -> awaitable<void> {
    co_await peer.http_request();
    co_await peer.send("HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < 10'000 && sent_all; ++i) sent_all = co_await peer.send(std::string(64 * 1024, ' '));
  });
  client({.max_answer_bytes = 100'000});
  EXPECT_EQ(call().error().kind, Kind::kUnknownOutcome);
  client_.reset();
  context_.restart();
  context_.run_for(milliseconds(200));
  EXPECT_FALSE(sent_all);
}

TEST_F(HttpTest, AnEndlessHeaderIsCut) {
  serve([&](HttpPeer& peer) -> awaitable<void> {
    co_await peer.http_request();
    co_await peer.send("HTTP/1.1 200 OK\r\n");
    while (co_await peer.send("X: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  EXPECT_EQ(call().error().kind, Kind::kUnknownOutcome);
}

TEST_F(HttpTest, ADoorKeepersRefusalMeansNotExecuted) {
  for (const std::string status :
       {"401 Unauthorized", "403 Forbidden", "404 Not Found", "429 Too Many Requests"}) {
    client_.reset();
    serve_bodies(
        [](const std::string&) { return R"({"id":1,"error":{"code":-32005,"message":"slow down"}})"; },
        status);
    EXPECT_EQ(call().error().kind, Kind::kUnreachable) << status;
  }
}

TEST_F(HttpTest, AServersErrorLeavesTheOutcomeUnknown) {
  serve_bodies([](const std::string&) { return "<h1>bad gateway</h1>"; }, "502 Bad Gateway");
  EXPECT_EQ(call().error().kind, Kind::kUnknownOutcome);
}

TEST_F(HttpTest, ANodesErrorUnderStatus400IsItsAnswer) {
  serve_bodies(
      [](const std::string& request) {
        return R"({"id":)" + id_in(request) + R"(,"error":{"code":-32601,"message":"no such method"}})";
      },
      "400 Bad Request");
  const auto result = call();
  EXPECT_EQ(result.error().kind, Kind::kAnswered);
  EXPECT_TRUE(result.error().unsupported());
}

TEST_F(HttpTest, CallsShareAKeptConnection) {
  serve_bodies([](const std::string& request) { return answer(request, "1"); });
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(call());
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(HttpTest, AConnectionClosedWhileIdleIsNotUsed) {
  int served = 0;
  serve([&](HttpPeer& peer) -> awaitable<void> {  // one answer a connection, without saying so
    const auto request = co_await peer.http_request();
    ++served;
    co_await peer.send_http(answer(*request, "1"));
  });
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(call("eth_sendRawTransaction"));
    context_.restart();
    context_.poll();  // the server closes
  }
  EXPECT_EQ(served, 3);
}

TEST_F(HttpTest, AReadIsRepeatedWhenAKeptConnectionEndsButASubmissionIsNot) {
  std::vector<std::string> seen;
  serve([&](HttpPeer& peer) -> awaitable<void> {  // answers once, then takes a request and closes
    for (bool first = true; const auto request = co_await peer.http_request(); first = false) {
      seen.push_back(std::string(json::parse(*request).at("method").as_string()));
      if (!first) co_return;
      co_await peer.send_http(answer(*request, "1"));
    }
  });
  ASSERT_TRUE(call("eth_call"));
  EXPECT_TRUE(call("eth_call"));
  EXPECT_THAT(seen, ::testing::ElementsAre("eth_call", "eth_call", "eth_call"));
  const auto result = call("eth_sendRawTransaction");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kUnknownOutcome);
  EXPECT_EQ(seen.size(), 4);
}

TEST_F(HttpTest, NeverMoreConnectionsThanAllowed) {
  int open = 0;
  int most = 0;
  serve([&](HttpPeer& peer) -> awaitable<void> {
    while (const auto request = co_await peer.http_request()) {
      most = std::max(most, ++open);
      Event never(context_.get_executor());
      co_await never.wait(std::chrono::steady_clock::now() + milliseconds(5));
      --open;
      co_await peer.send_http(answer(*request, "1"));
    }
  });
  client({.max_connections = 2});
  int done = 0;
  const auto one = [&](int) -> awaitable<void> {
    const auto result = co_await client_->call("eth_call", {});
    if (result) ++done;
  };
  for (int i = 0; i < 7; ++i) asio::co_spawn(context_, one(i), asio::detached);
  while (done < 7 && context_.run_one() > 0) {
  }
  EXPECT_EQ(most, 2);
  EXPECT_EQ(server_->connections(), 2);
}

TEST_F(HttpTest, ABatchIsMatchedById) {
  serve_bodies([](const std::string& request) {
    const auto calls = json::parse(request).as_array();
    json::array out;
    for (std::size_t i = calls.size(); i-- > 0;)  // in the reverse order, the middle one absent
      if (i != 1) out.push_back({{"id", calls[i].at("id")}, {"result", calls[i].at("method")}});
    return json::serialize(out);
  });
  const auto results = run(context_, client().batch({{"a", {}}, {"b", {}}, {"c", {}}}));
  ASSERT_TRUE(results);
  ASSERT_EQ(results->size(), 3);
  EXPECT_EQ((*results)[0].value(), "a");
  EXPECT_EQ((*results)[1].error().kind, Kind::kUnknownOutcome);
  EXPECT_EQ((*results)[2].value(), "c");
}

TEST_F(HttpTest, ABatchRefusedAsAWholeIsTheNodesAnswer) {
  serve_bodies([](const std::string&) {
    return R"({"id":null,"error":{"code":-32600,"message":"batch too large"}})";
  });
  const auto results = run(context_, client().batch({{"a", {}}, {"b", {}}}));
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().kind, Kind::kAnswered);
  EXPECT_EQ(results.error().message, "batch too large");
}

class IpcTest : public ::testing::Test {
 protected:
  IpcTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sep-ipc-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    path_ = (directory_ / "node.ipc").string();
  }
  ~IpcTest() override { std::filesystem::remove_all(directory_); }

  void serve(ScriptedServer<unix_socket>::Serve script) {
    server_.reset();
    std::filesystem::remove(path_);
    server_.emplace(context_, unix_socket::endpoint(path_), std::move(script));
  }
  RpcClient& client(RpcOptions options = {}) {
    if (!client_) client_.emplace(context_.get_executor(), path_, options);
    return *client_;
  }
  NodeResult<json::value> call(std::string method = "eth_blockNumber") {
    return run(context_, client().call(std::move(method), {}));
  }

  asio::io_context context_;
  std::filesystem::path directory_;
  std::string path_;
  std::optional<ScriptedServer<unix_socket>> server_;
  std::optional<RpcClient> client_;
};

TEST_F(IpcTest, CallsPassEachOtherOnOneConnection) {
  serve([](IpcPeer& peer) -> awaitable<void> {
    const auto first = co_await peer.line();
    const auto second = co_await peer.line();
    co_await peer.send(answer(*second, R"("second")"));  // no line feed between the two
    co_await peer.send(answer(*first, R"("first")"));
    co_await peer.line();
  });
  using namespace asio::experimental::awaitable_operators;
  const auto both = [&]() -> awaitable<std::pair<NodeResult<json::value>, NodeResult<json::value>>> {
    auto [a, b] = co_await (client().call("a", {}) && client().call("b", {}));
    co_return std::pair(std::move(a), std::move(b));
  };
  const auto [a, b] = run(context_, both());
  EXPECT_EQ(a.value(), "first");
  EXPECT_EQ(b.value(), "second");
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(IpcTest, AnswersComeInPiecesOrTogether) {
  serve([](IpcPeer& peer) -> awaitable<void> {
    const auto request = co_await peer.line();
    const auto text = "\n \n" + answer(*request, R"({"text":"a } \" ] b"})") + "\n";
    for (const char c : text) co_await peer.send(std::string(1, c));
    std::string together;
    for (int i = 0; i < 3; ++i) together += answer(*co_await peer.line(), std::to_string(i));
    co_await peer.send(together);
    co_await peer.line();
  });
  EXPECT_EQ(call().value().at("text"), "a } \" ] b");
  const auto results = run(context_, client().batch({{"a", {}}, {"b", {}}, {"c", {}}}));
  ASSERT_TRUE(results);
  for (int i = 0; i < 3; ++i) EXPECT_EQ((*results)[static_cast<std::size_t>(i)].value(), i);
}

TEST_F(IpcTest, NoSocketIsUnreachable) {
  EXPECT_EQ(call("eth_sendRawTransaction").error().kind, Kind::kUnreachable);
}

TEST_F(IpcTest, ACutEndsTheOpenCallsAndTheNextOneConnectsAnew) {
  serve([this](IpcPeer& peer) -> awaitable<void> {
    const bool first = server_->connections() == 1;
    while (const auto request = co_await peer.line()) {
      if (first) co_return;
      co_await peer.send(answer(*request, "7"));
    }
  });
  EXPECT_EQ(call("eth_sendRawTransaction").error().kind, Kind::kUnknownOutcome);
  EXPECT_EQ(call().value(), 7);
}

TEST_F(IpcTest, GarbageClosesTheConnection) {
  for (const std::string garbage :
       {"garbage", "[1]", "\"text\"", R"({"id":"x","result":1})",
        R"({"method":"eth_subscription","params":1})", R"({"method":"other","params":{"result":1}})",
        R"({"id":null,"error":{"code":-32700,"message":"?"}})"}) {
    bool closed = false;
    serve([&](IpcPeer& peer) -> awaitable<void> {
      co_await peer.line();
      co_await peer.send(garbage);
      closed = !co_await peer.line();
    });
    EXPECT_EQ(call().error().kind, Kind::kUnknownOutcome) << garbage;
    context_.restart();
    context_.poll();
    EXPECT_TRUE(closed) << garbage;
  }
}

TEST_F(IpcTest, AMessageLargerThanAllowedClosesTheConnection) {
  serve([](IpcPeer& peer) -> awaitable<void> {
    const auto request = co_await peer.line();
    co_await peer.send(answer(*request, "\"" + std::string(200'000, 'x') + "\""));
  });
  client({.max_answer_bytes = 100'000});
  EXPECT_EQ(call().error().kind, Kind::kUnknownOutcome);
}

TEST_F(IpcTest, ALateAnswerIsNotTakenForAnother) {
  std::string late;
  serve([&](IpcPeer& peer) -> awaitable<void> {
    const auto first = co_await peer.line();
    const auto second = co_await peer.line();
    co_await peer.send(answer(*first, "1"));
    co_await peer.send(answer(*second, "2"));
    co_await peer.line();
  });
  const auto first = run(context_, client().call("a", {}, milliseconds(30)));
  EXPECT_EQ(first.error().kind, Kind::kUnknownOutcome);
  EXPECT_EQ(call().value(), 2);
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(IpcTest, WhatNeverLeftIsUnreachable) {
  // A first request that fills the socket's buffer keeps a second one from being handed over at all:
  // connections that nobody accepts are open all the same.
  unix_socket::acceptor silent(context_, unix_socket::endpoint(path_));
  using namespace asio::experimental::awaitable_operators;
  const auto both = [&]() -> awaitable<std::pair<NodeResult<json::value>, NodeResult<json::value>>> {
    auto [a, b] = co_await (client().call("a", {std::string(8'000'000, 'x')}, milliseconds(50)) &&
                            client().call("eth_sendRawTransaction", {}, milliseconds(50)));
    co_return std::pair(std::move(a), std::move(b));
  };
  const auto [a, b] = run(context_, both());
  EXPECT_EQ(a.error().kind, Kind::kUnknownOutcome);
  EXPECT_EQ(b.error().kind, Kind::kUnreachable);
}

TEST_F(IpcTest, ACancelledCallLeavesNothingBehind) {
  serve([](IpcPeer& peer) -> awaitable<void> {
    const auto first = co_await peer.line();
    const auto second = co_await peer.line();
    co_await peer.send(answer(*second, "2") + answer(*first, "1"));
    co_await peer.line();
  });
  using namespace asio::experimental::awaitable_operators;
  const auto raced = [&]() -> awaitable<std::size_t> {
    Event event(context_.get_executor());
    const auto winner =
        co_await (client().call("a", {}) || event.wait(std::chrono::steady_clock::now() + milliseconds(20)));
    co_return winner.index();
  };
  EXPECT_EQ(run(context_, raced()), 1);
  EXPECT_EQ(call().value(), 2);
}

/// A certificate for one host, signed by its own key, as a PEM file that holds both.
void write_certificate(const std::filesystem::path& file, const std::string& subject_alt_name) {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  auto* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("sep test"), -1,
                             -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, subject_alt_name.c_str());
  X509_add_ext(certificate.get(), extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  const std::unique_ptr<FILE, int (*)(FILE*)> out(std::fopen(file.c_str(), "w"), std::fclose);
  PEM_write_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_X509(out.get(), certificate.get());
}

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() : context_(), acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "sep-tls-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~TlsTest() override {
    ::unsetenv("SSL_CERT_FILE");
    std::filesystem::remove_all(directory_);
  }

  /// Serves one call with a certificate for `subject_alt_name`.
  void serve(const std::string& subject_alt_name) {
    const auto file = directory_ / "certificate.pem";
    write_certificate(file, subject_alt_name);
    tls_.use_certificate_chain_file(file);
    tls_.use_private_key_file(file, asio::ssl::context::pem);
    asio::co_spawn(context_, serve_one(), asio::detached);
  }
  void trust() { ::setenv("SSL_CERT_FILE", (directory_ / "certificate.pem").c_str(), 1); }
  NodeResult<json::value> call() {
    RpcClient client(context_.get_executor(),
                     "https://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()));
    return run(context_, client.call("eth_sendRawTransaction", {}));
  }

 private:
  awaitable<void> serve_one() {
    asio::ssl::stream<tcp::socket> stream(co_await acceptor_.async_accept(asio::use_awaitable), tls_);
    const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server, kNoThrow);
    if (error) co_return;
    std::string request;
    co_await asio::async_read_until(stream, asio::dynamic_buffer(request), "}", kNoThrow);
    const std::string body = R"({"id":1,"result":"secret"})";
    const std::string response =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    co_await asio::async_write(stream, asio::buffer(response), kNoThrow);
  }

  asio::io_context context_;
  asio::ssl::context tls_{asio::ssl::context::tls_server};
  tcp::acceptor acceptor_;
  std::filesystem::path directory_;
};

TEST_F(TlsTest, ATrustedCertificateForTheHostIsTaken) {
  serve("IP:127.0.0.1");
  trust();
  EXPECT_EQ(call().value(), "secret");
}

TEST_F(TlsTest, ACertificateThatNobodySignedIsRefusedBeforeAnythingIsSent) {
  serve("IP:127.0.0.1");
  EXPECT_EQ(call().error().kind, Kind::kUnreachable);
}

TEST_F(TlsTest, ACertificateForAnotherHostIsRefused) {
  serve("DNS:other.example");
  trust();
  EXPECT_EQ(call().error().kind, Kind::kUnreachable);
}

TEST(Endpoint, ReadsUrlsAndPaths) {
  const auto http = parse_endpoint("http://localhost:8545");
  ASSERT_TRUE(http);
  EXPECT_EQ(http->host, "localhost");
  EXPECT_EQ(http->port, "8545");
  EXPECT_EQ(http->target, "/");
  EXPECT_FALSE(http->duplex());
  const auto keyed = parse_endpoint("https://node.example/v3/secret?x=1");
  ASSERT_TRUE(keyed);
  EXPECT_EQ(keyed->port, "443");
  EXPECT_EQ(keyed->target, "/v3/secret?x=1");
  EXPECT_EQ(keyed->name.find("secret"), std::string::npos);
  EXPECT_TRUE(keyed->tls());
  const auto v6 = parse_endpoint("ws://[::1]:80/");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->authority(), "[::1]:80");
  EXPECT_TRUE(v6->duplex());
  const auto ipc = parse_endpoint("/run/node.ipc");
  ASSERT_TRUE(ipc);
  EXPECT_EQ(ipc->scheme, Endpoint::Scheme::kIpc);
}

TEST(Endpoint, RefusesWhatItCannotReach) {
  for (const std::string text : {"", "ftp://host", "http://", "http://user:pass@host", "http://host:0",
                                 "http://host:x", "http://host:70000"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint.error().code, errc::kConfiguration);
  }
  EXPECT_FALSE(parse_endpoint("/" + std::string(200, 'x')));
}

TEST(RpcClient, ABadAddressMakesEveryCallUnreachable) {
  asio::io_context context;
  RpcClient client(context.get_executor(), "gopher://x");
  EXPECT_EQ(run(context, client.call("eth_chainId", {})).error().kind, Kind::kUnreachable);
}

}  // namespace
}  // namespace sep::node
