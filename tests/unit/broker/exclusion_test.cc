// A group is joined over the network or by processes of this machine, never both.
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "group_fixture.h"
#include "groups/exclusion.h"
#include "groups/local_member.h"
#include "offsets/offset_store.h"
#include "os/kill_point.h"
#include "shm/control_file.h"
#include "support/child.h"
#include "support/scale.h"

namespace mq::broker {
namespace {

using test::Child;
using test::Gate;
using wire::ErrorCode;
using Local = std::unique_ptr<groups::LocalMember>;

const std::vector<groups::SubscribedTopic> kTopics{{"t", 4}};

// A process of its own, as mq-consume is.
struct Process {
    explicit Process(const std::string& path) {
        store::OpenOptions how;
        how.access = store::Access::write;
        directory.emplace(store::DataDirectory::open(path, how).value());
        offsets.emplace(*directory);
    }
    [[nodiscard]] Result<Local> join(const std::string& group = "g") {
        return groups::LocalMember::join(*directory, *offsets, {.group = group}, kTopics);
    }
    std::optional<store::DataDirectory> directory;
    std::optional<offsets::OffsetStore> offsets;
};

class Exclusion : public GroupTest {
protected:
    [[nodiscard]] Result<Local> join_locally(const std::string& group = "g") {
        return groups::LocalMember::join(broker->directory(), broker->offsets(), {.group = group}, kTopics);
    }
    [[nodiscard]] bool is_networked(const std::string& group = "g") {
        return groups::is_networked(broker->directory(), group).value();
    }
    // Takes what it is told to; the group is Stable then.
    static void settle(groups::LocalMember& member) {
        while (member.has_changes()) ASSERT_TRUE(member.poll());
    }
};

TEST_F(Exclusion, OverTheNetworkAGroupOfLocalProcessesIsRefusedForGoodAndTheLogSaysWhy) {
    auto local = join_locally();
    ASSERT_TRUE(local) << local.error().message();
    const auto refused = call(join_request());
    EXPECT_EQ(refused.error_code, ErrorCode::inconsistent_group_protocol);
    EXPECT_FALSE(wire::is_retriable(refused.error_code));
    EXPECT_EQ(refused.member_id, "");
    EXPECT_FALSE(is_networked());
    const std::string said = log.lines();
    for (const std::string& part : {std::string{"group g"}, std::string{"test at /127.0.0.1"}, (*local)->member_id(),
                                    "process " + std::to_string(getpid())}) {
        EXPECT_NE(said.find(part), std::string::npos) << said;
    }
    ASSERT_TRUE((*local)->leave());
    local->reset();
    // JOI-14: the generation goes on.
    EXPECT_GT(join_alone().generation, 1);
}

TEST_F(Exclusion, LocallyAGroupThatIsJoinedOverTheNetworkIsRefusedAndTheBrokerNamed) {
    const Member member = join_alone();
    const auto refused = join_locally();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::in_use);
    EXPECT_NE(refused.error().message().find("mq-broker (process " + std::to_string(getpid()) + ")"),
              std::string::npos)
        << refused.error().message();
    EXPECT_EQ(beat(member), ErrorCode::none);
    EXPECT_EQ(leave(member), ErrorCode::none);
    // At once: who was told that it has left is gone.
    EXPECT_TRUE(join_locally());
}

TEST_F(Exclusion, AnIdThatWasGivenOutKeepsLocalProcessesAway) {
    const auto first = call(join_request());
    ASSERT_EQ(first.error_code, ErrorCode::member_id_required);
    EXPECT_TRUE(is_networked());
    EXPECT_FALSE(join_locally());
    EXPECT_EQ(leave({first.member_id, -1}), ErrorCode::none);
    EXPECT_FALSE(is_networked());
    EXPECT_TRUE(join_locally());
}

TEST_F(Exclusion, ARefusedJoinLeavesTheGroupFree) {
    auto request = join_request();
    request.session_timeout_ms = 1;
    EXPECT_EQ(call(request).error_code, ErrorCode::invalid_session_timeout);
    request = join_request();
    request.protocols.clear();
    EXPECT_EQ(call(request).error_code, ErrorCode::inconsistent_group_protocol);
    // What is let go is let go in the queue, which this has to wait for.
    EXPECT_EQ(committed(), -1);
    EXPECT_FALSE(is_networked());
    EXPECT_TRUE(join_locally());
}

TEST_F(Exclusion, OFF3_OneWhoIsNoMemberCommitsNothingForLocalProcessesEither) {
    auto local = join_locally();
    ASSERT_TRUE(local);
    EXPECT_EQ(commit(nobody(), 5), ErrorCode::unknown_member_id);
    EXPECT_EQ(commit({"m", 1}, 5), ErrorCode::unknown_member_id);
    EXPECT_EQ(committed(), -1);
    ASSERT_TRUE((*local)->leave());
    EXPECT_EQ(commit(nobody(), 5), ErrorCode::none);
}

TEST_F(Exclusion, LocalMembersAreDescribedAsThoseOfAnyGroup) {
    auto local = join_locally();
    ASSERT_TRUE(local);
    settle(**local);
    EXPECT_EQ(list(), std::vector<std::string>{"g Stable"});
    const auto group = describe();
    EXPECT_EQ(group.group_state, "Stable");
    EXPECT_EQ(group.protocol_type, "consumer");
    EXPECT_EQ(group.protocol_data, "cooperative-sticky");
    ASSERT_EQ(group.members.size(), 1u);
    EXPECT_EQ(group.members[0].member_id, (*local)->member_id());
    EXPECT_EQ(group.members[0].client_id, "mq-consume");
    EXPECT_EQ(record::parse_consumer_subscription(group.members[0].member_metadata)->topics,
              std::vector<std::string>{"t"});
    const auto assignment = record::parse_consumer_assignment(group.members[0].member_assignment);
    ASSERT_EQ(assignment->partitions.size(), 1u);
    EXPECT_EQ(assignment->partitions[0].topic, "t");
    EXPECT_EQ(assignment->partitions[0].partitions, (std::vector<std::int32_t>{0, 1, 2, 3}));
}

TEST_F(Exclusion, OFF16_OFF17_WhatLocalMembersReadIsNotDeleted) {
    ASSERT_TRUE(broker->directory().create_topic({"other", 1, 1, {}}));
    EXPECT_EQ(commit(nobody(), 5), ErrorCode::none);
    EXPECT_EQ(commit(nobody(), 6, "g", 0, "other"), ErrorCode::none);
    auto local = join_locally();
    ASSERT_TRUE(local);
    EXPECT_EQ(remove(), ErrorCode::non_empty_group);
    const auto deleted = call(wire::OffsetDeleteRequest{"g", {{"t", {{0}}}, {"other", {{0}}}}});
    EXPECT_EQ(deleted.error_code, ErrorCode::none);
    EXPECT_EQ(deleted.topics.at(0).partitions.at(0).error_code, ErrorCode::group_subscribed_to_topic);
    EXPECT_EQ(deleted.topics.at(1).partitions.at(0).error_code, ErrorCode::none);
    EXPECT_EQ(committed(), 5);
    EXPECT_EQ(committed("g", 0, "other"), -1);
    ASSERT_TRUE((*local)->leave());
    local->reset();
    EXPECT_EQ(remove(), ErrorCode::none);
}

TEST_F(Exclusion, WhatNeedsAnEmptyGroupIsRefusedWhileItIsJoinedOverTheNetwork) {
    const Member member = join_alone();
    bool ran = false;
    const auto work = [&]() -> Status {
        ran = true;
        return {};
    };
    const Status refused = groups::while_empty(broker->directory(), "g", work);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::in_use);
    EXPECT_NE(refused.error().message().find("mq-broker"), std::string::npos);
    EXPECT_FALSE(ran);
    EXPECT_EQ(leave(member), ErrorCode::none);
    EXPECT_TRUE(groups::while_empty(broker->directory(), "g", work));
    EXPECT_TRUE(ran);
}

