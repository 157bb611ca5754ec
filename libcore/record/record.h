// The records inside a batch of any magic and codec.
#pragma once

#include <span>
#include <vector>

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
    NullableBytes key;
    NullableBytes value;
    std::int32_t sequence = -1;
    std::int32_t header_count = 0;
    ByteView raw_headers;                  // encoded; see HeaderReader
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

    // `unit` holds exactly one unit. Errors: those of parse_batch_header, truncated, corrupt (stream or inner
    // lengths), too_large (would decompress to more than the limit).
    [[nodiscard]] Status open(ByteView unit);
    // False at the end, or when the bytes turn out to be malformed: status() tells.
    bool next(RecordView& record);
    [[nodiscard]] const Status& status() const { return status_; }
    [[nodiscard]] const BatchHeader& header() const { return header_; }
    // Bytes of the records after decompression.
    [[nodiscard]] std::size_t uncompressed_bytes() const { return records_.size(); }

private:
    bool next_v2(RecordView& record);
    bool next_legacy(RecordView& record);

    std::size_t limit_;
    BatchHeader header_;
    ByteView records_;
    ByteCursor cursor_{ByteView{}};
    std::int32_t left_ = 0;
    std::int64_t legacy_base_offset_ = 0;
    bool legacy_wrapped_ = false;
    Buffer scratch_;
    Status status_;
};

}  // namespace mq::record
