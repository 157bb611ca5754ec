#include "broker/answer.h"

#include "broker/metrics.h"
#include "os/process.h"

namespace mq::broker {

AnyAnswer& AnyAnswer::operator=(AnyAnswer&& other) noexcept {
    if (this == &other) return *this;
    close();
    responder_ = std::move(other.responder_);
    metrics_ = other.metrics_;
    begun_ns_ = other.begun_ns_;
    ticket_ = other.ticket_;
    version_ = other.version_;
    correlation_id_ = other.correlation_id_;
    return *this;
}

void AnyAnswer::count_error(wire::ErrorCode error) { metrics_->errors_of(error).add(); }

void AnyAnswer::give(Reply reply) {
    const auto responder = std::exchange(responder_, nullptr);
    if (!responder) return;
    if (metrics_ != nullptr) {
        metrics_->total.record_ns(os::monotonic_ns() - begun_ns_);
        std::uint64_t bytes = reply.bytes.size();
        for (const wire::Splice& splice : reply.splices) bytes += splice.size();
        metrics_->response_bytes.add(bytes);
        if (reply.kind == Reply::Kind::close) metrics_->closed.add();
    }
    responder->respond(ticket_, std::move(reply));
}

}  // namespace mq::broker
