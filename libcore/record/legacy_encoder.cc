#include "record/legacy_encoder.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "record/compression.h"

namespace mq::record {
namespace {

constexpr std::size_t kCrcPosition = 12;
constexpr std::size_t kLengthBytes = sizeof(std::int32_t);

// XXH32 with seed 0 of fewer than 16 bytes. Source: the xxHash specification.
std::uint32_t xxh32_short(ByteView bytes) {
    constexpr std::uint32_t kPrime1 = 2654435761u;
    constexpr std::uint32_t kPrime2 = 2246822519u;
    constexpr std::uint32_t kPrime3 = 3266489917u;
    constexpr std::uint32_t kPrime4 = 668265263u;
    constexpr std::uint32_t kPrime5 = 374761393u;
    std::uint32_t h = kPrime5 + static_cast<std::uint32_t>(bytes.size());
    for (; bytes.size() >= 4; bytes.remove_prefix(4)) {
        std::uint32_t word = 0;
        for (std::size_t i = 4; i-- > 0;) word = word << 8 | static_cast<unsigned char>(bytes[i]);
        h = std::rotl(h + word * kPrime3, 17) * kPrime4;
    }
    for (const char c : bytes) h = std::rotl(h + static_cast<unsigned char>(c) * kPrime5, 11) * kPrime1;
    h = (h ^ h >> 15) * kPrime2;
    h = (h ^ h >> 13) * kPrime3;
    return h ^ h >> 16;
}

// Clients of magic 0 take the checksum of an lz4 frame's header over its magic number as well, and refuse the right
// one (KAFKA-3160).
void break_lz4_header_checksum(char* frame, std::size_t size) {
    constexpr std::size_t kFlagsPosition = 4;
    constexpr unsigned char kHasContentSize = 0x08;
    if (size <= kFlagsPosition) return;
    const bool has_size = (static_cast<unsigned char>(frame[kFlagsPosition]) & kHasContentSize) != 0;
    const std::size_t position = has_size ? 14 : 6;
    if (size > position) frame[position] = static_cast<char>(xxh32_short({frame, position}) >> 8);
}

std::size_t field_bytes(const NullableBytes& bytes) { return kLengthBytes + (bytes ? bytes->size() : 0); }

char* put_field(char* to, const NullableBytes& bytes) {
    store_be(to, bytes ? static_cast<std::int32_t>(bytes->size()) : -1);
    to += kLengthBytes;
    if (bytes && !bytes->empty()) std::memcpy(to, bytes->data(), bytes->size());
    return to + (bytes ? bytes->size() : 0);
}

struct Message {
    Offset offset;
    TimestampMs timestamp = kNoTimestamp;
    std::int8_t attributes = 0;
    NullableBytes key;
    NullableBytes value;
};

Status append_message(const Message& message, std::uint8_t magic, std::size_t limit, Buffer& out) {
    const std::size_t size = kMagicPosition + 2 + (magic > 0 ? sizeof(std::int64_t) : 0) + field_bytes(message.key) +
                             field_bytes(message.value);
    if (size > INT32_MAX || size + out.size() > limit)
        return fail(Errc::too_large, "convert", {},
                    "the messages of a batch are larger than " + std::to_string(limit));
    out.make_room(size);
    char* const start = out.end();
    store_be(start, message.offset.value());
    store_be(start + 8, static_cast<std::int32_t>(size - kUnitPrefixBytes));
    start[kMagicPosition] = static_cast<char>(magic);
    start[kMagicPosition + 1] = static_cast<char>(message.attributes);
    char* to = start + kMagicPosition + 2;
    if (magic > 0) {
        store_be(to, message.timestamp);
        to += sizeof(std::int64_t);
    }
    put_field(put_field(to, message.key), message.value);
    store_be(start + kCrcPosition, batch_checksum({start, size}));
    out.resize(out.size() + size);
    return {};
}

}  // namespace

LegacyEncoder::LegacyEncoder(std::uint8_t magic, std::size_t decompressed_limit)
    : magic_(magic), limit_(decompressed_limit), reader_(decompressed_limit) {}

Status LegacyEncoder::append(ByteView unit, Offset first, Buffer& out) {
    MQ_ASSIGN(const BatchHeader header, parse_batch_header(unit));
    if (header.size_bytes != unit.size())
        return fail(Errc::truncated, "convert", {},
                    std::to_string(unit.size()) + " bytes for a unit of another size");
    if (header.is_control()) return {};
    const Codec codec = header.codec();
    if (codec == Codec::zstd)
        return fail(Errc::unsupported, "convert", {}, "zstd has no place in message sets of magic 0 and 1");
    const std::size_t before = out.size();
    if (header.magic <= magic_) {
        out.append(unit);
        return {};
    }
    MQ_TRY(reader_.open(unit));
    const bool is_wrapped = codec != Codec::none;
    const bool is_append_time = header.timestamp_type() == TimestampType::log_append_time;
    const std::int8_t attributes = magic_ > 0 && is_append_time ? std::int8_t{kLogAppendTimeBit} : std::int8_t{0};
    Buffer& messages = is_wrapped ? inner_ : out;
    if (is_wrapped) inner_.resize(0);
    Offset base{0};
    Offset last{-1};
    TimestampMs newest = kNoTimestamp;
    const auto take_back = [&](Error error) -> Status {
        out.resize(before);
        return fail(std::move(error));
    };
    for (RecordView record; reader_.next(record);) {
        if (!is_wrapped && record.offset < first) continue;
        if (last < Offset{0}) base = record.offset;
        last = record.offset;
        newest = std::max(newest, record.timestamp);
        // Inside of a wrapper of magic 1 offsets count from its first.
        const Offset offset = is_wrapped && magic_ > 0 ? Offset{record.offset - base} : record.offset;
        Status added = append_message({offset, record.timestamp, attributes, record.key, record.value}, magic_,
                                      limit_ + (is_wrapped ? 0 : before), messages);
        if (!added) return take_back(std::move(added).error());
    }
    if (!reader_.status()) return take_back(reader_.status().error());
    if (!is_wrapped || last < Offset{0}) return {};

    compressed_.resize(0);
    MQ_TRY(compress(codec, std::nullopt, inner_.view(), compressed_));
    if (codec == Codec::lz4 && magic_ == 0) break_lz4_header_checksum(compressed_.data(), compressed_.size());
    const auto wrapper_attributes = static_cast<std::int8_t>(attributes | static_cast<std::int8_t>(codec));
    return append_message({last, newest, wrapper_attributes, std::nullopt, compressed_.view()}, magic_,
                          before + INT32_MAX, out);
}

void append_overflow_message(std::size_t bytes, Buffer& out) {
    char prefix[kUnitPrefixBytes];
    store_be(prefix, std::int64_t{-1});
    store_be(prefix + 8, static_cast<std::int32_t>(std::max(bytes + 1, kBatchHeaderBytes)));
    const std::size_t shown = std::min(bytes, sizeof prefix);
    out.append({prefix, shown});
    out.make_room(bytes - shown);
    std::memset(out.end(), 0, bytes - shown);
    out.resize(out.size() + bytes - shown);
}

}  // namespace mq::record
