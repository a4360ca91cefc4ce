#include "services/control_view.h"

#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "base/log.h"

namespace sep::services {
namespace {

using namespace std::chrono_literals;
constexpr auto kRefresh = 5s;
constexpr auto kRetry = 300ms;

}  // namespace

ControlView::ControlView(std::shared_ptr<bus::Bus> bus, std::function<void()> changed)
    : bus_(std::move(bus)), record_(bus_), changed_(std::move(changed)), timer_(bus_->executor()) {}

Result<std::shared_ptr<ControlView>> ControlView::start(std::shared_ptr<bus::Bus> bus,
                                                        std::function<void()> changed) {
  const std::shared_ptr<ControlView> view(new ControlView(std::move(bus), std::move(changed)));
  const auto listen = [weak = std::weak_ptr(view)](const bus::Message& message) {
    const auto self = weak.lock();
    const auto event = event_of(message);
    if (self && event && engine::is_control((*event)->correlation_id))
      self->hear(engine::control_after(**event));
  };
  SEP_TRY(view->switch_, view->bus_->subscribe("control.*", "", listen));
  SEP_TRY(view->signers_, view->bus_->subscribe("signer.*", "", listen));
  asio::co_spawn(view->bus_->executor(), view->keep_fresh(), [view](std::exception_ptr) {});
  return view;
}

void ControlView::stop() {
  stopping_ = true;
  switch_.reset();
  signers_.reset();
  timer_.cancel();
}

Task<void> ControlView::keep_fresh() {
  const auto self = shared_from_this();
  while (!stopping_) {
    const auto fresh = co_await refresh();
    if (stopping_) co_return;
    co_await wait(timer_, fresh ? std::chrono::milliseconds(kRefresh) : kRetry);
  }
}

Task<Status> ControlView::refresh() {
  const auto self = shared_from_this();
  SEP_CO_TRY(auto controls, co_await record_.controls());
  for (auto& [id, control] : controls) hear(std::move(control));
  co_return Status{};
}

/// An answer that was on its way while the next event came is older than that event.
void ControlView::hear(engine::Control control) {
  if (stopping_) return;
  auto& known = controls_[control.correlation_id];
  if (known.sequence >= control.sequence) return;
  known = std::move(control);
  if (changed_) changed_();
}

}  // namespace sep::services
