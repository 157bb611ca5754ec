// The life of groups over the network, section 8 of Kafka's semantics as far as the coordinator adds to the state
// machine, which has its own tests (unit/groups).
#include <sys/mman.h>

#include <csignal>
#include <random>

#include "group_fixture.h"
#include "groups/local_member.h"
#include "offsets/offset_store.h"
#include "record/batch_builder.h"
#include "support/child.h"
#include "support/scale.h"

namespace mq::broker {
namespace {

using test::Child;
using test::Gate;
using wire::ErrorCode;

class Coordinator : public GroupTest {
protected:
    static log::TopicPartition partition_of(const std::string& group) {
        return {std::string{offsets::kOffsetsTopic}, record::partition_for_id(group, offsets::kOffsetsPartitions)};
    }
    // Of another partition than the group "g".
    static std::string group_elsewhere() {
        for (int i = 0;; ++i) {
            const std::string name = "elsewhere" + std::to_string(i);
            if (partition_of(name) != partition_of("g")) return name;
        }
    }
    // As a process that is stopped inside of an append.
    [[nodiscard]] int hold_partition_of(const std::string& group) const {
        store::OpenOptions how;
        how.access = store::Access::write;
        auto directory = store::DataDirectory::open(config.log_dir, how);
        if (!directory) return 2;
        auto writer = directory->open_writer(partition_of(group));
        if (!writer) return 3;
        const Status done = (*writer)->change([](log::Log&) -> Status {
            raise(SIGSTOP);
            return {};
        });
        return done ? 0 : 4;
    }
    [[nodiscard]] wire::ErrorCode list_error() { return call(wire::ListGroupsRequest{}).error_code; }
};

TEST_F(Coordinator, OneMemberJoinsCommitsAndLeaves) {
    const Member member = join_alone();
    EXPECT_EQ(member.generation, 1);
    EXPECT_EQ(beat(member), ErrorCode::none);
    EXPECT_EQ(committed(), -1);
    EXPECT_EQ(commit(member, 42), ErrorCode::none);
    EXPECT_EQ(committed(), 42);
    EXPECT_EQ(describe().group_state, "Stable");
    EXPECT_EQ(leave(member), ErrorCode::none);
    EXPECT_EQ(describe().group_state, "Empty");
    EXPECT_EQ(beat(member), ErrorCode::unknown_member_id);
    EXPECT_EQ(committed(), 42);
}

// A record that no broker wrote makes its partition unreadable, and no other.
TEST_F(Coordinator, GRP4_UntilTheirPartitionIsReadMembersAreToldToWait) {
    EXPECT_EQ(commit(nobody(), 5), ErrorCode::none);
    const std::string other = group_elsewhere();
    EXPECT_EQ(commit(nobody(), 6, other), ErrorCode::none);
    {
        record::BatchBuilder builder;
        // The key of a commit that ends too early.
        builder.add(wall_clock_ms(), ByteView{"\0\1\0", 3}, ByteView{"?"});
        ASSERT_TRUE(builder.finish());
        auto writer = broker->directory().open_writer(partition_of("g"));
        ASSERT_TRUE(writer);
        const auto size = builder.size_bytes();
        ASSERT_TRUE((*writer)->append({builder.finished_data(), size}));
    }
    stop();
    start();
    // Those of the other partition are read when they are answered.
    while (committed_or_error(other) == ErrorCode::coordinator_load_in_progress) std::this_thread::yield();
    EXPECT_FALSE(broker->is_ready());
    EXPECT_EQ(committed(other), 6);
    EXPECT_EQ(call(join_request()).error_code, ErrorCode::coordinator_load_in_progress);
    EXPECT_EQ(call(sync_request({"m", 1}, "")).error_code, ErrorCode::rebalance_in_progress);
    EXPECT_EQ(beat({"m", 1}), ErrorCode::none);
    EXPECT_EQ(call(wire::LeaveGroupRequest{"g", "m", {}}, 0).error_code, ErrorCode::coordinator_load_in_progress);
    EXPECT_EQ(commit(nobody(), 7), ErrorCode::coordinator_load_in_progress);
    EXPECT_EQ(committed_or_error("g"), ErrorCode::coordinator_load_in_progress);
    EXPECT_EQ(remove(), ErrorCode::coordinator_load_in_progress);
    EXPECT_EQ(call(wire::OffsetDeleteRequest{"g", {}}).error_code, ErrorCode::coordinator_load_in_progress);
    EXPECT_EQ(call(wire::DescribeGroupsRequest{{"g"}, false}).groups.at(0).error_code,
              ErrorCode::coordinator_load_in_progress);
    EXPECT_NE(list_error(), ErrorCode::none);
    EXPECT_NE(log.lines().find(log::partition_directory(partition_of("g"))), std::string::npos) << log.lines();
    EXPECT_EQ(join_alone(other).generation, 1);
}

TEST_F(Coordinator, WhereNothingWasEverCommittedNobodyIsToldToWait) {
    stop();
    config.log_dir = dir.path() + "/new";
    start();
    EXPECT_TRUE(broker->is_ready());
    EXPECT_EQ(join_alone().generation, 1);
}

TEST_F(Coordinator, WhoIsHeldBackAtACleanStopIsToldToLookElsewhereAndTheGroupIsThereAfterIt) {
    const Member first = join_alone();
    const auto held = send(join_request(call(join_request()).member_id));
    EXPECT_FALSE(mailbox->has(held));
    ASSERT_TRUE(broker->stop());
    EXPECT_EQ(take<wire::JoinGroupRequest>(held).error_code, ErrorCode::not_coordinator);
    broker.reset();
    begin();
    EXPECT_EQ(beat(first), ErrorCode::none);
    EXPECT_EQ(describe().members.at(0).member_id, first.id);
}

// A process that was stopped inside of an append keeps the partition's lock.
TEST_F(Coordinator, AStoppedProcessHoldsUpCommitsOfItsPartitionAndNothingElse) {
    stop();
    const Gate begun;
    Child other = Child::fork([&] { return begun.wait() ? hold_partition_of("g") : 1; });
    begin();
    const Member member = join_alone();
    EXPECT_EQ(commit(member, 5), ErrorCode::none);
    begun.open();
    ASSERT_TRUE(other.wait_until_stopped());
    // More than there are workers.
    std::vector<std::uint64_t> held;
    for (int i = 0; i < 20; ++i) held.push_back(send(commit_request(member, 100 + i)));
    held.push_back(send(commit_request(nobody(), 1, "g")));
    const std::string elsewhere = group_elsewhere();
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(beat(member), ErrorCode::none);
        EXPECT_EQ(commit(nobody(), i, elsewhere), ErrorCode::none);
        EXPECT_EQ(committed(elsewhere), i);
        EXPECT_EQ(list(), (std::vector<std::string>{elsewhere + " Empty", "g Stable"}));
        EXPECT_EQ(describe().group_state, "Stable");
    }
    // Refused at once: it needs no lock.
    EXPECT_EQ(take<wire::OffsetCommitRequest>(held.back()).topics.at(0).partitions.at(0).error_code,
              ErrorCode::unknown_member_id);
    held.pop_back();
    for (const std::uint64_t ticket : held) EXPECT_FALSE(mailbox->has(ticket));
    other.send(SIGCONT);
    EXPECT_EQ(other.wait(), test::exited_with(0));
    for (const std::uint64_t ticket : held) {
        EXPECT_EQ(take<wire::OffsetCommitRequest>(ticket).topics.at(0).partitions.at(0).error_code, ErrorCode::none);
    }
    EXPECT_EQ(committed(), 119);
}

TEST_F(Coordinator, AStoppedProcessDoesNotKeepTheBrokerFromStopping) {
    EXPECT_EQ(commit(nobody(), 5), ErrorCode::none);
    stop();
    const Gate begun;
    Child other = Child::fork([&] { return begun.wait() ? hold_partition_of("g") : 1; });
    config.offsets_commit_timeout_ms = 50;
    begin();
    begun.open();
    ASSERT_TRUE(other.wait_until_stopped());
    const auto held = send(commit_request(nobody(), 6));
    EXPECT_EQ(take<wire::OffsetCommitRequest>(held).topics.at(0).partitions.at(0).error_code,
              ErrorCode::request_timed_out);
    EXPECT_TRUE(broker->stop());
    broker.reset();
    other.send(SIGCONT);
    EXPECT_EQ(other.wait(), test::exited_with(0));
    begin();
    EXPECT_EQ(committed(), 5);
}

// Members join, commit, leave and vanish in a broker that is killed; what it answered is so in the next one.
TEST_F(Coordinator, P1_WhatWasAnsweredSurvivesTheBrokersDeath) {
    stop();
    constexpr int kGroups = 4;
    struct Shared {
        std::atomic<std::int64_t> sent[kGroups];
        std::atomic<std::int64_t> acknowledged[kGroups];
        std::atomic<std::int32_t> generation[kGroups];
    };
    auto* const shared = static_cast<Shared*>(
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(shared, MAP_FAILED);
    for (auto& each : shared->acknowledged) each = -1;
    const auto rounds = test::test_scale(25, 2000);
    std::mt19937 random{static_cast<unsigned>(test::test_seed())};
    std::int64_t last = 0;
    // On a slow machine none may live for long enough to be asked: then they live longer.
    for (std::uint64_t round = 0; round < rounds || last == 0; ++round) {
        SCOPED_TRACE("round " + std::to_string(round) + ", seed " + std::to_string(test::test_seed()));
        const std::chrono::milliseconds lives_for{random() % 60 * (1 + round / rounds)};
        const auto seed = random();
        const Gate begun;
        Child child = Child::fork([&] {
            begin();
            begun.open();
            std::mt19937 its{static_cast<unsigned>(seed)};
            for (std::int64_t next = last;;) {
                const std::size_t at = its() % kGroups;
                const std::string group = "storm" + std::to_string(at);
                // Members of the broker before, and of this one, are waited for no longer than they are removed.
                for (const auto& old : describe(group).members) {
                    wire::LeaveGroupRequest leaving;
                    leaving.group_id = group;
                    leaving.members = {{old.member_id, {}, {}}};
                    if (call(leaving).error_code != ErrorCode::none) return 1;
                }
                const Member member = join_alone(group);
                if (member.generation <= shared->generation[at]) return 2;
                shared->generation[at] = member.generation;
                for (unsigned i = its() % 4; i > 0; --i) {
                    shared->sent[at] = ++next;
                    if (commit(member, next, group) != ErrorCode::none) return 3;
                    shared->acknowledged[at] = next;
                }
                if (its() % 2 == 0 && leave(member, group) != ErrorCode::none) return 4;
            }
        });
        ASSERT_TRUE(begun.wait());
        // Kills it when that time is over.
        const auto end = child.wait(lives_for);
        ASSERT_TRUE(end.timed_out) << end;
        begin();
        for (std::size_t at = 0; at < kGroups; ++at) {
            const std::string group = "storm" + std::to_string(at);
            const std::int64_t found = committed(group);
            ASSERT_GE(found, shared->acknowledged[at]);
            ASSERT_LE(found, shared->sent[at]);
            shared->acknowledged[at] = found;
            last = std::max(last, shared->sent[at].load());
            const auto described = describe(group);
            EXPECT_TRUE(described.group_state == "Stable" || described.group_state == "Empty" ||
                        described.group_state == "Dead")
                << described.group_state;
        }
        stop();
    }
    munmap(shared, sizeof(Shared));
}

// ---- expiry

class Expiry : public Coordinator {
protected:
    void SetUp() override {
        config.offsets_retention_check_ms = 20;
        Coordinator::SetUp();
        ASSERT_TRUE(broker->directory().create_topic({"other", 1, 1, {}}));
    }
    void await_expiry_of(const std::string& group, const std::string& topic = "t") {
        while (committed(group, 0, topic) != -1) std::this_thread::yield();
    }
    // One that is old enough to expire, by the time when it was committed.
    void commit_old(const Member& member, const std::string& group, const std::string& topic = "t") {
        // Only version 1 says when.
        auto request = commit_request(member, 5, group, 0, topic);
        request.topics[0].partitions[0].commit_timestamp = wall_clock_ms() - 30LL * 24 * 60 * 60 * 1000;
        EXPECT_EQ(call(request, 1).topics.at(0).partitions.at(0).error_code, ErrorCode::none);
    }
};

TEST_F(Expiry, OFF14_WhatNobodyEverJoinedExpiresByItsCommit) {
    EXPECT_EQ(commit(nobody(), 5, "young"), ErrorCode::none);
    commit_old(nobody(), "old");
    await_expiry_of("old");
    EXPECT_EQ(committed("young"), 5);
    EXPECT_EQ(list(), std::vector<std::string>{"young Empty"});
}

TEST_F(Expiry, OFF14_OfMembersOnlyWhatNobodySubscribesToExpires) {
    const Member member = join_alone();
    commit_old(member, "g");
    commit_old(member, "g", "other");
    await_expiry_of("g", "other");
    commit_old(nobody(), "old");
    await_expiry_of("old");
    EXPECT_EQ(committed(), 5);
    EXPECT_EQ(beat(member), ErrorCode::none);
}

TEST_F(Expiry, OFF14_OfAnEmptyGroupTheAgeCountsFromItsBecomingEmpty) {
    const Member member = join_alone();
    commit_old(member, "g");
    EXPECT_EQ(leave(member), ErrorCode::none);
    commit_old(nobody(), "old");
    await_expiry_of("old");
    EXPECT_EQ(committed(), 5);
}

TEST_F(Expiry, OFF14_OFF15_AGroupThatWasEmptyForLongEnoughGoesAwayAltogether) {
    stop();
    config.offsets_retention_ms = 1;
    begin();
    const Member member = join_alone();
    EXPECT_EQ(commit(member, 5), ErrorCode::none);
    EXPECT_EQ(leave(member), ErrorCode::none);
    while (describe().group_state != "Dead") std::this_thread::yield();
    EXPECT_EQ(committed(), -1);
    EXPECT_FALSE(*broker->offsets().group("g"));
    EXPECT_EQ(join_alone().generation, 1);
}

TEST_F(Expiry, OFF10_OFF14_AnExplicitExpiryCountsAsSuch) {
    auto request = commit_request(nobody(), 5);
    request.retention_time_ms = 1;
    EXPECT_EQ(call(request, 4).topics.at(0).partitions.at(0).error_code, ErrorCode::none);
    await_expiry_of("g");
}

TEST_F(Expiry, OFF15_AGroupWithoutOffsetsAndMembersGoesAway) {
    EXPECT_EQ(leave(join_alone()), ErrorCode::none);
    while (*broker->offsets().group("g")) std::this_thread::yield();
    EXPECT_EQ(describe().group_state, "Dead");
}

TEST_F(Expiry, WhatLocalProcessesReadIsKept) {
    commit_old(nobody(), "kept", "other");
    {
        auto local = groups::LocalMember::join(broker->directory(), broker->offsets(), {.group = "kept"},
                                               std::vector<groups::SubscribedTopic>{{"t", 4}});
        // The expiry may have been quicker.
        ASSERT_TRUE(local);
        const bool was_there = committed("kept", 0, "other") == 5;
        commit_old(nobody(), "old");
        await_expiry_of("old");
        EXPECT_EQ(committed("kept", 0, "other") == 5, was_there);
    }
    await_expiry_of("kept", "other");
}

}  // namespace
}  // namespace mq::broker
