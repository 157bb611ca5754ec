// Consumer groups whose directory is copied, whose members' process numbers lie, and whose clocks jump. RELIABILITY
// rows 5, 6, 19 with groups; promises P5, P9; rules GRP-L1, OFF-1, DIR-3.

#include <csignal>

#include "os/kill_point.h"
#include "shm/group_table.h"
#include "storm/crew.h"
#include "storm/cut_disk.h"

namespace mq::test {
namespace {

// ---- What members and tools count on

TEST_F(Crew, P9_GRPL1_EveryChangeOfTheMembersRaisesTheGeneration) {
    const auto generation = [&] {
        std::int64_t found = -1;
        EXPECT_EQ(in_child([&](store::DataDirectory& directory) -> Status {
                      MQ_ASSIGN(const auto described, groups::describe(directory, group_.name()));
                      board_->number.store(described.generation);
                      return {};
                  }),
                  exited_with(0));
        found = board_->number.load();
        return found;
    };
    Child first = start(0);
    ASSERT_TRUE(await_owned(first, 0, 6)) << board_->text.data();
    const auto one = generation();
    Child second = start(1);
    ASSERT_TRUE(await_owned(second, 1, 3)) << board_->text.data();
    const auto two = generation();
    EXPECT_GT(two, one);
    // Else it may still say six, of before.
    ASSERT_TRUE(await_owned(first, 0, 3)) << board_->text.data();
    second.send(SIGKILL);
    ASSERT_TRUE(await_owned(first, 0, 6)) << board_->text.data();
    const auto three = generation();
    EXPECT_GT(three, two);
    leave(first, 0);
    // The record of the empty group and who comes next go on from there.
    Child third = start(2);
    ASSERT_TRUE(await_owned(third, 2, 6)) << board_->text.data();
    EXPECT_GT(generation(), three);
    leave(third, 2);
}

// Processes that count by compare-and-set: each success is one step.
TEST(OffsetCas, P9_OFF1_NoComparedCommitIsLostAmongFourProcesses) {
    const FastDir dir;
    const std::string data = dir / "data";
    constexpr int kSteps = 1000;
    Shared<CrewBoard> board;
    std::vector<Child> counters;
    for (int i = 0; i < 4; ++i) {
        counters.push_back(Child::fork([&] {
            auto opened = open_data(data);
            if (!opened) return board->fail(opened.error().message());
            offsets::OffsetStore offsets{*opened};
            const log::TopicPartition id{"counted", 0};
            // All at once.
            board->number.fetch_add(1);
            while (board->number.load() < 4) sched_yield();
            for (int steps = 0; steps < kSteps;) {
                const auto now = offsets.fetch("counters", id);
                if (!now) return board->fail(now.error().message());
                const std::map<log::TopicPartition, std::optional<Offset>> only_if{
                    {id, *now ? std::optional{(*now)->offset} : std::nullopt}};
                const std::vector<offsets::Commit> next{
                    {id.topic, 0, (*now ? (*now)->offset : Offset{0}) + 1, -1, {}, {}}};
                const Status done = offsets.commit("counters", next, {&only_if, {}});
                if (done) ++steps;
                if (!done && done.error().code != Errc::out_of_order) return board->fail(done.error().message());
            }
            return 0;
        }));
    }
    for (auto& counter : counters) ASSERT_EQ(counter.wait(), exited_with(0)) << board->text.data();
    auto opened = open_data(data);
    ASSERT_TRUE(opened) << opened.error().message();
    const auto counted = offsets::OffsetStore{*opened}.fetch("counters", {"counted", 0});
    ASSERT_TRUE(counted && *counted);
    EXPECT_EQ((*counted)->offset, Offset{4 * kSteps});
}

TEST(OffsetsTopic, P9_OFF3_IsMadeOnceByFourThatCommitForTheFirstTimeAtOnce) {
    for (std::uint64_t round = 0; round < test_scale(30, 1'000); ++round) {
        const FastDir dir;
        const std::string data = dir / "data";
        Shared<CrewBoard> board;
        std::vector<Child> committers;
        for (int i = 0; i < 4; ++i) {
            committers.push_back(Child::fork([&, i] {
                auto opened = open_data(data);
                if (!opened) return board->fail(opened.error().message());
                offsets::OffsetStore offsets{*opened};
                board->number.fetch_add(1);
                while (board->number.load() < 4) sched_yield();
                const std::vector<offsets::Commit> one{{"first", i, Offset{7}, -1, {}, {}}};
                const Status done = offsets.commit("group", one);
                return done ? 0 : board->fail(done.error().message());
            }));
        }
        for (auto& committer : committers) ASSERT_EQ(committer.wait(), exited_with(0)) << board->text.data();
        auto opened = open_data(data);
        ASSERT_TRUE(opened) << opened.error().message();
        const auto all = offsets::OffsetStore{*opened}.fetch_all("group");
        ASSERT_TRUE(all) << all.error().message();
        ASSERT_EQ(all->size(), 4u) << "round " << round;
    }
}

// ---- Row 5

class Row05GroupCopy : public Crew {
protected:
    // The directory of a group whose members are stopped, one of them inside of a commit, is copied and opened by
    // eight at once: they find no member, and what was committed, the same for all.
    void rounds(bool other_boot) {
        for (std::uint64_t round = 0; round < test_scale(20, 500); ++round) {
            SCOPED_TRACE("round " + std::to_string(round));
            const std::string copy = dir_ / ("copy" + std::to_string(round));
            std::vector<Child> members;
            for (unsigned i = 0; i < 3; ++i) members.push_back(start(i));
            for (unsigned i = 0; i < 3; ++i) ASSERT_TRUE(await_owned(members[i], i, 2)) << board_->text.data();
            ASSERT_TRUE(await(members[0], [&] { return read_by_all() == in_all(); })) << board_->text.data();
            // Outside of a commit, and of what one of them still had to tell another.
            for (unsigned turn = 0; turn < 2; ++turn)
                for (unsigned i = 0; i < 3; ++i) ASSERT_TRUE(await_turn(members[i], i)) << board_->text.data();
            for (auto& member : members) member.send(SIGSTOP);
            for (auto& member : members) ASSERT_TRUE(member.wait_until_stopped());
            Child committer = Child::fork([&] {
                auto opened = open_data(data_);
                if (!opened) return 1;
                offsets::OffsetStore offsets{*opened};
                for (int i = 0; i < 2; ++i) {
                    const std::vector<offsets::Commit> one{{"other", i, Offset{7}, -1, {}, {}}};
                    if (i == 1 && !os::arm_kill_point("append.after_write", 1, os::KillAction::stop)) return 3;
                    if (!offsets.commit(group_.name(), one)) return 2;
                }
                return 0;
            });
            ASSERT_TRUE(committer.wait_until_stopped());
            ASSERT_EQ(run_program({{"cp", "-a", "--sparse=always", data_, copy}}).end, exited_with(0));
            if (other_boot) forget_boot(copy);
            open_copy(copy);
            committer.send(SIGCONT);
            ASSERT_EQ(committer.wait(), exited_with(0));
            for (auto& member : members) member.send(SIGCONT);
            for (unsigned i = 0; i < 3; ++i) leave(members[i], i);
            ASSERT_EQ(run_program({{"rm", "-rf", copy}}).end, exited_with(0));
            produce(2);
        }
        EXPECT_EQ(judge(history_, {.complete = false}).text(), "");
    }

    void open_copy(const std::string& copy) {
        // What the members had committed when they stopped, by their own account.
        std::map<std::uint16_t, std::pair<std::uint64_t, std::int64_t>> committed;
        for (unsigned i = 0; i < 3; ++i)
            for (const auto& event : history_.events(i))
                if (event.kind == HistoryKind::commit_offset && event.ticket > committed[event.partition].first)
                    committed[event.partition] = {event.ticket, event.first};
        Shared<std::array<std::array<char, 4000>, 8>> answers;
        std::vector<Child> openers;
        for (unsigned i = 0; i < 8; ++i) {
            openers.push_back(Child::fork([&, i] {
                const auto body = [&]() -> Status {
                    MQ_ASSIGN(auto directory, open_data(copy));
                    offsets::OffsetStore offsets{directory};
                    MQ_ASSIGN(const auto described, groups::describe(directory, group_.name()));
                    if (!described.members.empty()) return fail(broken("members in a copy"));
                    MQ_ASSIGN(const auto active, groups::active_groups(directory));
                    if (!active.empty()) return fail(broken("an active group in a copy"));
                    MQ_TRY(groups::while_empty(directory, group_.name(), [] { return Status{}; }));
                    MQ_ASSIGN(const auto all, offsets.fetch_all(group_.name()));
                    std::string text;
                    for (const auto& [id, one] : all)
                        text += text_of(id) + "=" + std::to_string(one.offset.value()) + " ";
                    text.copy((*answers)[i].data(), (*answers)[i].size() - 1);
                    MQ_ASSIGN(const auto checked, offsets.check());
                    return checked.problems.empty() ? Status{} : fail(broken(checked.problems[0]));
                };
                const Status done = body();
                return done ? 0 : board_->fail("copy: " + done.error().message());
            }));
        }
        for (auto& opener : openers) ASSERT_EQ(opener.wait(), exited_with(0)) << board_->text.data();
        std::string expected;
        for (const auto& [partition, commit] : committed)
            expected += text_of(group_.partitions[partition]) + "=" + std::to_string(commit.second) + " ";
        expected += "other-0=7 ";
        // The commit that was written and not published may be adopted.
        const std::string one{(*answers)[0].data()};
        EXPECT_TRUE(one == expected || one == expected + "other-1=7 ") << one << "\ninstead of\n" << expected;
        for (const auto& answer : *answers) EXPECT_EQ(one, answer.data());
    }
};

TEST_F(Row05GroupCopy, P5_P9_DIR3_OFF1_AfterARebootTheTableIsMadeAnewOfExactlyWhatWasCommitted) { rounds(true); }
TEST_F(Row05GroupCopy, P5_P9_DIR3_OFF1_ALiveCopyKnowsExactlyWhatWasCommittedAndNoMember) { rounds(false); }

// ---- Row 6

class Row06ForgedPid : public Crew {
protected:
    // Puts `pid` into the place of every member.
    [[nodiscard]] ChildEnd forge(int pid) {
        return in_child([&](store::DataDirectory& directory) -> Status {
            const auto place = shm::GroupTable{*directory.control()}.find(group_.name());
            if (!place) return fail(broken("no place"));
            for (auto& member : place->members()) member.pid.store(pid);
            return {};
        });
    }
};

TEST_F(Row06ForgedPid, P9_LCK7_GRPL1_ADeadMemberWhosePidLivesIsReplaced) {
    Child first = start(0);
    ASSERT_TRUE(await_owned(first, 0, 6)) << board_->text.data();
    ASSERT_EQ(forge(getpid()), exited_with(0)) << board_->text.data();
    Child second = start(1);
    ASSERT_TRUE(await_owned(second, 1, 3)) << board_->text.data();
    ASSERT_EQ(forge(getpid()), exited_with(0)) << board_->text.data();
    history_.client(kSeats + 1).kill(0);
    first.send(SIGKILL);
    ASSERT_TRUE(await_owned(second, 1, 6)) << board_->text.data();
    leave(second, 1);
    EXPECT_EQ(judge(history_).text(), "");
}

TEST_F(Row06ForgedPid, P9_LCK7_GRPL1_ALivingMemberWhosePidIsDeadStays) {
    Child first = start(0);
    ASSERT_TRUE(await_owned(first, 0, 6)) << board_->text.data();
    const ChildEnd ended = run_in_child([&] {
        board_->number.store(getpid());
        return 0;
    });
    ASSERT_EQ(ended, exited_with(0));
    ASSERT_EQ(forge(static_cast<int>(board_->number.load())), exited_with(0)) << board_->text.data();
    Child second = start(1);
    ASSERT_TRUE(await_owned(second, 1, 3)) << board_->text.data();
    ASSERT_EQ(forge(static_cast<int>(board_->number.load())), exited_with(0)) << board_->text.data();
    produce(5);
    ASSERT_TRUE(await(first, [&] { return read_by_all() == in_all(); })) << board_->text.data();
    wait_a_while(first, 200'000);
    EXPECT_EQ(board_->seat[0].owned.load(), 3u);
    leave(first, 0);
    leave(second, 1);
    EXPECT_EQ(judge(history_).text(), "");
}

// ---- Row 19

std::atomic<TimestampMs> clock_now{0};
std::atomic<TimestampMs> clock_step{0};
TimestampMs jumping_clock() { return clock_now.fetch_add(clock_step.load()); }

TEST(Row19GroupClockJumps, P9_MembersStayAndNoOffsetExpiresBeforeItsTime) {
    constexpr TimestampMs kHour = 3'600'000;
    constexpr TimestampMs kYear = 365 * 24 * kHour;
    const TimestampMs truth = 1'700'000'000'000;
    const FastDir dir;
    std::mt19937_64 random{test_seed()};
    store::OpenOptions how;
    how.access = store::Access::write;
    how.clock = jumping_clock;
    clock_now = truth;
    auto directory = store::DataDirectory::open(dir / "data", how);
    ASSERT_TRUE(directory) << directory.error().message();
    ASSERT_TRUE(directory->create_topic({"clock", 4, 1, {}}));
    offsets::OffsetStore offsets{*directory, jumping_clock};
    const std::vector<groups::SubscribedTopic> topics{{"clock", 4}};
    groups::JoinOptions join;
    join.group = "active";
    std::array<std::unique_ptr<groups::LocalMember>, 2> members;
    for (auto& member : members) {
        auto joined = groups::LocalMember::join(*directory, offsets, join, topics);
        ASSERT_TRUE(joined) << joined.error().message();
        member = *std::move(joined);
    }
    const auto settle = [&] {
        for (int quiet = 0; quiet < 3;) {
            ++quiet;
            for (auto& member : members) {
                const auto changes = member->poll();
                ASSERT_TRUE(changes) << changes.error().message();
                if (!changes->empty()) quiet = 0;
                ASSERT_TRUE(member->release(changes->revoked));
            }
        }
    };
    ASSERT_NO_FATAL_FAILURE(settle());
    ASSERT_EQ(members[0]->owned().size(), 2u);
    const auto generation = groups::describe(*directory, "active")->generation;

    const auto is_active = [&](std::string_view group) { return group == "active"; };
    const std::uint64_t jumps = test_scale(10'000, 100'000);
    for (std::uint64_t i = 0; i < jumps; ++i) {
        switch (random() % 4) {
            case 0:
                clock_now = truth - kHour;
                break;
            case 1:
                clock_now = truth + 10 * kYear;
                break;
            case 2:
                clock_step = -24 * kHour;
                break;
            default:
                clock_now = truth;
                clock_step = 0;
        }
        if (i % 4 == 0) {
            const auto offset = static_cast<std::int64_t>(i);
            const std::vector<offsets::Commit> one{{"clock", 0, Offset{offset}, -1, {}, {}}};
            ASSERT_TRUE(offsets.commit("active", one));
            ASSERT_TRUE(offsets.commit("idle", one));
        }
        const auto expired = offsets.expire(20 * kYear, is_active, false);
        ASSERT_TRUE(expired) << expired.error().message();
        ASSERT_TRUE(expired->empty()) << "jump " << i;
        if (i % 100 == 50) {
            // Nor does a group with members lose anything whatever the clock says.
            const auto none = offsets.expire(
                kHour * 1000, [](std::string_view) { return true; }, false);
            ASSERT_TRUE(none && none->empty()) << "jump " << i;
        }
        for (auto& member : members) ASSERT_TRUE(member->poll()->empty());
    }
    EXPECT_EQ(groups::describe(*directory, "active")->generation, generation);
    EXPECT_EQ(members[1]->owned().size(), 2u);
}

}  // namespace
}  // namespace mq::test
