// CONCURRENCY LCK-1, LCK-2, LCK-4, LCK-6, LCK-7; RELIABILITY rows 4 and 6.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <random>
#include <thread>

#include "fixture.h"
#include "os/process.h"
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

TEST(Lock, LCK1_LCK4_EachDeathInsideIsFoundOnceAndTheLockGoesOn) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    PartitionSlot* slot = file->find_or_make("t", 0).value();
    for (std::uint64_t round = 0; round < test::test_scale(200, 20'000); ++round) {
        const Gate inside;
        Child holder = Child::fork([&] {
            const auto mine = open_to_write(dir.path());
            return under_lock(*mine, mine->find("t", 0)->append, [&](Guard&) {
                inside.open();
                for (;;) pause();
            });
        });
        ASSERT_TRUE(inside.wait());
        holder.send(SIGKILL);
        bool after_death = false;  // of a holder that may not have been reaped, nor even ended
        ASSERT_TRUE(under_lock(*file, slot->append, [&](Guard& guard) { after_death = guard.after_death(); }));
        EXPECT_TRUE(after_death);
        ASSERT_TRUE(under_lock(*file, slot->append, [&](Guard& guard) { after_death = guard.after_death(); }));
        EXPECT_FALSE(after_death) << "it is consistent again at once, whatever the repair did";
        EXPECT_EQ(holder.wait(), ended_by(SIGKILL));
    }
}

// Two words that change together under the lock, three processes that do it, and a killer.
TEST(Lock, LCK1_NoDeathLetsTwoInside) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    PartitionSlot* slot = file->find_or_make("t", 0).value();
    auto* words = reinterpret_cast<std::atomic<std::uint64_t>*>(slot->state.data());  // before, after, broken
    const auto work = [&] {
        const auto mine = open_to_write(dir.path());
        PartitionSlot* same = mine->find("t", 0);
        auto* its = reinterpret_cast<std::atomic<std::uint64_t>*>(same->state.data());
        for (;;)
            if (!under_lock(*mine, same->append, [&](Guard& guard) {
                    if (its[0] != its[1]) {
                        if (!guard.after_death()) its[2] = 1;  // somebody else is inside
                        its[1] = its[0].load();
                    }
                    its[0].fetch_add(1);
                    its[1].fetch_add(1);
                }))
                return 1;
    };
    std::vector<std::unique_ptr<Child>> workers;
    for (int i = 0; i < 3; ++i) workers.push_back(std::make_unique<Child>(Child::fork(work)));
    std::mt19937_64 random{test::test_seed()};
    std::uint64_t before = 0;
    for (std::uint64_t kill = 0; kill < test::test_scale(300, 100'000); ++kill) {
        // The next dies once work went on since the last: so that every death falls into it.
        const std::uint64_t wanted = before + 1 + random() % 500;
        while (words[0].load() < wanted) std::this_thread::yield();
        before = words[0].load();
        auto& victim = workers[random() % workers.size()];
        victim->send(SIGKILL);
        victim = std::make_unique<Child>(Child::fork(work));
        ASSERT_EQ(words[2], 0u) << "seed " << test::test_seed() << ", kill " << kill;
    }
}

// Runs `body` as pid 1 of a new PID namespace, `watch` beside it outside; exits as it does, or with 128 + its signal.
Child as_pid_1(const std::function<void(pid_t)>& watch, const std::function<int()>& body) {
    return Child::fork([watch, body] {
        if (!unshare_spaces(CLONE_NEWPID)) return 100;
        const pid_t first = fork();
        if (first == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            _exit(getpid() == 1 ? body() : 101);
        }
        watch(first);
        int status = 0;
        waitpid(first, &status, 0);
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    });
}

