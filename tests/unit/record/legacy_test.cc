// Message sets of magic 0 and 1, made by hand: the corners that a broker's own logs do not show.
#include <gtest/gtest.h>
#include <zlib.h>

#include "record/compression.h"
#include "record/record.h"

namespace mq::record {
namespace {

struct Message {
    std::int64_t offset = 0;
    std::uint8_t magic = 1;
    std::uint8_t attributes = 0;
    TimestampMs timestamp = 0;
    std::optional<std::string> key;
    std::optional<std::string> value;
};

void append_bytes(std::string& out, const std::optional<std::string>& bytes) {
    append_be(out, bytes ? static_cast<std::int32_t>(bytes->size()) : -1);
    out += bytes.value_or("");
}

std::string entry(const Message& m) {
    std::string covered;
    append_be(covered, m.magic);
    append_be(covered, m.attributes);
    if (m.magic == 1) append_be(covered, m.timestamp);
    append_bytes(covered, m.key);
    append_bytes(covered, m.value);
    std::string out;
    append_be(out, m.offset);
    append_be(out, static_cast<std::int32_t>(4 + covered.size()));
    const auto* raw = reinterpret_cast<const Bytef*>(covered.data());
    append_be(out, static_cast<std::uint32_t>(crc32(0, raw, static_cast<uInt>(covered.size()))));
    return out + covered;
}

std::string wrapper(std::int64_t offset, const std::string& inner, std::uint8_t magic = 1,
                    std::uint8_t extra_bits = 0, Codec codec = Codec::gzip) {
    Buffer stream;
    EXPECT_TRUE(compress(codec, {}, inner, stream));
    const auto attributes = static_cast<std::uint8_t>(static_cast<std::uint8_t>(codec) | extra_bits);
    return entry({offset, magic, attributes, 900, {}, std::string{stream.view()}});
}

std::string inner_set(const std::vector<std::int64_t>& offsets, std::uint8_t magic = 1) {
    std::string set;
    for (const auto offset : offsets)
        set += entry({offset, magic, 0, 100 + offset % 100, "k", "v" + std::to_string(offset)});
    return set;
}

struct Set {
    std::vector<std::int64_t> offsets;
    std::vector<TimestampMs> timestamps;
    std::optional<Errc> error;
};

Set read(const std::string& unit) {
    Set set;
    RecordReader reader{1 << 20};
    if (const auto opened = reader.open(unit); !opened) {
        set.error = opened.error().code;
        return set;
    }
    for (RecordView r; reader.next(r);) {
        set.offsets.push_back(r.offset.value());
        set.timestamps.push_back(r.timestamp);
        EXPECT_TRUE(r.message_crc && r.message_crc_valid);
    }
    if (!reader.status()) set.error = reader.status().error().code;
    return set;
}

using Offsets = std::vector<std::int64_t>;

TEST(LegacySet, InnerOffsetsOfMagic1CountBackFromTheWrappers) {
    EXPECT_EQ(read(wrapper(30, inner_set({0, 1, 2}))).offsets, (Offsets{28, 29, 30}));
    EXPECT_EQ(read(wrapper(30, inner_set({1, 4, 9}))).offsets, (Offsets{22, 25, 30})) << "gaps of compaction";
    EXPECT_EQ(read(wrapper(2, inner_set({0, 1, 2}))).offsets, (Offsets{0, 1, 2}));
}

TEST(LegacySet, AWrapperOffsetOfZeroMeansBaseZero) {
    EXPECT_EQ(read(wrapper(0, inner_set({0, 1, 2}))).offsets, (Offsets{0, 1, 2}));
}

TEST(LegacySet, AWrapperOffsetBeforeTheLastInnerOneIsCorrupt) {
    EXPECT_EQ(read(wrapper(1, inner_set({0, 1, 2}))).error, Errc::corrupt);
}

TEST(LegacySet, InnerOffsetsOfMagic0AreAbsolute) {
    EXPECT_EQ(read(wrapper(30, inner_set({28, 29, 30}, 0), 0)).offsets, (Offsets{28, 29, 30}));
    for (const Codec codec : {Codec::snappy, Codec::lz4}) {
        EXPECT_EQ(read(wrapper(30, inner_set({5, 30}, 0), 0, 0, codec)).offsets, (Offsets{5, 30}));
    }
}

TEST(LegacySet, LogAppendTimeOfTheWrapperIsEveryMessagesTime) {
    const std::string inner = inner_set({0, 1});
    EXPECT_EQ(read(wrapper(1, inner)).timestamps, (std::vector<TimestampMs>{100, 101}));
    EXPECT_EQ(read(wrapper(1, inner, 1, 0x08)).timestamps, (std::vector<TimestampMs>{900, 900}));
}

TEST(LegacySet, MessagesOfMagic0InAWrapperOfMagic1AreToleratedAndHaveNoTime) {
    const Set set = read(wrapper(1, inner_set({0, 1}, 0)));
    EXPECT_EQ(set.offsets, (Offsets{0, 1}));
    EXPECT_EQ(set.timestamps, (std::vector<TimestampMs>{kNoTimestamp, kNoTimestamp}));
}

TEST(LegacySet, AMessageWithoutACodecIsASetOfOne) {
    const Set set = read(entry({7, 1, 0, 55, "k", {}}));
    EXPECT_EQ(set.offsets, Offsets{7});
    EXPECT_EQ(set.timestamps, std::vector<TimestampMs>{55});
    EXPECT_EQ(read(entry({7, 0, 0, 0, {}, "v"})).timestamps, std::vector<TimestampMs>{kNoTimestamp});
}

TEST(LegacySet, NullEmptyNestedAndForeignWrappersAreCorrupt) {
    EXPECT_EQ(read(entry({7, 1, 1, 0, {}, {}})).error, Errc::corrupt);
    EXPECT_EQ(read(wrapper(7, "")).error, Errc::corrupt);
    EXPECT_EQ(read(wrapper(7, wrapper(7, inner_set({0})))).error, Errc::corrupt);
    std::string of_magic_2 = inner_set({0});
    of_magic_2[16] = 2;
    EXPECT_EQ(read(wrapper(7, of_magic_2)).error, Errc::corrupt);
    EXPECT_EQ(read(entry({7, 1, 1, 0, {}, "no gzip stream, but long enough"})).error, Errc::corrupt);
}

TEST(LegacySet, InnerOffsetsThatCannotBeAreCorrupt) {
    constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(read(wrapper(7, inner_set({-1}))).error, Errc::corrupt);
    EXPECT_EQ(read(wrapper(0, inner_set({kMax}))).error, Errc::corrupt);
    EXPECT_EQ(read(wrapper(kMax - 1, inner_set({kMax - 5, 0}))).error, Errc::corrupt) << "sums past the end";
}

TEST(LegacySet, EveryTruncationOfTheInnerSetIsCorrupt) {
    const std::string inner = inner_set({0, 1});
    const std::size_t first = inner.size() / 2;
    for (std::size_t size = 0; size < inner.size(); ++size) {
        const bool ends_with_a_message = size == first;
        EXPECT_EQ(read(wrapper(1, inner.substr(0, size))).error.has_value(), !ends_with_a_message) << size;
    }
    const std::string unit = wrapper(1, inner);
    for (std::size_t size = 0; size < unit.size(); ++size) EXPECT_TRUE(read(unit.substr(0, size)).error);
}

TEST(LegacySet, LengthsThatLieAreCorrupt) {
    for (const std::int32_t length : {-2, 2, 1000, std::numeric_limits<std::int32_t>::max()}) {
        std::string unit = entry({7, 1, 0, 0, "k", "v"});
        store_be(unit.data() + 26, length);
        EXPECT_EQ(read(unit).error, Errc::corrupt) << length;
    }
    std::string inner = inner_set({0});
    for (const std::int32_t size : {-1, 0, 13, std::numeric_limits<std::int32_t>::max()}) {
        store_be(inner.data() + 8, size);
        EXPECT_EQ(read(wrapper(7, inner)).error, Errc::corrupt) << size;
    }
}

TEST(LegacySet, AnInnerMessageWithAWrongChecksumIsMarked) {
    std::string inner = inner_set({0, 1});
    inner.back() = static_cast<char>(inner.back() ^ 1);
    RecordReader reader;
    const std::string unit = wrapper(1, inner);
    ASSERT_TRUE(reader.open(unit));
    RecordView r;
    ASSERT_TRUE(reader.next(r));
    EXPECT_TRUE(r.message_crc_valid);
    ASSERT_TRUE(reader.next(r));
    EXPECT_FALSE(r.message_crc_valid);
}

TEST(LegacySet, ABombInAWrapperIsTooLarge) {
    const std::string zeros = entry({0, 1, 0, 0, {}, std::string(4 << 20, '\0')});
    EXPECT_EQ(read(wrapper(7, zeros)).error, Errc::too_large);
}

}  // namespace
}  // namespace mq::record
