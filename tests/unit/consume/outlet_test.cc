// What of records that went to commands may be committed when their partition goes to another member.
#include "mq-consume/outlet.h"

#include "exec_fixture.h"

namespace mq::consume {
namespace {

class CommandOutletTest : public ExecTest {
protected:
    void collect(CommandOutlet& outlet) {
        const Status collected = outlet.collect([this](const log::TopicPartition& id, const Progress& progress) {
            reached_[id] = progress.next.value();
        });
        EXPECT_TRUE(collected) << collected.error().message();
    }
    // Until no command has or gets a record.
    static void wait_until_done(const CommandOutlet& outlet) {
        for (;;) {
            const std::uint32_t seen = outlet.word()->load();
            if (outlet.is_done()) return;
            const os::FutexWord word{outlet.word(), seen};
            static_cast<void>(os::futex_wait({&word, 1}, 1000));
        }
    }
};

// In the middle of a batch a member learns that the partition goes to another: what waits for a command is dropped,
// and the place where reading stood is behind it.
TEST_F(CommandOutletTest, P9_WhatIsDroppedWhenAPartitionGoesIsNotTakenForDone) {
    const log::TopicPartition id{"t", 0};
    start("true");
    CommandOutlet outlet{std::move(runner_)};
    const MadeBatch batch{{{.value = "a"}, {.value = "b"}}};
    outlet.runner().offer(id, batch.views()[0], 0);
    wait_until_done(outlet);
    outlet.let_go(id);
    collect(outlet);
    EXPECT_EQ(reached(), 1);
    outlet.delivered(id, {Offset{0}, Offset{2}, Offset{40}, 0});
    collect(outlet);
    EXPECT_EQ(reached(), 1);

    // Back again it counts from where it goes on.
    outlet.forget(id);
    outlet.runner().offer(id, batch.views()[1], 0);
    outlet.delivered(id, {Offset{1}, Offset{2}, Offset{3}, 0});
    wait_until_done(outlet);
    collect(outlet);
    EXPECT_EQ(reached(), 3);
}

}  // namespace
}  // namespace mq::consume