// The directory is entered by two processes that are both pid 1, each in a PID namespace of its own.
TEST(Lock, LCK2_EqualThreadIdsOfTwoPidNamespacesNeverTakeOneAnothersLock) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    PartitionSlot* slot = file->find_or_make("t", 0).value();
    const Gate a_inside, b_waits, b_dies, a_may_leave;
    Child a = as_pid_1([](pid_t) {},
                       [&] {
                           const auto mine = open_to_write(dir.path());
                           const bool held = under_lock(*mine, mine->find("t", 0)->append, [&](Guard&) {
                               if (os::thread_id() != 1) return;
                               a_inside.open();
                               static_cast<void>(a_may_leave.wait());
                           });
                           return held ? 0 : 1;
                       });
    ASSERT_TRUE(a_inside.wait());
    const auto kill_b = [&](pid_t first) {
        if (b_dies.wait()) kill(first, SIGKILL);
    };
    Child b = as_pid_1(kill_b, [&] {
        const auto mine = open_to_write(dir.path());
        const Status waiting = mine->on_claimed_thread([&]() -> Status {
            if (os::thread_id() == 1) return fail(Errc::io, "", "");
            return mine->on_claimed_thread([&]() -> Status {  // nested: in place
                b_waits.open();
                MQ_ASSIGN(const Guard guard, mine->lock(mine->find("t", 0)->append, "append lock"));
                return {};
            });
        });
        static_cast<void>(waiting);
        return 1;
    });
    ASSERT_TRUE(b_waits.wait());
    // Wait until it does: FUTEX_WAITERS stands in the lock word.
    const auto* word = reinterpret_cast<const std::atomic<std::uint32_t>*>(&slot->append);
    while ((word->load() & 0x80000000u) == 0) std::this_thread::yield();
    b_dies.open();
    EXPECT_EQ(b.wait(), exited_with(128 + SIGKILL));
    // C finds A inside, though somebody with A's number died in this lock.
    for (int look = 0; look < 100; ++look) {
        const Status looked = file->on_claimed_thread([&]() -> Status {
            MQ_ASSIGN(const auto guard, file->try_lock(slot->append, "append lock"));
            EXPECT_FALSE(guard.has_value());
            return {};
        });
        EXPECT_TRUE(looked);
        std::this_thread::yield();
    }
    a_may_leave.open();
    EXPECT_EQ(a.wait(), exited_with(0));
    EXPECT_TRUE(under_lock(*file, slot->append, [](Guard& guard) { EXPECT_FALSE(guard.after_death()); }));
}

// All of a process's threads find their TIDs taken; the work goes on one that is not, and what it throws comes back.
TEST(Lock, LCK2_WorkMovesToAFreeThreadWhereTheIdIsTaken) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    PartitionSlot* slot = file->find_or_make("t", 0).value();
    const auto control = os::File::open(control_path(dir.path()), os::OpenMode::read_write).value();
    const auto claim = [&] {
        const auto byte = (std::uint64_t{1} << 32) + static_cast<std::uint64_t>(os::thread_id());
        return os::try_lock(control, os::LockKind::exclusive, byte, 1).value();
    };
    std::vector<std::thread> threads;
    std::atomic<int> moved{0};
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            ASSERT_TRUE(claim());
            for (int round = 0; round < 50; ++round) {
                const int own = os::thread_id();
                EXPECT_TRUE(
                    under_lock(*file, slot->append, [&](Guard&) { moved += os::thread_id() != own ? 1 : 0; }));
            }
            EXPECT_THROW(static_cast<void>(file->on_claimed_thread([]() -> Status { throw std::bad_alloc{}; })),
                         std::bad_alloc);
            EXPECT_EQ(file->on_claimed_thread([] { return Status{fail(Errc::poisoned, "a", "b")}; }).error().code,
                      Errc::poisoned);
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(moved, 200);
}

TEST(Lock, LCK2_EveryThreadIdTakenIsAnErrorThatSaysSo) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    const auto control = os::File::open(control_path(dir.path()), os::OpenMode::read_write).value();
    ASSERT_TRUE(os::try_lock(control, os::LockKind::exclusive, std::uint64_t{1} << 32, 1u << 31).value());
    const Status status = file->on_claimed_thread([]() -> Status { return {}; });
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::in_use);
}

TEST(LockDeathTest, LCK2_LockingWithoutAClaimIsABug) {
    const TempDir dir;
    const auto lock_bare = [&] {
        const auto file = open_to_write(dir.path());
        static_cast<void>(file->lock(file->header().catalogue, "catalogue lock"));
    };
    EXPECT_DEATH(lock_bare(), "inside on_claimed_thread");
}

// Row 4: the stopped holder keeps the lock, and is named; the wait ends by its going on, or by the waiter's own wish.
TEST(Lock, LCK6_LCK7_StoppedHolderIsNamedAfterASecondAndNothingIsTakenFromIt) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    PartitionSlot* slot = file->find_or_make("numbers", 0).value();
    Child holder = Child::fork([&] {
        const auto mine = open_to_write(dir.path());
        return under_lock(*mine, mine->find("numbers", 0)->append, [&](Guard&) { raise(SIGSTOP); }) ? 0 : 1;
    });
    ASSERT_TRUE(holder.wait_until_stopped());
    int asked = 0;
    auto options = writing();
    options.on_wait = [&](const Holder& found, std::chrono::milliseconds waited) -> Status {
        EXPECT_EQ(found.pid, holder.pid());
        EXPECT_FALSE(found.foreign);
        EXPECT_EQ(found.what, "append lock of numbers-0");
        EXPECT_GE(waited.count(), 1000);
        if (++asked == 2) return fail(Errc::timed_out, "append", "numbers-0");
        if (asked == 4) holder.send(SIGCONT);
        return {};
    };
    ASSERT_EQ(ControlFile::open(dir.path(), options).value(), file) << "the hook of the latest opener is asked";
    const auto wait = [&] {
        return file->on_claimed_thread([&]() -> Status {
            MQ_ASSIGN(const Guard guard, file->lock(slot->append, "append lock of numbers-0"));
            EXPECT_FALSE(guard.after_death());
            return {};
        });
    };
    EXPECT_EQ(wait().error().code, Errc::timed_out);
    EXPECT_TRUE(wait());
    EXPECT_GE(asked, 4);
    EXPECT_EQ(holder.wait(), exited_with(0));
    // A reader needed nothing of it.
    EXPECT_EQ(slot->append.holder_pid, 0);
}

