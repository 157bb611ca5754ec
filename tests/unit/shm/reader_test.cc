// CONCURRENCY DIR-8, DIR-9: where a directory may lie, and readers without rights.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <csignal>

#include "fixture.h"
#include "support/child.h"
#include "support/temp_dir.h"

namespace mq::shm {
namespace {

using test::Child;
using test::exited_with;
using test::Gate;
using test::run_in_child;
using test::TempDir;

TEST(Reader, DIR8_FileSystemsThatShareNothingAreRefusedByName) {
    for (const Access access : {Access::read, Access::write}) {
        ControlFile::Options options;
        options.access = access;
        const auto opened = ControlFile::open("/proc", options);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, Errc::bad_configuration);
        EXPECT_NE(opened.error().message().find("lies on proc"), std::string::npos) << opened.error().message();
    }
}

// Others may look, and not write: 0755 and 0644, as an administrator lets them.
void let_others_read(const std::string& directory) {
    ASSERT_EQ(::chmod(directory.c_str(), 0755), 0);
    ASSERT_EQ(::chmod(control_path(directory).c_str(), 0644), 0);
}
// And nobody may write, where the test itself runs without rights.
bool lose_rights(const std::string& directory) {
    if (become_nobody()) return true;
    return ::chmod(control_path(directory).c_str(), 0444) == 0 &&
           ::chmod((directory + "/.lock").c_str(), 0444) == 0 && ::chmod(directory.c_str(), 0555) == 0;
}

TEST(Reader, DIR9_WithoutRightsALiveDirectoryIsFollowedAndADeadOneIsNot) {
    const TempDir dir;
    auto file = open_to_write(dir.path());
    file->find_or_make("t", 0).value()->state[3] = std::byte{1};
    let_others_read(dir.path());
    const Gate followed, changed, seen, alone, done;
    Child reader = Child::fork([&] {
        file.reset();  // what it inherited holds the directory as well
        if (!lose_rights(dir.path())) return 1;
        const auto mine = ControlFile::open(dir.path(), {}).value();
        if (mine == nullptr || mine->writable()) return 2;
        const PartitionSlot* slot = mine->find("t", 0);
        if (slot == nullptr || slot->state[3] != std::byte{1}) return 3;
        // Whatever would write is refused, and does not end in a signal.
        if (mine->find_or_make("new", 0).error().code != Errc::not_permitted) return 4;
        if (mine->on_claimed_thread([] { return Status{}; }).error().code != Errc::not_permitted) return 5;
        if (mine->lock(mine->header().catalogue, "").error().code != Errc::not_permitted) return 6;
        if (mine->become_broker().error().code != Errc::not_permitted) return 7;
        if (mine->while_alone([] { return Status{}; }).error().code != Errc::not_permitted) return 8;
        if (ControlFile::open(dir.path(), writing()).error().code != Errc::not_permitted) return 9;
        followed.open();
        if (!changed.wait() || slot->state[3] != std::byte{2}) return 10;
        seen.open();
        if (!alone.wait()) return 11;
        return mine->is_shared().value() ? 12 : 0;
    });
    ASSERT_TRUE(followed.wait());
    file->find("t", 0)->state[3] = std::byte{2};
    changed.open();
    ASSERT_TRUE(seen.wait());
    // It keeps the state of the dead alive while it follows it, so that nobody lays it out anew under it.
    file.reset();
    bool begun = false;
    auto options = writing();
    options.on_exclusive = [&](const ControlFile::Beginning&) -> Status {
        begun = true;
        return {};
    };
    file = ControlFile::open(dir.path(), options).value();
    EXPECT_FALSE(begun);
    EXPECT_NE(file->find("t", 0), nullptr);
    file.reset();
    alone.open();
    EXPECT_EQ(reader.wait(), exited_with(0));
    EXPECT_EQ(run_in_child([&] {
                  if (!lose_rights(dir.path())) return 1;
                  const auto opened = ControlFile::open(dir.path(), {});
                  return opened && *opened == nullptr ? 0 : 2;
              }),
              exited_with(0))
        << "nobody is alive";
}

TEST(Reader, DIR9_WithoutRightsAndWithoutAControlFileNothingIsMadeAndNothingFails) {
    const TempDir dir;
    ASSERT_EQ(::chmod(dir.path().c_str(), 0755), 0);
    EXPECT_EQ(run_in_child([&] {
                  if (!become_nobody() && ::chmod(dir.path().c_str(), 0555) != 0) return 1;
                  ControlFile::Options options;
                  options.make = true;
                  const auto opened = ControlFile::open(dir.path(), options);
                  if (!opened || *opened != nullptr) return 2;
                  if (!ControlFile::take_lock_file(dir.path(), Access::read)) return 3;
                  return ControlFile::open(dir.path(), writing()).error().code == Errc::not_permitted ? 0 : 4;
              }),
              exited_with(0));
    EXPECT_TRUE(os::list_directory(dir.path()).value().empty());
}

// 0640 of a stranger: the reader can not even look at it.
TEST(Reader, DIR9_UnreadableControlFileMeansPrivateState) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    ASSERT_EQ(::chmod(dir.path().c_str(), 0755), 0);
    EXPECT_EQ(run_in_child([&] {
                  if (!become_nobody() && ::chmod(control_path(dir.path()).c_str(), 0) != 0) return 1;
                  const auto opened = ControlFile::open(dir.path(), {});
                  return opened && *opened == nullptr ? 0 : 2;
              }),
              exited_with(0));
}

