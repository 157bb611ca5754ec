// The records inside a batch of any magic and codec.
#pragma once

#include <span>

#include "base/buffer.h"
#include "record/batch.h"

namespace mq::record {

struct Header {
    ByteView key;
    NullableBytes value;
};

// A record as it lies in its batch: every view points into the batch, or into the reader's decompressed copy.
struct RecordView {
    Offset offset;
    TimestampMs timestamp = kNoTimestamp;  // LogAppendTime: the batch's maximum timestamp
    std::int64_t timestamp_delta = 0;      // as stored, whatever the timestamp type; v0 and v1: 0
    NullableBytes key;
    NullableBytes value;
    std::int32_t sequence = -1;
    std::int32_t header_count = 0;
    ByteView raw_headers;  // encoded; see HeaderReader
    std::int8_t magic = 2;
    // The CRC of a v0 or v1 message (each carries its own); of v2 absent.
    std::optional<std::uint32_t> message_crc;
    bool message_crc_valid = true;
};

// Walks raw_headers of a RecordView, which RecordReader has checked.
class HeaderReader {
public:
    explicit HeaderReader(const RecordView& record) : cursor_(record.raw_headers), left_(record.header_count) {}
    bool next(Header& header);

private:
    ByteCursor cursor_;
    std::int32_t left_;
};

inline constexpr std::size_t kDefaultDecompressedLimit = std::size_t{64} << 20;

// Iterates the records of one batch after another, reusing its memory. The batch's bytes must outlive the views.
// Checks every length against the bytes that are there; allocates only to decompress, at most `decompressed_limit`
// bytes. Does not verify the batch's CRC. Not thread-safe.
//
//     RecordReader reader;
//     MQ_TRY(reader.open(unit));
//     for (RecordView r; reader.next(r);) use(r);
//     MQ_TRY(reader.status());
class RecordReader {
public:
    explicit RecordReader(std::size_t decompressed_limit = kDefaultDecompressedLimit) : limit_(decompressed_limit) {}

    // `unit` holds exactly one unit. Errors: those of parse_batch_header, truncated (fewer bytes than the unit's
    // size), bad_argument (more), corrupt (stream or inner lengths), too_large (would decompress to more than the
    // limit). After an error there are no records.
    [[nodiscard]] Status open(ByteView unit);
    // False at the end, or when the bytes turn out to be malformed: status() tells.
    bool next(RecordView& record) {
        if (next_plain(record)) [[likely]]
            return true;
        if (!next_general()) return false;
        record = general_;
        return true;
    }
    // An error's position counts the bytes of the records after decompression: 0 is byte 61 of an uncompressed batch.
    [[nodiscard]] const Status& status() const { return status_; }
    [[nodiscard]] const BatchHeader& header() const { return header_; }
    // Bytes of the records after decompression.
    [[nodiscard]] std::size_t uncompressed_bytes() const { return records_.size(); }

private:
    // A record of magic 2 without headers whose lengths and deltas take one or two bytes (the offset delta three), as
    // nearly all do. False, with nothing changed, if it is not of that kind; then next_general decides. Inlined, and
    // `record` never leaves it, so that a caller pays only for the fields that it looks at.
    [[gnu::always_inline]] bool next_plain(RecordView& record);
    // Any other record, into general_.
    bool next_general();
    bool next_v2();
    bool next_legacy();
    Status open_v2(ByteView unit);
    Status open_legacy(ByteView unit);
    void set_position();
    bool read_headers(ByteCursor& body);
    [[gnu::cold]] bool stop(const char* what);

    // A plain record's lengths and deltas before its key: 2 + 1 + 2 + 3 + 2 bytes at most.
    static constexpr std::ptrdiff_t kLookAheadBytes = 10;

