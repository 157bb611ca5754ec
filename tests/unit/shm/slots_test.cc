// CONCURRENCY PUB-6, PUB-8: names and slots. RELIABILITY row 37.
#include "shm/slots.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <atomic>
#include <csignal>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "fixture.h"
#include "os/kill_point.h"
#include "support/child.h"
#include "support/scale.h"
#include "support/temp_dir.h"

namespace mq::shm {
namespace {

using test::TempDir;

// The bytes of a control file without a file, as a mapping gives them: page-aligned and zero.
class Memory {
public:
    Memory()
        : address_(::mmap(nullptr, kControlFileBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
    ~Memory() { ::munmap(address_, kControlFileBytes); }
    Memory(const Memory&) = delete;
    [[nodiscard]] std::span<std::byte> bytes() const {
        return {static_cast<std::byte*>(address_), kControlFileBytes};
    }

private:
    void* address_;
};

Status allocate_nothing(std::size_t, std::size_t) { return {}; }

TEST(Slots, PUB6_NameAndPartitionAreComparedInFullNotTheirHash) {
    const Memory memory;
    SlotTable table{memory.bytes()};
    const std::string longest(kLongestTopic, 'x');
    std::map<std::pair<std::string, std::int32_t>, PartitionSlot*> made;
    // 16,384 chains: 20,000 names share some.
    for (int i = 0; i < 5000; ++i)
        for (int partition = 0; partition < 4; ++partition) {
            const std::string topic = "topic-" + std::to_string(i);
            made[{topic, partition}] = table.find_or_make(topic, partition, allocate_nothing).value();
        }
    for (const auto* topic : {"a", "ab", "b"})
        made[{topic, -1}] = table.find_or_make(topic, -1, allocate_nothing).value();
    made[{longest, 7}] = table.find_or_make(longest, 7, allocate_nothing).value();
    std::set<PartitionSlot*> distinct;
    for (const auto& [name, slot] : made) {
        EXPECT_EQ(table.find(name.first, name.second), slot);
        EXPECT_EQ(table.find_or_make(name.first, name.second, allocate_nothing).value(), slot);
        const auto who = identity(*slot);
        ASSERT_TRUE(who);
        EXPECT_EQ(who->topic, name.first);
        EXPECT_EQ(who->partition, name.second);
        distinct.insert(slot);
    }
    EXPECT_EQ(distinct.size(), made.size());
    EXPECT_EQ(table.find("topic-0", 4), nullptr);
    EXPECT_EQ(table.find("topic", 0), nullptr);
    EXPECT_EQ(table.find("", 0), nullptr);
    EXPECT_EQ(table.find(longest + 'x', 7), nullptr);
    EXPECT_EQ(table.find_or_make(longest + 'x', 7, allocate_nothing).error().code, Errc::bad_argument);
    EXPECT_EQ(table.find_or_make("", 7, allocate_nothing).error().code, Errc::bad_argument);
    std::size_t visited = 0;
    table.for_each([&](PartitionSlot& slot) { visited += distinct.count(&slot); });
    EXPECT_EQ(visited, made.size());
}

TEST(Slots, PUB6_DeletedAndMadeAgainIsAnotherGenerationWithNothingLeft) {
    const Memory memory;
    SlotTable table{memory.bytes()};
    PartitionSlot* slot = table.find_or_make("t", 1, allocate_nothing).value();
    const auto first = holds(*slot, "t", 1);
    ASSERT_TRUE(first);
    EXPECT_FALSE(holds(*slot, "t", 2));
    EXPECT_FALSE(holds(*slot, "T", 1));
    slot->state[10] = std::byte{1};
    slot->topic_meta[511] = std::byte{1};
    slot->checked_incarnation = 5;
    slot->active_inode = 5;
    slot->directory_modified_ns = 5;
    ASSERT_TRUE(slot->append.mutex.lock(0));
    slot->append.mutex.unlock();

    table.retire(*slot);
    EXPECT_EQ(table.find("t", 1), nullptr);
    EXPECT_FALSE(holds(*slot, "t", 1));
    EXPECT_FALSE(identity(*slot));
    EXPECT_NE(slot->use_generation, *first);
    EXPECT_EQ(slot->state[10], std::byte{1}) << "who still looks at it finds it as it was";

    ASSERT_EQ(slot->append.mutex.lock(0).value(), os::LockOutcome::locked);  // somebody who waited for it has it now
    EXPECT_EQ(table.find_or_make("t", 1, allocate_nothing).value(), slot) << "the name's own slot comes back";
    EXPECT_EQ(slot->append.mutex.lock(0).value(), os::LockOutcome::timed_out) << "its locks are not made anew";
    slot->append.mutex.unlock();
    const auto second = holds(*slot, "t", 1);
    ASSERT_TRUE(second);
    EXPECT_GT(*second, *first);
    EXPECT_EQ(slot->state[10], std::byte{0});
    EXPECT_EQ(slot->topic_meta[511], std::byte{0});
    EXPECT_EQ(slot->checked_incarnation, 0u);
    EXPECT_EQ(slot->active_inode, 0u);
    EXPECT_EQ(slot->directory_modified_ns, 0);
}

TEST(Slots, PUB8_AllSlotsCanBeTakenThenTheLimitIsNamedAndDeletedOnesAreGivenAway) {
    const Memory memory;
    SlotTable table{memory.bytes()};
    std::size_t pieces = 0;
    const auto allocate = [&](std::size_t position, std::size_t size_bytes) -> Status {
        EXPECT_EQ(position, kSlotsAt + pieces * kSlotsPerAllocation * kSlotBytes);
        EXPECT_EQ(size_bytes, kSlotsPerAllocation * kSlotBytes);
        ++pieces;
        return {};
    };
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(kPartitionSlots); ++i)
        ASSERT_TRUE(table.find_or_make("t", i, allocate)) << i;
    EXPECT_EQ(pieces, kPartitionSlots / kSlotsPerAllocation);
    EXPECT_EQ(table.find_or_make("one-more", 0, allocate).error().code, Errc::too_many);
    EXPECT_NE(table.find_or_make("one-more", 0, allocate).error().message().find("65536"), std::string::npos);
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(kPartitionSlots); ++i)
        ASSERT_TRUE(table.find("t", i)) << i;

