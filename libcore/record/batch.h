// The header of a record batch, and of the older message sets: what a segment file is a sequence of.
// Source of the format: org.apache.kafka.common.record.DefaultRecordBatch and LegacyRecord; see man/mq-format.5.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "base/strong_int.h"

namespace mq::record {

// Every unit starts with: int64 offset, int32 size of what follows, 4 bytes, int8 magic.
inline constexpr std::size_t kUnitPrefixBytes = 12;  // offset and size
inline constexpr std::size_t kMagicPosition = 16;
inline constexpr std::size_t kMinimumUnitSize = 14;   // value of the size field; less is corruption
inline constexpr std::size_t kBatchHeaderBytes = 61;  // magic 2
inline constexpr std::size_t kCrcCoverageStart = 21;  // magic 2: the CRC covers from here to the end
inline constexpr std::uint8_t kMagicV2 = 2;

enum class Codec : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };
enum class TimestampType : std::uint8_t { create_time, log_append_time };

// "none", "gzip", ...; the names that Kafka's settings use.
[[nodiscard]] std::string_view to_string(Codec codec);
[[nodiscard]] std::optional<Codec> codec_from_name(std::string_view name);

inline constexpr std::int16_t kCodecMask = 0x07;
inline constexpr std::int16_t kLogAppendTimeBit = 0x08;
inline constexpr std::int16_t kTransactionalBit = 0x10;
inline constexpr std::int16_t kControlBit = 0x20;
inline constexpr std::int16_t kDeleteHorizonBit = 0x40;

// base + delta, where 2147483647 + 1 is 0; a negative base (no sequence) stays.
[[nodiscard]] constexpr std::int32_t add_sequence(std::int32_t base, std::int32_t delta) {
    if (base < 0) return base;
    const std::int64_t sum = std::int64_t{base} + delta;
    return static_cast<std::int32_t>(sum > INT32_MAX ? sum - INT32_MAX - 1 : sum);
}

// One unit of a segment file. Of magic 0 and 1 a unit is a message, perhaps a compressed wrapper: then offset is that
// of the last inner message, base_offset equals it (only RecordReader knows the first), record_count is 1 and
// every field that the format lacks has its "none" value.
struct BatchHeader {
    Offset base_offset;
    std::uint32_t size_bytes = 0;  // the whole unit, prefix included
    LeaderEpoch leader_epoch = -1;
    std::uint8_t magic = kMagicV2;
    std::uint32_t crc = 0;
    std::int16_t attributes = 0;
    std::int32_t last_offset_delta = 0;
    TimestampMs base_timestamp = kNoTimestamp;  // the delete horizon, if has_delete_horizon()
    TimestampMs max_timestamp = kNoTimestamp;
    ProducerId producer_id = kNoProducerId;
    ProducerEpoch producer_epoch = -1;
    std::int32_t base_sequence = -1;
    std::int32_t record_count = 0;

    [[nodiscard]] Offset last_offset() const { return base_offset + last_offset_delta; }
    [[nodiscard]] Offset next_offset() const { return last_offset() + 1; }
    // What the codec bits say; 5 to 7 are no codec, parse_batch_header refuses them.
    [[nodiscard]] Codec codec() const { return static_cast<Codec>(attributes & kCodecMask); }
    [[nodiscard]] TimestampType timestamp_type() const {
        return (attributes & kLogAppendTimeBit) != 0 ? TimestampType::log_append_time : TimestampType::create_time;
    }
    [[nodiscard]] bool is_transactional() const { return magic >= 2 && (attributes & kTransactionalBit) != 0; }
    [[nodiscard]] bool is_control() const { return magic >= 2 && (attributes & kControlBit) != 0; }
    [[nodiscard]] bool has_delete_horizon() const { return magic >= 2 && (attributes & kDeleteHorizonBit) != 0; }
    [[nodiscard]] bool has_producer() const { return producer_id != kNoProducerId; }
    [[nodiscard]] std::int32_t last_sequence() const { return add_sequence(base_sequence, last_offset_delta); }
};

// Reads the header at the start of `bytes`, which may be longer or shorter than the unit. Nothing is allocated.
// Errors: truncated (`bytes` ends inside the header), corrupt (a size or count that cannot be), unsupported (magic).
// The subject of the error is left empty: the caller knows the file.
[[nodiscard]] Result<BatchHeader> parse_batch_header(ByteView bytes);

// Writes the 61 bytes of a magic 2 header, crc included as it stands.
void store_batch_header(char* to, const BatchHeader& header);

// The checksum that the unit should carry: CRC-32C from byte 21 (magic 2), CRC-32 from byte 16 (magic 0 and 1).
[[nodiscard]] std::uint32_t batch_checksum(ByteView unit);
// corrupt, with both sums in the detail, if the stored one differs.
[[nodiscard]] Status verify_batch_checksum(ByteView unit, const BatchHeader& header);

// What the leader stamps into a batch: outside the CRC, so no second pass over the bytes.
void stamp_batch(char* batch, Offset base_offset, LeaderEpoch leader_epoch);
// Makes the batch LogAppendTime at `now` and renews its CRC.
void stamp_log_append_time(char* batch, std::size_t size_bytes, TimestampMs now);

}  // namespace mq::record