// Another user of the directory's group takes part where the directory lets the group write.
TEST(Reader, Row36_GroupWritableDirectoryIsSharedByItsGroup) {
    const TempDir dir;
    const mode_t old = ::umask(077);
    const auto mode = [&](std::string_view name) { return os::file_info(dir / name)->mode; };
    static_cast<void>(open_to_write(dir.path()));
    EXPECT_EQ(mode(kControlFileName), 0600u) << "the umask is obeyed";
    ASSERT_TRUE(os::remove_file(dir / kControlFileName));
    ASSERT_TRUE(os::remove_file(dir / kLockFileName));
    ::umask(0);
    static_cast<void>(open_to_write(dir.path()));
    EXPECT_EQ(mode(kControlFileName), 0640u);
    EXPECT_EQ(mode(kLockFileName), 0640u);
    ASSERT_TRUE(os::remove_file(dir / kControlFileName));
    ASSERT_TRUE(os::remove_file(dir / kLockFileName));
    ::umask(077);
    ASSERT_EQ(::chmod(dir.path().c_str(), 0770), 0);
    static_cast<void>(open_to_write(dir.path()));
    EXPECT_EQ(mode(kControlFileName), 0660u);
    EXPECT_EQ(mode(kLockFileName), 0660u);
    ::umask(old);
}

// Two processes in mount and PID namespaces of their own, on an overlay whose lower layer holds the control file.
TEST(Reader, DIR8_OnAnOverlayAllShareTheCopyOfTheUpperLayer) {
    const TempDir dir;
    for (const char* name : {"lower", "upper", "work", "merged"}) ASSERT_TRUE(os::create_directory(dir / name));
    static_cast<void>(open_to_write(dir / "lower"));
    let_others_read(dir / "lower");
    ASSERT_EQ(::chmod(dir.path().c_str(), 0755), 0);
    ASSERT_EQ(::chmod((dir / "upper").c_str(), 0755), 0);
    EXPECT_EQ(run_in_child([&] {
                  if (!unshare_spaces(CLONE_NEWNS)) return 100;
                  const std::string layers =
                      "lowerdir=" + dir / "lower" + ",upperdir=" + dir / "upper" + ",workdir=" + dir / "work";
                  const std::string merged = dir / "merged";
                  if (::mount("overlay", merged.c_str(), "overlay", 0, layers.c_str()) != 0) return 101;
                  const auto file = open_to_write(merged);
                  PartitionSlot* slot = file->find_or_make("t", 0).value();
                  const Gate ready, changed;
                  Child reader = Child::fork([&] {
                      if (!become_nobody()) return 0;  // in a user name space there is nobody else
                      const auto mine = ControlFile::open(merged, {}).value();
                      ready.open();
                      if (mine == nullptr || mine->writable()) return 1;
                      return changed.wait() && mine->find("t", 0)->state[0] == std::byte{5} ? 0 : 2;
                  });
                  static_cast<void>(ready.wait());
                  slot->state[0] = std::byte{5};
                  changed.open();
                  const auto read = reader.wait();
                  if (read != exited_with(0)) return 110 + read.exit_status;
                  const bool shared = run_in_child([&] {
                                          const auto mine = open_to_write(merged);
                                          PartitionSlot* same = mine->find("t", 0);
                                          return under_lock(*mine, same->append, [](Guard&) {}) ? 0 : 1;
                                      }) == exited_with(0);
                  return shared ? 0 : 103;
              }),
              exited_with(0));
}

}  // namespace
}  // namespace mq::shm
