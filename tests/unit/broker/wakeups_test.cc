// The thread that waits: for time, and for records of this process and of others.
#include "broker/wakeups.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "broker/worker_pool.h"
#include "os/process.h"
#include "store/data_directory.h"
#include "support/alloc_faults.h"
#include "support/batches.h"
#include "support/child.h"
#include "support/temp_dir.h"
#include "unit/broker/broker_fixture.h"

namespace mq::broker {
namespace {

constexpr std::int64_t kNever = INT64_MAX;

store::OpenOptions for_writing() {
    store::OpenOptions options;
    options.access = store::Access::write;
    return options;
}

class WakeupsTest : public ::testing::Test {
protected:
    // Noting takes no memory, which may be short.
    WakeupsTest() { called.reserve(100'000); }
    void make_topic(const std::string& name, std::int32_t partitions = 1) {
        store::NewTopic topic;
        topic.name = name;
        topic.partitions = partitions;
        topic.config = {{"retention.ms", "-1"}};
        const auto made = directory.create_topic(topic);
        ASSERT_TRUE(made) << made.error().message();
        for (std::int32_t i = 0; i < partitions; ++i) ASSERT_TRUE(directory.open_reader({name, i}));
    }
    static void append_to(store::DataDirectory& to, const log::TopicPartition& id) {
        const auto writer = to.open_writer(id);
        ASSERT_TRUE(writer) << writer.error().message();
        std::string batch = test::numbered_batch(0, 1);
        const auto appended = (*writer)->append(batch);
        ASSERT_TRUE(appended) << appended.error().message();
    }
    std::function<void()> note(int number) {
        return [this, number] {
            const std::lock_guard lock{mutex};
            called.push_back(number);
            came.notify_all();
        };
    }
    // Waits until so many calls were made.
    std::vector<int> calls(std::size_t count) {
        std::unique_lock lock{mutex};
        EXPECT_TRUE(came.wait_for(lock, std::chrono::seconds{60}, [&] { return called.size() >= count; }));
        return called;
    }
    Wakeups::Watched records_of(const std::string& topic, std::int32_t partition = 0, std::int64_t beyond = 0) {
        return {{topic, partition}, Offset{beyond}};
    }

    test::TempDir dir;
    store::DataDirectory directory = store::DataDirectory::open(dir / "data", for_writing()).value();
    std::mutex mutex;
    std::condition_variable came;
    std::vector<int> called;
    Memory log;
    Wakeups wakeups{directory, log};
};

TEST_F(WakeupsTest, TimersAreCalledInTheOrderOfTheirTimesAndNotBefore) {
    std::int64_t now = 0;
    // By the thread that calls them: none has its time before all are there.
    wakeups.at(0, [&] {
        now = os::monotonic_ms();
        wakeups.at(now + 60, note(2));
        wakeups.at(now + 20, note(1));
        wakeups.at(now - 5, note(0));
    });
    EXPECT_EQ(calls(3), (std::vector{0, 1, 2}));
    EXPECT_GE(os::monotonic_ms(), now + 60);
}

TEST_F(WakeupsTest, RecordsOfThisProcessWakeWhoWaitsForThemAndNobodyElse) {
    make_topic("a");
    make_topic("b");
    const std::vector a{records_of("a")};
    const std::vector b{records_of("b")};
    wakeups.when(a, kNever, note(1));
    const auto other = wakeups.when(b, kNever, note(2));
    append_to(directory, {"a", 0});
    EXPECT_EQ(calls(1), (std::vector{1}));
    EXPECT_TRUE(wakeups.cancel(other));
    append_to(directory, {"b", 0});
    EXPECT_FALSE(wakeups.cancel(other));
    EXPECT_EQ(calls(1), (std::vector{1}));
}

TEST_F(WakeupsTest, WhoAppendsInTheBrokerCallsAFewOfThoseThatWaitByItself) {
    make_topic("a");
    make_topic("b");
    const auto writer = directory.open_writer({"a", 0}).value();
    const std::vector a{records_of("a")};
    const std::vector later{records_of("a", 0, 1)};
    const std::vector b{records_of("b")};
    constexpr int kWaiters = 50;
    wakeups.when(later, kNever, note(-1));
    wakeups.when(b, kNever, note(-2));
    for (int i = 0; i < kWaiters; ++i) wakeups.when(a, kNever, note(i));
    std::promise<void> is_busy;
    std::promise<void> goes_on;
    wakeups.at(0, [&] {
        is_busy.set_value();
        goes_on.get_future().wait();
    });
    is_busy.get_future().wait();
    std::string batch = test::numbered_batch(0, 1);
    ASSERT_TRUE(writer->append(batch, {}, store::PartitionWriter::Wake::others));
    wakeups.appended({"a", 0});
    const auto here = calls(1);
    EXPECT_LT(here.size(), std::size_t{kWaiters}) << "who appends is not kept for long";
    EXPECT_EQ(here.front(), 0);
    goes_on.set_value();
    auto all = calls(kWaiters);
    std::ranges::sort(all);
    EXPECT_EQ(all.size(), std::size_t{kWaiters});
    EXPECT_EQ(all.front(), 0);
}

TEST_F(WakeupsTest, PUB4_RecordsOfAnotherProcessWakeToo) {
    make_topic("a");
    const std::vector a{records_of("a")};
    for (int i = 0; i < 20; ++i) {
        const std::vector wanted{records_of("a", 0, i)};
        wakeups.when(wanted, kNever, note(i));
        EXPECT_EQ(test::run_in_child([&] {
                      auto other = store::DataDirectory::open(dir / "data", for_writing()).value();
                      append_to(other, {"a", 0});
                      return 0;
                  }),
                  test::exited_with(0));
        EXPECT_EQ(calls(static_cast<std::size_t>(i) + 1).back(), i);
    }
}

TEST_F(WakeupsTest, WhatHoldsAlreadyIsCalledAtOnce) {
    make_topic("a");
    append_to(directory, {"a", 0});
    const std::vector a{records_of("a")};
    wakeups.when(a, kNever, note(1));
    EXPECT_EQ(calls(1), (std::vector{1}));
}

TEST_F(WakeupsTest, TheTimeComesWhereTheRecordsDoNot) {
    make_topic("a");
    const std::int64_t until = os::monotonic_ms() + 30;
    const std::vector a{records_of("a")};
    wakeups.when(a, until, note(1));
    calls(1);
    EXPECT_GE(os::monotonic_ms(), until);
}

TEST_F(WakeupsTest, FET9_ADeletedTopicWakesWhoWaitsForIt) {
    make_topic("a", 2);
    const std::vector wanted{records_of("a", 1)};
    wakeups.when(wanted, kNever, note(1));
    ASSERT_TRUE(directory.delete_topic("a"));
    EXPECT_EQ(calls(1), (std::vector{1}));
    // A topic of that name that is made again is another one.
    make_topic("a", 2);
    wakeups.when(wanted, kNever, note(2));
    append_to(directory, {"a", 1});
    EXPECT_EQ(calls(2), (std::vector{1, 2}));
}

TEST_F(WakeupsTest, PUB5_MorePartitionsThanOneSystemCallCanNameAreWatched) {
    constexpr int kPartitions = 150;
    make_topic("many", kPartitions);
    for (int i = 0; i < kPartitions; ++i) {
        const std::vector wanted{records_of("many", i)};
        wakeups.when(wanted, kNever, note(i));
    }
    std::vector<int> expected;
    for (const int i : {149, 0, 128, 127, 64}) {
        append_to(directory, {"many", i});
        expected.push_back(i);
        EXPECT_EQ(calls(expected.size()), expected);
    }
}

TEST_F(WakeupsTest, ManyThreadsWaitForManyPartitionsAgainAndAgain) {
    constexpr int kThreads = 4;
    constexpr int kRounds = 200;
    make_topic("t", kThreads);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < kRounds; ++i) {
                const std::vector wanted{records_of("t", t, i), records_of("t", (t + 1) % kThreads, kRounds)};
                wakeups.when(wanted, kNever, note(t));
                append_to(directory, {"t", t});
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(calls(kThreads * kRounds).size(), std::size_t{kThreads * kRounds});
}

TEST_F(WakeupsTest, ACallMayWaitAgain) {
    make_topic("a");
    const std::vector wanted{records_of("a")};
    wakeups.at(0, [&] { wakeups.when(wanted, kNever, note(1)); });
    append_to(directory, {"a", 0});
    EXPECT_EQ(calls(1), (std::vector{1}));
}

TEST_F(WakeupsTest, StoppingCallsWhatWaitsAndNothingFromThenOn) {
    make_topic("a");
    const std::vector wanted{records_of("a")};
    wakeups.when(wanted, kNever, note(1));
    wakeups.at(kNever, note(2));
    wakeups.stop();
    auto all = calls(2);
    std::ranges::sort(all);
    EXPECT_EQ(all, (std::vector{1, 2}));
    EXPECT_EQ(wakeups.at(0, note(3)), 0u);
    EXPECT_EQ(calls(2).size(), 2u);
}

// Every allocation of who begins to wait fails in turn, and every one of who appends.
TEST_F(WakeupsTest, MemoryThatIsShortIsToldToWhoWaitsAndLosesNothingElse) {
    make_topic("a");
    const auto writer = directory.open_writer({"a", 0}).value();
    std::int64_t end = 0;
    std::vector<int> expected;
    const auto runs = test::for_each_alloc_failure([&](test::AllocRun& run) {
        const std::vector wanted{records_of("a", 0, end)};
        auto call = note(1);
        const bool refused = run.starved([&] { wakeups.when(wanted, kNever, std::move(call)); });
        if (!refused) expected.push_back(1);
        wakeups.when(wanted, kNever, note(2));
        expected.push_back(2);
        std::string batch = test::numbered_batch(end++, 1);
        ASSERT_TRUE(writer->append(batch, {}, store::PartitionWriter::Wake::others));
        wakeups.appended({"a", 0});
        auto all = calls(expected.size());
        std::ranges::sort(all);
        std::ranges::sort(expected);
        EXPECT_EQ(all, expected);
    });
    EXPECT_GT(runs, 2u);
    const std::size_t before = expected.size();
    std::size_t waited = 0;
    test::for_each_alloc_failure([&](test::AllocRun& run) {
        const std::vector wanted{records_of("a", 0, end)};
        for (int i = 0; i < 20; ++i) wakeups.when(wanted, kNever, note(3));
        waited += 20;
        std::string batch = test::numbered_batch(end++, 1);
        ASSERT_TRUE(writer->append(batch, {}, store::PartitionWriter::Wake::others));
        EXPECT_FALSE(run.starved([&] { wakeups.appended({"a", 0}); })) << "the records are there";
        calls(before + waited);
    });
}

// The same of the thread itself: one allocation, or some of them one after another.
TEST_F(WakeupsTest, MemoryThatIsShortDoesNotEndTheThread) {
    make_topic("a");
    std::int64_t end = 0;
    std::size_t expected = 0;
    for (const std::uint64_t times : {1u, 5u}) {
        std::uint64_t failed = 1;
        for (std::uint64_t nth = 1; failed > 0; ++nth) {
            SCOPED_TRACE(std::to_string(times) + " allocations from " + std::to_string(nth));
            const std::vector wanted{records_of("a", 0, end)};
            for (int i = 0; i < 3; ++i) wakeups.when(wanted, kNever, note(1));
            wakeups.at(0, [&] {
                test::fail_allocations(nth, times);
                note(0)();
            });
            calls(++expected);
            ASSERT_NO_FATAL_FAILURE(append_to(directory, {"a", 0}));
            ++end;
            calls(expected += 3);
            wakeups.at(0, [&] {
                failed = test::stop_failing_allocations();
                note(0)();
            });
            calls(++expected);
        }
    }
}

TEST_F(WakeupsTest, ACallThatFindsNoMemoryIsDroppedAndSaid) {
    wakeups.at(0, [] { throw std::bad_alloc{}; });
    wakeups.at(1, note(1));
    EXPECT_EQ(calls(1), (std::vector{1}));
    EXPECT_EQ(log.lines(), kNoMemory + "\n");
}

TEST(Workers, WorkThatFindsNoMemoryIsDroppedAndSaid) {
    Memory log;
    {
        WorkerPool workers{1, log};
        workers.post([] { throw std::bad_alloc{}; });
    }
    EXPECT_EQ(log.lines(), kNoMemory + "\n");
}

TEST(Workers, WhatFindsNoRoomInTheQueueIsRefused) {
    Memory log;
    std::atomic<std::size_t> done{0};
    std::size_t taken = 0;
    {
        WorkerPool workers{1, log};
        test::for_each_alloc_failure([&](test::AllocRun& run) {
            // Enough of them that the queue must grow.
            EXPECT_FALSE(run.starved([&] {
                for (int i = 0; i < 100; ++i) taken += workers.post([&done] { ++done; }) ? 1 : 0;
            }));
        });
    }
    EXPECT_EQ(done, taken);
}

// The topic may have gone between the look and the wait.
TEST_F(WakeupsTest, FET9_WhatCannotBeWatchedIsLookedAtAgainBeforeLong) {
    make_topic("a");
    ASSERT_TRUE(directory.delete_topic("a"));
    const std::vector gone{records_of("a")};
    wakeups.when(gone, kNever, note(1));
    EXPECT_EQ(calls(1), (std::vector{1}));
    const std::vector nowhere{records_of("nowhere", 3)};
    wakeups.when(nowhere, os::monotonic_ms() + 20, note(2));
    EXPECT_EQ(calls(2), (std::vector{1, 2}));
}

}  // namespace
}  // namespace mq::broker