// The broker in a process of its own, where a member has joined; it is killed, and leaves no mark.
TEST_F(Exclusion, ABrokerThatWasKilledLocksNobodyOut) {
    stop();
    const Gate joined;
    Child other = Child::fork([&] {
        begin();
        join_alone();
        joined.open();
        pause();
        return 0;
    });
    ASSERT_TRUE(joined.wait());
    {
        Process local{config.log_dir};
        EXPECT_FALSE(local.join());
        other.send(SIGKILL);
        EXPECT_EQ(other.wait(), test::ended_by(SIGKILL));
        const auto member = local.join();
        EXPECT_TRUE(member) << member.error().message();
    }
}

TEST_F(Exclusion, ABrokerThatDiesWhileItTakesAGroupLeavesItFree) {
    if (os::kill_points().empty()) return;  // a release build
    stop();
    const auto end = test::run_in_child([&] {
        begin();
        if (!os::arm_kill_point("exclusion.held")) return 1;
        join_alone();
        return 2;
    });
    EXPECT_EQ(end, test::ended_by(SIGKILL));
    Process local{config.log_dir};
    const auto member = local.join();
    EXPECT_TRUE(member) << member.error().message();
}

TEST_F(Exclusion, ANewBrokerTakesUpTheMembersOfOneThatWasKilled) {
    stop();
    const Gate joined;
    int told[2];
    ASSERT_EQ(pipe(told), 0);
    Child other = Child::fork([&] {
        begin();
        const Member member = join_alone();
        if (commit(member, 5) != ErrorCode::none) return 1;
        if (write(told[1], member.id.data(), member.id.size()) < 0) return 2;
        joined.open();
        pause();
        return 0;
    });
    ASSERT_TRUE(joined.wait());
    char id[128];
    const ssize_t size = read(told[0], id, sizeof id);
    ASSERT_GT(size, 0);
    close(told[0]);
    close(told[1]);
    other.send(SIGKILL);
    EXPECT_EQ(other.wait(), test::ended_by(SIGKILL));
    begin();
    const Member member{std::string(id, static_cast<std::size_t>(size)), 1};
    EXPECT_TRUE(is_networked());
    EXPECT_FALSE(join_locally());
    EXPECT_EQ(beat(member), ErrorCode::none);
    EXPECT_EQ(commit(member, 6), ErrorCode::none);
    EXPECT_EQ(committed(), 6);
    EXPECT_EQ(describe().members.at(0).member_assignment, "all");
    // JOI-14
    EXPECT_EQ(call(join_request(member.id)).generation_id, 2);
}

