// Encodes records into a batch of magic 2.
#pragma once

#include <span>

#include "base/buffer.h"
#include "record/batch.h"
#include "record/record.h"

namespace mq::record {

struct BatchOptions {
    Codec codec = Codec::none;
    std::optional<int> level;  // of the codec; its default if absent
    TimestampType timestamp_type = TimestampType::create_time;
    bool transactional = false;
    bool control = false;
    ProducerId producer_id = kNoProducerId;
    ProducerEpoch producer_epoch = -1;
    std::int32_t base_sequence = -1;
    LeaderEpoch leader_epoch = -1;
    Offset base_offset{0};
    // Compaction keeps these of the batch that it rewrites: the last delta although its record may be gone, the
    // maximum timestamp of a LogAppendTime batch, and the delete horizon, which takes the base timestamp's place.
    std::optional<std::int32_t> last_offset_delta;
    std::optional<TimestampMs> max_timestamp;
    std::optional<TimestampMs> delete_horizon;
};

// Collects records and finishes them into one batch, again and again, in the same memory. Not thread-safe.
// Throws bad_alloc only; the records added before stay then.
class BatchBuilder {
public:
    explicit BatchBuilder(BatchOptions options = {}) : options_(options) { clear(); }

    void clear();
    // Between clear() and the first record.
    void set_options(const BatchOptions& options) { options_ = options; }

    // Adds a record at the next offset delta. The caller keeps a batch below 2^31 - 1 bytes and records.
    void add(TimestampMs timestamp, NullableBytes key, NullableBytes value, std::span<const Header> headers = {}) {
        add_at(last_delta_ + 1, timestamp, key, value, headers);
    }
    // The same at a given delta from the base offset: deltas may have gaps (compaction), but only grow.
    void add_at(std::int32_t offset_delta, TimestampMs timestamp, NullableBytes key, NullableBytes value,
                std::span<const Header> headers = {});

    // A record of another batch, of any magic, whose headers are taken over as they are encoded.
    void add_view(const RecordView& record);

    [[nodiscard]] std::int32_t record_count() const { return count_; }
    // Of the finished batch if its codec is none; compressed ones are usually smaller.
    [[nodiscard]] std::size_t size_bytes() const { return buffer_.size(); }
    // What one record adds at most.
    [[nodiscard]] static std::size_t size_bound(NullableBytes key, NullableBytes value,
                                                std::span<const Header> headers = {});

    // The complete batch, checksummed; valid until the next call of a non-const member. Without records it is the
    // bare header that compaction leaves, of codec none. Errors: too_large (over 2^31 - 1 bytes), those of the codec.
    [[nodiscard]] Result<ByteView> finish();
    // A mutable view of what finish() returned last, for stamp_batch.
    [[nodiscard]] char* finished_data() { return finished_; }

private:
    // Length, attributes, two deltas, two lengths and a header count at their longest.
    static constexpr std::size_t kRecordOverheadBound = 5 * kMaxVarintBytes + kMaxVarlongBytes + 1;

    // All of a record but its headers, whose place is returned; and what is counted once they stand there.
    char* begin_record(std::int32_t offset_delta, TimestampMs timestamp, NullableBytes key, NullableBytes value,
                       std::size_t headers_size);
    void end_record(char* end, std::int32_t offset_delta, TimestampMs timestamp);
    static std::size_t encoded_size(std::span<const Header> headers);
    static char* put_headers(char* to, std::span<const Header> headers);

    BatchOptions options_;
    Buffer buffer_;      // header space, then the records as they come
    Buffer compressed_;  // used with a codec only
    char* finished_ = nullptr;
    std::int32_t count_ = 0;
    std::int32_t last_delta_ = -1;
    TimestampMs base_timestamp_ = kNoTimestamp;
    TimestampMs max_timestamp_ = kNoTimestamp;
};

namespace record_detail {

// put_varint of base/bytes.h, where one or two bytes are the rule.
inline char* put_short_varint(char* to, std::int64_t value) {
    const std::uint64_t v = zigzag(value);
    if (v < 0x80) [[likely]] {
        *to = static_cast<char>(v);
        return to + 1;
    }
    if (v < 0x4000) [[likely]] {
        store_le(to, static_cast<std::uint16_t>((v & 0x7f) | 0x80 | (v >> 7) << 8));
        return to + 2;
    }
    return put_varint(to, value);
}

inline std::size_t short_varint_size(std::int64_t value) {
    const std::uint64_t v = zigzag(value);
    if (v < 0x4000) [[likely]]
        return v < 0x80 ? 1 : 2;
    return varint_size(value);
}

inline char* put_nullable(char* to, NullableBytes bytes) {
    if (!bytes) {
        *to = 1;  // the varint of -1
        return to + 1;
    }
    to = put_short_varint(to, static_cast<std::int64_t>(bytes->size()));
    if (!bytes->empty()) std::memcpy(to, bytes->data(), bytes->size());
    return to + bytes->size();
}

inline std::size_t nullable_size(NullableBytes bytes) {
    return bytes ? short_varint_size(static_cast<std::int64_t>(bytes->size())) + bytes->size() : 1;
}

}  // namespace record_detail

inline char* BatchBuilder::begin_record(std::int32_t offset_delta, TimestampMs timestamp, NullableBytes key,
                                        NullableBytes value, std::size_t headers_size) {
    using namespace record_detail;
    if (count_ == 0) {
        base_timestamp_ = options_.delete_horizon.value_or(timestamp);
        max_timestamp_ = timestamp;
    }
    // Wraps as in Java: any two timestamps are representable.
    const auto timestamp_delta = static_cast<std::int64_t>(static_cast<std::uint64_t>(timestamp) -
                                                           static_cast<std::uint64_t>(base_timestamp_));
    const std::size_t size = 1 + short_varint_size(timestamp_delta) + short_varint_size(offset_delta) +
                             nullable_size(key) + nullable_size(value) + headers_size;
    buffer_.make_room(size + kMaxVarintBytes);
    char* to = put_short_varint(buffer_.end(), static_cast<std::int64_t>(size));
    *to++ = 0;
    to = put_short_varint(to, timestamp_delta);
    to = put_short_varint(to, offset_delta);
    to = put_nullable(to, key);
    return put_nullable(to, value);
}

inline void BatchBuilder::end_record(char* end, std::int32_t offset_delta, TimestampMs timestamp) {
    buffer_.resize(static_cast<std::size_t>(end - buffer_.data()));
    max_timestamp_ = std::max(max_timestamp_, timestamp);
    last_delta_ = offset_delta;
    ++count_;
}

inline void BatchBuilder::add_at(std::int32_t offset_delta, TimestampMs timestamp, NullableBytes key,
                                 NullableBytes value, std::span<const Header> headers) {
    const std::size_t headers_size = headers.empty() ? 1 : encoded_size(headers);
    char* to = begin_record(offset_delta, timestamp, key, value, headers_size);
    if (headers.empty()) {
        *to++ = 0;
    } else {
        to = put_headers(to, headers);
    }
    end_record(to, offset_delta, timestamp);
}

}  // namespace mq::record
