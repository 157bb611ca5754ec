// Batches of magic 2 written as the message sets that clients older than Kafka 0.11 read.
// Source of the format: org.apache.kafka.common.record.LegacyRecord and RecordsUtil (down-conversion).
#pragma once

#include "base/buffer.h"
#include "record/record.h"

namespace mq::record {

// Reuses its memory; not thread-safe. Headers, producers and transactions have no place in the old formats: they are
// dropped, and control batches with them.
class LegacyEncoder {
public:
    // `magic` 0 (no timestamps) or 1. `decompressed_limit`: of one batch's records, before and after.
    explicit LegacyEncoder(std::uint8_t magic, std::size_t decompressed_limit = kDefaultDecompressedLimit);

    // Appends one unit of any magic to `out`: as it is if it is no newer than `magic`; else a message for each record
    // from `first` on, or, if it is compressed, one wrapper of the same codec that holds all of them. Errors:
    // unsupported (zstd), and those of RecordReader; `out` is as before then.
    [[nodiscard]] Status append(ByteView unit, Offset first, Buffer& out);

private:
    [[nodiscard]] Status append_wrapper(Codec codec, Buffer& out);

    std::uint8_t magic_;
    std::size_t limit_;
    RecordReader reader_;
    Buffer inner_;
    Buffer compressed_;
};

// What Kafka fills up an answer with whose converted records are shorter than was announced: the beginning of a
// message that is longer than what is left, which clients take for one that was cut off.
void append_overflow_message(std::size_t bytes, Buffer& out);

}  // namespace mq::record