TEST_F(Exclusion, WhoJoinedLocallyWhileThereWasNoBrokerKeepsTheGroup) {
    const Member member = join_alone();
    // A clean stop leaves the members in the log.
    stop();
    Process local{config.log_dir};
    auto joined = local.join();
    ASSERT_TRUE(joined) << joined.error().message();
    begin();
    EXPECT_NE(log.lines().find("loses the members that it had over the network"), std::string::npos);
    EXPECT_EQ(beat(member), ErrorCode::unknown_member_id);
    EXPECT_EQ(call(join_request(member.id)).error_code, ErrorCode::unknown_member_id);
    EXPECT_EQ(call(join_request()).error_code, ErrorCode::inconsistent_group_protocol);
    ASSERT_TRUE((*joined)->leave());
    joined->reset();
    EXPECT_EQ(join_alone().id.empty(), false);
}

// Processes that come, go and are killed beside clients that do the same: of one group there are never both.
TEST_F(Exclusion, TwoThatJoinAtTheSameMomentAreNeverBothIn) {
    stop();
    const auto rounds = static_cast<int>(test::test_scale(60, 3000));
    struct Shared {
        std::atomic<int> locals;  // that are in
        std::atomic<int> refused;
        std::atomic<int> wrong;
        std::atomic<bool> stop;
    };
    auto* const shared = static_cast<Shared*>(
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(shared, MAP_FAILED);
    {
        // Makes the group's place: where there is none yet, the broker may hold its byte for a moment in vain.
        Process first{config.log_dir};
        ASSERT_TRUE((*first.join())->leave());
    }
    Child locals = Child::fork([&] {
        // Each local member is a process, and one of three is killed.
        std::mt19937 random{static_cast<unsigned>(test::test_seed())};
        while (!shared->stop) {
            const auto fate = random() % 3;
            const auto end = test::run_in_child([&] {
                Process process{config.log_dir};
                auto member = process.join();
                if (!member) {
                    if (member.error().code != Errc::in_use) shared->wrong = 1;
                    ++shared->refused;
                    return 0;
                }
                if (groups::is_networked(*process.directory, "g").value()) shared->wrong = 2;
                ++shared->locals;
                for (unsigned i = 0; i < fate * 5; ++i) {
                    if (groups::is_networked(*process.directory, "g").value()) shared->wrong = 3;
                }
                if (fate == 0) kill(getpid(), SIGKILL);
                return (*member)->leave() ? 0 : 1;
            });
            if (end != test::exited_with(0) && end != test::ended_by(SIGKILL)) shared->wrong = 4;
        }
        return 0;
    });
    begin();
    int in = 0;
    int out = 0;
    for (int round = 0; round < rounds || in == 0 || out == 0 || shared->locals == 0 || shared->refused == 0;
         ++round) {
        const auto joined = call(join_request(), 3);
        if (joined.error_code == ErrorCode::none) {
            ++in;
            EXPECT_FALSE(groups::is_joined_locally(broker->directory(), "g").value());
            EXPECT_EQ(call(sync_request({joined.member_id, joined.generation_id}, "all")).error_code,
                      ErrorCode::none);
            EXPECT_EQ(leave({joined.member_id, joined.generation_id}), ErrorCode::none);
        } else {
            ++out;
            EXPECT_EQ(joined.error_code, ErrorCode::inconsistent_group_protocol);
        }
        ASSERT_LT(round, 1'000'000) << in << " in, " << out << " out, " << shared->locals << " local";
    }
    shared->stop = true;
    EXPECT_EQ(locals.wait(), test::exited_with(0));
    EXPECT_EQ(shared->wrong, 0);
    munmap(shared, sizeof(Shared));
}

}  // namespace
}  // namespace mq::broker
