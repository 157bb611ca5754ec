// CONCURRENCY PUB-7, RELIABILITY rows 11 to 13: no space, failing calls, no memory.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>
#include <csignal>

#include "fixture.h"
#include "support/alloc_faults.h"
#include "support/child.h"
#include "support/faults.h"
#include "support/temp_dir.h"

namespace mq::shm {
namespace {

using test::exited_with;
using test::FaultRun;
using test::run_in_child;
using test::TempDir;

// Uses all but `spare_bytes` of the file system.
bool fill(const std::string& path, std::size_t size_bytes) {
    const auto file = os::File::open(path, os::OpenMode::create_truncate);
    return file && file->truncate(size_bytes) && file->make_blocks(FilePosition{0}, size_bytes);
}

// Every amount of free space from none to more than is needed: each allocation fails once, none ends in a signal.
TEST(FullDisk, PUB7_EachAllocationThatFailsIsNoSpaceAndNeverASignal) {
    const TempDir dir;
    EXPECT_EQ(run_in_child([&] {
                  if (!unshare_spaces(CLONE_NEWNS)) return 100;
                  constexpr std::size_t kDisk = 1 << 20;
                  if (::mount("none", dir.path().c_str(), "tmpfs", 0, "size=1m") != 0) return 101;
                  int refused_opening = 0, refused_slots = 0, private_readers = 0;
                  for (std::size_t filler = kDisk; filler >= 256 * 1024; filler -= 4096) {
                      if (!fill(dir / "filler", filler)) return 102;
                      ControlFile::Options reading;
                      reading.make = true;
                      const auto read = ControlFile::open(dir.path(), reading);
                      if (!read) return 103;
                      private_readers += *read == nullptr ? 1 : 0;
                      const auto file = ControlFile::open(dir.path(), writing());
                      if (!file) {
                          if (file.error().code != Errc::no_space) return 104;
                          ++refused_opening;
                      } else {
                          for (std::int32_t i = 0; i < 256; ++i) {
                              const auto slot = (*file)->find_or_make("t", i);
                              if (slot) {
                                  if (!under_lock(**file, (*slot)->append, [&](Guard&) { (*slot)->state[0] = {}; }))
                                      return 105;
                                  continue;
                              }
                              if (slot.error().code != Errc::no_space) return 106;
                              ++refused_slots;
                              break;
                          }
                          // What there is can be looked at, and everything goes on once there is space.
                          static_cast<void>((*file)->find("t", 255));
                          if (::truncate((dir / "filler").c_str(), 0) != 0) return 107;
                          if (!(*file)->find_or_make("t", 255)) return 108;
                      }
                      if (!os::remove_file(dir / kControlFileName)) return 109;
                  }
                  return refused_opening >= 16 && refused_slots >= 32 && private_readers == refused_opening ? 0 : 110;
              }),
              exited_with(0));
}

TEST(FullDisk, PUB7_VanishedBytesEndTheProcessWithAMessageAnd74) {
    const TempDir dir;
    for (const int status : {74, 0}) {
        const std::string words = dir / "words";
        const auto end = run_in_child([&] {
            ::signal(SIGBUS, SIG_DFL);  // not a sanitizer's
            auto options = writing();
            options.bus_error_exit_status = status;
            const auto file = ControlFile::open(dir.path(), options).value();
            const int out = ::open(words.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
            ::dup2(out, STDERR_FILENO);
            if (::truncate(control_path(dir.path()).c_str(), 0) != 0) return 1;
            file->header().store[0] = std::byte{1};
            return 2;
        });
        if (status == 0) {
            EXPECT_EQ(end, test::ended_by(SIGBUS)) << "not guarded";
        } else {
            EXPECT_EQ(end, exited_with(74));
            EXPECT_EQ(os::read_file(words).value(),
                      control_path(dir.path()) + ": its disk space is gone: bus error\n");
        }
    }
}

TEST(Faults, Row11_EveryFailingCallOfOpeningAndMakingIsReportedAndLeavesTheDirectoryUsable) {
    const auto met = test::for_each_fault({}, [](FaultRun& run) {
        const TempDir dir;
        const auto descriptors = test::open_descriptors();
        {
            std::shared_ptr<ControlFile> file;
            const Status status = run.faulted(dir.path(), [&]() -> Status {
                MQ_ASSIGN(file, ControlFile::open(dir.path(), writing()));
                MQ_ASSIGN(const auto* slot, file->find_or_make("t", 0));
                static_cast<void>(slot);
                MQ_ASSIGN(const bool alone, file->while_alone([] { return Status{}; }));
                EXPECT_TRUE(alone || run.plan().error == EAGAIN);
                return {};
            });
            SCOPED_TRACE(run.describe());
            if (!status) {
                EXPECT_TRUE(run.fired()) << status.error().message();
                EXPECT_TRUE(status.error().subject.starts_with(dir.path())) << status.error().message();
            }
        }
        EXPECT_EQ(test::open_descriptors(), descriptors) << run.describe();
        const auto file = ControlFile::open(dir.path(), writing());
        ASSERT_TRUE(file) << run.describe();
        EXPECT_TRUE((*file)->find_or_make("t", 0)) << run.describe();
        EXPECT_FALSE((*file)->is_shared().value()) << run.describe();
    });
    EXPECT_GE(met, 100u);
}

TEST(Faults, Row12_NoMemoryAnywhereInOpeningAndLockingLeavesTheDirectoryUsable) {
    const auto met = test::for_each_alloc_failure([](test::AllocRun& run) {
        const TempDir dir;
        const auto descriptors = test::open_descriptors();
        static_cast<void>(run.starved([&] {
            const auto file = ControlFile::open(dir.path(), writing());
            if (!file) return;
            const auto slot = (*file)->find_or_make("t", 0);
            if (!slot) return;
            static_cast<void>(under_lock(**file, (*slot)->append, [](Guard&) {}));
            WaitSet set;
            set.add((*file)->header(), **slot, true);
            set.raise();
            wake((*file)->header(), **slot);
            static_cast<void>(set.sleep(1));
        }));
        EXPECT_EQ(test::open_descriptors(), descriptors) << "allocation " << run.nth();
        const auto file = ControlFile::open(dir.path(), writing());
        ASSERT_TRUE(file) << "allocation " << run.nth();
        EXPECT_TRUE(under_lock(**file, (*file)->find_or_make("t", 0).value()->append, [](Guard&) {}));
    });
    EXPECT_GE(met, 20u);
}

}  // namespace
}  // namespace mq::shm
