// RELIABILITY row 2 for this layer: death at each step of replace_file.
#include "os/kill_point.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <csignal>

#include "os/file.h"
#include "support/child.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace mq::os {
namespace {

using test::Child;
using test::ended_by;
using test::exited_with;
using test::run_in_child;
using test::slurp;
using test::spill;
using test::TempDir;

constexpr std::string_view kSteps[] = {"replace_file.before_sync", "replace_file.before_rename",
                                       "replace_file.after_rename"};

TEST(KillPoint, EveryPointOfTheProgramIsListedWhetherReachedOrNot) {
    const auto points = kill_points();
    for (const auto step : kSteps) EXPECT_EQ(std::ranges::count(points, step), 1) << step;
}

TEST(KillPoint, ReplaceFileIsAtomicWhicheverStepDies) {
    for (const auto step : kSteps) {
        const TempDir dir;
        spill(dir / "f", "old");
        const auto end = run_in_child([&] {
            if (!arm_kill_point(step)) return 1;
            return replace_file(dir / "f", "new") ? 2 : 3;
        });
        EXPECT_EQ(end, ended_by(SIGKILL)) << step;
        EXPECT_EQ(slurp(dir / "f"), step == "replace_file.after_rename" ? "new" : "old") << step;
        ASSERT_TRUE(replace_file(dir / "f", "later")) << step;
        EXPECT_EQ(slurp(dir / "f"), "later");
        EXPECT_EQ(list_directory(dir.path()).value().size(), 1u) << "a leftover of the dead";
    }
}

TEST(KillPoint, TheNthPassActsAndEarlierOnesDoNot) {
    const TempDir dir;
    const auto replace_thrice = [&](unsigned nth) {
        return run_in_child([&] {
            static_cast<void>(arm_kill_point("replace_file.after_rename", nth));
            for (const char* content : {"1", "2", "3"})
                if (!replace_file(dir / "f", content)) return 1;
            return 0;
        });
    };
    EXPECT_EQ(replace_thrice(2), ended_by(SIGKILL));
    EXPECT_EQ(slurp(dir / "f"), "2");
    EXPECT_EQ(replace_thrice(4), exited_with(0));
    EXPECT_EQ(slurp(dir / "f"), "3");
}

TEST(KillPoint, StoppedProcessCarriesOnAfterSigcont) {
    const TempDir dir;
    spill(dir / "f", "old");
    Child child = Child::fork([&] {
        static_cast<void>(arm_kill_point("replace_file.before_rename", 1, KillAction::stop));
        return replace_file(dir / "f", "new") ? 0 : 1;
    });
    ASSERT_TRUE(child.wait_until_stopped());
    EXPECT_EQ(slurp(dir / "f"), "old");
    child.send(SIGCONT);
    EXPECT_EQ(child.wait(), exited_with(0));
    EXPECT_EQ(slurp(dir / "f"), "new");
}

TEST(KillPoint, CountingNamesHowOftenEachWasPassed) {
    const TempDir dir;
    const auto end = run_in_child([&] {
        count_kill_points();
        if (!replace_file(dir / "f", "1") || !replace_file(dir / "f", "2")) return 100;
        return static_cast<int>(kill_point_passes("replace_file.before_sync"));
    });
    EXPECT_EQ(end, exited_with(2));
}

TEST(KillPoint, UnknownNameIsRefused) { EXPECT_FALSE(arm_kill_point("no.such.point")); }

}  // namespace
}  // namespace mq::os
