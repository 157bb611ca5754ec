// RELIABILITY row 4 with groups: a member, and a process that commits, are stopped. Promises P5, P9; rules GRP-L1,
// LCK-6.

#include <csignal>

#include "os/kill_point.h"
#include "shm/control_file.h"
#include "storm/crew.h"

namespace mq::test {
namespace {

using Row04StoppedMember = Crew;

TEST_F(Row04StoppedMember, P5_P9_LCK6_KeepsItsPartitionsWhileTheOthersGoOnAndGivesUpWhatItOwesWhenResumed) {
    Child first = start(0);
    ASSERT_TRUE(await_owned(first, 0, 6)) << board_->text.data();
    Child second = start(1);
    ASSERT_TRUE(await_owned(second, 1, 3)) << board_->text.data();
    ASSERT_TRUE(await_owned(first, 0, 3)) << board_->text.data();
    // Not under the group's lock, which the third needs.
    ASSERT_TRUE(await_turn(second, 1)) << board_->text.data();
    ASSERT_TRUE(await_turn(first, 0)) << board_->text.data();
    first.send(SIGSTOP);
    ASSERT_TRUE(first.wait_until_stopped());

    // It owes one partition to the third now, and keeps it; the second gives one up.
    Child third = start(2);
    ASSERT_TRUE(await_owned(third, 2, 1)) << board_->text.data();
    ASSERT_TRUE(await_owned(second, 1, 2)) << board_->text.data();
    const std::uint64_t before = board_->seat[1].read.load() + board_->seat[2].read.load();
    produce(5);
    ASSERT_TRUE(await(third, [&] {
        return board_->seat[1].read.load() + board_->seat[2].read.load() >= before + 15;
    })) << board_->text.data();
    leave(second, 1);
    ASSERT_TRUE(await_owned(third, 2, 3)) << board_->text.data();

    first.send(SIGCONT);
    ASSERT_TRUE(await(first, [&] { return read_by_all() == in_all(); })) << board_->text.data();
    Child fourth = start(3);
    ASSERT_TRUE(await_owned(fourth, 3, 2)) << board_->text.data();
    leave(first, 0);
    ASSERT_TRUE(await_owned(fourth, 3, 3)) << board_->text.data();
    leave(third, 2);
    ASSERT_TRUE(await_owned(fourth, 3, 6)) << board_->text.data();
    leave(fourth, 3);
    const Verdict verdict = judge(history_);
    EXPECT_EQ(verdict.text(), "");
    EXPECT_EQ(verdict.repeats, 0u);
}

TEST_F(Row04StoppedMember, P9_GRPL1_IsReplacedOnceItIsKilled) {
    Child first = start(0);
    ASSERT_TRUE(await_owned(first, 0, 6)) << board_->text.data();
    ASSERT_TRUE(await(first, [&] { return read_by_all() == in_all(); })) << board_->text.data();
    first.send(SIGSTOP);
    ASSERT_TRUE(first.wait_until_stopped());
    Child second = start(1);
    wait_a_while(second, 300'000);
    EXPECT_EQ(board_->seat[1].owned.load(), 0u) << "taken from a living member";
    history_.client(kSeats + 1).kill(0);
    first.send(SIGKILL);
    ASSERT_TRUE(await_owned(second, 1, 6)) << board_->text.data();
    leave(second, 1);
    EXPECT_EQ(judge(history_).text(), "");
}

// A commit whose committer is stopped under the append lock of its partition of __consumer_offsets.
TEST_F(Crew, Row04_P5_LCK6_OFF1_AStoppedCommitterIsNamedAfterASecondAndReadersDoNotWaitForIt) {
    const auto commit = [&](store::DataDirectory& directory, std::int64_t offset) -> Status {
        offsets::OffsetStore offsets{directory};
        const std::vector<offsets::Commit> one{{"crew", 0, Offset{offset}, -1, {}, {}}};
        return offsets.commit(group_.name(), one);
    };
    ASSERT_EQ(in_child([&](store::DataDirectory& directory) { return commit(directory, 3); }), exited_with(0))
        << board_->text.data();
    // Somebody lives in the directory all the time.
    const Gate over;
    Child bystander = Child::fork([&] {
        auto opened = open_data(data_);
        return opened && over.wait() ? 0 : 1;
    });
    Child stopped = Child::fork([&] {
        auto opened = open_data(data_);
        if (!opened || !commit(*opened, 4)) return 1;
        if (!os::arm_kill_point("append.after_write", 1, os::KillAction::stop)) return 3;
        return commit(*opened, 5) ? 0 : 2;
    });
    ASSERT_TRUE(stopped.wait_until_stopped());
    ASSERT_EQ(in_child([&](store::DataDirectory& directory) -> Status {
                  offsets::OffsetStore offsets{directory};
                  MQ_ASSIGN(const auto found, offsets.fetch(group_.name(), group_.partitions[0]));
                  if (!found || found->offset != Offset{4}) return fail(Errc::corrupt, "fetch", "");
                  return {};
              }),
              exited_with(0))
        << board_->text.data();
    ASSERT_EQ(run_in_child([&] {
                  store::OpenOptions options;
                  options.access = store::Access::write;
                  options.on_wait = [&](const shm::Holder& holder, std::chrono::milliseconds waited) -> Status {
                      board_->number.store(holder.pid);
                      board_->other.store(waited.count());
                      return fail(Errc::timed_out, "wait", holder.what);
                  };
                  auto opened = store::DataDirectory::open(data_, options);
                  if (!opened) return board_->fail(opened.error().message());
                  const Status done = commit(*opened, 9);
                  if (done || done.error().code != Errc::timed_out) return board_->fail("the lock was stolen");
                  return 0;
              }),
              exited_with(0))
        << board_->text.data();
    EXPECT_EQ(board_->number.load(), stopped.pid());
    EXPECT_GE(board_->other.load(), 1000);
    stopped.send(SIGCONT);
    EXPECT_EQ(stopped.wait(), exited_with(0));
    ASSERT_EQ(in_child([&](store::DataDirectory& directory) -> Status {
                  offsets::OffsetStore offsets{directory};
                  MQ_ASSIGN(const auto found, offsets.fetch(group_.name(), group_.partitions[0]));
                  if (!found || found->offset != Offset{5}) return fail(Errc::corrupt, "fetch", "");
                  MQ_ASSIGN(const auto checked, offsets.check());
                  return checked.problems.empty() ? Status{} : fail(broken(checked.problems[0]));
              }),
              exited_with(0))
        << board_->text.data();
    over.open();
    EXPECT_EQ(bystander.wait(), exited_with(0));
}

// One that is stopped under the group's lock, its joining half done: only who needs that lock waits for it.
TEST_F(Crew, Row04_P5_P9_LCK6_GRPL1_AStoppedJoinerIsNamedAfterASecondWhileTheMembersReadAndCommit) {
    Child first = start(0);
    ASSERT_TRUE(await_owned(first, 0, 6)) << board_->text.data();
    Child stopped = Child::fork([&] {
        if (!os::arm_kill_point("groups.settle_chosen", 1, os::KillAction::stop)) return 3;
        return be_member(1);
    });
    ASSERT_TRUE(stopped.wait_until_stopped());
    ASSERT_EQ(run_in_child([&] {
                  store::OpenOptions options;
                  options.access = store::Access::write;
                  options.on_wait = [&](const shm::Holder& holder, std::chrono::milliseconds waited) -> Status {
                      board_->number.store(holder.pid);
                      board_->other.store(waited.count());
                      return fail(Errc::timed_out, "wait", holder.what);
                  };
                  auto opened = store::DataDirectory::open(data_, options);
                  if (!opened) return board_->fail(opened.error().message());
                  offsets::OffsetStore offsets{*opened};
                  groups::JoinOptions how;
                  how.group = group_.name();
                  const auto joined = groups::LocalMember::join(*opened, offsets, how, group_.topics());
                  if (joined || joined.error().code != Errc::timed_out) return board_->fail("the lock was stolen");
                  if (!groups::describe(*opened, group_.name())) return 4;
                  if (!groups::active_groups(*opened)) return 5;
                  return offsets.fetch_all(group_.name()) ? 0 : 6;
              }),
              exited_with(0))
        << board_->text.data();
    EXPECT_EQ(board_->number.load(), stopped.pid());
    EXPECT_GE(board_->other.load(), 1000);
    produce(5);
    ASSERT_TRUE(await(first, [&] { return read_by_all() == in_all(); })) << board_->text.data();
    ASSERT_TRUE(await(first, [&] { return board_->seat[0].idle.load() > 1; })) << board_->text.data();
    stopped.send(SIGCONT);
    ASSERT_TRUE(await_owned(stopped, 1, 3)) << board_->text.data();
    leave(first, 0);
    ASSERT_TRUE(await_owned(stopped, 1, 6)) << board_->text.data();
    leave(stopped, 1);
    EXPECT_EQ(judge(history_).text(), "");
}

}  // namespace
}  // namespace mq::test
