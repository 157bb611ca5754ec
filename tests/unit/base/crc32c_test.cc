#include "base/crc32c.h"

#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <string>

#include "support/scale.h"

namespace mq {
namespace {

struct Named {
    const char* name;
    crc32c_detail::Fn fn;
};

std::vector<Named> implementations() {
    std::vector<Named> all{{"portable", &crc32c_detail::portable}, {"chosen", &crc32c}};
    if (crc32c_detail::sse42() != nullptr) all.push_back({"sse4.2", crc32c_detail::sse42()});
    if (crc32c_detail::isal() != nullptr) all.push_back({"isal", crc32c_detail::isal()});
    return all;
}

std::string noise(std::size_t size) {
    std::mt19937_64 random{test::test_seed()};
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
}

// The definition, a bit at a time: the Castagnoli polynomial 0x1edc6f41, reflected.
std::uint32_t by_definition(ByteView bytes) {
    std::uint32_t crc = 0xffffffff;
    for (const char byte : bytes) {
        crc ^= static_cast<unsigned char>(byte);
        for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
    }
    return ~crc;
}

TEST(Crc32c, MatchesThePublishedCheckValueAndRfc3720) {
    std::string ascending(32, '\0');
    std::iota(ascending.begin(), ascending.end(), '\0');
    const std::string descending{ascending.rbegin(), ascending.rend()};
    for (const auto& [name, fn] : implementations()) {
        SCOPED_TRACE(name);
        EXPECT_EQ(fn("123456789", 0), 0xe3069283u);
        EXPECT_EQ(fn(std::string(32, '\0'), 0), 0x8a9136aau);
        EXPECT_EQ(fn(std::string(32, '\xff'), 0), 0x62a8ab43u);
        EXPECT_EQ(fn(ascending, 0), 0x46dd794eu);
        EXPECT_EQ(fn(descending, 0), 0x113fdb5cu);
        EXPECT_EQ(fn("", 0), 0u);
    }
}

// The machines that this is built for have both; were one absent, its comparison below would prove nothing.
TEST(Crc32c, HardwareImplementationsArePresentOnX86) {
#if defined(__x86_64__)
    EXPECT_NE(crc32c_detail::isal(), nullptr) << "libisal.so.2 cannot be loaded";
    EXPECT_EQ(crc32c_detail::sse42() != nullptr, __builtin_cpu_supports("sse4.2") != 0);
#endif
}

TEST(Crc32c, EveryShortLengthAtEveryAlignmentMatchesTheDefinition) {
    const std::string bytes = noise(300);
    for (const auto& [name, fn] : implementations())
        for (std::size_t start = 0; start < 8; ++start)
            for (std::size_t size = 0; size + start < bytes.size(); ++size) {
                const ByteView part = ByteView{bytes}.substr(start, size);
                ASSERT_EQ(fn(part, 0), by_definition(part)) << name << " start " << start << " size " << size;
            }
}

// Past 64 KiB, so that each boundary of blocks and of the choice by size is crossed, with every remainder of 8.
TEST(Crc32c, LengthsTo70000MatchTheDefinition) {
    const std::string bytes = noise(70'001);
    std::uint32_t crc = 0xffffffff;
    const auto all = implementations();
    const std::size_t step = test::is_long_run() ? 1 : 13;
    for (std::size_t size = 0; size <= 70'000; ++size) {
        // `crc` is by_definition of the first `size` bytes, carried along.
        for (const auto& [name, fn] : all) {
            if (size % step != 0) break;
            ASSERT_EQ(fn(ByteView{bytes}.substr(0, size), 0), ~crc) << name << " " << size;
        }
        crc ^= static_cast<unsigned char>(bytes[size]);
        for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
    }
}

TEST(Crc32c, SeedContinuesTheChecksumOfEarlierBytes) {
    const std::string bytes = noise(70'000);
    const std::uint32_t whole = by_definition(bytes);
    for (const auto& [name, fn] : implementations())
        for (std::size_t cut = 0; cut <= bytes.size(); cut += 997) {
            const ByteView view{bytes};
            ASSERT_EQ(fn(view.substr(cut), fn(view.substr(0, cut), 0)), whole) << name << " cut at " << cut;
        }
}

}  // namespace
}  // namespace mq