    std::size_t limit_;
    BatchHeader header_;
    ByteView records_;  // what next() walks
    const char* at_ = nullptr;
    const char* end_ = nullptr;
    const char* plain_end_ = nullptr;  // below it kLookAheadBytes can be read; null for magic 0 and 1
    std::int32_t left_ = 0;
    // timestamp = timestamp_base_ + (delta & timestamp_mask_), which serves both timestamp types.
    std::uint64_t timestamp_base_ = 0;
    std::uint64_t timestamp_mask_ = 0;
    bool is_legacy_ = false;
    bool is_wrapped_ = false;             // legacy: records_ came out of a compressed wrapper
    std::int64_t inner_base_offset_ = 0;  // legacy: what the inner offsets are relative to
    RecordView general_;
    Buffer scratch_;
    Status status_;
};

namespace record_detail {

// A varint of one or two bytes, which must be readable; moves `at`. False if it is longer.
[[gnu::always_inline]] inline bool read_short_varint(const char*& at, std::int64_t& value) {
    const auto first = static_cast<unsigned char>(at[0]);
    if (first < 0x80) {
        value = unzigzag(first);
        ++at;
        return true;
    }
    const auto second = static_cast<unsigned char>(at[1]);
    if (second >= 0x80) return false;
    value = unzigzag((first & 0x7fu) | static_cast<std::uint32_t>(second) << 7);
    at += 2;
    return true;
}

// The same of up to three bytes.
[[gnu::always_inline]] inline bool read_medium_varint(const char*& at, std::int64_t& value) {
    if (read_short_varint(at, value)) return true;
    const auto third = static_cast<unsigned char>(at[2]);
    if (third >= 0x80) return false;
    value = unzigzag((static_cast<unsigned char>(at[0]) & 0x7fu) | (static_cast<unsigned char>(at[1]) & 0x7fu) << 7 |
                     static_cast<std::uint32_t>(third) << 14);
    at += 3;
    return true;
}

}  // namespace record_detail

inline bool RecordReader::next_plain(RecordView& record) {
    using record_detail::read_short_varint;
    const char* at = at_;
    if (at >= plain_end_ || left_ == 0) [[unlikely]]
        return false;
    std::int64_t size = 0;
    if (!read_short_varint(at, size) || size < 0 || size > end_ - at) [[unlikely]]
        return false;
    const char* const end = at + size;
    ++at;  // attributes: none is defined
    std::int64_t timestamp_delta = 0;
    std::int64_t offset_delta = 0;
    std::int64_t key_size = 0;
    std::int64_t value_size = 0;
    if (!read_short_varint(at, timestamp_delta) || !record_detail::read_medium_varint(at, offset_delta) ||
        !read_short_varint(at, key_size)) [[unlikely]] {
        return false;
    }
    if (offset_delta < 0 || offset_delta > header_.last_offset_delta || key_size < -1) [[unlikely]]
        return false;
    const char* const key = at;
    const std::int64_t key_bytes = key_size > 0 ? key_size : 0;
    // Behind the key: the value's length, whose second byte may be the header count already.
    if (end - at - 2 < key_bytes) [[unlikely]]
        return false;
    at += key_bytes;
    if (!read_short_varint(at, value_size) || value_size < -1) [[unlikely]]
        return false;
    const char* const value = at;
    const std::int64_t value_bytes = value_size > 0 ? value_size : 0;
    if (end - at - 1 != value_bytes || value[value_bytes] != 0) [[unlikely]]
        return false;

    record.offset = header_.base_offset + offset_delta;
    record.timestamp_delta = timestamp_delta;
    record.timestamp =
        static_cast<TimestampMs>(timestamp_base_ + (static_cast<std::uint64_t>(timestamp_delta) & timestamp_mask_));
    if (key_size >= 0) {
        record.key.emplace(key, static_cast<std::size_t>(key_size));
    } else {
        record.key.reset();
    }
    if (value_size >= 0) {
        record.value.emplace(value, static_cast<std::size_t>(value_size));
    } else {
        record.value.reset();
    }
    record.sequence = add_sequence(header_.base_sequence, static_cast<std::int32_t>(offset_delta));
    record.header_count = 0;
    record.raw_headers = {};
    record.magic = static_cast<std::int8_t>(kMagicV2);
    record.message_crc.reset();
    record.message_crc_valid = true;
    at_ = end;
    --left_;
    return true;
}

}  // namespace mq::record
