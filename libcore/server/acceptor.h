// Takes the connections of one listener.
#pragma once

#include <functional>
#include <memory>

#include "base/function_ref.h"
#include "broker/quiet_log.h"
#include "os/listener.h"
#include "server/loop.h"

namespace mq::server {

// For the thread of its loop, once that runs.
class Acceptor final : public Waiter, public std::enable_shared_from_this<Acceptor> {
public:
    using Admit = std::function<void(os::Listener::Arrival)>;

    Acceptor(os::Listener listener, Admit admit, broker::EventLog& log, broker::QuietLog& quiet)
        : listener_(std::move(listener)), admit_(std::move(admit)), log_(log), quiet_(quiet) {}

    [[nodiscard]] Status begin(Loop& loop);
    void stop();
    // After a failure it waits until here: what it lacks does not come back sooner.
    void on_tick();

    void on_ready(Side side) override;
    void on_woken() override {}

private:
    [[nodiscard]] Status take();
    void pause(FunctionRef<Error()> why);

    os::Listener listener_;
    const Admit admit_;
    broker::EventLog& log_;
    broker::QuietLog& quiet_;
    std::unique_ptr<Loop::Watch> watch_;
    bool is_paused_ = false;
    bool has_failed_ = false;
};

}  // namespace mq::server
