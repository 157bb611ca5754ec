#include "server/acceptor.h"

#include <new>
#include <utility>

#include "os/process.h"

namespace mq::server {
namespace {

// So many are accepted before those who are connected have their turn.
constexpr int kArrivalsInTurn = 16;

}  // namespace

Status Acceptor::begin(Loop& loop) {
    MQ_ASSIGN(watch_, Loop::Watch::open(loop, listener_.fd()));
    watch_->wait(Side::read, shared_from_this());
    return {};
}

void Acceptor::stop() {
    watch_.reset();
    listener_.close();
}

void Acceptor::on_tick() {
    if (std::exchange(is_paused_, false)) on_ready(Side::read);
}

void Acceptor::on_ready(Side) {
    if (!watch_) return;
    try {
        if (const Status taken = take(); !taken) return pause([&] { return taken.error(); });
        watch_->wait(Side::read, shared_from_this());
    } catch (const std::bad_alloc&) {
        pause([&] { return fail(Errc::no_memory, "accept", listener_.name()).value(); });
    }
}

Status Acceptor::take() {
    for (int i = 0; i < kArrivalsInTurn; ++i) {
        MQ_ASSIGN(auto arrival, listener_.accept());
        if (std::exchange(has_failed_, false)) log_.info("clients of " + listener_.name() + " are accepted again");
        if (!arrival) break;
        admit_(*std::move(arrival));
    }
    return {};
}

void Acceptor::pause(FunctionRef<Error()> why) {
    is_paused_ = has_failed_ = true;
    quiet_.tell(broker::QuietLog::Kind::accept, os::monotonic_ms(), [&] {
        const Error error = why();
        return error.message() + (error.code == Errc::no_descriptors
                                      ? ": new clients wait until others leave; raise the limit of open files"
                                      : ": new clients wait");
    });
}

}  // namespace mq::server
