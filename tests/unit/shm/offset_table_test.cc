// The shared table of offsets, over plain memory.

#include "shm/offset_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <thread>

#include "os/mapping.h"
#include "support/scale.h"

namespace mq::shm {
namespace {

constexpr std::int32_t kPartition = 7;
using Seen = OffsetTable::Seen;

// Zeros that take memory only where they are touched.
class Memory {
public:
    Memory() : bytes_(static_cast<std::byte*>(std::calloc(1, kOffsetTableBytes + 4096))) {
        const auto at = reinterpret_cast<std::uintptr_t>(bytes_);
        base_ = bytes_ + ((at + 4095) / 4096 * 4096 - at);
    }
    ~Memory() { std::free(bytes_); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    [[nodiscard]] std::span<std::byte> bytes() const { return {base_, kOffsetTableBytes}; }
    [[nodiscard]] OffsetTable table(std::uint32_t pieces = kOffsetPieces) { return {bytes(), exists, pieces}; }

    std::atomic<std::uint64_t> exists{0};

private:
    std::byte* bytes_;
    std::byte* base_;
};

// What was made to exist.
struct Allocations {
    Status operator()(std::size_t position, std::size_t size_bytes) {
        if (left == 0) return fail(Errc::no_space, "allocate", {});
        --left;
        made.emplace(position, size_bytes);
        return {};
    }
    int left = 1'000'000;
    std::map<std::size_t, std::size_t> made;
};

OffsetTable::Key key_of(std::uint64_t number, std::uint64_t group = 1) {
    return {{number * 0x9e3779b97f4a7c15, number}, {group, group}, "workers", 99, static_cast<std::int32_t>(number)};
}
OffsetValue value_of(std::int64_t record) { return {record + 1, record * 10, 3, 1000, -1}; }

class OffsetTableTest : public testing::Test {
protected:
    OffsetTable make(std::uint32_t pieces = kOffsetPieces) {
        OffsetTable table = memory.table(pieces);
        EXPECT_TRUE(table.make(allocations));
        EXPECT_TRUE(table.prepare(kPartition, allocations));
        table.clear(kPartition);
        return table;
    }
    bool put(OffsetTable& table, std::uint64_t number, std::int64_t record, std::uint64_t group = 1) {
        return table.put(kPartition, key_of(number, group), value_of(record), allocations);
    }
    static std::int64_t found(const OffsetTable& table, std::uint64_t number) {
        OffsetValue value;
        const Seen seen = table.find(kPartition, key_of(number).hash, value);
        return seen == Seen::yes ? value.record - 1 : seen == Seen::no ? -1 : -2;
    }

