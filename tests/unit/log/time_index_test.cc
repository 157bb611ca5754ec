#include "log/time_index.h"

#include <gtest/gtest.h>
#include <random>

#include "golden_listing.h"
#include "log/segment_files.h"
#include "support/scale.h"
#include "support/temp_dir.h"

namespace mq::log {
namespace {

using test::TempDir;

constexpr std::string_view kName = "00000000000000001000.timeindex";
constexpr Offset kBase{1000};

std::string encode(const std::vector<TimeIndexEntry>& entries) {
    std::string bytes(entries.size() * kTimeIndexEntryBytes, '\0');
    for (std::size_t i = 0; i < entries.size(); ++i)
        encode_time_index_entry(bytes.data() + i * kTimeIndexEntryBytes, entries[i], kBase);
    return bytes;
}

TimeIndex open_with(const TempDir& dir, const std::string& bytes) {
    test::spill(dir / kName, bytes);
    auto index = TimeIndex::open(dir / kName, kBase, os::OpenMode::read_write);
    EXPECT_TRUE(index.has_value()) << index.error().message();
    return *std::move(index);
}

// Timestamps increase, offsets never decrease.
std::vector<TimeIndexEntry> random_entries(std::mt19937_64& random, std::size_t count) {
    std::vector<TimeIndexEntry> entries;
    TimestampMs timestamp = 1'600'000'000'000;
    std::int64_t offset = 1000;
    for (std::size_t i = 0; i < count; ++i) {
        timestamp += 1 + static_cast<TimestampMs>(random() % (random() % 64 == 0 ? 100'000 : 20));
        offset += static_cast<std::int64_t>(random() % 30);
        entries.push_back({timestamp, Offset{offset}});
    }
    return entries;
}

TEST(TimeIndex, EntryIsTimestampAndRelativeOffsetBigEndian) {
    char raw[kTimeIndexEntryBytes];
    encode_time_index_entry(raw, {0x0102030405060708, Offset{1258}}, kBase);
    EXPECT_EQ((std::string{raw, sizeof raw}), (std::string{"\1\2\3\4\5\6\7\10\0\0\1\2", 12}));
    EXPECT_EQ(decode_time_index_entry(raw, kBase), (TimeIndexEntry{0x0102030405060708, Offset{1258}}));
}

TEST(TimeIndex, ReadsWhatKafkaWroteAsKafkaListsIt) {
    std::size_t entries_seen = 0;
    for (const auto& listed : test::listed_files(".timeindex.dump.txt")) {
        SCOPED_TRACE(listed.path);
        const FileName name = parse_file_name(os::base_name(listed.path));
        ASSERT_EQ(name.kind, FileKind::time_index);
        const auto index = TimeIndex::open(listed.path, name.offset, os::OpenMode::read);
        ASSERT_TRUE(index.has_value()) << index.error().message();
        std::vector<TimeIndexEntry> expected;
        for (const auto& line : listed.lines) {
            if (line.starts_with("timestamp: "))
                expected.push_back({test::field(line, "timestamp"), Offset{test::field(line, "offset")}});
        }
        const auto found = index->read_all();
        ASSERT_TRUE(found.has_value()) << found.error().message();
        EXPECT_EQ(*found, expected);
        EXPECT_EQ(test::slurp(listed.path).size(), expected.size() * kTimeIndexEntryBytes);
        entries_seen += expected.size();
    }
    EXPECT_GT(entries_seen, 100u);
}

TEST(TimeIndex, LookupEqualsALinearScan) {
    std::mt19937_64 random{test::test_seed()};
    for (const std::size_t count : {0u, 1u, 2u, 681u, 682u, 683u, 1364u, 5000u, 40000u}) {
        const TempDir dir;
        const auto entries = random_entries(random, count);
        const TimeIndex index = open_with(dir, encode(entries));
        ASSERT_EQ(index.count_entries().value(), count);
        const TimestampMs first = 1'600'000'000'000 - 10;
        const TimestampMs end = count == 0 ? first + 20 : entries.back().timestamp + 10;
        for (unsigned i = 0; i < 2000; ++i) {
            const auto used = static_cast<std::uint32_t>(i % 4 == 0 ? random() % (count + 1) : count);
            const TimestampMs target =
                first + static_cast<TimestampMs>(random() % static_cast<std::uint64_t>(end - first));
            TimeIndexEntry expected{kNoTimestamp, kBase};
            for (std::size_t e = 0; e < used && entries[e].timestamp <= target; ++e) expected = entries[e];
            ASSERT_EQ(index.lookup(target, used).value(), expected) << target << " among " << used;
            const Offset cut{990 + static_cast<std::int64_t>(random() % 600'000)};
            std::uint32_t below = 0;
            while (below < used && entries[below].offset < cut) ++below;
            ASSERT_EQ(index.count_below(cut, used).value(), below) << cut.value() << " among " << used;
        }
    }
}

TEST(TimeIndex, PreallocatedTailOfZerosIsNotCounted) {
    std::mt19937_64 random{test::test_seed()};
    for (const std::size_t count : {0u, 1u, 2u, 3u, 511u}) {
        const TempDir dir;
        const auto entries = random_entries(random, count);
        std::string bytes = encode(entries);
        bytes.resize(10485756);
        const TimeIndex index = open_with(dir, bytes);
        EXPECT_EQ(index.count_entries().value(), count);
        EXPECT_EQ(index.read_all().value(), entries);
    }
}

TEST(TimeIndex, TimestampZeroAtTheBaseOffsetIsAnEntryWhereItCanBeTold) {
    const TimeIndexEntry zero{0, kBase};
    {
        const TempDir dir;
        const TimeIndex index = open_with(dir, encode({zero}));
        EXPECT_EQ(index.count_entries().value(), 1u) << "a file of one entry was never preallocated";
        EXPECT_EQ(index.lookup(0, 1).value(), zero);
    }
    {
        const TempDir dir;
        std::string bytes = encode({zero, {5, kBase + 1}});
        bytes.resize(1200);
        EXPECT_EQ(open_with(dir, bytes).count_entries().value(), 2u);
    }
    {
        const TempDir dir;
        std::string bytes = encode({zero});
        bytes.resize(1200);
        EXPECT_EQ(open_with(dir, bytes).count_entries().value(), 0u);
    }
}

TEST(TimeIndex, NegativeAndExtremeTimestampsDoNotOverflow) {
    constexpr auto kMin = std::numeric_limits<TimestampMs>::min();
    constexpr auto kMax = std::numeric_limits<TimestampMs>::max();
    const TempDir dir;
    std::vector<TimeIndexEntry> entries{{kMin, kBase}};
    for (int i = 0; i < 3000; ++i) entries.push_back({i, kBase + i});
    entries.push_back({kMax, kBase + 5000});
    const TimeIndex index = open_with(dir, encode(entries));
    const auto count = static_cast<std::uint32_t>(entries.size());
    EXPECT_EQ(index.lookup(kMin, count).value(), entries.front());
    EXPECT_EQ(index.lookup(kMax, count).value(), entries.back());
    EXPECT_EQ(index.lookup(kMax - 1, count).value(), entries[3000]);
    EXPECT_EQ(index.lookup(-1, count).value(), entries.front());
    EXPECT_EQ(index.lookup(77, count).value(), entries[78]);
}

TEST(TimeIndex, WriteReplacesAndTruncateCuts) {
    std::mt19937_64 random{test::test_seed()};
    const TempDir dir;
    auto entries = random_entries(random, 10);
    const TimeIndex index = open_with(dir, encode(entries));
    const TimeIndexEntry other{entries[6].timestamp + 1, entries[6].offset + 1};
    ASSERT_TRUE(index.write(7, other).has_value());
    ASSERT_TRUE(index.truncate(8).has_value());
    entries.resize(8);
    entries[7] = other;
    EXPECT_EQ(test::slurp(dir / kName), encode(entries));
    EXPECT_EQ(index.entry(8).error().code, Errc::truncated);
}

}  // namespace
}  // namespace mq::log
