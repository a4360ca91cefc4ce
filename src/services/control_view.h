#pragma once
// What is halted, as a service heard it last: for showing it, and for waiting until it ends. What may enter
// the record is decided by the coordinator alone, so a view that is late costs a refusal, never a trade.
#include <functional>
#include <memory>

#include "bus/bus.h"
#include "engine/control.h"
#include "services/async.h"
#include "services/record_client.h"

namespace sep::services {

class ControlView : public std::enable_shared_from_this<ControlView> {
 public:
  /// Listens to the events, and asks the record at first and now and then, since what is published while the
  /// connection is away is not heard. `changed` is called on the bus's executor after every change.
  static Result<std::shared_ptr<ControlView>> start(std::shared_ptr<bus::Bus> bus,
                                                    std::function<void()> changed);
  /// Nothing is called afterwards.
  void stop();

  const engine::Controls& controls() const { return controls_; }
  const engine::Control* halted(std::string_view correlation_id) const {
    return engine::halted(controls_, correlation_id);
  }
  const engine::Control* halted(const engine::SignerId& signer) const {
    return halted(engine::correlation_of(signer));
  }
  /// Asks the record now.
  Task<Status> refresh();

 private:
  ControlView(std::shared_ptr<bus::Bus> bus, std::function<void()> changed);
  Task<void> keep_fresh();
  void hear(engine::Control control);

  std::shared_ptr<bus::Bus> bus_;
  RecordClient record_;
  std::function<void()> changed_;
  asio::steady_timer timer_;
  engine::Controls controls_;
  bus::Subscription switch_, signers_;
  bool stopping_ = false;
};

}  // namespace sep::services
