// The records inside a batch of any magic and codec.
#pragma once

#include <span>
#include <string>

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
    bool next(RecordView& record) { return is_legacy_ ? next_legacy(record) : next_v2(record); }
    [[nodiscard]] const Status& status() const { return status_; }
    [[nodiscard]] const BatchHeader& header() const { return header_; }
    // Bytes of the records after decompression.
    [[nodiscard]] std::size_t uncompressed_bytes() const { return records_.size(); }

private:
    bool next_v2(RecordView& record);
    bool next_legacy(RecordView& record);
    Status open_v2(ByteView unit);
    Status open_legacy(ByteView unit);
    // The record's headers, whose count starts at `at`: a count other than zero, or an over-long one.
    bool read_headers(const char* at, const char* end, RecordView& record);
    bool stop(std::string detail);
    bool finish_v2();

    std::size_t limit_;
    BatchHeader header_;
    ByteView records_;  // what next() walks
    const char* at_ = nullptr;
    const char* end_ = nullptr;
    std::int32_t left_ = 0;
    bool is_legacy_ = false;
    bool is_wrapped_ = false;             // legacy: records_ came out of a compressed wrapper
    std::int64_t inner_base_offset_ = 0;  // legacy: what the inner offsets are relative to
    Buffer scratch_;
    Status status_;
};

namespace record_detail {

// Reads a varint at `at`, which it moves; nullptr if it is over-long or runs into `end`.
const char* read_long_varint(const char* at, const char* end, std::int64_t& value);

// Lengths and deltas of ordinary records take one byte or two.
inline const char* read_varint(const char* at, const char* end, std::int64_t& value) {
    if (at < end && static_cast<signed char>(*at) >= 0) [[likely]] {
        value = unzigzag(static_cast<unsigned char>(*at));
        return at + 1;
    }
    if (end - at >= 2 && static_cast<signed char>(at[1]) >= 0) [[likely]] {
        value = unzigzag((static_cast<std::uint64_t>(at[0]) & 0x7f) | static_cast<std::uint64_t>(at[1]) << 7);
        return at + 2;
    }
    return read_long_varint(at, end, value);
}

// A length and as many bytes; -1 is null. nullptr if they are not all there.
inline const char* read_nullable(const char* at, const char* end, NullableBytes& bytes) {
    std::int64_t size = 0;
    at = read_varint(at, end, size);
    if (at == nullptr) return nullptr;
    if (size < 0) {
        bytes.reset();
        return size == -1 ? at : nullptr;
    }
    if (size > end - at) return nullptr;
    bytes.emplace(at, static_cast<std::size_t>(size));
    return at + size;
}

}  // namespace record_detail

inline bool RecordReader::next_v2(RecordView& record) {
    using record_detail::read_varint;
    if (left_ == 0) return finish_v2();
    std::int64_t size = 0;
    const char* at = read_varint(at_, end_, size);
    // The smallest record: attributes, two deltas, two lengths and a header count of a byte each.
    if (at == nullptr || size < 6 || size > end_ - at) return stop("record length");
    const char* const end = at + size;
    ++at;  // attributes: none is defined
    std::int64_t timestamp_delta = 0;
    std::int64_t offset_delta = 0;
    at = read_varint(at, end, timestamp_delta);
    if (at != nullptr) at = read_varint(at, end, offset_delta);
    if (at == nullptr || offset_delta < 0 || offset_delta > header_.last_offset_delta) return stop("record delta");
    at = record_detail::read_nullable(at, end, record.key);
    if (at == nullptr) return stop("key length");
    at = record_detail::read_nullable(at, end, record.value);
    if (at == nullptr) return stop("value length");
    if (end - at == 1 && *at == 0) [[likely]] {
        record.header_count = 0;
        record.raw_headers = {};
    } else if (!read_headers(at, end, record)) {
        return false;
    }
    record.offset = header_.base_offset + offset_delta;
    record.timestamp_delta = timestamp_delta;
    // Wraps as in Java: any two timestamps are representable.
    record.timestamp = header_.timestamp_type() == TimestampType::log_append_time
                           ? header_.max_timestamp
                           : static_cast<TimestampMs>(static_cast<std::uint64_t>(header_.base_timestamp) +
                                                      static_cast<std::uint64_t>(timestamp_delta));
    record.sequence = add_sequence(header_.base_sequence, static_cast<std::int32_t>(offset_delta));
    record.magic = static_cast<std::int8_t>(kMagicV2);
    record.message_crc.reset();
    record.message_crc_valid = true;
    at_ = end;
    --left_;
    return true;
}

}  // namespace mq::record
