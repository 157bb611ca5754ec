// RELIABILITY row 36: what somebody put in the place of our files is refused, and not followed.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cstring>

#include "fixture.h"
#include "support/child.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace mq::shm {
namespace {

using test::exited_with;
using test::run_in_child;
using test::slurp;
using test::spill;
using test::TempDir;

struct Plant {
    const char* what;
    const char* words;  // in the message
    void (*put)(const std::string& path, const std::string& victim);
};

const Plant kPlants[] = {
    {"symbolic link", "symbolic link",
     [](const std::string& path, const std::string& victim) {
         ASSERT_EQ(::symlink(victim.c_str(), path.c_str()), 0);
     }},
    {"dangling symbolic link", "symbolic link",
     [](const std::string& path, const std::string& victim) {
         ASSERT_EQ(::symlink((victim + "-that-is-not-there").c_str(), path.c_str()), 0);
     }},
    {"hard link", "hard link",
     [](const std::string& path, const std::string& victim) { ASSERT_EQ(::link(victim.c_str(), path.c_str()), 0); }},
    {"pipe", "not a regular file",
     [](const std::string& path, const std::string&) { ASSERT_EQ(::mkfifo(path.c_str(), 0666), 0); }},
    {"directory", "", [](const std::string& path, const std::string&) { ASSERT_EQ(::mkdir(path.c_str(), 0777), 0); }},
};

TEST(Plants, Row36_AnythingInPlaceOfOurFilesIsRefusedAndUntouched) {
    for (const auto name : {kControlFileName, kLockFileName})
        for (const Plant& plant : kPlants)
            for (const Access access : {Access::read, Access::write}) {
                SCOPED_TRACE(std::string{name} + ": " + plant.what);
                const TempDir dir;
                spill(dir / "victim", "precious");
                ASSERT_TRUE(os::create_directory(dir / "data"));
                const std::string path = os::join(dir / "data", name);
                plant.put(path, dir / "victim");
                ControlFile::Options options;
                options.access = access;
                options.make = true;
                const auto opened = ControlFile::open(dir / "data", options);
                ASSERT_FALSE(opened);
                EXPECT_EQ(opened.error().code, Errc::not_permitted) << opened.error().message();
                EXPECT_NE(opened.error().message().find(path), std::string::npos);
                EXPECT_NE(opened.error().message().find(plant.words), std::string::npos) << opened.error().message();
                EXPECT_EQ(slurp(dir / "victim"), "precious");
                EXPECT_FALSE(os::exists(dir / "victim-that-is-not-there").value());
            }
}

TEST(Plants, Row36_SocketInPlaceOfTheControlFileIsRefused) {
    const TempDir dir;
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // Addresses are short: the directory itself may not fit.
    ASSERT_EQ(::chdir(dir.path().c_str()), 0);
    std::memcpy(address.sun_path, kControlFileName.data(), kControlFileName.size());
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_FALSE(ControlFile::open(dir.path(), writing()));
    ::close(fd);
    ASSERT_EQ(::chdir("/"), 0);
}

// Root is needed to give a file away; without it the file of another owner is one of root's system.
TEST(Plants, Row36_StrangersFileIsRefused) {
    const TempDir dir;
    ASSERT_EQ(::chmod(dir.path().c_str(), 0755), 0);
    static_cast<void>(open_to_write(dir.path()));
    if (::geteuid() != 0) return;
    const std::string path = control_path(dir.path());
    ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
    const auto opens = [&] { return ControlFile::open(dir.path(), writing()); };
    ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
    ASSERT_FALSE(opens());
    EXPECT_EQ(opens().error().code, Errc::not_permitted);
    EXPECT_NE(opens().error().message().find("user 12345"), std::string::npos) << opens().error().message();
    // The directory's owner may lay it out for others; and a member of the group that may write to the directory.
    ASSERT_EQ(::chown(dir.path().c_str(), 12345, 54321), 0);
    EXPECT_TRUE(opens());
    ASSERT_EQ(::chown(path.c_str(), 777, 54321), 0);
    EXPECT_FALSE(opens());
    ASSERT_EQ(::chmod(dir.path().c_str(), 0775), 0);
    EXPECT_TRUE(opens());
    ASSERT_EQ(::chown(path.c_str(), 777, 777), 0);
    EXPECT_FALSE(opens());
    ASSERT_EQ(::chown(path.c_str(), 0, 0), 0);
    EXPECT_TRUE(opens());
}

}  // namespace
}  // namespace mq::shm