// Threads that serve others have no second to wait.
TEST(Lock, P5_LCK7_BrieflyAThreadWaitsAMomentOnlyAndIsToldTheHolder) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    PartitionSlot* slot = file->find_or_make("numbers", 0).value();
    Child holder = Child::fork([&] {
        const auto mine = open_to_write(dir.path());
        return under_lock(*mine, mine->find("numbers", 0)->append, [&](Guard&) { raise(SIGSTOP); }) ? 0 : 1;
    });
    ASSERT_TRUE(holder.wait_until_stopped());
    const auto options_without_end = [] {
        auto options = writing();
        options.on_wait = [](const Holder&, std::chrono::milliseconds) { return Status{}; };
        return options;
    }();
    ASSERT_TRUE(ControlFile::open(dir.path(), options_without_end));
    {
        const Briefly outer;
        { const Briefly inner; }
        EXPECT_TRUE(Briefly::is_on());
        const Status taken = file->on_claimed_thread(
            [&] { return file->lock(slot->append, "append lock of numbers-0").map([](const Guard&) {}); });
        ASSERT_FALSE(taken);
        EXPECT_EQ(taken.error().code, Errc::timed_out);
        EXPECT_NE(taken.error().message().find("process " + std::to_string(holder.pid())), std::string::npos)
            << taken.error().message();
    }
    EXPECT_FALSE(Briefly::is_on());
    holder.send(SIGCONT);
    EXPECT_TRUE(under_lock(*file, slot->append, [](Guard&) {}));
    EXPECT_EQ(holder.wait(), exited_with(0));
}

// Row 6: a pid alone names nobody.
TEST(Lock, LCK7_Row6_HolderIsNamedOnlyWhereItIsStillTheSameProcess) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    PartitionSlot* slot = file->find_or_make("t", 0).value();
    std::vector<Holder> seen;
    std::function<void(int)> forge;
    auto options = writing();
    options.on_wait = [&](const Holder& found, std::chrono::milliseconds) -> Status {
        seen.push_back(found);
        forge(static_cast<int>(seen.size()));
        return seen.size() == 4 ? Status{fail(Errc::interrupted, "", "")} : Status{};
    };
    ASSERT_TRUE(ControlFile::open(dir.path(), options));
    ASSERT_TRUE(under_lock(*file, slot->append, [&](Guard&) {
        forge = [&](int step) {
            if (step == 1) slot->append.holder_start_time.fetch_add(1);  // another process with that pid
            if (step == 2) slot->append.holder_pid_namespace.fetch_add(1);
            if (step == 3) slot->append.holder_pid.store(0);  // it has the lock, and has not said so yet
        };
        std::thread waiter{[&] { EXPECT_FALSE(under_lock(*file, slot->append, [](Guard&) {})); }};
        waiter.join();
    }));
    ASSERT_EQ(seen.size(), 4u);
    EXPECT_EQ(seen[0].pid, os::process_id());
    EXPECT_EQ(seen[1].pid, 0) << "the start time differs";
    EXPECT_EQ(seen[2].pid, os::process_id()) << "of another PID namespace: it can only be repeated";
    EXPECT_TRUE(seen[2].foreign);
    EXPECT_EQ(seen[3].pid, 0);
    EXPECT_FALSE(seen[3].foreign);
}

TEST(Lock, ThreadsOfOneProcessExcludeOneAnother) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    PartitionSlot* slot = file->find_or_make("t", 0).value();
    std::uint64_t plain = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 5000; ++n) EXPECT_TRUE(under_lock(*file, slot->flush, [&](Guard&) { ++plain; }));
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(plain, 20'000u);
}

TEST(Lock, ChildOfAForkOpensTheDirectoryAgainAndMayDropWhatItInherited) {
    const TempDir dir;
    auto file = open_to_write(dir.path());
    PartitionSlot* slot = file->find_or_make("t", 0).value();
    ASSERT_TRUE(under_lock(*file, slot->append, [](Guard&) {}));
    EXPECT_EQ(test::run_in_child([&] {
                  const auto mine = open_to_write(dir.path());
                  if (mine == file) return 1;
                  file.reset();
                  return under_lock(*mine, mine->find("t", 0)->append, [](Guard&) {}) ? 0 : 2;
              }),
              exited_with(0));
    EXPECT_TRUE(under_lock(*file, slot->append, [](Guard&) {}));
}

}  // namespace
}  // namespace mq::shm
