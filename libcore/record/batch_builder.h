// Encodes records into a batch of magic 2.
#pragma once

#include <span>

#include "base/buffer.h"
#include "record/batch.h"
#include "record/record.h"

namespace mq::record {

struct BatchOptions {
    Codec codec = Codec::none;
    std::optional<int> level;      // of the codec; its default if absent
    TimestampType timestamp_type = TimestampType::create_time;
    bool transactional = false;
    bool control = false;
    ProducerId producer_id = kNoProducerId;
    ProducerEpoch producer_epoch = -1;
    std::int32_t base_sequence = -1;
    LeaderEpoch leader_epoch = -1;
    Offset base_offset{0};
};

// Collects records and finishes them into one batch, again and again, in the same memory. Not thread-safe.
// Throws bad_alloc only; the records added before stay then.
class BatchBuilder {
public:
    explicit BatchBuilder(BatchOptions options = {}) : options_(options) { clear(); }

    void clear();
    void set_options(const BatchOptions& options) { options_ = options; }

    // Adds a record at the next offset delta. The caller keeps a batch below 2^31 - 1 bytes and records.
    void add(TimestampMs timestamp, NullableBytes key, NullableBytes value, std::span<const Header> headers = {}) {
        add_at(next_delta_, timestamp, key, value, headers);
    }
    // The same at a given delta from the base offset: deltas may have gaps (compaction), but only grow.
    void add_at(std::int32_t offset_delta, TimestampMs timestamp, NullableBytes key, NullableBytes value,
                std::span<const Header> headers = {});

    [[nodiscard]] std::int32_t record_count() const { return count_; }
    // Of the finished batch if its codec is none; compressed ones are usually smaller.
    [[nodiscard]] std::size_t size_bytes() const { return buffer_.size(); }
    // What one record adds at most.
    [[nodiscard]] static std::size_t size_bound(NullableBytes key, NullableBytes value, std::span<const Header> headers = {});

    // The complete batch, checksummed; valid until the next call of a non-const member. At least one record must
    // have been added. Errors: too_large (over 2^31 - 1 bytes), those of the codec.
    [[nodiscard]] Result<ByteView> finish();
    // A mutable view of what finish() returned last, for stamp_batch.
    [[nodiscard]] char* finished_data() { return finished_; }

private:
    BatchOptions options_;
    Buffer buffer_;      // header space, then the records as they come
    Buffer compressed_;  // used with a codec only
    char* finished_ = nullptr;
    std::int32_t count_ = 0;
    std::int32_t next_delta_ = 0;
    TimestampMs base_timestamp_ = kNoTimestamp;
    TimestampMs max_timestamp_ = kNoTimestamp;
};

}  // namespace mq::record
