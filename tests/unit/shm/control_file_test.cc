// CONCURRENCY DIR-1 to DIR-5: taking part in a directory. RELIABILITY row 5.
#include "shm/control_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>

#include "fixture.h"
#include "os/kill_point.h"
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
using test::run_in_child;
using test::TempDir;

// Java's FileLock on the whole of `.lock`: 0 or errno. Held until the process ends.
int javas_lock(const std::string& directory) {
    const int fd = ::open((directory + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    struct flock request {};
    request.l_type = F_WRLCK;
    request.l_whence = SEEK_SET;
    return fcntl(fd, F_SETLK, &request) == 0 ? 0 : errno;
}

TEST(ControlFile, DIR1_KafkaBrokersLockKeepsUsOutAndIsNamed) {
    const TempDir dir;
    const Gate locked;
    Child broker = Child::fork([&] {
        if (javas_lock(dir.path()) != 0) return 1;
        locked.open();
        for (;;) pause();
    });
    ASSERT_TRUE(locked.wait());
    for (const Access access : {Access::read, Access::write}) {
        ControlFile::Options options;
        options.access = access;
        const auto opened = ControlFile::open(dir.path(), options);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, Errc::in_use);
        EXPECT_NE(opened.error().message().find("process " + std::to_string(broker.pid())), std::string::npos)
            << opened.error().message();
        EXPECT_EQ(ControlFile::take_lock_file(dir.path(), access).error().code, Errc::in_use);
    }
    broker.send(SIGKILL);
    broker.wait();
    EXPECT_TRUE(ControlFile::open(dir.path(), writing()));
}

TEST(ControlFile, DIR1_OursKeepsAKafkaBrokerOutUntilTheLastIsGone) {
    const TempDir dir;
    auto file = open_to_write(dir.path());
    const auto broker = [&] { return javas_lock(dir.path()); };
    EXPECT_EQ(run_in_child(broker), exited_with(EAGAIN));
    // A process of ours that opens and closes the file takes nobody's lock away, as a POSIX lock of ours would lose
    // its.
    EXPECT_EQ(run_in_child([&] { return open_to_write(dir.path()) != nullptr ? 0 : 1; }), exited_with(0));
    {
        const auto reader = ControlFile::take_lock_file(dir.path(), Access::read).value();
        file.reset();
        EXPECT_EQ(run_in_child(broker), exited_with(EAGAIN)) << "a reader without a control file holds it too";
    }
    EXPECT_EQ(run_in_child(broker), exited_with(0));
}

TEST(ControlFile, DIR2_FirstOpenerLaysOutAndOthersOfTheProcessShareIt) {
    const TempDir dir;
    int begun = 0;
    auto options = writing();
    options.on_exclusive = [&](const ControlFile::Beginning& b) -> Status {
        ++begun;
        EXPECT_TRUE(b.fresh);
        EXPECT_FALSE(b.was_ours);
        EXPECT_EQ(b.header->incarnation, 1u);
        return {};
    };
    const auto file = ControlFile::open(dir.path(), options).value();
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(ControlFile::open(dir.path(), options).value(), file);
    EXPECT_EQ(ControlFile::open(dir.path() + "/.", {}).value(), file);
    EXPECT_EQ(begun, 1);
    EXPECT_EQ(file->incarnation(), 1u);
    EXPECT_TRUE(file->writable());
    EXPECT_FALSE(file->is_shared().value());
}

TEST(ControlFile, DIR2_ReaderMakesNothingUnlessAsked) {
    const TempDir dir;
    ControlFile::Options reading;
    EXPECT_EQ(ControlFile::open(dir.path(), reading).value(), nullptr);
    EXPECT_TRUE(os::list_directory(dir.path()).value().empty());
    EXPECT_EQ(ControlFile::open(dir / "nowhere", reading).error().code, Errc::not_found);
    reading.make = true;
    const auto file = ControlFile::open(dir.path(), reading).value();
    ASSERT_NE(file, nullptr);
    EXPECT_TRUE(file->writable());
}

// Eight processes at once: each sees the one layout, and one incarnation.
TEST(ControlFile, DIR2_OfManyOpenersAtOnceOneBegins) {
    for (std::uint64_t round = 0; round < test::test_scale(20, 1000); ++round) {
        const TempDir dir;
        const Gate go, begun, opened, leave;
        std::vector<Child> children;
        for (int i = 0; i < 8; ++i)
            children.push_back(Child::fork([&] {
                auto options = writing();
                options.on_exclusive = [&](const ControlFile::Beginning&) -> Status {
                    begun.open();
                    return {};
                };
                if (!go.wait()) return 1;
                const auto file = ControlFile::open(dir.path(), options).value();
                opened.open();
                return leave.wait() && file->incarnation() == 1 && file->find_or_make("t", 0) ? 0 : 1;
            }));
        for (int i = 0; i < 8; ++i) go.open();
        for (int i = 0; i < 8; ++i) ASSERT_TRUE(opened.wait());
        EXPECT_TRUE(begun.wait());
        EXPECT_FALSE(begun.wait(std::chrono::milliseconds{0})) << "a second one began";
        for (int i = 0; i < 8; ++i) leave.open();
        for (Child& child : children) EXPECT_EQ(child.wait(), exited_with(0));
    }
}

TEST(ControlFile, DIR2_OpenerWaitsForTheOneWhoBeginsAndTheHookCanEndIt) {
    const TempDir dir;
    const Gate begun, finish;
    Child maker = Child::fork([&] {
        auto options = writing();
        options.on_exclusive = [&](const ControlFile::Beginning&) -> Status {
            begun.open();
            return finish.wait() ? Status{} : fail(Errc::io, "", "");
        };
        const auto file = ControlFile::open(dir.path(), options);
        begun.open();
        for (;;) pause();
        return 0;
    });
    ASSERT_TRUE(begun.wait());
    auto impatient = writing();
    impatient.on_wait = [](const Holder& holder, std::chrono::milliseconds waited) -> Status {
        EXPECT_GE(waited.count(), 1000);
        return fail(Errc::timed_out, "wait", holder.what);
    };
    EXPECT_EQ(ControlFile::open(dir.path(), impatient).error().code, Errc::timed_out);
    auto patient = writing();
    patient.on_wait = [&](const Holder&, std::chrono::milliseconds) -> Status {
        finish.open();
        return {};
    };
    EXPECT_EQ(ControlFile::open(dir.path(), patient).value()->incarnation(), 1u);
}

// Dead at each step of laying out: whoever comes next begins anew and finds everything usable.
TEST(ControlFile, DIR2_MakerThatDiesHalfWayLeavesNothingBehind) {
    for (const char* point : {"control.emptied", "control.begun", "control.before_magic"}) {
        const TempDir dir;
        EXPECT_EQ(run_in_child([&] {
                      if (!os::arm_kill_point(point)) return 1;
                      return ControlFile::open(dir.path(), writing()) ? 2 : 3;
                  }),
                  ended_by(SIGKILL))
            << point;
        bool fresh = false;
        auto options = writing();
        options.on_exclusive = [&](const ControlFile::Beginning& b) -> Status {
            fresh = b.fresh;
            return {};
        };
        const auto file = ControlFile::open(dir.path(), options).value();
        EXPECT_TRUE(fresh) << point;
        PartitionSlot* slot = file->find_or_make("t", 0).value();
        EXPECT_TRUE(under_lock(*file, slot->append, [](Guard& g) { EXPECT_FALSE(g.after_death()); }));
    }
}

// Its maker died, and somebody who waits as we do holds byte 0: nobody uses what is not finished.
TEST(ControlFile, DIR2_UnfinishedFileIsNotJoined) {
    const TempDir dir;
    auto waiting = os::File::open(control_path(dir.path()), os::OpenMode::create).value();
    ASSERT_TRUE(waiting.truncate(kControlFileBytes));
    ASSERT_TRUE(os::try_lock(waiting, os::LockKind::shared, 0, 1).value());
    int asked = 0;
    auto options = writing();
    options.on_wait = [&](const Holder&, std::chrono::milliseconds) -> Status {
        return ++asked == 2 ? waiting.close() : Status{};
    };
    const auto file = ControlFile::open(dir.path(), options).value();
    EXPECT_EQ(asked, 2);
    EXPECT_EQ(file->incarnation(), 1u);
}

TEST(ControlFile, DIR2_HeaderOverwrittenWhileOthersUseItIsSaidToBe) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    overwrite(control_path(dir.path()), 0, "garbage!");
    EXPECT_EQ(
        run_in_child([&] { return ControlFile::open(dir.path(), writing()).error().code == Errc::corrupt ? 0 : 1; }),
        exited_with(0));
}

