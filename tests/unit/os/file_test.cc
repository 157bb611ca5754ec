#include "os/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/faults.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace mq::os {
namespace {

using test::slurp;
using test::spill;
using test::TempDir;

TEST(File, WritesAndReadsBackAtPositions) {
    const TempDir dir;
    const auto file = File::open(dir / "f", OpenMode::create_new);
    ASSERT_TRUE(file) << file.error().message();
    ASSERT_TRUE(file->write_at("world", FilePosition{6}));
    ASSERT_TRUE(file->write_at("hello ", FilePosition{0}));
    EXPECT_EQ(slurp(dir / "f"), "hello world");
    char part[5];
    EXPECT_EQ(file->read_at(part, FilePosition{6}).value(), 5u);
    EXPECT_EQ(std::string_view(part, 5), "world");
    EXPECT_EQ(file->read_at(part, FilePosition{9}).value(), 2u) << "the file ends there";
    EXPECT_EQ(file->read_at(part, FilePosition{11}).value(), 0u);
    EXPECT_EQ(file->size().value(), 11u);
    ASSERT_TRUE(file->truncate(5));
    EXPECT_EQ(slurp(dir / "f"), "hello");
}

TEST(File, AllocateReservesWithoutChangingTheSize) {
    const TempDir dir;
    const auto file = File::open(dir / "f", OpenMode::create_new);
    ASSERT_TRUE(file->write_at("abc", FilePosition{0}));
    ASSERT_TRUE(file->allocate(FilePosition{0}, 1 << 20));
    EXPECT_EQ(file->size().value(), 3u);
}

TEST(File, ModesMakeEmptyOrRefuseAsTheirNamesSay) {
    const TempDir dir;
    EXPECT_EQ(File::open(dir / "f", OpenMode::read).error().code, Errc::not_found);
    EXPECT_EQ(File::open(dir / "f", OpenMode::read_write).error().code, Errc::not_found);
    spill(dir / "f", "content");
    EXPECT_EQ(File::open(dir / "f", OpenMode::create_new).error().code, Errc::already_exists);
    ASSERT_TRUE(File::open(dir / "f", OpenMode::create));
    EXPECT_EQ(slurp(dir / "f"), "content");
    ASSERT_TRUE(File::open(dir / "f", OpenMode::create_truncate));
    EXPECT_EQ(slurp(dir / "f"), "");
}

TEST(File, NewFilesAreClosedToOthers) {
    const TempDir dir;
    const mode_t before = umask(0);
    ASSERT_TRUE(File::open(dir / "f", OpenMode::create_new));
    ASSERT_TRUE(create_directory(dir / "d"));
    umask(before);
    struct stat st {};
    ASSERT_EQ(stat((dir / "f").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0640u);
    ASSERT_EQ(stat((dir / "d").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0750u);
}

TEST(File, MoveLeavesOneOwnerOfTheDescriptor) {
    const TempDir dir;
    const auto before = test::open_descriptors();
    {
        File a = File::open(dir / "a", OpenMode::create_new).value();
        File b = File::open(dir / "b", OpenMode::create_new).value();
        b = std::move(a);
        EXPECT_EQ(b.path(), dir / "a");
        EXPECT_EQ(test::open_descriptors(), before + 1);
    }
    EXPECT_EQ(test::open_descriptors(), before);
}

TEST(File, BorrowedDescriptorStaysOpen) {
    int fds[2];
    ASSERT_EQ(pipe(fds), 0);
    {
        const File in = File::adopt(fds[1], "standard input", true);
        ASSERT_TRUE(in.write_all("some bytes"));
    }
    const File out = File::adopt(fds[0], "standard input", false);
    char part[64];
    EXPECT_EQ(out.read_some(part).value(), 10u) << "a stream gives what is there";
    ASSERT_EQ(close(fds[1]), 0) << "it was only borrowed";
    EXPECT_EQ(out.read_some(part).value(), 0u);
}

// RELIABILITY row 36: whatever is planted where a data file is expected is neither followed nor waited for.
class Planted : public testing::Test {
protected:
    Planted() {
        spill(dir_ / "target", "untouched");
        EXPECT_EQ(symlink((dir_ / "target").c_str(), (dir_ / "link").c_str()), 0);
        EXPECT_EQ(symlink((dir_ / "nothing").c_str(), (dir_ / "dangling").c_str()), 0);
        EXPECT_EQ(mkfifo((dir_ / "fifo").c_str(), 0600), 0);
        EXPECT_EQ(mkdir((dir_ / "directory").c_str(), 0700), 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        // A path may not fit into sun_path; through the descriptor of its directory it does.
        const int at = open(dir_.path().c_str(), O_PATH);
        snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/socket", at);
        const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        close(fd);
        close(at);
    }
    const TempDir dir_;
};

TEST_F(Planted, NothingButARegularFileIsOpenedInAnyMode) {
    for (const char* name : {"link", "dangling", "fifo", "directory", "socket"})
        for (const auto mode : {OpenMode::read, OpenMode::read_write, OpenMode::create, OpenMode::create_new,
                                OpenMode::create_truncate}) {
            const auto file = File::open(dir_ / name, mode);
            ASSERT_FALSE(file) << name << " " << static_cast<int>(mode);
            EXPECT_EQ(file.error().subject, dir_ / name);
            EXPECT_EQ(file.error().operation, "open");
        }
    EXPECT_EQ(slurp(dir_ / "target"), "untouched");
    EXPECT_FALSE(exists(dir_ / "nothing").value()) << "made through a dangling link";
    EXPECT_EQ(File::open(dir_ / "link", OpenMode::read).error().code, Errc::not_permitted);
    EXPECT_EQ(File::open(dir_ / "fifo", OpenMode::read).error().code, Errc::not_permitted);
    EXPECT_EQ(File::open(dir_ / "directory", OpenMode::read).error().code, Errc::bad_argument);
}

TEST_F(Planted, LinkIsFollowedOnlyWhenAsked) {
    const auto file = File::open(dir_ / "link", OpenMode::read, Follow::yes);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->size().value(), 9u);
    EXPECT_FALSE(file_info(dir_ / "link").value().is_regular);
    EXPECT_TRUE(file_info(dir_ / "link", Follow::yes).value().is_regular);
}

TEST_F(Planted, ReplaceFileWritesThroughNoneOfThem) {
    for (const char* name : {"link", "dangling", "fifo", "socket"}) {
        ASSERT_EQ(rename((dir_ / name).c_str(), (dir_ / "f.tmp").c_str()), 0);
        spill(dir_ / "f", "old");
        const Status replaced = replace_file(dir_ / "f", "new");
        EXPECT_EQ(slurp(dir_ / "f"), replaced ? "new" : "old") << name;
        EXPECT_TRUE(file_info(dir_ / "f").value().is_regular) << name;
        EXPECT_EQ(slurp(dir_ / "target"), "untouched") << name;
        EXPECT_FALSE(exists(dir_ / "nothing").value());
        ASSERT_TRUE(remove_file(dir_ / "f.tmp"));
    }
}

TEST_F(Planted, RemovingATreeDoesNotFollowALinkOutOfIt) {
    const TempDir other;
    spill(other / "precious", "kept");
    ASSERT_EQ(symlink(other.path().c_str(), (dir_ / "directory/out").c_str()), 0);
    ASSERT_TRUE(remove_directory_tree(dir_ / "directory"));
    EXPECT_EQ(slurp(other / "precious"), "kept");
    EXPECT_FALSE(exists(dir_ / "directory").value());
}

TEST(Directory, ListsSortedWithoutDots) {
    const TempDir dir;
    ASSERT_TRUE(create_directories(dir / "b/c/d"));
    ASSERT_TRUE(create_directories(dir / "b/c/d")) << "being there already is success";
    spill(dir / "a", "");
    spill(dir / ".hidden", "");
    const auto entries = list_directory(dir.path()).value();
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_EQ(entries[0].name, ".hidden");
    EXPECT_EQ(entries[1].name, "a");
    EXPECT_EQ(entries[2].name, "b");
    EXPECT_FALSE(entries[1].is_directory);
    EXPECT_TRUE(entries[2].is_directory);
    EXPECT_EQ(create_directory(dir / "b").error().code, Errc::already_exists);
    EXPECT_FALSE(create_directories(dir / "a/b")) << "a file stands in the way";
    EXPECT_EQ(list_directory(dir / "none").error().code, Errc::not_found);
}

TEST(Directory, RemoveFileOfNothingIsSuccess) {
    const TempDir dir;
    EXPECT_TRUE(remove_file(dir / "none"));
    EXPECT_FALSE(exists(dir / "none").value());
    EXPECT_FALSE(remove_directory_tree(dir / "none"));
}

TEST(ReadFile, RefusesWhatIsOverTheLimitBeforeReadingIt) {
    const TempDir dir;
    spill(dir / "f", "12345");
    EXPECT_EQ(read_file(dir / "f", 5).value(), "12345");
    EXPECT_EQ(read_file(dir / "f", 4).error().code, Errc::too_large);
    EXPECT_EQ(read_file(dir / "none").error().code, Errc::not_found);
}

TEST(File, ModificationTimeIsSetToTheMillisecond) {
    const TempDir dir;
    const File file = File::open(dir / "f", OpenMode::create_new).value();
    ASSERT_TRUE(file.set_modified(1'234'567'890'123));
    EXPECT_EQ(file.info().value().modified_ms, 1'234'567'890'123);
    EXPECT_EQ(file_info(dir / "f").value().modified_ms, 1'234'567'890'123);
}

TEST(Paths, JoinParentAndBaseNameAgree) {
    EXPECT_EQ(join("a", "b"), "a/b");
    EXPECT_EQ(join("a/", "b"), "a/b");
    EXPECT_EQ(join("", "b"), "b");
    EXPECT_EQ(join("/", "b"), "/b");
    EXPECT_EQ(parent_directory("/a/b"), "/a");
    EXPECT_EQ(parent_directory("/a/b/"), "/a");
    EXPECT_EQ(parent_directory("/a"), "/");
    EXPECT_EQ(parent_directory("a"), ".");
    EXPECT_EQ(base_name("/a/b"), "b");
    EXPECT_EQ(base_name("/a/b/"), "b");
    EXPECT_EQ(base_name("b"), "b");
    EXPECT_EQ(base_name("/"), "/");
}

}  // namespace
}  // namespace mq::os
