#include "pace.h"

#include <algorithm>

namespace mq::produce {

namespace {

constexpr double kSecondNs = 1e9;
// What may be made up for at once after a pause of the input.
constexpr double kMostBehindNs = 1e8;

}  // namespace

Pace::Pace(const Args& args)
    : is_needed_(args.rate_records > 0 || args.rate_bytes > 0 || args.replay_speed.has_value()),
      speed_(args.replay_speed) {
    if (args.rate_records > 0) record_ns_ = kSecondNs / args.rate_records;
    if (args.rate_bytes > 0) byte_ns_ = kSecondNs / args.rate_bytes;
}

std::int64_t Pace::wait_ns(std::int64_t now_ns, std::optional<TimestampMs> timestamp) {
    double due_ns = std::max(record_due_ns_, byte_due_ns_);
    if (speed_ && timestamp && *timestamp != kNoTimestamp) {
        if (!first_timestamp_) {
            first_timestamp_ = timestamp;
            first_ns_ = now_ns;
        }
        const double apart_ms = static_cast<double>(*timestamp) - static_cast<double>(*first_timestamp_);
        due_ns = std::max(due_ns, static_cast<double>(first_ns_) + apart_ms * 1e6 / *speed_);
    }
    // At most an hour at a time: the caller asks again.
    return static_cast<std::int64_t>(std::clamp(due_ns - static_cast<double>(now_ns), 0.0, 3600 * kSecondNs));
}

void Pace::sent(std::int64_t now_ns, std::uint64_t size_bytes) {
    const auto now = static_cast<double>(now_ns);
    const auto advance = [now](double& due_ns, double by_ns) {
        if (by_ns <= 0) return;
        const double behind = std::max(kMostBehindNs, by_ns);
        due_ns = std::max(due_ns, now - behind) + by_ns;
    };
    // The first one goes at once, and the clock begins with it.
    if (record_due_ns_ == 0) record_due_ns_ = now;
    if (byte_due_ns_ == 0) byte_due_ns_ = now;
    advance(record_due_ns_, record_ns_);
    advance(byte_due_ns_, byte_ns_ * static_cast<double>(size_bytes));
}

}  // namespace mq::produce
