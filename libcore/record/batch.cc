#include "record/batch.h"

#include <libdeflate.h>

#include <array>
#include <limits>
#include <string>

#include "base/crc32c.h"

namespace mq::record {
namespace {

constexpr std::size_t kMinimumUnitSizeV1 = 22;
constexpr std::size_t kLegacyCrcCoverageStart = 16;
constexpr std::int16_t kHighestCodec = static_cast<std::int16_t>(Codec::zstd);
constexpr std::int16_t kHighestLegacyCodec = static_cast<std::int16_t>(Codec::lz4);

// Positions of the fields of a magic 2 header.
enum FieldPosition : std::size_t {
    kSizeAt = 8,
    kLeaderEpochAt = 12,
    kCrcAt = 17,
    kAttributesAt = 21,
    kLastOffsetDeltaAt = 23,
    kBaseTimestampAt = 27,
    kMaxTimestampAt = 35,
    kProducerIdAt = 43,
    kProducerEpochAt = 51,
    kBaseSequenceAt = 53,
    kRecordCountAt = 57,
};
static_assert(kRecordCountAt + sizeof(std::int32_t) == kBatchHeaderBytes);

// Positions of the fields of a magic 0 or 1 message.
enum LegacyFieldPosition : std::size_t { kLegacyCrcAt = 12, kLegacyAttributesAt = 17, kLegacyTimestampAt = 18 };

constexpr std::array<std::string_view, 5> kCodecNames{"none", "gzip", "snappy", "lz4", "zstd"};

tl::unexpected<Error> bad_header(Errc code, std::string detail) {
    return fail(code, "read batch header", {}, std::move(detail));
}

tl::unexpected<Error> impossible(const char* field, std::int64_t value) {
    return bad_header(Errc::corrupt, std::string{field} + " " + std::to_string(value));
}

Result<BatchHeader> parse_legacy(ByteView bytes, BatchHeader h, std::int32_t size) {
    const std::size_t minimum = h.magic == 0 ? kMinimumUnitSize : kMinimumUnitSizeV1;
    if (size < static_cast<std::int32_t>(minimum)) return impossible("size", size);
    if (bytes.size() < kUnitPrefixBytes + minimum) return bad_header(Errc::truncated, "message header");
    h.crc = load_be<std::uint32_t>(bytes.data() + kLegacyCrcAt);
    const auto attributes = static_cast<std::uint8_t>(bytes[kLegacyAttributesAt]);
    h.attributes =
        static_cast<std::int16_t>(attributes & (h.magic == 0 ? kCodecMask : kCodecMask | kLogAppendTimeBit));
    if ((h.attributes & kCodecMask) > kHighestLegacyCodec) {
        return bad_header(Errc::unsupported, "codec " + std::to_string(h.attributes & kCodecMask));
    }
    if (h.magic == 1) h.base_timestamp = h.max_timestamp = load_be<std::int64_t>(bytes.data() + kLegacyTimestampAt);
    h.record_count = 1;
    return h;
}

Result<BatchHeader> parse_v2(ByteView bytes, BatchHeader h, std::int32_t size) {
    if (size < static_cast<std::int32_t>(kBatchHeaderBytes - kUnitPrefixBytes)) return impossible("size", size);
    if (bytes.size() < kBatchHeaderBytes) return bad_header(Errc::truncated, "batch header");
    const char* p = bytes.data();
    h.leader_epoch = load_be<std::int32_t>(p + kLeaderEpochAt);
    h.crc = load_be<std::uint32_t>(p + kCrcAt);
    h.attributes = load_be<std::int16_t>(p + kAttributesAt);
    h.last_offset_delta = load_be<std::int32_t>(p + kLastOffsetDeltaAt);
    h.base_timestamp = load_be<std::int64_t>(p + kBaseTimestampAt);
    h.max_timestamp = load_be<std::int64_t>(p + kMaxTimestampAt);
    h.producer_id = load_be<std::int64_t>(p + kProducerIdAt);
    h.producer_epoch = load_be<std::int16_t>(p + kProducerEpochAt);
    h.base_sequence = load_be<std::int32_t>(p + kBaseSequenceAt);
    h.record_count = load_be<std::int32_t>(p + kRecordCountAt);
    if (h.last_offset_delta < 0) return impossible("last offset delta", h.last_offset_delta);
    if (h.record_count < 0) return impossible("record count", h.record_count);
    // The offset after the batch must exist too.
    if (h.base_offset.value() > std::numeric_limits<std::int64_t>::max() - 1 - h.last_offset_delta) {
        return impossible("base offset", h.base_offset.value());
    }
    if ((h.attributes & kCodecMask) > kHighestCodec) {
        return bad_header(Errc::unsupported, "codec " + std::to_string(h.attributes & kCodecMask));
    }
    return h;
}

std::uint32_t crc32_ieee(ByteView bytes) { return libdeflate_crc32(0, bytes.data(), bytes.size()); }

}  // namespace

std::string_view to_string(Codec codec) {
    const auto i = static_cast<std::size_t>(codec);
    return i < kCodecNames.size() ? kCodecNames[i] : "unknown";
}

std::optional<Codec> codec_from_name(std::string_view name) {
    for (std::size_t i = 0; i < kCodecNames.size(); ++i) {
        if (kCodecNames[i] == name) return static_cast<Codec>(i);
    }
    return std::nullopt;
}

Result<BatchHeader> parse_batch_header(ByteView bytes) {
    if (bytes.size() < kUnitPrefixBytes) return bad_header(Errc::truncated, "offset and size");
    BatchHeader h;
    h.base_offset = Offset{load_be<std::int64_t>(bytes.data())};
    const auto size = load_be<std::int32_t>(bytes.data() + kSizeAt);
    if (size < static_cast<std::int32_t>(kMinimumUnitSize)) return impossible("size", size);
    if (bytes.size() <= kMagicPosition) return bad_header(Errc::truncated, "magic");
    h.magic = static_cast<std::uint8_t>(bytes[kMagicPosition]);
    if (h.magic > kMagicV2) return bad_header(Errc::unsupported, "magic " + std::to_string(h.magic));
    if (h.base_offset.value() < 0 || h.base_offset.value() == std::numeric_limits<std::int64_t>::max()) {
        return impossible("base offset", h.base_offset.value());
    }
    h.size_bytes = static_cast<std::uint32_t>(kUnitPrefixBytes) + static_cast<std::uint32_t>(size);
    return h.magic == kMagicV2 ? parse_v2(bytes, h, size) : parse_legacy(bytes, h, size);
}

void store_batch_header(char* to, const BatchHeader& header) {
    store_be(to, header.base_offset.value());
    store_be(to + kSizeAt, static_cast<std::int32_t>(header.size_bytes - kUnitPrefixBytes));
    store_be(to + kLeaderEpochAt, header.leader_epoch);
    to[kMagicPosition] = static_cast<char>(header.magic);
    store_be(to + kCrcAt, header.crc);
    store_be(to + kAttributesAt, header.attributes);
    store_be(to + kLastOffsetDeltaAt, header.last_offset_delta);
    store_be(to + kBaseTimestampAt, header.base_timestamp);
    store_be(to + kMaxTimestampAt, header.max_timestamp);
    store_be(to + kProducerIdAt, header.producer_id);
    store_be(to + kProducerEpochAt, header.producer_epoch);
    store_be(to + kBaseSequenceAt, header.base_sequence);
    store_be(to + kRecordCountAt, header.record_count);
}

std::uint32_t batch_checksum(ByteView unit) {
    const auto from = [unit](std::size_t start) { return unit.substr(std::min(start, unit.size())); };
    if (unit.size() <= kMagicPosition) return 0;
    if (static_cast<std::uint8_t>(unit[kMagicPosition]) < kMagicV2) return crc32_ieee(from(kLegacyCrcCoverageStart));
    return crc32c(from(kCrcCoverageStart));
}

Status verify_batch_checksum(ByteView unit, const BatchHeader& header) {
    if (unit.size() != header.size_bytes) {
        return fail(Errc::truncated, "verify batch", {},
                    std::to_string(unit.size()) + " of " + std::to_string(header.size_bytes) + " bytes");
    }
    const std::uint32_t sum = batch_checksum(unit);
    if (sum == header.crc) return {};
    return fail(Errc::corrupt, "verify batch", {},
                "stored crc " + std::to_string(header.crc) + ", computed " + std::to_string(sum));
}

void stamp_batch(char* batch, Offset base_offset, LeaderEpoch leader_epoch) {
    store_be(batch, base_offset.value());
    store_be(batch + kLeaderEpochAt, leader_epoch);
}

void stamp_log_append_time(char* batch, std::size_t size_bytes, TimestampMs now) {
    const auto attributes = load_be<std::int16_t>(batch + kAttributesAt);
    store_be(batch + kAttributesAt, static_cast<std::int16_t>(attributes | kLogAppendTimeBit));
    store_be(batch + kMaxTimestampAt, now);
    store_be(batch + kCrcAt, crc32c({batch + kCrcCoverageStart, size_bytes - kCrcCoverageStart}));
}

}  // namespace mq::record
