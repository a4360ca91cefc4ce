#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "bus/core.h"
#include "bus/protocol.h"

namespace sep::bus {
namespace {

std::string text_or_empty(const char* text) {
  return text != nullptr ? text : std::string();
}

Incoming take(natsMsg* raw) {
  const std::unique_ptr<natsMsg, decltype(&natsMsg_Destroy)> owner(raw, natsMsg_Destroy);
  Incoming incoming;
  incoming.message.subject = text_or_empty(natsMsg_GetSubject(raw));
  incoming.message.reply = text_or_empty(natsMsg_GetReply(raw));
  incoming.message.body.assign(natsMsg_GetData(raw), static_cast<std::size_t>(natsMsg_GetDataLength(raw)));
  if (incoming.message.reply.starts_with(kAckSubject)) {
    const char* id = nullptr;
    if (natsMsgHeader_Get(raw, "Nats-Msg-Id", &id) == NATS_OK) incoming.message_id = text_or_empty(id);
  }
  if (!incoming.message.body.empty()) return incoming;
  // Only messages without a body are the server's own; reading headers of the others would cost for nothing.
  incoming.no_responders = natsMsg_IsNoResponders(raw);
  return incoming;
}

}  // namespace

Result<std::shared_ptr<Listener>> Listener::open(natsConnection* connection, asio::any_io_executor executor,
                                                 const std::string& subject, const std::string& queue_group,
                                                 Where where, IncomingHandler handler) {
  auto listener = std::make_shared<Listener>();
  listener->executor_ = std::move(executor);
  listener->where_ = where;
  listener->handler_ = std::move(handler);
  // cnats's share: freed by on_complete, which comes after the last on_message.
  auto* closure = new std::shared_ptr<Listener>(listener);
  const natsStatus status =
      queue_group.empty()
          ? natsConnection_Subscribe(&listener->subscription_, connection, subject.c_str(), on_message,
                                     closure)
          : natsConnection_QueueSubscribe(&listener->subscription_, connection, subject.c_str(),
                                          queue_group.c_str(), on_message, closure);
  if (status != NATS_OK) {
    delete closure;
    return fail(errc::kBusUnavailable, "subscribe " + subject + ": " + natsStatus_GetText(status));
  }
  natsSubscription_SetOnCompleteCB(listener->subscription_, on_complete, closure);
  natsSubscription_SetPendingLimits(listener->subscription_, -1, -1);
  return listener;
}

void Listener::close() {
  if (!open_.exchange(false)) return;
  {
    const std::lock_guard wait_for_handler(handling_);
  }
  natsSubscription_Unsubscribe(subscription_);
  natsSubscription_Destroy(subscription_);
}

void Listener::on_message(natsConnection*, natsSubscription*, natsMsg* raw, void* closure) {
  const auto& listener = *static_cast<std::shared_ptr<Listener>*>(closure);
  receive(listener, take(raw));
}

void Listener::receive(const std::shared_ptr<Listener>& self, Incoming incoming) {
  if (self->where_ == Where::kCallersThread) {
    const std::lock_guard handling(self->handling_);
    self->deliver(std::move(incoming));
    return;
  }
  asio::post(self->executor_,
             [self, incoming = std::move(incoming)]() mutable { self->deliver(std::move(incoming)); });
}

void Listener::on_complete(void* closure) {
  delete static_cast<std::shared_ptr<Listener>*>(closure);
}

void Listener::deliver(Incoming incoming) {
  if (!open_) return;
  try {
    handler_(std::move(incoming));
  } catch (const std::exception& error) {
    logger("bus")->error("a message handler failed: {}", error.what());
  }
}

asio::awaitable<bool> Beat::sleep(milliseconds duration) {
  if (!woken_) {
    timer_.expires_after(duration);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_return std::exchange(woken_, false);
}

void Beat::wake() {
  woken_ = true;
  timer_.cancel();
}

}  // namespace sep::bus