    Memory memory;
    Allocations allocations;
};

TEST_F(OffsetTableTest, OFF1_NothingIsKnownBeforeItIsPublished) {
    OffsetTable table = memory.table();
    EXPECT_FALSE(table.exists());
    EXPECT_EQ(table.applied(kPartition), std::nullopt);
    OffsetValue value;
    EXPECT_EQ(table.find(kPartition, {1, 2}, value), Seen::unsure);
    table = make();
    EXPECT_EQ(table.applied(kPartition), std::nullopt);
    EXPECT_EQ(table.applied(kPartition + 1), std::nullopt);
    const OffsetsApplied state{{1, 2, 3}, 50, -1, 1, 0};
    table.publish(kPartition, state);
    EXPECT_EQ(table.applied(kPartition), state);
    table.clear(kPartition);
    EXPECT_EQ(table.applied(kPartition), std::nullopt);
    EXPECT_EQ(table.prepare(-1, allocations).error().code, Errc::too_many);
    EXPECT_EQ(table.prepare(256, allocations).error().code, Errc::too_many);
}

TEST_F(OffsetTableTest, OFF2_FindsWhatWasPutAndNotWhatWasForgotten) {
    OffsetTable table = make();
    std::mt19937_64 random{test::test_seed()};
    std::map<std::uint64_t, std::int64_t> expected;
    for (std::int64_t step = 0; step < 20'000; ++step) {
        const std::uint64_t number = random() % 3000;
        if (random() % 3 == 0) {
            table.forget(kPartition, key_of(number).hash);
            expected.erase(number);
        } else {
            ASSERT_TRUE(put(table, number, step, number % 5));
            expected[number] = step;
        }
    }
    std::map<std::uint64_t, std::size_t> by_group;
    for (std::uint64_t number = 0; number < 3000; ++number) {
        const auto entry = expected.find(number);
        ASSERT_EQ(found(table, number), entry == expected.end() ? -1 : entry->second) << number;
        if (entry != expected.end()) ++by_group[number % 5];
    }
    for (std::uint64_t group = 0; group < 5; ++group) {
        std::set<std::uint64_t> numbers;
        EXPECT_EQ(table.visit_entries_of(kPartition, {group, group},
                                         [&](const OffsetTable::EntryView& entry) {
                                             EXPECT_EQ(entry.group, (Hash128{group, group}));
                                             EXPECT_EQ(entry.topic, 99u);
                                             EXPECT_EQ(entry.hash, key_of(entry.hash.high).hash);
                                             numbers.insert(entry.hash.high);
                                         }),
                  Seen::yes);
        EXPECT_EQ(numbers.size(), by_group[group]);
    }
    std::size_t groups = 0;
    EXPECT_TRUE(table.visit_groups(kPartition, [&](const OffsetTable::GroupView& group) {
        ++groups;
        EXPECT_EQ(group.name, "workers");
        EXPECT_EQ(group.entries, by_group[group.hash.low]);
    }));
    EXPECT_EQ(groups, 5u);
    std::size_t entries = 0;
    EXPECT_TRUE(table.visit_entries(kPartition, [&](const OffsetTable::EntryView&) { ++entries; }));
    EXPECT_EQ(entries, expected.size());
}

TEST_F(OffsetTableTest, OFF2_PiecesAreMadeToExistOnceAndServeAgainAfterAClear) {
    OffsetTable table = make();
    for (std::uint64_t number = 0; number < 600; ++number) ASSERT_TRUE(put(table, number, 1));
    // Header, head, two pieces of 512 entries, one of groups.
    EXPECT_EQ(allocations.made.size(), 5u);
    for (const auto& [position, size_bytes] : allocations.made) EXPECT_LE(position + size_bytes, kOffsetTableBytes);
    for (int round = 0; round < 3; ++round) {
        table.clear(kPartition);
        EXPECT_EQ(found(table, 1), -1);
        for (std::uint64_t number = 0; number < 600; ++number) ASSERT_TRUE(put(table, number, round));
        std::size_t entries = 0;
        EXPECT_TRUE(table.visit_entries(kPartition, [&](const OffsetTable::EntryView&) { ++entries; }));
        EXPECT_EQ(entries, 600u);
    }
    EXPECT_EQ(allocations.made.size(), 5u);
}

TEST_F(OffsetTableTest, OFF2_AFullTableSaysSoAndKeepsWhatItHas) {
    OffsetTable table = make(2);
    std::uint64_t fit = 0;
    while (fit < 2000 && put(table, fit, static_cast<std::int64_t>(fit))) ++fit;
    EXPECT_EQ(fit, 512u);
    for (std::uint64_t number = 0; number < fit; ++number)
        EXPECT_EQ(found(table, number), static_cast<std::int64_t>(number));
    EXPECT_TRUE(put(table, 5, 1000));  // what is there can be changed
    for (std::uint64_t number = 0; number < 10; ++number) table.forget(kPartition, key_of(number).hash);
    for (std::uint64_t number = 600; number < 610; ++number) EXPECT_TRUE(put(table, number, 1)) << number;
    EXPECT_FALSE(put(table, 700, 1));
    EXPECT_EQ(found(table, 3), -1);
    EXPECT_EQ(found(table, 605), 1);
    EXPECT_EQ(found(table, 20), 20);
    // Another partition has nothing at all.
    ASSERT_TRUE(table.prepare(9, allocations));
    table.clear(9);
    EXPECT_FALSE(table.put(9, key_of(1), value_of(1), allocations));
}

TEST_F(OffsetTableTest, ADiskWithoutSpaceIsATableWithoutRoom) {
    OffsetTable table = make();
    allocations.left = 0;
    EXPECT_FALSE(put(table, 1, 1));
    EXPECT_EQ(found(table, 1), -1);
    allocations.left = 1;
    EXPECT_FALSE(put(table, 1, 1));  // the entries, not the group
    allocations.left = 1;
    EXPECT_TRUE(put(table, 1, 1));
    EXPECT_EQ(found(table, 1), 1);
    EXPECT_FALSE(table.is_broken(kPartition));
}

TEST_F(OffsetTableTest, GroupsWithNothingLeftAreNotSeenAndMakeRoom) {
    OffsetTable table = make(4);
    for (std::uint64_t group = 0; group < 2000; ++group) {
        ASSERT_TRUE(put(table, group, 1, group)) << group;
        ASSERT_TRUE(table.put_metadata(kPartition, {group, group}, "workers", 5, allocations));
        table.forget(kPartition, key_of(group).hash);
        ASSERT_TRUE(table.put_metadata(kPartition, {group, group}, "workers", 0, allocations));
    }
    std::size_t groups = 0;
    EXPECT_TRUE(table.visit_groups(kPartition, [&](const OffsetTable::GroupView&) { ++groups; }));
    EXPECT_EQ(groups, 0u);
}

TEST_F(OffsetTableTest, PUB3_WhoLooksBesideAWriterSeesAValueThatWasPut) {
    OffsetTable table = make();
    for (std::uint64_t number = 0; number < 100; ++number) ASSERT_TRUE(put(table, number, 0));
    std::atomic<bool> done{false};
    std::atomic<int> wrong{0};
    std::thread reader{[&] {
        std::mt19937_64 random{1};
        while (!done.load()) {
            OffsetValue value;
            const Seen seen = table.find(kPartition, key_of(random() % 100).hash, value);
            if (seen == Seen::yes && value.offset != (value.record - 1) * 10) ++wrong;
            // Never forgotten in this test: a look that others disturbed says so.
            if (seen == Seen::no) ++wrong;
        }
    }};
    const auto rounds = static_cast<std::int64_t>(test::test_scale(300, 20'000));
    for (std::int64_t round = 1; round <= rounds; ++round) {
        for (std::uint64_t number = 0; number < 100; ++number) ASSERT_TRUE(put(table, number, round));
        for (std::uint64_t number = 1000; number < 1400; ++number) ASSERT_TRUE(put(table, number, round, 2));
        for (std::uint64_t number = 1000; number < 1400; ++number) table.forget(kPartition, key_of(number).hash);
    }
    done = true;
    reader.join();
    EXPECT_EQ(wrong, 0);
}

// What a hostile or broken writer leaves: every look ends, and touches only what was made to exist.
TEST_F(OffsetTableTest, AnyBytesAtAllAreWalkedToAnEnd) {
    std::mt19937_64 random{test::test_seed()};
    const auto rounds = test::test_scale(40, 2000);
    OffsetTable table = make(8);
    for (std::uint64_t number = 0; number < 600; ++number) ASSERT_TRUE(put(table, number, 1, number % 7));
    table.publish(kPartition, {{1, 2, 3}, 50, -1, 1, 0});
    const auto regions = allocations.made;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        for (const auto& [position, size_bytes] : regions) {
            const std::size_t words = size_bytes / 8;
            for (int i = 0; i < 200; ++i) {
                auto* word = reinterpret_cast<std::uint64_t*>(memory.bytes().data() + position) + random() % words;
                // Small numbers look like links, large ones like anything.
                std::atomic_ref{*word}.store(random() % 2 == 0 ? random() % 2000 : random());
            }
        }
        static_cast<void>(table.applied(kPartition));
        for (std::uint64_t number = 0; number < 50; ++number) static_cast<void>(found(table, number));
        const auto ignore = [](const auto&) {};
        for (std::uint64_t group = 0; group < 7; ++group) {
            static_cast<void>(table.visit_entries_of(kPartition, {group, group}, ignore));
            static_cast<void>(table.find_group(kPartition, {group, group}, ignore));
        }
        static_cast<void>(table.visit_groups(kPartition, ignore));
        static_cast<void>(table.visit_entries(kPartition, ignore));
    }
}

}  // namespace
}  // namespace mq::shm
