#include "log/offset_index.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <random>

#include "golden_listing.h"
#include "log/segment_files.h"
#include "support/faults.h"
#include "support/scale.h"
#include "support/temp_dir.h"

namespace mq::log {
namespace {

using test::TempDir;

constexpr std::string_view kName = "00000000000000001000.index";
constexpr Offset kBase{1000};

std::string encode(const std::vector<OffsetIndexEntry>& entries) {
    std::string bytes(entries.size() * kOffsetIndexEntryBytes, '\0');
    for (std::size_t i = 0; i < entries.size(); ++i)
        encode_offset_index_entry(bytes.data() + i * kOffsetIndexEntryBytes, entries[i], kBase);
    return bytes;
}

OffsetIndex open_with(const TempDir& dir, const std::string& bytes) {
    test::spill(dir / kName, bytes);
    auto index = OffsetIndex::open(dir / kName, kBase, os::OpenMode::read_write);
    EXPECT_TRUE(index.has_value()) << index.error().message();
    return *std::move(index);
}

// Offsets and positions that grow by steps of very different sizes, as batches do.
std::vector<OffsetIndexEntry> random_entries(std::mt19937_64& random, std::size_t count) {
    const std::int64_t small = 1 + static_cast<std::int64_t>(random() % 50);
    std::vector<OffsetIndexEntry> entries;
    std::int64_t offset = 1000;
    std::uint64_t position = 0;
    for (std::size_t i = 0; i < count; ++i) {
        offset += 1 + static_cast<std::int64_t>(random() % (random() % 64 == 0 ? 900 : small));
        position += 100 + random() % 900;
        entries.push_back({Offset{offset}, FilePosition{position}});
    }
    return entries;
}

TEST(OffsetIndex, EntryIsRelativeOffsetAndPositionBigEndian) {
    char raw[kOffsetIndexEntryBytes];
    encode_offset_index_entry(raw, {Offset{1258}, FilePosition{0x01020304}}, kBase);
    EXPECT_EQ((std::string{raw, sizeof raw}), (std::string{"\0\0\1\2\1\2\3\4", 8}));
    EXPECT_EQ(decode_offset_index_entry(raw, kBase), (OffsetIndexEntry{Offset{1258}, FilePosition{0x01020304}}));
    encode_offset_index_entry(raw, {kBase + 2147483647, FilePosition{2147483647}}, kBase);
    EXPECT_EQ((std::string{raw, sizeof raw}), "\x7f\xff\xff\xff\x7f\xff\xff\xff");
}

TEST(OffsetIndex, ReadsWhatKafkaWroteAsKafkaListsIt) {
    std::size_t entries_seen = 0;
    for (const auto& listed : test::listed_files(".index.dump.txt")) {
        SCOPED_TRACE(listed.path);
        const FileName name = parse_file_name(os::base_name(listed.path));
        ASSERT_EQ(name.kind, FileKind::offset_index);
        const auto index = OffsetIndex::open(listed.path, name.offset, os::OpenMode::read);
        ASSERT_TRUE(index.has_value()) << index.error().message();
        std::vector<OffsetIndexEntry> expected;
        for (const auto& line : listed.lines) {
            if (!line.starts_with("offset: ")) continue;
            expected.push_back({Offset{test::field(line, "offset")},
                                FilePosition{static_cast<std::uint64_t>(test::field(line, "position"))}});
        }
        const auto found = index->read_all();
        ASSERT_TRUE(found.has_value()) << found.error().message();
        EXPECT_EQ(*found, expected);
        EXPECT_EQ(test::slurp(listed.path).size(), expected.size() * kOffsetIndexEntryBytes);
        entries_seen += expected.size();
    }
    EXPECT_GT(entries_seen, 100u);
}

TEST(OffsetIndex, LookupEqualsALinearScan) {
    std::mt19937_64 random{test::test_seed()};
    for (const std::size_t count : {0u, 1u, 2u, 3u, 100u, 1023u, 1024u, 1025u, 2048u, 5000u, 40000u}) {
        const TempDir dir;
        const auto entries = random_entries(random, count);
        const OffsetIndex index = open_with(dir, encode(entries));
        ASSERT_EQ(index.count_entries().value(), count);
        const std::int64_t end = count == 0 ? 1010 : entries.back().offset.value() + 10;
        for (unsigned i = 0; i < 3000; ++i) {
            const auto used = static_cast<std::uint32_t>(i % 4 == 0 ? random() % (count + 1) : count);
            const auto span = static_cast<std::uint64_t>(end - 990);
            const Offset target{990 + static_cast<std::int64_t>(random() % span)};
            OffsetIndexEntry expected{kBase, FilePosition{0}};
            std::uint32_t below = 0;
            for (std::size_t e = 0; e < used && entries[e].offset <= target; ++e) expected = entries[e];
            while (below < used && entries[below].offset < target) ++below;
            ASSERT_EQ(index.lookup(target, used).value(), expected) << target.value() << " among " << used;
            ASSERT_EQ(index.count_below(target, used).value(), below) << target.value() << " among " << used;
        }
    }
}

TEST(OffsetIndex, LookupAmongAMillionEntriesTakesFewReads) {
    std::mt19937_64 random{test::test_seed()};
    const TempDir dir;
    std::vector<OffsetIndexEntry> entries;
    std::int64_t offset = 1000;
    for (std::uint64_t i = 0; i < 1'000'000; ++i) {
        offset += 1 + static_cast<std::int64_t>(random() % 100);
        entries.push_back({Offset{offset}, FilePosition{i * 2000 + 61}});
    }
    const OffsetIndex index = open_with(dir, encode(entries));
    const test::FaultInjector counter{{.below = dir.path(), .only = os::Call::read}};
    unsigned most = 0;
    constexpr unsigned kLookups = 2000;
    for (unsigned i = 0; i < kLookups; ++i) {
        const auto& wanted = entries[random() % entries.size()];
        const unsigned before = counter.calls();
        ASSERT_EQ(index.lookup(wanted.offset, 1'000'000).value(), wanted);
        most = std::max(most, counter.calls() - before);
    }
    EXPECT_LE(counter.calls(), kLookups * 4) << "on average";
    EXPECT_LE(most, 6u);
}

TEST(OffsetIndex, LookupNeverTakesMoreThanTwiceABisection) {
    const TempDir dir;
    // Offsets that defeat interpolation: nearly all close to the base, the last far away.
    std::vector<OffsetIndexEntry> entries;
    for (std::int64_t i = 1; i <= 500'000; ++i)
        entries.push_back({kBase + i, FilePosition{static_cast<unsigned>(i)}});
    for (std::int64_t i = 1; i <= 2000; ++i)
        entries.push_back({kBase + 2147483000 - 2000 + i, FilePosition{static_cast<unsigned>(500'000 + i)}});
    const OffsetIndex index = open_with(dir, encode(entries));
    const auto count = static_cast<std::uint32_t>(entries.size());
    for (std::uint32_t i = 0; i < count; i += 997) {
        const test::FaultInjector counter{{.below = dir.path(), .only = os::Call::read}};
        ASSERT_EQ(index.lookup(entries[i].offset, count).value(), entries[i]);
        ASSERT_LE(counter.calls(), 24u);
    }
}

TEST(OffsetIndex, PreallocatedTailOfZerosIsNotCounted) {
    std::mt19937_64 random{test::test_seed()};
    for (const std::size_t count : {0u, 1u, 2u, 3u, 4u, 511u, 512u, 513u}) {
        const TempDir dir;
        const auto entries = random_entries(random, count);
        std::string bytes = encode(entries);
        bytes.resize(10485760);
        const OffsetIndex index = open_with(dir, bytes);
        EXPECT_EQ(index.count_entries().value(), count);
        EXPECT_EQ(index.read_all().value(), entries);
    }
}

TEST(OffsetIndex, BytesAfterTheLastWholeEntryDoNotCount) {
    std::mt19937_64 random{test::test_seed()};
    const TempDir dir;
    const auto entries = random_entries(random, 10);
    const OffsetIndex index = open_with(dir, encode(entries) + "1234567");
    EXPECT_EQ(index.count_entries().value(), 10u);
    EXPECT_EQ(index.read_all().value(), entries);
}

TEST(OffsetIndex, WriteReplacesAndTruncateCuts) {
    std::mt19937_64 random{test::test_seed()};
    const TempDir dir;
    auto entries = random_entries(random, 10);
    const OffsetIndex index = open_with(dir, encode(entries));
    const OffsetIndexEntry other{entries[6].offset + 1, entries[6].position + 1};
    ASSERT_TRUE(index.write(7, other).has_value());
    ASSERT_TRUE(index.truncate(8).has_value());
    entries.resize(8);
    entries[7] = other;
    EXPECT_EQ(test::slurp(dir / kName), encode(entries));
    EXPECT_EQ(index.entry(7).value(), other);
    EXPECT_EQ(index.entry(8).error().code, Errc::truncated);
}

TEST(OffsetIndex, FileShorterThanPromisedIsAnErrorNotAnAnswer) {
    std::mt19937_64 random{test::test_seed()};
    const TempDir dir;
    const OffsetIndex index = open_with(dir, encode(random_entries(random, 10)));
    const auto found = index.lookup(Offset{1000000}, 11);
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error().code, Errc::truncated);
    EXPECT_EQ(found.error().subject, dir / kName);
}

TEST(OffsetIndex, MissingFileIsNotFound) {
    const TempDir dir;
    EXPECT_EQ(OffsetIndex::open(dir / kName, kBase, os::OpenMode::read).error().code, Errc::not_found);
    EXPECT_TRUE(OffsetIndex::open(dir / kName, kBase, os::OpenMode::create).has_value());
}

TEST(OffsetIndex, HugeFileIsRefusedWithoutReadingIt) {
    const TempDir dir;
    const OffsetIndex index = open_with(dir, {});
    ASSERT_TRUE(index.file().truncate(std::uint64_t{1} << 31).has_value());
    EXPECT_EQ(index.count_entries().value(), 0u) << "zeros only";
    ASSERT_TRUE(index.write((1u << 28) - 1, {kBase + 5, FilePosition{7}}).has_value());
    EXPECT_EQ(index.read_all().error().code, Errc::too_large);
    ASSERT_TRUE(index.file().truncate(std::uint64_t{1} << 36).has_value());
    EXPECT_EQ(index.count_entries().error().code, Errc::too_large);
}

TEST(OffsetIndex, RandomBytesGiveSomeAnswerAndNoHarm) {
    std::mt19937_64 random{test::test_seed()};
    for (unsigned i = 0; i < test::test_scale(200, 10'000); ++i) {
        const TempDir dir;
        std::string bytes(random() % 40000, '\0');
        for (char& c : bytes) c = static_cast<char>(random());
        const OffsetIndex index = open_with(dir, bytes);
        const std::uint32_t count = index.count_entries().value();
        EXPECT_EQ(index.read_all().value().size(), count);
        for (unsigned k = 0; k < 20; ++k) {
            const Offset target{static_cast<std::int64_t>(random() % 5'000'000'000)};
            EXPECT_TRUE(index.lookup(target, count).has_value());
            EXPECT_LE(index.count_below(target, count).value(), count);
        }
    }
}

}  // namespace
}  // namespace mq::log
