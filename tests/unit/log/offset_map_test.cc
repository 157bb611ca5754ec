#include "log/offset_map.h"

#include <gtest/gtest.h>

#include <string>

namespace mq::log {
namespace {

constexpr std::array<std::uint64_t, 2> kSecret{0x0706050403020100, 0x0f0e0d0c0b0a0908};

std::string hex_of(const KeyHash& hash) {
    std::string hex;
    for (const std::uint64_t half : {hash.low, hash.high})
        for (int i = 0; i < 8; ++i) {
            char two[3];
            std::snprintf(two, sizeof two, "%02X", static_cast<unsigned>(half >> (8 * i) & 0xff));
            hex += two;
        }
    return hex;
}

// The vectors of the authors' reference implementation: key 00 01 .. 0f, input of n bytes 00 01 .. n - 1.
TEST(SipHash, PublishedVectors) {
    const std::pair<std::size_t, const char*> vectors[] = {
        {0, "A3817F04BA25A8E66DF67214C7550293"},  {1, "DA87C1D86B99AF44347659119B22FC45"},
        {7, "A1F1EBBED8DBC153C0B84AA61FF08239"},  {8, "3B62A9BA6258F5610F83E264F31497B4"},
        {15, "5493E99933B0A8117E08EC0F97CFC3D9"}, {16, "6EE2A4CA67B054BBFD3315BF85230577"},
        {63, "5150D1772F50834A503E069A973FBD7C"}};
    for (const auto& [size, expected] : vectors) {
        std::string input;
        for (std::size_t i = 0; i < size; ++i) input.push_back(static_cast<char>(i));
        EXPECT_EQ(hex_of(sip_hash_128(kSecret, input)), expected) << size;
    }
}

TEST(OffsetMap, KeepsTheLastOffsetOfEachOfManyKeys) {
    OffsetMap map{std::size_t{64} << 20, 0.9, kSecret};
    for (int round = 0; round < 2; ++round)
        for (int i = 0; i < 100'000; ++i)
            ASSERT_TRUE(map.put("key" + std::to_string(i), Offset{round * 1'000'000 + i}));
    EXPECT_EQ(map.size(), 100'000u);
    for (int i = 0; i < 100'000; ++i) ASSERT_EQ(map.find("key" + std::to_string(i)), Offset{1'000'000 + i});
    EXPECT_EQ(map.find("other"), std::nullopt);
    EXPECT_EQ(map.find(""), std::nullopt);
}

TEST(OffsetMap, TakesMemoryOnlyForTheKeysThatArePut) {
    OffsetMap map{std::size_t{128} << 20, 0.9, kSecret};
    EXPECT_EQ(map.memory_bytes(), 0u);
    for (int i = 0; i < 1'000'000; ++i) ASSERT_TRUE(map.put(std::to_string(i % 10), Offset{i}));
    EXPECT_LE(map.memory_bytes(), 64u * 1024);
}

// 240 bytes are 10 slots, of which 0.9 may be used.
TEST(OffsetMap, RefusesAKeyTooManyAndStillTakesKnownOnes) {
    OffsetMap map{240, 0.9, kSecret};
    EXPECT_EQ(map.max_keys(), 9u);
    for (int i = 0; i < 9; ++i) ASSERT_TRUE(map.put(std::to_string(i), Offset{i}));
    EXPECT_FALSE(map.put("9", Offset{9}));
    EXPECT_EQ(map.find("9"), std::nullopt);
    EXPECT_TRUE(map.put("4", Offset{10}));
    EXPECT_EQ(map.find("4"), Offset{10});
    EXPECT_LE(map.memory_bytes(), 240u);
}

TEST(OffsetMap, HoldsOneKeyHoweverSmallItIs) {
    OffsetMap map{0, 0.9, kSecret};
    EXPECT_TRUE(map.put("a", Offset{1}));
    EXPECT_FALSE(map.put("b", Offset{2}));
    EXPECT_EQ(map.find("a"), Offset{1});
}

}  // namespace
}  // namespace mq::log
