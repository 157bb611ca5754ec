// RELIABILITY rows 10 to 12: a system call fails in the middle of membership. Row 19: the wall clock jumps.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cstdlib>
#include <ctime>

#include "local_fixture.h"
#include "support/faults.h"

namespace {

std::atomic<bool> wall_clock_jumps{false};

}  // namespace

// In the place of the C library's, in this program: a wall clock that is another year each time.
extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
    static std::atomic<int> calls{0};
    const auto result = static_cast<int>(::syscall(SYS_clock_gettime, clock, now));
    if (clock == CLOCK_REALTIME && wall_clock_jumps.load())
        now->tv_sec += (calls.fetch_add(1) % 2 == 0 ? 1 : -1) * 365L * 24 * 60 * 60;
    return result;
}

namespace mq::groups {
namespace {

using test::FastDir;
using test::FaultRun;
using test::FaultSpan;

const std::vector<SubscribedTopic> kSix{{"t", 6}};

// Joins, takes, gives up what a second one wants, leaves.
Status live(Party& party) {
    MQ_ASSIGN(auto first, LocalMember::join(party.directory, party.offsets, {.group = "g"}, kSix));
    MQ_TRY(first->poll());
    MQ_ASSIGN(auto second, LocalMember::join(party.directory, party.offsets, {.group = "g"}, kSix));
    MQ_ASSIGN(const auto changes, first->poll());
    MQ_TRY(first->release(changes.revoked));
    MQ_TRY(second->poll());
    const std::vector<SubscribedTopic> more{{"t", 8}};
    MQ_TRY(second->subscribe(more));
    MQ_TRY(first->leave());
    MQ_TRY(while_empty(party.directory, "other", [] { return Status{}; }));
    return second->leave();
}

TEST(LocalFault, Row10_GRP_L1_AFailedCallIsToldAndTheGroupGoesOn) {
    test::FaultSweep sweep;
    sweep.errors = {EIO, ENOSPC, EINTR, ENOLCK};
    sweep.spans = {FaultSpan::once};
    const auto fired = test::for_each_fault(sweep, [](FaultRun& run) {
        SCOPED_TRACE(run.describe());
        const FastDir dir;
        Party party{dir.path()};
        const Status lived = run.faulted(dir.path(), [&] { return live(party); });
        EXPECT_TRUE(lived || run.fired()) << lived.error().message();
        EXPECT_TRUE(lived || !lived.error().message().empty());
        // Nobody is left behind, and nothing is lost.
        const auto after = party.join({.group = "g"}, kSix);
        EXPECT_EQ(after->poll().value().taken.size(), 6u);
        EXPECT_TRUE(is_balanced(describe(party.directory, "g").value(), 1, kSix))
            << text(describe(party.directory, "g").value());
    });
    EXPECT_GT(fired, 20u);
}

TEST(LocalFault, Row19_GRP_L1_JumpsOfTheWallClockBuryNobodyAndDelayNothing) {
    const FastDir dir;
    const auto directory = open_to_write(dir.path());
    auto watched = open_to_write(dir.path());
    const Stage stage{4};
    wall_clock_jumps.store(true);
    const TimestampMs once = wall_clock_ms();
    EXPECT_GT(std::abs(wall_clock_ms() - once), 300L * 24 * 60 * 60 * 1000);
    std::vector<Actor> actors;
    for (std::size_t life = 0; life < 3; ++life) actors.push_back(start(dir.path(), stage, life));
    const auto balanced = [&](std::size_t members) {
        return stage.await([&] { return is_balanced(describe(watched, "g").value(), members, kSix); });
    };
    EXPECT_TRUE(balanced(3));
    actors[0].child->send(SIGKILL);
    EXPECT_TRUE(balanced(2));
    order(stage, actors[1], Order::leave);
    EXPECT_TRUE(balanced(1));
    wall_clock_jumps.store(false);
    EXPECT_EQ(stage.overlaps(), "");
}

}  // namespace
}  // namespace mq::groups
