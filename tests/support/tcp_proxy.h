#pragma once
// A network that can be broken: forwards connections between a client and a server of this machine, over TCP
// or unix sockets, and cuts, delays, or withholds what passes. Thread-safe.
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

namespace sep::support {

class TcpProxy {
 public:
  enum class Mode {
    kPass,       // as if it were not there
    kDelay,      // every piece is held for some time, both ways
    kBlackhole,  // nothing passes either way, and no connection ends: what was sent arrives after the mode
    kHalfOpen,   // the server hears the client, and the client nothing; the connections are lost afterwards
    kRefuse,     // connections are cut, and new ones closed at once
  };

  /// `target` is "HOST:PORT" or the path of a unix socket; it need not be there yet.
  explicit TcpProxy(std::string target);
  /// Listens on this unix socket instead of a free port of loopback.
  TcpProxy(std::string target, const std::filesystem::path& socket);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  /// "127.0.0.1:PORT", or the path of its unix socket.
  const std::string& address() const;
  /// From now on, also for connections that there are. `delay` is that of kDelay.
  void set(Mode mode, std::chrono::milliseconds delay = {});
  /// Ends every connection that there is, as a reset where it is TCP. New ones are taken.
  void cut();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sep::support
