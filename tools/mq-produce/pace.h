// When the next record may go: --rate, --rate-bytes, --replay.
#pragma once

#include <chrono>
#include <optional>

#include "args.h"
#include "base/strong_int.h"

namespace mq::produce {

// Times are of the steady clock, in nanoseconds, and come from the caller. Not thread-safe.
class Pace {
public:
    explicit Pace(const Args& args);

    [[nodiscard]] bool is_needed() const { return is_needed_; }
    // How long a record with this timestamp has to wait; 0: it may go.
    [[nodiscard]] std::int64_t wait_ns(std::int64_t now_ns, std::optional<TimestampMs> timestamp);
    // It went.
    void sent(std::int64_t now_ns, std::uint64_t size_bytes);

private:
    bool is_needed_;
    double record_ns_ = 0;
    double byte_ns_ = 0;
    std::optional<double> speed_;
    double record_due_ns_ = 0;
    double byte_due_ns_ = 0;
    // What the first record with a timestamp said, and when it went.
    std::optional<TimestampMs> first_timestamp_;
    std::int64_t first_ns_ = 0;
};

}  // namespace mq::produce