TEST(ControlFile, DIR2_FailureOfTheOneWhoBeginsIsReportedAndTheNextBeginsAgain) {
    const TempDir dir;
    auto failing = writing();
    failing.on_exclusive = [](const ControlFile::Beginning&) { return Status{fail(Errc::corrupt, "load", "x")}; };
    EXPECT_EQ(ControlFile::open(dir.path(), failing).error().code, Errc::corrupt);
    bool fresh = false;
    auto options = writing();
    options.on_exclusive = [&](const ControlFile::Beginning& b) -> Status {
        fresh = b.fresh;
        return {};
    };
    EXPECT_TRUE(ControlFile::open(dir.path(), options));
    EXPECT_TRUE(fresh);
}

constexpr std::size_t kBootIdAt = offsetof(Header, boot_id);
constexpr std::string_view kOtherBoot = "00000000-1111-2222-3333-444444444444";

// What an opener finds: fresh, was_ours, and the incarnation; nothing if it found the directory live.
struct Finding {
    bool begun = false, fresh = false, was_ours = false;
    std::uint64_t incarnation = 0, incarnation_before = 0;
};
Finding open_once(const std::string& directory, std::shared_ptr<ControlFile>* keep = nullptr) {
    Finding found;
    auto options = writing();
    options.on_exclusive = [&](const ControlFile::Beginning& b) -> Status {
        found = {true, b.fresh, b.was_ours, 0, b.before.incarnation};
        return {};
    };
    auto file = ControlFile::open(directory, options).value();
    found.incarnation = file->incarnation();
    if (keep != nullptr) *keep = std::move(file);
    return found;
}

