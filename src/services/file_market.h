#pragma once
// A market without a chain: the pools of a file (uniswap/pools_file.h), the same for ever. In the place of
// services/market.h where venue "paper" has no node.
#include <memory>

#include "bus/bus.h"
#include "engine/settings.h"

namespace sep::services {

class FileMarket {
 public:
  /// On the bus's executor. CONFIGURATION where market.pools_file cannot be read or a pool in it is not one
  /// that can be; BUS_UNAVAILABLE.
  static Result<std::unique_ptr<FileMarket>> start(std::shared_ptr<bus::Bus> bus,
                                                   const engine::Settings& settings);
  ~FileMarket();

 private:
  class Impl;
  explicit FileMarket(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace sep::services
