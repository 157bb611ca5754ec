// CONCURRENCY DIR-1 to DIR-5, DIR-9: taking part in a directory.
#include "shm/control_file.h"

#include <gtest/gtest.h>
#include <csignal>
#include <cstring>

#include "fixture.h"
#include "os/mapping.h"
#include "os/process.h"
#include "support/child.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace mq::shm {
namespace {

using test::Child;
using test::exited_with;
using test::Gate;
using test::TempDir;

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
    EXPECT_EQ(begun, 1);
    EXPECT_EQ(file->incarnation(), 1u);
    EXPECT_TRUE(file->writable());
    EXPECT_FALSE(file->is_shared().value());
}

TEST(ControlFile, DIR2_SlotsLocksAndWakingWorkThroughTwoProcesses) {
    const TempDir dir;
    const auto file = ControlFile::open(dir.path(), writing()).value();
    PartitionSlot* slot = file->find_or_make("numbers", 0).value();
    const Gate done;
    Child child = Child::fork([&] {
        const auto mine = ControlFile::open(dir.path(), writing()).value();
        PartitionSlot* same = mine->find("numbers", 0);
        if (same == nullptr || mine->incarnation() != 1) return 1;
        const Status status = mine->on_claimed_thread([&]() -> Status {
            MQ_ASSIGN(const Guard guard, mine->lock(same->append, "append lock"));
            same->state[0] = std::byte{7};
            return {};
        });
        return status ? 0 : 2;
    });
    EXPECT_EQ(child.wait(), exited_with(0));
    EXPECT_EQ(slot->state[0], std::byte{7});
}

}  // namespace
}  // namespace mq::shm