    PartitionSlot* given = table.find("t", 40'000);
    const auto generation = given->use_generation.load();
    table.retire(*given);
    EXPECT_EQ(table.find_or_make("one-more", 0, allocate).value(), given);
    EXPECT_GT(given->use_generation, generation);
    EXPECT_EQ(table.find("one-more", 0), given);
    EXPECT_EQ(table.find_or_make("another", 0, allocate).error().code, Errc::too_many);
    EXPECT_EQ(table.find("t", 40'000), nullptr);
    std::int32_t found = 0;
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(kPartitionSlots); ++i)
        found += table.find("t", i) != nullptr;
    EXPECT_EQ(found, static_cast<std::int32_t>(kPartitionSlots) - 1) << "the other chains are whole";
}

// A slot that moves from chain to chain takes nobody along: the name behind it is found at every moment.
TEST(Slots, PUB6_NameIsFoundWhileTheSlotBeforeItInTheChainIsGivenAway) {
    const Memory memory;
    SlotTable table{memory.bytes()};
    // Slot 0 moves between the chain of "stay" and another.
    PartitionSlot* mover = table.find_or_make("mover", 0, allocate_nothing).value();
    const auto in_chain_of = [&](std::uint32_t bucket, bool same) {
        const Memory scratch;
        SlotTable names{scratch.bytes()};
        for (std::int32_t i = 1;; ++i)
            if ((names.find_or_make("mover", i % 60'000, allocate_nothing).value()->bucket == bucket) == same)
                return i % 60'000;
    };
    PartitionSlot* stay = table.find_or_make("stay", 0, allocate_nothing).value();
    const std::int32_t here = in_chain_of(stay->bucket, true);
    const std::int32_t there = in_chain_of(stay->bucket, false);
    for (std::int32_t i = 2; i < static_cast<std::int32_t>(kPartitionSlots); ++i)
        ASSERT_TRUE(table.find_or_make("t", i, allocate_nothing));
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> looked{0}, missed{0}, wrong{0};
    std::thread reader{[&] {
        for (; !stop; ++looked) {
            missed += table.find("stay", 0) == stay ? 0 : 1;
            const auto who = identity(*mover);
            wrong += who && (who->topic != "mover" ||
                             (who->partition != here && who->partition != there && who->partition != 0))
                         ? 1
                         : 0;
        }
    }};
    table.retire(*mover);
    for (std::uint64_t change = 0; change < test::test_scale(300'000, 30'000'000); ++change) {
        ASSERT_EQ(table.find_or_make("mover", change % 2 == 0 ? here : there, allocate_nothing).value(), mover);
        table.retire(*mover);
    }
    while (looked == 0) std::this_thread::yield();
    stop = true;
    reader.join();
    EXPECT_EQ(missed, 0u);
    EXPECT_EQ(wrong, 0u);
}

TEST(Slots, PUB7_NothingIsTouchedBeforeItsBytesExist) {
    const Memory memory;
    SlotTable table{memory.bytes()};
    // What was not allocated cannot be touched without being killed.
    std::byte* slots = memory.bytes().data() + kSlotsAt / 4096 * 4096;
    ASSERT_EQ(::mprotect(slots, kControlFileBytes - kSlotsAt / 4096 * 4096, PROT_NONE), 0);
    const auto allocate = [&](std::size_t position, std::size_t size_bytes) -> Status {
        if (position >= kSlotsAt + 4 * kSlotsPerAllocation * kSlotBytes) return fail(Errc::no_space, "allocate", "x");
        ::mprotect(memory.bytes().data() + position, size_bytes, PROT_READ | PROT_WRITE);
        return {};
    };
    for (std::int32_t i = 0; i < 4 * 64; ++i) ASSERT_TRUE(table.find_or_make("t", i, allocate));
    for (int again = 0; again < 3; ++again)
        EXPECT_EQ(table.find_or_make("t", 1000, allocate).error().code, Errc::no_space);
    EXPECT_EQ(table.find("t", 1000), nullptr);
    EXPECT_NE(table.find("t", 255), nullptr);
    std::size_t visited = 0;
    table.for_each([&](PartitionSlot&) { ++visited; });
    EXPECT_EQ(visited, 256u);
}

// The maker of a slot dies at each step; the next one makes it all the same.
TEST(Slots, PUB6_MakerThatDiesCostsAtMostOneSlot) {
    for (const char* point : {"slots.after_allocate", "slots.before_link", "slots.after_link"}) {
        const TempDir dir;
        const auto file = open_to_write(dir.path());
        EXPECT_EQ(test::run_in_child([&] {
                      const auto mine = open_to_write(dir.path());
                      if (!os::arm_kill_point(point)) return 1;
                      static_cast<void>(mine->find_or_make("t", 0));
                      return 2;
                  }),
                  test::ended_by(SIGKILL))
            << point;
        EXPECT_EQ(file->find("t", 0), nullptr) << point;
        PartitionSlot* slot = file->find_or_make("t", 0).value();
        EXPECT_EQ(file->find("t", 0), slot);
        EXPECT_TRUE(under_lock(*file, slot->append, [](Guard& guard) { EXPECT_FALSE(guard.after_death()); }));
        EXPECT_LE(file->header().slots_used, 2u) << point;
        std::size_t live = 0;
        file->for_each_slot([&](PartitionSlot&) { ++live; });
        EXPECT_EQ(live, 1u);
    }
}

// Row 37: whatever somebody writes over the shared memory, a reader ends and stays inside it.
TEST(Slots, Row37_ReadersSurviveEveryFieldOverwrittenAtRandom) {
    const Memory memory;
    SlotTable table{memory.bytes()};
    for (std::int32_t i = 0; i < 1000; ++i) ASSERT_TRUE(table.find_or_make("t", i, allocate_nothing));
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> lookups{0};
    std::thread reader{[&] {
        while (!stop) {
            for (std::int32_t i = 0; i < 1000 && !stop; ++i, ++lookups) {
                if (PartitionSlot* slot = table.find("t", i)) static_cast<void>(identity(*slot));
            }
            table.for_each([](PartitionSlot& slot) { static_cast<void>(identity(slot)); });
        }
    }};
    std::mt19937_64 random{test::test_seed()};
    const auto cell = [&](std::size_t position) {
        return std::atomic_ref{*reinterpret_cast<std::uint32_t*>(memory.bytes().data() + position / 4 * 4)};
    };
    const std::size_t interesting[] = {0, 1, 999, 1000, 65'535, 65'536, 65'537, 0xffffffff};
    Header& header = table.header();
    for (std::uint64_t mutation = 0; mutation < test::test_scale(200'000, 1'000'000); ++mutation) {
        std::uint32_t value = static_cast<std::uint32_t>(random());
        if (random() % 2 == 0) value = static_cast<std::uint32_t>(interesting[random() % std::size(interesting)]);
        switch (random() % 4) {
            case 0:
                header.slots_allocated.store(value);
                break;
            case 1:
                header.slots_used.store(value);
                break;
            case 2:
                cell(kBucketsAt + random() % (kSlotsAt - kBucketsAt)).store(value);
                break;
            default: {
                // Past the locks, which are for writers: one trust domain.
                const auto slot = kSlotsAt + random() % 1000 * kSlotBytes;
                const auto from = offsetof(PartitionSlot, waits);
                cell(slot + from + random() % (offsetof(PartitionSlot, checked_incarnation) - from)).store(value);
            }
        }
    }
    while (lookups == 0) std::this_thread::yield();
    stop = true;
    reader.join();
}

// A chain that leads in circles, and one that leads to slots which are not there.
TEST(Slots, Row37_CirclesAndWildLinksEnd) {
    const Memory memory;
    SlotTable table{memory.bytes()};
    for (std::int32_t i = 0; i < 64; ++i) ASSERT_TRUE(table.find_or_make("t", i, allocate_nothing));
    auto* buckets = reinterpret_cast<std::atomic<std::uint32_t>*>(memory.bytes().data() + kBucketsAt);
    for (const std::uint32_t link : {1u, 64u, 65u, 65'536u, 65'537u, 0xffffffffu}) {
        for (std::uint32_t b = 0; b < kBuckets; ++b) buckets[b] = link;
        table.for_each([&](PartitionSlot& slot) { slot.next = link; });
        EXPECT_EQ(table.find("unknown", 0), nullptr);
        Header& header = table.header();
        for (const std::uint32_t many : {0u, 1u, 65'536u, 0xffffffffu}) {
            header.slots_allocated = many;
            EXPECT_EQ(table.find("unknown", 0), nullptr);
        }
        header.slots_allocated = 64;
    }
}

}  // namespace
}  // namespace mq::shm
