#include "base/bytes.h"

#include <gtest/gtest.h>
#include <limits>
#include <random>

#include "support/scale.h"

namespace mq {
namespace {

using namespace std::string_literals;

TEST(BigEndian, StoresTheMostSignificantByteFirst) {
    std::string out;
    append_be<std::int8_t>(out, -2);
    append_be<std::int16_t>(out, 0x0102);
    append_be<std::uint32_t>(out, 0x8a9136aa);
    append_be<std::int64_t>(out, -1);
    EXPECT_EQ(out, "\xfe\x01\x02\x8a\x91\x36\xaa\xff\xff\xff\xff\xff\xff\xff\xff"s);
}

TEST(BigEndian, LoadReadsAtAnyAlignment) {
    const std::string bytes = "x\x01\x02\x03\x04\x05\x06\x07\x88"s;
    EXPECT_EQ(load_be<std::int64_t>(bytes.data() + 1), 0x0102030405060788);
    EXPECT_EQ(load_be<std::uint32_t>(bytes.data() + 5), 0x05060788u);
    EXPECT_EQ(load_be<std::int16_t>(bytes.data() + 7), 0x0788);
    EXPECT_EQ(load_be<std::int8_t>(bytes.data() + 8), -120);
    EXPECT_EQ(load_le<std::uint32_t>(bytes.data() + 1), 0x04030201u);
}

struct Vector {
    std::int64_t value;
    std::string bytes;
};

// Worked out by hand from the definition: zig-zag, then seven bits a byte, lowest first.
const Vector kVarints[] = {
    {0, "\x00"s},
    {-1, "\x01"s},
    {1, "\x02"s},
    {63, "\x7e"s},
    {-64, "\x7f"s},
    {64, "\x80\x01"s},
    {-65, "\x81\x01"s},
    {300, "\xd8\x04"s},
    {8191, "\xfe\x7f"s},
    {-8192, "\xff\x7f"s},
    {8192, "\x80\x80\x01"s},
    {std::numeric_limits<std::int32_t>::max(), "\xfe\xff\xff\xff\x0f"s},
    {std::numeric_limits<std::int32_t>::min(), "\xff\xff\xff\xff\x0f"s},
};
const Vector kVarlongs[] = {
    {std::int64_t{1} << 31, "\x80\x80\x80\x80\x10"s},
    {std::numeric_limits<std::int64_t>::max(), "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"s},
    {std::numeric_limits<std::int64_t>::min(), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s},
};

TEST(Varint, WritesTheHandComputedBytes) {
    const auto check = [](const Vector& v) {
        std::string out;
        append_varint(out, v.value);
        EXPECT_EQ(out, v.bytes) << v.value;
        EXPECT_EQ(varint_size(v.value), v.bytes.size()) << v.value;
    };
    for (const auto& v : kVarints) check(v);
    for (const auto& v : kVarlongs) check(v);
}

TEST(Varint, ReadsTheHandComputedBytesAndStopsBehindThem) {
    for (const auto& v : kVarints) {
        const std::string bytes = v.bytes + "z";
        ByteCursor narrow{bytes};
        EXPECT_EQ(narrow.varint(), v.value);
        EXPECT_EQ(narrow.take(1), "z");
        ByteCursor wide{bytes};
        EXPECT_EQ(wide.varlong(), v.value);
        EXPECT_TRUE(narrow.ok() && wide.ok() && wide.remaining() == 1) << v.value;
    }
    for (const auto& v : kVarlongs) {
        ByteCursor cursor{v.bytes};
        EXPECT_EQ(cursor.varlong(), v.value);
        EXPECT_TRUE(cursor.ok() && cursor.remaining() == 0) << v.value;
    }
}

TEST(Varint, EveryPrefixOfALongOneFailsAndYieldsZero) {
    for (const auto& v : kVarlongs)
        for (std::size_t size = 0; size < v.bytes.size(); ++size) {
            ByteCursor cursor{ByteView{v.bytes}.substr(0, size)};
            EXPECT_EQ(cursor.varlong(), 0);
            EXPECT_FALSE(cursor.ok());
        }
}

TEST(Varint, MoreBytesThanTheTypeAllowsAreRefused) {
    ByteCursor five{"\x80\x80\x80\x80\x80\x00"};
    EXPECT_EQ(five.varint(), 0);
    EXPECT_FALSE(five.ok());
    const std::string eleven = std::string(10, '\x80') + "\x01";
    ByteCursor ten{eleven};
    EXPECT_EQ(ten.varlong(), 0);
    EXPECT_FALSE(ten.ok());
    EXPECT_EQ(ten.remaining(), 0u);
}

TEST(Varint, ValueOver32BitsIsNoVarint) {
    ByteCursor cursor{"\x80\x80\x80\x80\x10"};  // 2^31
    EXPECT_EQ(cursor.varint(), 0);
    EXPECT_FALSE(cursor.ok());
}

TEST(Varint, RandomValuesOfEveryWidthSurviveTheRoundTrip) {
    std::mt19937_64 random{test::test_seed()};
    const auto rounds = test::test_scale(200'000, 20'000'000);
    for (std::uint64_t i = 0; i < rounds; ++i) {
        const auto value = static_cast<std::int64_t>(random()) >> (i % 64);
        char raw[kMaxVarlongBytes];
        const auto size = static_cast<std::size_t>(put_varint(raw, value) - raw);
        ByteCursor cursor{ByteView{raw, size}};
        ASSERT_EQ(cursor.varlong(), value);
        ASSERT_TRUE(cursor.ok());
        ASSERT_EQ(size, varint_size(value)) << value;
    }
}

TEST(ByteCursor, IntegerPastTheEndYieldsZeroAndFailsForGood) {
    const std::string bytes = "\x01\x02\x03"s;
    ByteCursor cursor{bytes};
    EXPECT_EQ(cursor.be<std::int32_t>(), 0);
    EXPECT_FALSE(cursor.ok());
    EXPECT_EQ(cursor.be<std::int8_t>(), 0) << "a failed cursor gives nothing more";
    EXPECT_EQ(cursor.remaining(), 0u);
}

TEST(ByteCursor, TakeOfANegativeOrTooLargeSizeFails) {
    for (const std::int64_t size : {std::int64_t{-1}, std::int64_t{4}, std::numeric_limits<std::int64_t>::max(),
                                    std::numeric_limits<std::int64_t>::min()}) {
        ByteCursor cursor{"abc"};
        EXPECT_TRUE(cursor.take(size).empty());
        EXPECT_FALSE(cursor.ok()) << size;
    }
    ByteCursor all{"abc"};
    EXPECT_EQ(all.take(3), "abc");
    EXPECT_EQ(all.take(0), "");
    EXPECT_TRUE(all.ok());
}

TEST(ByteCursor, MinusOneIsNullAndMinusTwoAnError) {
    ByteCursor null{"abc"};
    EXPECT_FALSE(null.take_nullable(-1).has_value());
    EXPECT_EQ(null.take_nullable(0), "");
    EXPECT_EQ(null.take_nullable(3), "abc");
    EXPECT_TRUE(null.ok());
    ByteCursor wrong{"abc"};
    EXPECT_TRUE(wrong.take_nullable(-2).has_value());
    EXPECT_FALSE(wrong.ok());
}

}  // namespace
}  // namespace mq
