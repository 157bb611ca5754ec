#include "record/compression.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include "bytes.h"

namespace mq::record {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
const std::string kText = "The quick brown fox jumps over the lazy dog, again and again and again and again.\n";
const std::vector<Codec> kCodecs{Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd};

std::string compressed(Codec codec, ByteView in, std::optional<int> level = {}) {
    Buffer out;
    const auto done = compress(codec, level, in, out);
    EXPECT_TRUE(done) << done.error().message();
    return std::string{out.view()};
}

Result<std::string> decompressed(Codec codec, ByteView in, std::size_t limit = kMiB, std::uint8_t magic = 2) {
    Buffer out;
    MQ_TRY(decompress(codec, in, limit, out, magic));
    return std::string{out.view()};
}

Errc code_of(Codec codec, ByteView in, std::size_t limit = kMiB) {
    const auto out = decompressed(codec, in, limit);
    EXPECT_FALSE(out) << out->size() << " bytes";
    return out ? Errc{} : out.error().code;
}

// Half text, half noise of a fixed linear congruential generator.
std::string mixed(std::size_t size) {
    std::string bytes;
    std::uint32_t x = 1;
    while (bytes.size() < size) {
        if ((x >> 20 & 1) != 0) bytes += kText;
        for (int i = 0; i < 64; ++i) bytes.push_back(static_cast<char>((x = x * 1664525 + 1013904223) >> 24));
    }
    bytes.resize(size);
    return bytes;
}

TEST(Compression, WhatTheStandardToolsWriteIsRead) {
    // gzip -1 with a file name in the header, gzip -9 without.
    EXPECT_EQ(decompressed(Codec::gzip, from_hex("1f8b0808ae21026b0403732e747874000bc94855282ccd4cce56482aca2fcf5348"
                                                 "cbaf50c82acd2d2856c82f4b2d5228014ae72456552aa4e4a7eb2824a62766e629"
                                                 "24e6a5e066e971010012a2b28552000000")),
              kText);
    const std::string gzip9 = from_hex(
        "1f8b08000000000002030bc94855282ccd4cce56482aca2fcf5348cbaf50c82acd2d2856c82f4b2d5228014ae72456552aa4e4a7eb28"
        "24"
        "a62766e62924e6a5e066e971010012a2b28552000000");
    EXPECT_EQ(decompressed(Codec::gzip, gzip9), kText);
    EXPECT_EQ(decompressed(Codec::gzip, gzip9 + gzip9), kText + kText) << "two members";
    // zstd of a file (size and checksum in the frame), and of a pipe (neither).
    EXPECT_EQ(
        decompressed(Codec::zstd, from_hex("28b52ffd2452050200840354686520717569636b2062726f776e20666f78206a756d"
                                           "7073206f76657220746865206c617a7920646f672c20616761696e20616e642e0a01"
                                           "0056bb4001ecf1a16d")),
        kText);
    const std::string zstd_pipe = from_hex(
        "28b52ffd0058050200840354686520717569636b2062726f776e20666f78206a756d7073206f76657220746865206c617a7920646f67"
        "2c"
        "20616761696e20616e642e0a010056bb4001");
    EXPECT_EQ(decompressed(Codec::zstd, zstd_pipe + zstd_pipe), kText + kText) << "two frames";
    EXPECT_EQ(decompressed(Codec::zstd, from_hex("502a4d18 03000000 aabbcc") + zstd_pipe), kText)
        << "skippable frame";
    // lz4 -BD (linked blocks), lz4 -B4 --no-frame-crc, lz4 -BX --content-size (sizes and checksums everywhere).
    const std::string block =
        "41000000ff2754686520717569636b2062726f776e20666f78206a756d7073206f76657220746865206c617a7920646f672c20"
        "616761696e20616e640a00045061696e2e0a";
    EXPECT_EQ(decompressed(Codec::lz4, from_hex("04224d186440a7" + block + "0000000048ca455f")), kText);
    EXPECT_EQ(decompressed(Codec::lz4, from_hex("04224d18604082" + block + "00000000")), kText);
    EXPECT_EQ(
        decompressed(Codec::lz4, from_hex("04224d187c405200000000000000e1" + block + "931a459700000000 48ca455f")),
        kText);
}

// Hand-made from the description of the snappy format: length 16, literal "abcd", copy of 11 from 4 back, literal
// "d".
const std::string kSnappyBlock = from_hex("10 0c 61626364 1d04 00 64");
const std::string kSnappyText = "abcdabcdabcdabcd";
const std::string kSnappyStreamHeader = from_hex("82534e41505059 00 00000001 00000001");

TEST(Compression, SnappyIsReadAsABareBlockAsAStreamAndAsStreamsInARow) {
    const std::string chunk = from_hex("0000000a") + kSnappyBlock;
    EXPECT_EQ(decompressed(Codec::snappy, kSnappyBlock), kSnappyText);
    EXPECT_EQ(decompressed(Codec::snappy, kSnappyStreamHeader + chunk), kSnappyText);
    EXPECT_EQ(decompressed(Codec::snappy, kSnappyStreamHeader + chunk + chunk), kSnappyText + kSnappyText);
    EXPECT_EQ(decompressed(Codec::snappy, kSnappyStreamHeader + chunk + kSnappyStreamHeader + chunk),
              kSnappyText + kSnappyText);
}

TEST(Compression, StreamsHaveTheHeadersThatKafkasReadersExpect) {
    const std::string text = mixed(100'000);
    EXPECT_EQ(compressed(Codec::gzip, text).substr(0, 4), from_hex("1f8b0800"));
    EXPECT_EQ(compressed(Codec::zstd, text).substr(0, 4), from_hex("28b52ffd"));
    // Version 1, independent blocks, no checksums or sizes; blocks of 64 KiB; the header checksum that goes with it.
    EXPECT_EQ(compressed(Codec::lz4, text).substr(0, 7), from_hex("04224d18 60 40 82"));
    const std::string snappy = compressed(Codec::snappy, text);
    EXPECT_EQ(snappy.substr(0, 16), kSnappyStreamHeader);
    // 100,000 = 3 * 32,768 + 1,696: each block begins with its plain length as a varint.
    std::vector<std::string> plain_lengths;
    for (std::size_t at = 16; at < snappy.size(); at += 4 + load_be<std::uint32_t>(snappy.data() + at)) {
        plain_lengths.push_back(snappy.substr(at + 4, plain_lengths.size() < 3 ? 3 : 2));
    }
    const std::string full = from_hex("808002");
    EXPECT_EQ(plain_lengths, (std::vector<std::string>{full, full, full, from_hex("a00d")}));
}

TEST(Compression, EveryLevelOfEveryCodecIsReadBack) {
    const std::string text = mixed(70'000);
    for (const Codec codec : kCodecs) {
        const LevelRange range = level_range(codec);
        for (int level = std::max(range.min, -5); level <= range.max; ++level) {
            EXPECT_TRUE(decompressed(codec, compressed(codec, text, level)) == text) << to_string(codec) << level;
        }
        EXPECT_TRUE(decompressed(codec, compressed(codec, text, range.min)) == text);
        Buffer out;
        EXPECT_EQ(compress(codec, range.max + 1, text, out).error().code, Errc::bad_argument);
        EXPECT_EQ(compress(codec, range.min - 1, text, out).error().code, Errc::bad_argument);
        EXPECT_TRUE(out.empty());
    }
}

TEST(Compression, OutputIsAppendedAndUnchangedByAnError) {
    for (const Codec codec : kCodecs) {
        Buffer out;
        out.append("before");
        ASSERT_TRUE(decompress(codec, compressed(codec, kText), kMiB, out));
        EXPECT_EQ(out.view(), "before" + kText);
        EXPECT_FALSE(decompress(codec, compressed(codec, mixed(5000)), 4000, out));
        EXPECT_EQ(out.view(), "before" + kText);
    }
}

TEST(Compression, TheLimitIsExact) {
    for (const Codec codec : kCodecs) {
        SCOPED_TRACE(to_string(codec));
        for (const std::size_t size : {1u, 1000u, 32768u, 65536u, 65537u, 300'000u}) {
            const std::string text = mixed(size);
            const std::string stream = compressed(codec, text);
            EXPECT_TRUE(decompressed(codec, stream, size) == text);
            EXPECT_EQ(code_of(codec, stream, size - 1), Errc::too_large);
            EXPECT_EQ(code_of(codec, stream, size / 2), Errc::too_large);
            EXPECT_EQ(code_of(codec, stream, 0), Errc::too_large);
        }
    }
}

// As a streaming writer leaves it: no content size in the frame, blocks cut by flushes.
std::string zstd_stream(ByteView text, int level) {
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
    std::string out(ZSTD_compressBound(text.size()) + 10'000, '\0');
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    for (std::size_t at = 0; at < text.size(); at += 3000) {
        const ByteView part = text.substr(at, 3000);
        ZSTD_inBuffer from{part.data(), part.size(), 0};
        ZSTD_compressStream2(context, &to, &from, at % 4 == 0 ? ZSTD_e_flush : ZSTD_e_continue);
    }
    ZSTD_inBuffer none{nullptr, 0, 0};
    EXPECT_EQ(ZSTD_compressStream2(context, &to, &none, ZSTD_e_end), 0u);
    ZSTD_freeCCtx(context);
    out.resize(to.pos);
    return out;
}

TEST(Compression, AZstdStreamWithoutASizeIsTooLargeAtEverySmallerLimit) {
    const std::string text = mixed(20'000) + std::string(20'000, 'z') + mixed(3000);
    for (const int level : {1, 3, 22}) {
        const std::string stream = zstd_stream(text, level);
        for (std::size_t limit = 0; limit < text.size(); limit += 97) {
            ASSERT_EQ(code_of(Codec::zstd, stream, limit), Errc::too_large) << limit;
        }
        EXPECT_TRUE(decompressed(Codec::zstd, stream, text.size()) == text);
    }
}

TEST(Compression, ABombIsTooLargeAndCostsNoMoreMemoryThanTheLimit) {
    const std::string zeros(64 * kMiB, '\0');
    for (const Codec codec : kCodecs) {
        SCOPED_TRACE(to_string(codec));
        const std::string bomb = compressed(codec, zeros);
        Buffer out;
        EXPECT_EQ(decompress(codec, bomb, kMiB, out).error().code, Errc::too_large);
        EXPECT_LE(out.capacity(), kMiB);
        EXPECT_EQ(decompress(codec, bomb, 64 * kMiB - 1, out).error().code, Errc::too_large);
        EXPECT_LE(out.capacity(), 64 * kMiB - 1);
    }
    // 2 GiB from 64 KiB of blocks that repeat one byte: 32,768 to 1.
    std::string blocks = from_hex("28b52ffd 00 58");
    for (int i = 0; i < 16'384; ++i) blocks += from_hex("020010 00");  // 128 KiB of one byte, not the last block
    blocks += from_hex("010000");                                      // an empty last block
    Buffer out;
    EXPECT_EQ(decompress(Codec::zstd, blocks, kMiB, out).error().code, Errc::too_large);
    EXPECT_LE(out.capacity(), kMiB);
}

TEST(Compression, SizesThatLieAreRefusedBeforeAnyMemoryIsSpent) {
    const auto expect_refused = [](Codec codec, const std::string& stream, Errc code) {
        SCOPED_TRACE(to_string(codec));
        Buffer out;
        EXPECT_EQ(decompress(codec, stream, 64 * kMiB, out).error().code, code);
        EXPECT_LE(out.capacity(), 64 * 1024u);
    };
    // gzip: the size field says 4 GiB - 1 (checksummed after the fact, so corrupt).
    std::string gzip = compressed(Codec::gzip, kText);
    store_le(gzip.data() + gzip.size() - 4, std::uint32_t{0xffffffff});
    expect_refused(Codec::gzip, gzip, Errc::corrupt);
    // snappy: a block of ten bytes says 4 GiB - 1, and 32 MiB.
    expect_refused(Codec::snappy, from_hex("ffffffff0f 0c 61626364"), Errc::too_large);
    expect_refused(Codec::snappy, from_hex("80808010 0c 61626364"), Errc::corrupt);
    expect_refused(Codec::snappy, kSnappyStreamHeader + from_hex("7fffffff 00"), Errc::truncated);
    expect_refused(Codec::snappy, kSnappyStreamHeader + from_hex("ffffffff 00"), Errc::corrupt);
    // zstd: a content size of 2^62 with a real block of four bytes, and one of 32 MiB.
    expect_refused(Codec::zstd, from_hex("28b52ffd e0 0000000000000040 210000 61626364"), Errc::too_large);
    expect_refused(Codec::zstd, from_hex("28b52ffd a0 00000002 210000 61626364"), Errc::corrupt);
    // zstd: a window of 2 TiB (the library's own end) and of 2 GiB, which needs no memory here.
    expect_refused(Codec::zstd, from_hex("28b52ffd 00 f8 210000 61626364"), Errc::corrupt);
    EXPECT_EQ(decompressed(Codec::zstd, from_hex("28b52ffd 00 a8 210000 61626364")), "abcd");
}

TEST(Compression, EveryTruncationIsAnErrorOrAPrefixThatEndsWithABlock) {
    const std::string text = mixed(3000);
    for (const Codec codec : kCodecs) {
        const std::string stream = compressed(codec, text);
        for (std::size_t size = 0; size < stream.size(); ++size) {
            const auto out = decompressed(codec, ByteView{stream}.substr(0, size));
            // Java's snappy stream has no end mark: its bare header is an empty stream.
            const bool is_bare_header = codec == Codec::snappy && size == kSnappyStreamHeader.size();
            EXPECT_EQ(out.has_value(), is_bare_header) << to_string(codec) << " cut to " << size;
            EXPECT_TRUE(out || out.error().code == Errc::truncated || out.error().code == Errc::corrupt);
        }
    }
}

TEST(Compression, AFlippedBitGivesAnErrorOrBytesWithinTheLimit) {
    const std::string text = mixed(700);
    for (const Codec codec : kCodecs) {
        std::string stream = compressed(codec, text);
        for (std::size_t bit = 0; bit < stream.size() * 8; ++bit) {
            stream[bit / 8] = static_cast<char>(stream[bit / 8] ^ (1 << bit % 8));
            EXPECT_LE(decompressed(codec, stream, 10'000).value_or("").size(), 10'000u);
            stream[bit / 8] = static_cast<char>(stream[bit / 8] ^ (1 << bit % 8));
        }
        EXPECT_TRUE(decompressed(codec, stream) == text);
    }
}

TEST(Compression, RubbishBehindAStreamIsCorrupt) {
    for (const Codec codec : kCodecs) {
        EXPECT_FALSE(decompressed(codec, compressed(codec, kText) + "rubbish that is no stream")) << to_string(codec);
        EXPECT_FALSE(decompressed(codec, "")) << to_string(codec);
        EXPECT_FALSE(decompressed(codec, "rubbish that is no stream")) << to_string(codec);
    }
}

TEST(Compression, TheHeaderChecksumOfLz4IsIgnoredForMagic0Only) {
    std::string stream = compressed(Codec::lz4, kText);
    stream[6] = static_cast<char>(stream[6] ^ 0x55);
    EXPECT_EQ(decompressed(Codec::lz4, stream, kMiB, 0), kText);
    EXPECT_EQ(decompressed(Codec::lz4, stream + stream, kMiB, 0), kText + kText);
    EXPECT_EQ(decompressed(Codec::lz4, stream, kMiB, 1).error().code, Errc::corrupt);
    EXPECT_EQ(decompressed(Codec::lz4, stream, kMiB, 2).error().code, Errc::corrupt);
    // With the content size in the header: bytes of the lz4 tool, checksum spoilt.
    const std::string sized = from_hex(
        "04224d187c40520000000000000000 "
        "41000000ff2754686520717569636b2062726f776e20666f78206a756d7073206f76657220746865"
        "206c617a7920646f672c20616761696e20616e640a00045061696e2e0a931a45970000000048ca455f");
    EXPECT_EQ(decompressed(Codec::lz4, sized, kMiB, 0), kText);
    for (std::size_t size = 0; size < stream.size(); ++size) {
        EXPECT_FALSE(decompressed(Codec::lz4, ByteView{stream}.substr(0, size), kMiB, 0)) << size;
    }
}

TEST(Compression, NoneCopiesWithinTheLimit) {
    EXPECT_EQ(compressed(Codec::none, kText), kText);
    EXPECT_EQ(decompressed(Codec::none, kText), kText);
    EXPECT_EQ(code_of(Codec::none, kText, 3), Errc::too_large);
}

}  // namespace
}  // namespace mq::record
