// The codecs of Kafka's batches, in the framings that Kafka's clients write and read.
#pragma once

#include "base/buffer.h"
#include "record/batch.h"

namespace mq::record {

// Legal levels and the default of a codec; snappy and none have no level (min == max == 0).
struct LevelRange {
    int min;
    int max;
    int default_level;
};
[[nodiscard]] LevelRange level_range(Codec codec);

// Appends the compressed form of `in` to `out`. gzip: one RFC 1952 member; snappy: the stream of snappy-java
// with blocks of 32 KiB; lz4: a frame with independent blocks of 64 KiB; zstd: one frame.
// Errors: bad_argument (level), io (the codec failed; out is unchanged).
[[nodiscard]] Status compress(Codec codec, std::optional<int> level, ByteView in, Buffer& out);

// Appends the decompressed form of `in` to `out`. Memory grows with what is really there, whatever the stream
// says of its size. `magic` is that of the unit: the frame header checksum of lz4 is ignored for magic 0.
// Errors: corrupt, truncated, too_large (more than `limit_bytes` would come out); out is unchanged then.
[[nodiscard]] Status decompress(Codec codec, ByteView in, std::size_t limit_bytes, Buffer& out,
                                std::uint8_t magic = kMagicV2);

}  // namespace mq::record