TEST(ControlFile, DIR3_FalseBootIdInALiveDirectoryChangesNothing) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    file->find_or_make("t", 3).value()->state[0] = std::byte{9};
    overwrite(control_path(dir.path()), kBootIdAt, kOtherBoot);
    EXPECT_EQ(run_in_child([&] {
                  std::shared_ptr<ControlFile> mine;
                  const Finding found = open_once(dir.path(), &mine);
                  const PartitionSlot* slot = mine->find("t", 3);
                  return !found.begun && slot != nullptr && slot->state[0] == std::byte{9} ? 0 : 1;
              }),
              exited_with(0));
}

TEST(ControlFile, DIR3_CopyOfALiveDirectoryIsResetAndItsLocksAreUsable) {
    const TempDir dir;
    const TempDir other;
    const auto file = open_to_write(dir.path());
    PartitionSlot* slot = file->find_or_make("t", 0).value();
    ASSERT_TRUE(under_lock(*file, slot->append, [&](Guard&) {
        test::copy_tree(dir.path(), other / "copy");  // with the lock held: nobody will ever release it there
    }));
    std::shared_ptr<ControlFile> copy;
    const Finding found = open_once(other / "copy", &copy);
    EXPECT_TRUE(found.begun && found.fresh && found.was_ours);
    EXPECT_GT(found.incarnation, found.incarnation_before);
    EXPECT_EQ(copy->find("t", 0), nullptr);
    PartitionSlot* copied = copy->find_or_make("t", 0).value();
    EXPECT_TRUE(under_lock(*copy, copied->append, [](Guard& g) { EXPECT_FALSE(g.after_death()); }));
}

