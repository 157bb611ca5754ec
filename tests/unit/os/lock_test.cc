// CONCURRENCY DIR-1, DIR-2: our locks and those of a Java process exclude one another.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <csignal>

#include "os/file.h"
#include "support/child.h"
#include "support/temp_dir.h"

namespace mq::os {
namespace {

using test::Child;
using test::exited_with;
using test::Gate;
using test::TempDir;

File lock_file(const TempDir& dir) { return File::open(dir / ".lock", OpenMode::create).value(); }

// Java's FileLock: a POSIX record lock on the whole file. 0 or errno.
int posix_lock(const File& file, short type) {
    struct flock request {};
    request.l_type = type;
    request.l_whence = SEEK_SET;
    return fcntl(file.fd(), F_SETLK, &request) == 0 ? 0 : errno;
}

TEST(Lock, ChildsPosixLockKeepsUsOutNamesItsPidAndEndsWithIt) {
    const TempDir dir;
    const File file = lock_file(dir);
    const Gate locked;
    Child child = Child::fork([&] {
        if (posix_lock(lock_file(dir), F_WRLCK) != 0) return 1;
        const File held = lock_file(dir);
        if (posix_lock(held, F_WRLCK) != 0) return 2;
        locked.open();
        for (;;) pause();
    });
    ASSERT_TRUE(locked.wait());
    EXPECT_FALSE(try_lock(file, LockKind::exclusive).value());
    EXPECT_FALSE(try_lock(file, LockKind::shared).value());
    EXPECT_EQ(lock_holder(file, LockKind::shared).value(), child.pid());
    child.send(SIGKILL);
    EXPECT_EQ(child.wait(), test::ended_by(SIGKILL));
    EXPECT_EQ(lock_holder(file, LockKind::exclusive).value(), 0);
    EXPECT_TRUE(try_lock(file, LockKind::exclusive).value());
}

TEST(Lock, OursKeepsAPosixLockOfAnotherProcessOut) {
    const TempDir dir;
    File file = lock_file(dir);
    const auto posix_attempt = [&](short type) {
        return test::run_in_child([&] { return posix_lock(lock_file(dir), type); });
    };
    ASSERT_TRUE(try_lock(file, LockKind::shared).value());
    EXPECT_EQ(posix_attempt(F_WRLCK), exited_with(EAGAIN)) << "we share, a broker wants it alone";
    EXPECT_EQ(posix_attempt(F_RDLCK), exited_with(0));
    ASSERT_TRUE(try_lock(file, LockKind::exclusive).value()) << "our own shared lock is converted";
    EXPECT_EQ(posix_attempt(F_RDLCK), exited_with(EAGAIN));
    ASSERT_TRUE(file.close());
    EXPECT_EQ(posix_attempt(F_WRLCK), exited_with(0)) << "it ends with the file";
}

TEST(Lock, SharedOnesCoexistAndExclusiveOnesDoNotEvenInOneProcess) {
    const TempDir dir;
    const File a = lock_file(dir);
    const File b = lock_file(dir);
    ASSERT_TRUE(try_lock(a, LockKind::shared).value());
    EXPECT_TRUE(try_lock(b, LockKind::shared).value());
    EXPECT_FALSE(try_lock(b, LockKind::exclusive).value());
    EXPECT_EQ(lock_holder(b, LockKind::exclusive).value(), -1) << "an open file description has no pid";
    EXPECT_EQ(lock_holder(b, LockKind::shared).value(), 0);
}

TEST(Lock, RangesOfOneFileAreIndependent) {
    const TempDir dir;
    const File a = lock_file(dir);
    const File b = lock_file(dir);
    ASSERT_TRUE(try_lock(a, LockKind::exclusive, 0, 1).value());
    EXPECT_FALSE(try_lock(b, LockKind::exclusive, 0, 1).value());
    EXPECT_TRUE(try_lock(b, LockKind::exclusive, 1, 1).value());
    EXPECT_FALSE(try_lock(a, LockKind::exclusive, 0, 0).value()) << "0 bytes are all to the end";
}

}  // namespace
}  // namespace mq::os
