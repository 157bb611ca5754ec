// CONCURRENCY PUB-4, PUB-5: sleeping and waking.
#include "shm/wake.h"

#include <gtest/gtest.h>
#include <csignal>
#include <thread>

#include "fixture.h"
#include "os/mapping.h"
#include "support/child.h"
#include "support/scale.h"
#include "support/temp_dir.h"

namespace mq::shm {
namespace {

using test::Child;
using test::ended_by;
using test::exited_with;
using test::Gate;
using test::TempDir;

std::atomic<std::uint64_t>& published(PartitionSlot& slot) {
    return *reinterpret_cast<std::atomic<std::uint64_t>*>(slot.state.data());
}

// Until `slot` has more than `seen`; how often it slept.
int wait_for_more(Header& header, PartitionSlot& slot, std::uint64_t seen, bool writable = true) {
    WaitSet set;
    set.add(header, slot, writable);
    for (int sleeps = 0;; ++sleeps) {
        set.raise();
        if (published(slot).load() > seen) return sleeps;
        if (!set.sleep(-1)) return -1;
    }
}

TEST(Wake, PUB4_EveryPublicationReachesASleeperInAnotherProcess) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    PartitionSlot* there = file->find_or_make("there", 0).value();
    PartitionSlot* back = file->find_or_make("back", 0).value();
    const std::uint64_t rounds = test::test_scale(5'000, 1'000'000);
    Child child = Child::fork([&] {
        const auto mine = open_to_write(dir.path());
        for (std::uint64_t round = 0; round < rounds; ++round) {
            if (wait_for_more(mine->header(), *mine->find("there", 0), round) < 0) return 1;
            published(*mine->find("back", 0)).store(round + 1);
            wake(mine->header(), *mine->find("back", 0));
        }
        return 0;
    });
    for (std::uint64_t round = 0; round < rounds; ++round) {
        published(*there).store(round + 1);
        wake(file->header(), *there);
        ASSERT_GE(wait_for_more(file->header(), *back, round), 0);
    }
    EXPECT_EQ(child.wait(), exited_with(0));
    EXPECT_EQ(file->header().any_waits, 0u);
}

TEST(Wake, PUB4_KilledSleeperCostsOneWakeAndNoMore) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    PartitionSlot* slot = file->find_or_make("t", 0).value();
    wake(file->header(), *slot);
    EXPECT_EQ(slot->waits, 0u);
    const Gate sleeps;
    Child child = Child::fork([&] {
        const auto mine = open_to_write(dir.path());
        WaitSet set;
        set.add(mine->header(), *mine->find("t", 0), true);
        set.raise();
        sleeps.open();
        for (;;) static_cast<void>(set.sleep(-1));
        return 0;
    });
    ASSERT_TRUE(sleeps.wait());
    child.send(SIGKILL);
    child.wait();
    EXPECT_EQ(slot->waits, 1u) << "it could not take it down";
    wake(file->header(), *slot);
    EXPECT_EQ(slot->waits, 0u) << "from now on an append pays two loads again";
}

TEST(Wake, PUB5_DeathBetweenPublishingAndWakingDelaysAndLosesNothing) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    ASSERT_TRUE(file->find_or_make("t", 0));
    const Gate looked;
    Child sleeper = Child::fork([&] {
        const auto mine = open_to_write(dir.path());
        PartitionSlot& same = *mine->find("t", 0);
        WaitSet set;
        set.add(mine->header(), same, true);
        set.raise();
        if (published(same).load() != 0) return 1;
        looked.open();
        if (!set.sleep(-1)) return 2;
        return wait_for_more(mine->header(), same, 0) >= 0 ? 0 : 3;
    });
    // From here on it sleeps, or goes to sleep without another look.
    ASSERT_TRUE(looked.wait());
    EXPECT_EQ(test::run_in_child([&] {
                  const auto mine = open_to_write(dir.path());
                  published(*mine->find("t", 0)).store(1);
                  raise(SIGKILL);
                  return 1;
              }),
              ended_by(SIGKILL));
    EXPECT_EQ(sleeper.wait(), exited_with(0));
}

TEST(Wake, PUB5_SleepEndsByItselfAndTellsThatTimePassed) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    PartitionSlot* slot = file->find_or_make("t", 0).value();
    WaitSet set;
    set.add(file->header(), *slot, true);
    set.raise();
    EXPECT_FALSE(set.sleep(1).value());
    EXPECT_FALSE(set.sleep(-1).value()) << "no sleep is for ever";
    wake(file->header(), *slot);
    EXPECT_TRUE(set.sleep(-1).value()) << "woken between raising and sleeping";
    WaitSet nothing;
    nothing.add_unwatched();
    nothing.raise();
    EXPECT_FALSE(nothing.sleep(-1).value());
    const std::atomic<std::uint32_t> interrupt{1};
    WaitSet interrupted;
    interrupted.add_word(interrupt, 0);
    EXPECT_TRUE(interrupted.sleep(-1).value());
}

