// The settings of a topic that its logs obey, typed; Kafka's names, defaults and units. Strings are parsed by the layer above.
#pragma once

#include <cstdint>
#include <limits>

#include "record/batch.h"

namespace mq::log {

inline constexpr std::int64_t kNoLimit = -1;

struct LogConfig {
    std::uint32_t segment_bytes = 1u << 30;
    std::int64_t segment_ms = 7LL * 24 * 3600 * 1000;
    std::int64_t segment_jitter_ms = 0;
    std::uint32_t segment_index_bytes = 10u << 20;
    std::uint32_t index_interval_bytes = 4096;
    std::uint32_t max_message_bytes = 1'048'588;
    record::TimestampType timestamp_type = record::TimestampType::create_time;

    std::int64_t retention_ms = 7LL * 24 * 3600 * 1000;  // kNoLimit: for ever
    std::int64_t retention_bytes = kNoLimit;
    bool cleanup_delete = true;    // cleanup.policy contains delete
    bool cleanup_compact = false;  // cleanup.policy contains compact
    std::int64_t delete_retention_ms = 24LL * 3600 * 1000;
    std::int64_t min_compaction_lag_ms = 0;
    std::int64_t max_compaction_lag_ms = std::numeric_limits<std::int64_t>::max();
    double min_cleanable_dirty_ratio = 0.5;

    std::int64_t producer_id_expiration_ms = 24LL * 3600 * 1000;
    std::int64_t producer_id_expiration_check_ms = 600'000;

    // What the roll by time waits for: a compacted topic must not keep its newest records from the cleaner for longer.
    [[nodiscard]] std::int64_t roll_ms() const {
        return cleanup_compact && max_compaction_lag_ms < segment_ms ? max_compaction_lag_ms : segment_ms;
    }
};

}  // namespace mq::log
