#include "broker/answer.h"

namespace mq::broker {

AnyAnswer& AnyAnswer::operator=(AnyAnswer&& other) noexcept {
    if (this == &other) return *this;
    close();
    responder_ = std::move(other.responder_);
    ticket_ = other.ticket_;
    version_ = other.version_;
    correlation_id_ = other.correlation_id_;
    return *this;
}

void AnyAnswer::give(Reply reply) {
    if (const auto responder = std::exchange(responder_, nullptr)) responder->respond(ticket_, std::move(reply));
}

}  // namespace mq::broker