// One slot, and so many that all look at one word of the directory.
TEST(Wake, PUB4_TheBrokerLooksAfterItsOwnAndWakesAllOthers) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    for (const std::int32_t count : {1, 129}) {
        WaitSet broker{Sleeper::broker};
        WaitSet other;
        for (std::int32_t i = 0; i < count; ++i) {
            PartitionSlot* slot = file->find_or_make("t", i).value();
            broker.add(file->header(), *slot, true);
            other.add(file->header(), *slot, true);
        }
        PartitionSlot& slot = *file->find("t", 0);
        broker.raise();
        wake_others(file->header(), slot);
        EXPECT_FALSE(broker.sleep(1).value()) << "only it sleeps: it sleeps on";
        other.raise();
        EXPECT_FALSE(other.sleep(1).value()) << "that the broker sleeps too ends no sleep";
        wake_others(file->header(), slot);
        EXPECT_TRUE(other.sleep(-1).value());
        EXPECT_TRUE(broker.sleep(-1).value()) << "one word: it looks once more than it need";
        broker.raise();
        wake(file->header(), slot);
        EXPECT_TRUE(broker.sleep(-1).value()) << "of others' appends it is told";
    }
}

// Up to 128 words in one call, and beyond.
TEST(Wake, PUB5_AnyOfManyPartitionsWakes) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    for (const std::int32_t count : {2, 128, 129, 300}) {
        for (std::int32_t i = 0; i < count; ++i) published(*file->find_or_make("t", i).value()).store(0);
        for (const std::int32_t which : {0, count / 2, count - 1}) {
            const Gate ready;
            Child sleeper = Child::fork([&] {
                const auto mine = open_to_write(dir.path());
                WaitSet set;
                for (std::int32_t i = 0; i < count; ++i) set.add(mine->header(), *mine->find("t", i), true);
                set.add_catalogue(mine->header(), true);
                for (bool first = true;; first = false) {
                    set.raise();
                    if (first) ready.open();
                    if (published(*mine->find("t", which)).load() != 0) return 0;
                    if (!set.sleep(-1)) return 1;
                }
            });
            ASSERT_TRUE(ready.wait());
            // A slot's own flag where its word is named, else the directory's: the catalogue's word is one of the
            // 128.
            const bool each = count < 128;
            EXPECT_EQ(file->find("t", which)->waits, each ? 1u : 0u);
            EXPECT_EQ(file->header().any_waits, each ? 0u : 1u);
            published(*file->find("t", which)).store(1);
            wake(file->header(), *file->find("t", which));
            EXPECT_EQ(sleeper.wait(), exited_with(0));
            published(*file->find("t", which)).store(0);
            for (std::int32_t i = 0; i < count; ++i) file->find("t", i)->waits = 0;
        }
    }
}

TEST(Wake, PUB4_ChangeOfTheCatalogueWakesWhoFollowsIt) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    Header& header = file->header();
    Child follower = Child::fork([&] {
        const auto mine = open_to_write(dir.path());
        while (mine->header().catalogue_generation == 0) {
            WaitSet set;
            set.add_catalogue(mine->header(), true);
            set.raise();
            if (mine->header().catalogue_generation == 0 && !set.sleep(-1)) return 1;
        }
        return 0;
    });
    while (header.catalogue_waits == 0) std::this_thread::yield();
    wake_catalogue(header);
    EXPECT_EQ(follower.wait(), exited_with(0));
    EXPECT_EQ(header.catalogue_generation, 1u);
}

TEST(Wake, PUB6_DeletionOfAPartitionWakesItsReaders) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    PartitionSlot* slot = file->find_or_make("t", 0).value();
    const auto generation = slot->use_generation.load();
    std::thread reader{[&] {
        WaitSet set;
        set.add(file->header(), *slot, true);
        for (;;) {
            set.raise();
            if (slot->use_generation != generation) return;
            EXPECT_TRUE(set.sleep(-1));
        }
    }};
    while (slot->waits == 0) std::this_thread::yield();
    ASSERT_TRUE(
        under_lock(*file, file->header().catalogue, [&](Guard& catalogue) { file->retire(*slot, catalogue); }));
    reader.join();
    EXPECT_EQ(file->find("t", 0), nullptr);
}

// A process that cannot store to the memory sleeps in short stretches, and sees what others publish.
TEST(Wake, PUB5_ReaderOfAReadOnlyMappingFollows) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    PartitionSlot* slot = file->find_or_make("t", 0).value();
    const Gate looks;
    Child reader = Child::fork([&] {
        const auto control = os::File::open(control_path(dir.path()), os::OpenMode::read).value();
        const auto mapping = os::Mapping::map(control, os::MapAccess::read_only, kControlFileBytes).value();
        const SlotTable table{mapping.bytes()};
        PartitionSlot* same = table.find("t", 0);
        if (same == nullptr) return 1;
        looks.open();
        return wait_for_more(table.header(), *same, 0, false) >= 0 ? 0 : 2;
    });
    ASSERT_TRUE(looks.wait());
    EXPECT_EQ(slot->waits, 0u);
    published(*slot).store(1);
    wake(file->header(), *slot);
    EXPECT_EQ(reader.wait(), exited_with(0));
}

}  // namespace
}  // namespace mq::shm
