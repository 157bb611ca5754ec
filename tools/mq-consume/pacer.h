// --replay: records at the pace of their timestamps.
#pragma once

#include <chrono>
#include <optional>

#include "base/strong_int.h"

namespace mq::consume {

// When a record is due, counted from the first one. A timestamp below an earlier one is due at once.
class Pacer {
public:
    using Clock = std::chrono::steady_clock;

    // `speed` 2: in half the time.
    explicit Pacer(double speed) : speed_(speed) {}

    [[nodiscard]] Clock::time_point due(TimestampMs timestamp, Clock::time_point now) {
        if (!first_) {
            first_ = timestamp;
            began_ = now;
        }
        const double behind_ms = static_cast<double>(timestamp - *first_) / speed_;
        // A timestamp from nowhere must not overflow the clock: a year is never waited for anyway.
        constexpr double kLongestMs = 366.0 * 24 * 3600 * 1000;
        const double bounded = behind_ms < 0 ? 0 : behind_ms < kLongestMs ? behind_ms : kLongestMs;
        return began_ +
               std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::milli>{bounded});
    }

private:
    double speed_;
    std::optional<TimestampMs> first_;
    Clock::time_point began_;
};

}  // namespace mq::consume
