#include "os/watch.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <array>
#include <csignal>
#include <functional>

#include "support/child.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace mq::os {
namespace {

using test::spill;
using test::TempDir;

constexpr int kForEver = -1;  // ctest's limit ends a test that is not woken

struct Pipe {
    std::array<int, 2> fds{-1, -1};
    Pipe() { EXPECT_EQ(::pipe(fds.data()), 0); }
    ~Pipe() {
        for (const int fd : fds)
            if (fd >= 0) ::close(fd);
    }
    void close_reader() {
        ::close(fds[0]);
        fds[0] = -1;
    }
};

TEST(Watch, WhateverHappensToAFileOfAWatchedDirectoryWakes) {
    struct Change {
        const char* name;
        std::function<void(const TempDir&)> make;
    };
    const Change changes[] = {
        {"append",
         [](const TempDir& dir) {
             ASSERT_TRUE(File::open(dir / "f", OpenMode::read_write).value().write_at("more", FilePosition{3}));
         }},
        {"cut",
         [](const TempDir& dir) { ASSERT_TRUE(File::open(dir / "f", OpenMode::read_write).value().truncate(1)); }},
        {"new name", [](const TempDir& dir) { spill(dir / "g", ""); }},
        {"rename", [](const TempDir& dir) { ASSERT_TRUE(rename_file(dir / "f", dir / "g")); }},
        {"delete", [](const TempDir& dir) { ASSERT_TRUE(remove_file(dir / "f")); }},
    };
    for (const Change& change : changes) {
        SCOPED_TRACE(change.name);
        const TempDir dir;
        spill(dir / "f", "old");
        Watch watch = Watch::create().value();
        ASSERT_TRUE(watch.add(dir.path()));
        EXPECT_EQ(watch.wait(0).value(), Woken::timed_out);
        change.make(dir);
        EXPECT_EQ(watch.wait(kForEver).value(), Woken::changed);
        EXPECT_EQ(watch.wait(0).value(), Woken::timed_out) << "told once";
    }
}

TEST(Watch, AppendOfAnotherProcessToAWatchedFileEndsTheSleep) {
    const TempDir dir;
    spill(dir / "f", "old");
    Watch watch = Watch::create().value();
    ASSERT_TRUE(watch.add(dir / "f"));
    test::Child child = test::Child::fork([&] {
        return File::open(dir / "f", OpenMode::read_write).value().write_at("more", FilePosition{3}) ? 0 : 1;
    });
    EXPECT_EQ(watch.wait(kForEver).value(), Woken::changed);
    EXPECT_EQ(child.wait(), test::exited_with(0));
}

TEST(Watch, InterruptEndsTheSleepAndGoesBeforeAChange) {
    const TempDir dir;
    Watch watch = Watch::create().value();
    ASSERT_TRUE(watch.add(dir.path()));
    const Pipe interrupt;
    ASSERT_EQ(::write(interrupt.fds[1], "x", 1), 1);
    spill(dir / "f", "");
    EXPECT_EQ(watch.wait(kForEver, interrupt.fds[0]).value(), Woken::interrupted);
}

TEST(Watch, ReaderOfTheOutputThatGoesAwayEndsTheSleep) {
    Watch watch = Watch::create().value();
    Pipe output;
    EXPECT_EQ(watch.wait(0, -1, output.fds[1]).value(), Woken::timed_out);
    output.close_reader();
    EXPECT_EQ(watch.wait(kForEver, -1, output.fds[1]).value(), Woken::output_closed);
}

TEST(Watch, NothingToWatchIsNotFound) {
    const TempDir dir;
    Watch watch = Watch::create().value();
    const Status added = watch.add(dir / "missing");
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, Errc::not_found);
    EXPECT_EQ(added.error().subject, dir / "missing");
}

}  // namespace
}  // namespace mq::os
