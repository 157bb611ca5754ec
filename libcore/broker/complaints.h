// What clients ask for in vain, as often as they like: told by a QuietLog that knows when its time is over.
#pragma once

#include <new>

#include "broker/quiet_log.h"
#include "broker/wakeups.h"
#include "os/process.h"

namespace mq::broker {

// Thread-safe; throws nothing. As long as the wakeups may call, it must be there.
class Complaints {
public:
    Complaints(EventLog& log, Wakeups& wakeups) : quiet_(log), wakeups_(wakeups) {}

    void tell(QuietLog::Kind kind, FunctionRef<std::string()> text) {
        const std::int64_t now_ms = os::monotonic_ms();
        if (!quiet_.tell(kind, now_ms, text)) return;
        try {
            wakeups_.at(now_ms + QuietLog::kSpanMs, [this] { quiet_.settle(os::monotonic_ms()); });
        } catch (const std::bad_alloc&) {
            // The next one says how many there were.
        }
    }

    // How many were not told, in the spans that go on as well.
    void finish() { quiet_.settle(os::monotonic_ms() + QuietLog::kSpanMs); }

private:
    QuietLog quiet_;
    Wakeups& wakeups_;
};

}  // namespace mq::broker