TEST(ControlFile, DIR3_OtherLayoutIsResetIfDeadAndRefusedIfLive) {
    const TempDir dir;
    const std::string newer{"\x63\0\0\0", 4};
    static_cast<void>(open_to_write(dir.path()));
    overwrite(control_path(dir.path()), offsetof(Header, layout_version), newer);
    const Finding found = open_once(dir.path());
    EXPECT_TRUE(found.begun && found.fresh && found.was_ours);
    EXPECT_EQ(found.incarnation_before, 0u) << "a header of another layout is not read";

    const auto file = open_to_write(dir.path());
    overwrite(control_path(dir.path()), offsetof(Header, layout_version), newer);
    EXPECT_EQ(run_in_child([&] {
                  const auto opened = ControlFile::open(dir.path(), writing());
                  const bool right = !opened && opened.error().code == Errc::in_use &&
                                     opened.error().message().find("layout 99") != std::string::npos;
                  return right ? 0 : 1;
              }),
              exited_with(0));
}

TEST(ControlFile, DIR4_SameBootKeepsTheSlotsAndRaisesTheIncarnation) {
    const TempDir dir;
    std::shared_ptr<ControlFile> file;
    EXPECT_TRUE(open_once(dir.path(), &file).fresh);
    file->find_or_make("t", 0).value()->checked_incarnation = 1;
    file.reset();
    const Finding found = open_once(dir.path(), &file);
    EXPECT_TRUE(found.begun && found.was_ours && !found.fresh);
    EXPECT_EQ(found.incarnation_before, 1u);
    EXPECT_EQ(found.incarnation, 2u);
    ASSERT_NE(file->find("t", 0), nullptr);
    EXPECT_EQ(file->find("t", 0)->checked_incarnation, 1u);
}

TEST(ControlFile, DIR4_OtherBootForgetsEverySlot) {
    const TempDir dir;
    {
        const auto file = open_to_write(dir.path());
        file->find_or_make("t", 0).value()->checked_incarnation = 1;
        file->header().store[5] = std::byte{77};
    }
    overwrite(control_path(dir.path()), kBootIdAt, kOtherBoot);
    std::byte stored{};
    auto options = writing();
    options.on_exclusive = [&](const ControlFile::Beginning& b) -> Status {
        EXPECT_TRUE(b.was_ours && b.fresh);
        stored = b.before.store[5];
        EXPECT_EQ(b.header->store[5], std::byte{0});
        return {};
    };
    const auto file = ControlFile::open(dir.path(), options).value();
    EXPECT_EQ(stored, std::byte{77}) << "what the store kept there is handed over";
    EXPECT_EQ(file->find("t", 0), nullptr);
    EXPECT_EQ(file->incarnation(), 2u);
    EXPECT_EQ(bytes_of(control_path(dir.path()), kBootIdAt, 36), os::boot_id().value());
}

// RELIABILITY row 5: the image of a machine that went down with a lock held, opened by eight processes at once.
TEST(ControlFile, DIR3_DIR4_Row5_RebootWithALockHeldHasExactlyOneRecoverer) {
    const TempDir origin;
    const TempDir images;
    const auto file = open_to_write(origin.path());
    PartitionSlot* slot = file->find_or_make("t", 0).value();
    ASSERT_TRUE(under_lock(*file, slot->append, [&](Guard&) { test::copy_tree(origin.path(), images / "0"); }));
    overwrite(control_path(images / "0"), kBootIdAt, kOtherBoot);
    for (std::uint64_t round = 1; round <= test::test_scale(25, 1000); ++round) {
        const std::string image = images / std::to_string(round);
        test::copy_tree(images / "0", image);
        // As a reboot leaves it: the same file, of another boot.
        const auto info = os::file_info(control_path(image)).value();
        overwrite(control_path(image), offsetof(Header, device), {reinterpret_cast<const char*>(&info.device), 8});
        overwrite(control_path(image), offsetof(Header, inode), {reinterpret_cast<const char*>(&info.inode), 8});
        const Gate go, recovered, opened, leave;
        std::vector<Child> children;
        for (int i = 0; i < 8; ++i)
            children.push_back(Child::fork([&] {
                if (!go.wait()) return 1;
                std::shared_ptr<ControlFile> mine;
                const Finding found = open_once(image, &mine);
                if (found.fresh) recovered.open();
                opened.open();
                PartitionSlot* same = mine->find_or_make("t", 0).value();
                const bool locked = under_lock(*mine, same->append, [](Guard&) {});
                return leave.wait() && locked ? 0 : 2;
            }));
        for (int i = 0; i < 8; ++i) go.open();
        for (int i = 0; i < 8; ++i) ASSERT_TRUE(opened.wait());
        EXPECT_TRUE(recovered.wait());
        EXPECT_FALSE(recovered.wait(std::chrono::milliseconds{0})) << "two recoverers";
        for (int i = 0; i < 8; ++i) leave.open();
        for (Child& child : children) EXPECT_EQ(child.wait(), exited_with(0));
        ASSERT_TRUE(os::remove_directory_tree(image));
    }
}

