// What shared memory is made of: mappings, sleeping on words, robust locks, and who runs here.
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>
#include <atomic>
#include <csignal>
#include <thread>

#include "os/file_system.h"
#include "os/futex.h"
#include "os/mapping.h"
#include "os/process.h"
#include "os/robust_mutex.h"
#include "support/child.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace mq::os {
namespace {

using test::Child;
using test::ended_by;
using test::exited_with;
using test::Gate;
using test::run_in_child;
using test::slurp;
using test::spill;
using test::TempDir;

Mapping map_file(const std::string& path, std::size_t size_bytes, MapAccess access = MapAccess::read_write) {
    const File file = File::open(path, OpenMode::read_write).value();
    return Mapping::map(file, access, size_bytes).value();
}

TEST(Mapping, SharesBytesWithTheFileAndOutlivesIt) {
    const TempDir dir;
    spill(dir / "f", std::string(10'000, 'a'));
    Mapping mapping = map_file(dir / "f", 10'000);
    ASSERT_EQ(mapping.bytes().size(), 10'000u);
    mapping.bytes()[9'999] = std::byte{'z'};
    EXPECT_EQ(slurp(dir / "f").back(), 'z');
    Mapping other = map_file(dir / "f", 5'000, MapAccess::read_only);
    other = std::move(mapping);
    EXPECT_EQ(other.bytes().size(), 10'000u);
    EXPECT_EQ(Mapping{}.bytes().size(), 0u);
}

TEST(Mapping, FailureNamesTheFile) {
    const TempDir dir;
    spill(dir / "f", "x");
    const File file = File::open(dir / "f", OpenMode::read).value();
    const auto mapping = Mapping::map(file, MapAccess::read_write, 1);
    ASSERT_FALSE(mapping);
    EXPECT_EQ(mapping.error().code, Errc::not_permitted);
    EXPECT_EQ(mapping.error().subject, dir / "f");
}

// A child in which no sanitizer has its say on SIGBUS.
test::ChildEnd in_plain_child(const std::function<int()>& body) {
    return run_in_child([&] {
        ::signal(SIGBUS, SIG_DFL);
        return body();
    });
}

// A store into `mapping` where the file no longer reaches.
void touch_beyond(const Mapping& mapping, const std::string& path) {
    static_cast<void>(::truncate(path.c_str(), 0));
    reinterpret_cast<std::atomic<char>*>(mapping.bytes().data())->store('x');
}

TEST(Mapping, BusErrorOutsideAGuardedMappingStaysWhatItWas) {
    const TempDir dir;
    for (const char* name : {"guarded", "other"}) spill(dir / name, std::string(4096, 'a'));
    EXPECT_EQ(in_plain_child([&] {
                  const Mapping guarded = map_file(dir / "guarded", 4096);
                  const Mapping other = map_file(dir / "other", 4096);
                  exit_on_bus_error(guarded, "gone", 74);
                  touch_beyond(other, dir / "other");
                  return 1;
              }),
              ended_by(SIGBUS));
    EXPECT_EQ(in_plain_child([&] {
                  Mapping later;
                  {
                      const Mapping guarded = map_file(dir / "guarded", 4096);
                      exit_on_bus_error(guarded, "gone", 74);
                  }
                  // At the same address, most likely, and of nobody's concern.
                  later = map_file(dir / "guarded", 4096);
                  touch_beyond(later, dir / "guarded");
                  return 1;
              }),
              ended_by(SIGBUS));
}

TEST(Mapping, MostGuardsAreSixteenAndMoreAreHarmless) {
    const TempDir dir;
    spill(dir / "f", std::string(4096, 'a'));
    for (const int which : {0, 15, 16}) {
        EXPECT_EQ(in_plain_child([&] {
                      ::close(STDERR_FILENO);
                      std::vector<Mapping> mappings;
                      for (int i = 0; i < 17; ++i) {
                          mappings.push_back(map_file(dir / "f", 4096));
                          exit_on_bus_error(mappings.back(), std::string(1000, 'm'), i + 1);
                      }
                      touch_beyond(mappings[static_cast<std::size_t>(which)], dir / "f");
                      return 99;
                  }),
                  which == 16 ? ended_by(SIGBUS) : exited_with(which + 1));
        spill(dir / "f", std::string(4096, 'a'));
    }
}

TEST(Futex, WaitEndsByWakeByAnotherValueAndByTime) {
    std::atomic<std::uint32_t> word{0};
    const FutexWord one{&word, 0};
    EXPECT_FALSE(futex_wait({&one, 1}, 1).value());
    const FutexWord differs{&word, 1};
    EXPECT_TRUE(futex_wait({&differs, 1}, -1).value());
    std::thread waker{[&] {
        word.store(1);
        futex_wake_all(word);
    }};
    while (word.load() == 0) EXPECT_TRUE(futex_wait({&one, 1}, -1));
    waker.join();
}

TEST(Futex, WaitsForAnyOfManyWords) {
    std::vector<std::atomic<std::uint32_t>> words(kMostFutexWords);
    std::vector<FutexWord> waits;
    for (auto& word : words) waits.push_back({&word, 0});
    EXPECT_FALSE(futex_wait(waits, 1).value());
    for (const std::size_t which : {std::size_t{0}, std::size_t{64}, kMostFutexWords - 1}) {
        std::thread waker{[&] {
            words[which].store(1);
            futex_wake_all(words[which]);
        }};
        while (words[which].load() == 0) EXPECT_TRUE(futex_wait(waits, -1));
        EXPECT_TRUE(futex_wait(waits, -1).value()) << "one of them differs";
        waker.join();
        words[which].store(0);
    }
}

TEST(Futex, HandledSignalEndsTheWait) {
    Child child = Child::fork([] {
        static volatile sig_atomic_t handled = 0;
        struct sigaction action {};
        action.sa_handler = [](int) { handled = 1; };
        ::sigaction(SIGALRM, &action, nullptr);
        const itimerval often{{0, 20'000}, {0, 20'000}};  // one that comes too early is not the last
        ::setitimer(ITIMER_REAL, &often, nullptr);
        const std::atomic<std::uint32_t> word{0};
        const FutexWord one{&word, 0};
        while (handled == 0)
            if (!futex_wait({&one, 1}, -1)) return 1;
        return 0;
    });
    EXPECT_EQ(child.wait(), exited_with(0));
}

// PUB-5: one who may only read the memory can sleep on it.
TEST(Futex, PUB5_WordOfAReadOnlyMappingWakesAcrossProcesses) {
    const TempDir dir;
    spill(dir / "f", std::string(4096, '\0'));
    const Mapping mapping = map_file(dir / "f", 4096);
    auto& word = *reinterpret_cast<std::atomic<std::uint32_t>*>(mapping.bytes().data());
    const Gate ready;
    Child sleeper = Child::fork([&] {
        const Mapping mine = map_file(dir / "f", 4096, MapAccess::read_only);
        const auto& same = *reinterpret_cast<const std::atomic<std::uint32_t>*>(mine.bytes().data());
        const FutexWord one{&same, 0};
        ready.open();
        while (same.load() == 0)
            if (!futex_wait({&one, 1}, -1)) return 1;
        return 0;
    });
    ASSERT_TRUE(ready.wait());
    word.store(1);
    futex_wake_all(word);
    EXPECT_EQ(sleeper.wait(), exited_with(0));
}

class RobustLock : public testing::Test {
protected:
    RobustLock() {
        spill(dir_ / "f", std::string(4096, '\0'));
        mapping_ = map_file(dir_ / "f", 4096);
        lock().initialise();
    }
    RobustMutex& lock() { return *reinterpret_cast<RobustMutex*>(mapping_.bytes().data()); }

    TempDir dir_;
    Mapping mapping_;
};

TEST_F(RobustLock, LCK1_IsExclusiveBetweenProcesses) {
    ASSERT_EQ(lock().lock(-1).value(), LockOutcome::locked);
    EXPECT_EQ(run_in_child([&] {
                  return lock().lock(0).value() == LockOutcome::timed_out &&
                                 lock().lock(10).value() == LockOutcome::timed_out
                             ? 0
                             : 1;
              }),
              exited_with(0));
    lock().unlock();
    EXPECT_EQ(run_in_child([&] { return lock().lock(0).value() == LockOutcome::locked ? 0 : 1; }), exited_with(0));
}

TEST_F(RobustLock, LCK1_LCK4_DeathOfAHolderIsToldToWhoeverWaitsAndOnlyOnce) {
    for (const int timeout_ms : {-1, 60'000}) {
        const Gate held;
        Child holder = Child::fork([&] {
            static_cast<void>(lock().lock(-1));
            held.open();
            for (;;) pause();
            return 0;
        });
        ASSERT_TRUE(held.wait());
        std::thread killer{[&] { holder.send(SIGKILL); }};
        EXPECT_EQ(lock().lock(timeout_ms).value(), LockOutcome::locked_after_death);
        killer.join();
        lock().unlock();
        EXPECT_EQ(lock().lock(0).value(), LockOutcome::locked);
        lock().unlock();
    }
}

TEST_F(RobustLock, LCK4_WhoDiesHoldingItAfterADeathLeavesItUsable) {
    for (int death = 0; death < 3; ++death) {
        EXPECT_EQ(run_in_child([&] {
                      const auto expected = death == 0 ? LockOutcome::locked : LockOutcome::locked_after_death;
                      if (lock().lock(-1).value() != expected) return 1;
                      raise(SIGKILL);
                      return 2;
                  }),
                  ended_by(SIGKILL));
    }
    EXPECT_EQ(lock().lock(0).value(), LockOutcome::locked_after_death);
    lock().unlock();
}

TEST(Process, IsWhoTheKernelSays) {
    EXPECT_EQ(process_id(), getpid());
    EXPECT_EQ(thread_id(), getpid());
    std::thread{[] { EXPECT_NE(thread_id(), getpid()); }}.join();
    EXPECT_EQ(effective_user(), geteuid());
    std::string id = slurp("/proc/sys/kernel/random/boot_id");
    EXPECT_EQ(boot_id().value() + "\n", id);
    char name[256] = {};
    ASSERT_EQ(gethostname(name, sizeof name), 0);
    EXPECT_EQ(host_name(), name);
    EXPECT_NE(pid_namespace(), 0u);
    EXPECT_EQ(run_in_child([&, own = pid_namespace()] { return pid_namespace() == own ? 0 : 1; }), exited_with(0));
    const auto before = monotonic_ns();
    EXPECT_GE(monotonic_ns(), before);
}

// Field 22 of /proc/PID/stat, also where the name of the program holds spaces and parentheses.
TEST(Process, StartTimeIsToldWhateverTheProgramIsCalled) {
    EXPECT_GT(process_start_time(getpid()), 0u);
    EXPECT_EQ(process_start_time(0x7ffffffe), 0u);
    const Gate started;
    Child child = Child::fork([&] {
        ::prctl(PR_SET_NAME, ") S 1 (b ) 2");
        started.open();
        for (;;) pause();
        return 0;
    });
    ASSERT_TRUE(started.wait());
    const auto started_at = process_start_time(child.pid());
    EXPECT_GE(started_at, process_start_time(getpid()));
    EXPECT_LT(started_at, process_start_time(getpid()) + 100 * 3600) << "of the same hour: ticks of 1/100 s";
}

TEST(Process, ForkGenerationTellsTheChild) {
    const unsigned own = fork_generation();
    EXPECT_EQ(run_in_child([&] { return fork_generation() == own + 1 ? 0 : 1; }), exited_with(0));
    EXPECT_EQ(fork_generation(), own);
}

TEST(FileSystem, DIR8_NamesWhatAFileLiesOn) {
    const FileSystem proc = file_system("/proc").value();
    EXPECT_EQ(proc.name, "proc");
    EXPECT_FALSE(proc.coherent);
    EXPECT_FALSE(file_system("/dev/pts").value().coherent);
    EXPECT_TRUE(file_system("/dev/pts").value().name.starts_with("0x")) << "one that is not in the table";
    const FileSystem memory = file_system("/dev/shm").value();
    EXPECT_EQ(memory.name, "tmpfs");
    EXPECT_TRUE(memory.coherent);
    EXPECT_EQ(file_system("/nowhere").error().code, Errc::not_found);
}

TEST(File, MakesBlocksAsZerosWithTheSizeAndSetsPermissions) {
    const TempDir dir;
    const File file = File::open(dir / "f", OpenMode::create_new).value();
    ASSERT_TRUE(file.make_blocks(FilePosition{100}, 5000));
    EXPECT_EQ(slurp(dir / "f"), std::string(5100, '\0'));
    ASSERT_TRUE(file.set_mode(0604));
    const FileInfo info = file.info().value();
    EXPECT_EQ(info.mode, 0604u);
    EXPECT_EQ(info.links, 1u);
    EXPECT_EQ(info.owner, geteuid());
    EXPECT_EQ(info.group, getegid());
}

}  // namespace
}  // namespace mq::os
