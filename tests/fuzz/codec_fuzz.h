// One codec over any bytes: as a stream to decompress, and as text to compress.
#pragma once

#include "fuzz_input.h"
#include "record/compression.h"

namespace mq::fuzz {

inline void codec_one_input(record::Codec codec, ByteView bytes) {
    constexpr std::size_t kLimitBytes = 1 << 20;
    for (const std::uint8_t magic : {0, 2}) {
        Buffer out;
        const auto done = record::decompress(codec, bytes, kLimitBytes, out, magic);
        MQ_ASSERT(out.size() <= kLimitBytes && out.capacity() <= kLimitBytes);
        MQ_ASSERT(done || out.empty());
    }
    // Also after a stream that failed: nothing of it may be left in the codec.
    Buffer stream;
    MQ_ASSERT(record::compress(codec, {}, bytes, stream));
    Buffer text;
    MQ_ASSERT(record::decompress(codec, stream.view(), bytes.size(), text));
    MQ_ASSERT(text.view() == bytes);
}

}  // namespace mq::fuzz