TEST(ControlFile, DIR5_OneBrokerADirectoryAndItsPidIsKnown) {
    const TempDir dir;
    const Gate is_broker;
    Child broker = Child::fork([&] {
        const auto file = open_to_write(dir.path());
        if (!file->become_broker().value() || !file->become_broker().value()) return 1;
        is_broker.open();
        for (;;) pause();
    });
    ASSERT_TRUE(is_broker.wait());
    const auto file = open_to_write(dir.path());
    EXPECT_FALSE(file->become_broker().value());
    EXPECT_EQ(file->header().broker_pid, broker.pid());
    broker.send(SIGKILL);
    broker.wait();
    EXPECT_TRUE(file->become_broker().value());
    EXPECT_EQ(file->header().broker_pid, os::process_id());
}

TEST(ControlFile, WhileAloneRunsOnlyWhereNobodyElseIs) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    const auto count = [&](int& runs) {
        return file->while_alone([&]() -> Status {
            ++runs;
            return {};
        });
    };
    int runs = 0;
    EXPECT_TRUE(count(runs).value());
    EXPECT_EQ(runs, 1);
    const Gate opened;
    Child other = Child::fork([&] {
        const auto mine = open_to_write(dir.path());
        opened.open();
        for (;;) pause();
        return 0;
    });
    ASSERT_TRUE(opened.wait());
    EXPECT_TRUE(file->is_shared().value());
    EXPECT_FALSE(count(runs).value());
    EXPECT_EQ(runs, 1);
    other.send(SIGKILL);
    other.wait();
    EXPECT_FALSE(file->is_shared().value());
    EXPECT_TRUE(count(runs).value());
    EXPECT_EQ(file->while_alone([] { return Status{fail(Errc::io, "x", "y")}; }).error().operation, "x");
    EXPECT_EQ(run_in_child([&] { return open_once(dir.path()).begun ? 1 : 0; }), exited_with(0)) << "shared again";
}

TEST(ControlFile, RemovedControlFileIsMadeAgainByTheNext) {
    const TempDir dir;
    static_cast<void>(open_to_write(dir.path()));
    ASSERT_TRUE(os::remove_file(control_path(dir.path())));
    EXPECT_TRUE(open_once(dir.path()).fresh);
}

TEST(ControlFile, CutOrOverwrittenFileIsLaidOutAnewWhereNobodyLives) {
    const TempDir dir;
    static_cast<void>(open_to_write(dir.path()));
    ASSERT_TRUE(os::File::open(control_path(dir.path()), os::OpenMode::read_write)->truncate(100));
    EXPECT_TRUE(open_once(dir.path()).fresh);
    overwrite(control_path(dir.path()), 0, "garbage garbage garbage");
    const Finding found = open_once(dir.path());
    EXPECT_TRUE(found.fresh && !found.was_ours);
    EXPECT_EQ(os::file_info(control_path(dir.path()))->size_bytes, kControlFileBytes);
}

}  // namespace
}  // namespace mq::shm
