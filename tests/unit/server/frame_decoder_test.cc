// RELIABILITY row 29, without a network.
#include "server/frame_decoder.h"

#include <gtest/gtest.h>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "support/scale.h"

namespace mq::server {
namespace {

constexpr std::size_t kMax = 104'857'600;

std::string frame_of(const std::string& payload) {
    std::string bytes(4, '\0');
    store_be(bytes.data(), static_cast<std::int32_t>(payload.size()));
    return bytes + payload;
}

// A request for the eyes of the decoder: key 0 in front, then bytes that differ from frame to frame.
std::string payload_of(std::size_t size, char seed) {
    std::string payload(size, '\0');
    for (std::size_t i = 2; i < size; ++i) payload[i] = static_cast<char>(seed + static_cast<char>(i * 7));
    return payload;
}

// As a connection does: what the decoder has room for goes there, what follows lies in a piece of its own.
std::vector<std::string> decode_in_pieces(std::string_view stream, FrameDecoder& decoder, std::mt19937& random,
                                          std::size_t largest) {
    std::vector<std::string> frames;
    while (!stream.empty()) {
        std::size_t count = std::min<std::size_t>(stream.size(), 1 + random() % largest);
        const auto room = decoder.room();
        const std::size_t in_room = std::min(room.size(), count);
        // What is behind it comes only once the frame is whole.
        if (room.size() < decoder.missing_bytes() && in_room > 0) count = in_room;
        if (in_room > 0) std::memcpy(room.data(), stream.data(), in_room);
        decoder.filled(in_room);
        const auto piece = std::make_shared<std::string>(stream.substr(in_room, count - in_room));
        stream.remove_prefix(count);
        Slice input{{piece->data(), piece->size()}, piece};
        for (;;) {
            auto frame = decoder.next(input);
            if (!frame) throw std::runtime_error{frame.error().message()};
            if (!*frame) break;
            frames.emplace_back((*frame)->view());
        }
        EXPECT_TRUE(input.bytes.empty());
    }
    return frames;
}

TEST(FrameDecoder, HoweverAStreamIsCutTheFramesAreTheSame) {
    std::vector<std::string> payloads;
    char seed = 0;
    for (const std::size_t size : {0u, 1u, 7u, 8u, 9u, 1000u, 0u, 40'000u, 3u, 200'000u, 1'000'000u, 12u, 33'000u})
        payloads.push_back(payload_of(size, ++seed));
    std::string stream;
    for (const std::string& payload : payloads) stream += frame_of(payload);
    std::mt19937 random{static_cast<unsigned>(test::test_seed())};
    for (const std::size_t largest : {1u, 3u, 100u, 5'000u, 70'000u, 2'000'000u}) {
        FrameDecoder decoder{kMax};
        EXPECT_TRUE(decode_in_pieces(stream, decoder, random, largest) == payloads)
            << "pieces of up to " << largest << ", seed " << test::test_seed();
        EXPECT_FALSE(decoder.has_begun());
        EXPECT_EQ(decoder.begun(), payloads.size());
    }
}

TEST(FrameDecoder, AFrameThatCameWholeIsNotCopied) {
    const auto bytes = std::make_shared<std::string>(frame_of(payload_of(100, 1)) + frame_of(payload_of(50, 2)));
    Slice input{{bytes->data(), bytes->size()}, bytes};
    FrameDecoder decoder{kMax};
    const auto first = decoder.next(input);
    ASSERT_TRUE(first && *first);
    EXPECT_EQ((*first)->bytes.data(), bytes->data() + 4);
    const auto second = decoder.next(input);
    ASSERT_TRUE(second && *second);
    EXPECT_EQ((*second)->bytes.data(), bytes->data() + 108);
    EXPECT_EQ((*second)->keeps, bytes);
}

TEST(FrameDecoder, LengthsThatCannotBeAreToldByTheirFourthByte) {
    const auto decode = [](std::int32_t length) {
        std::string bytes(4, '\0');
        store_be(bytes.data(), length);
        FrameDecoder decoder{kMax};
        for (int i = 0; i < 3; ++i) {
            Slice input{{&bytes[static_cast<std::size_t>(i)], 1}, nullptr};
            EXPECT_FALSE(decoder.next(input).value());
        }
        Slice input{{&bytes[3], 1}, nullptr};
        return decoder.next(input);
    };
    EXPECT_EQ(decode(-1).error().code, Errc::corrupt);
    EXPECT_EQ(decode(std::numeric_limits<std::int32_t>::min()).error().code, Errc::corrupt);
    EXPECT_EQ(decode(static_cast<std::int32_t>(kMax) + 1).error().code, Errc::too_large);
    EXPECT_EQ(decode(std::numeric_limits<std::int32_t>::max()).error().code, Errc::too_large);
    EXPECT_FALSE(decode(static_cast<std::int32_t>(kMax)).value());
    EXPECT_TRUE(decode(0).value());
}

TEST(FrameDecoder, WhatIsNoRequestIsNotWaitedForToItsEnd) {
    FrameDecoder decoder{kMax};
    // 16 MiB are announced, of a request with key 12,345.
    std::string bytes{"\x01\0\0\0\x30\x39", 6};
    Slice input{{bytes.data(), bytes.size()}, nullptr};
    const auto frame = decoder.next(input);
    ASSERT_FALSE(frame);
    EXPECT_NE(frame.error().message().find("12345"), std::string::npos);
}

TEST(FrameDecoder, SaysWhatTheBytesOfAnotherProtocolLookLike) {
    const auto told = [](std::string bytes) {
        Slice input{{bytes.data(), bytes.size()}, nullptr};
        FrameDecoder decoder{kMax};
        return decoder.next(input).error().message();
    };
    EXPECT_NE(told("GET / HTTP/1.1\r\n").find("looks like HTTP"), std::string::npos);
    EXPECT_NE(told("POST /topics").find("looks like HTTP"), std::string::npos);
    // RFC 8446: handshake, legacy version 3.1, 512 bytes, ClientHello.
    EXPECT_NE(told("\x16\x03\x01\x02\x00\x01").find("looks like TLS"), std::string::npos);
    EXPECT_NE(told("SSH-2.0-OpenSSH_9.2").find("looks like SSH"), std::string::npos);
    EXPECT_EQ(told("\x7fzzz").find("looks like"), std::string::npos);
}

TEST(FrameDecoder, KnowsWhetherTheHeaderOfWhatBeganIsThere) {
    FrameDecoder decoder{kMax};
    std::string stream = frame_of(payload_of(100, 1));
    for (std::size_t i = 0; i < stream.size() - 1; ++i) {
        Slice input{{&stream[i], 1}, nullptr};
        ASSERT_FALSE(decoder.next(input).value());
        EXPECT_TRUE(decoder.has_begun());
        EXPECT_EQ(decoder.has_header(), i + 1 >= 12) << i;
        if (i >= 3) {
            EXPECT_EQ(decoder.missing_bytes(), stream.size() - 1 - i);
        }
    }
}

}  // namespace
}  // namespace mq::server
