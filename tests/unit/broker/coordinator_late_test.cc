// Writes of the coordinator that take too long, or fail: offsets.commit.timeout.ms.
#include "group_fixture.h"
#include "offsets/offset_store.h"
#include "support/faults.h"

namespace mq::broker {
namespace {

using test::FaultInjector;
using test::FaultSpan;
using test::HeldCalls;
using wire::ErrorCode;

// Keeps whoever answers until it is told.
class SlowMailbox final : public Responder {
public:
    void respond(std::uint64_t, Reply) override {
        std::unique_lock lock{mutex_};
        is_called_ = true;
        changed_.notify_all();
        changed_.wait(lock, [this] { return may_go_; });
    }
    void await() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return is_called_; });
    }
    void let_go() {
        const std::lock_guard lock{mutex_};
        may_go_ = true;
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_called_ = false;
    bool may_go_ = false;
};

class LateWrite : public GroupTest {
protected:
    // Nothing is late before the test says so.
    void begin_with_timeout(std::int32_t ms) {
        stop();
        config.offsets_commit_timeout_ms = ms;
        begin();
    }
    [[nodiscard]] std::string directory_of(const std::string& group,
                                           std::int32_t partitions = offsets::kOffsetsPartitions) const {
        return config.log_dir + "/" +
               log::partition_directory(
                   {std::string{offsets::kOffsetsTopic}, record::partition_for_id(group, partitions)});
    }
    [[nodiscard]] wire::JoinGroupResponse join(const std::string& member_id = {}) {
        return call_until_loaded(join_request(member_id), [](const auto& answer) { return answer.error_code; });
    }
    // Longer than the time of a write, which is over before it begins on a slow machine: then all begins again.
    static constexpr std::chrono::milliseconds kToBegin{500};

    // Commits an offset, and returns once that hangs: the ticket.
    [[nodiscard]] std::uint64_t begin_commit(HeldCalls& disk, std::int64_t offset) {
        for (;;) {
            const auto ticket = send(commit_request(nobody(), offset));
            if (disk.wait_for(1, kToBegin)) return ticket;
        }
    }
    // One that was given an id joins, and is given "all".
    [[nodiscard]] Member settle(const std::string& id) {
        for (;;) {
            const auto joined = join(id);
            EXPECT_EQ(joined.error_code, ErrorCode::none);
            const Member member{id, joined.generation_id};
            const ErrorCode error = call(sync_request(member, "all")).error_code;
            if (error != ErrorCode::rebalance_in_progress) {
                EXPECT_EQ(error, ErrorCode::none);
                return member;
            }
        }
    }
    [[nodiscard]] ErrorCode error_of_commit(std::uint64_t ticket) {
        return take<wire::OffsetCommitRequest>(ticket).topics.at(0).partitions.at(0).error_code;
    }
};

TEST_F(LateWrite, OFF7_ACommitWhoseFlushHangsIsAnsweredInTimeAndIsMadeAllTheSame) {
    EXPECT_EQ(commit(nobody(), 1), ErrorCode::none);
    begin_with_timeout(50);
    HeldCalls disk{os::Call::sync, directory_of("g")};
    const auto first = begin_commit(disk, 2);
    // Behind it, and not begun when its time is over.
    const auto second = send(commit_request(nobody(), 3));
    EXPECT_EQ(error_of_commit(first), ErrorCode::request_timed_out);
    EXPECT_EQ(error_of_commit(second), ErrorCode::request_timed_out);
    disk.let_go();
    EXPECT_EQ(committed(), 2);
    EXPECT_FALSE(mailbox->has(first)) << "answered twice";
    // However late a slow disk lets it be.
    while (committed() != 4) static_cast<void>(commit(nobody(), 4));
}

// SYN-4: so the members join again.
TEST_F(LateWrite, SYN4_ASyncWhoseWriteHangsIsAnsweredInTime) {
    EXPECT_EQ(commit(nobody(), 1), ErrorCode::none);
    begin_with_timeout(200);
    const auto id = join().member_id;
    std::int32_t generation = 0;
    for (bool hangs = false; !hangs;) {
        const auto joined = join(id);
        ASSERT_EQ(joined.error_code, ErrorCode::none);
        generation = joined.generation_id;
        HeldCalls disk{os::Call::write, directory_of("g")};
        const auto synced = send(sync_request({id, generation}, "all"));
        hangs = disk.wait_for(1, kToBegin);
        EXPECT_EQ(take<wire::SyncGroupRequest>(synced).error_code, ErrorCode::rebalance_in_progress);
        EXPECT_EQ(beat({id, generation}), ErrorCode::rebalance_in_progress);
        disk.let_go();
    }
    // Its record was written after all, and says nothing about this generation.
    EXPECT_GT(settle(id).generation, generation);
    EXPECT_EQ(describe().members.at(0).member_assignment, "all");
}

// The last one waits for the record that says so.
TEST_F(LateWrite, LEV1_WhoLeavesWhileTheDiskHangsIsToldInTime) {
    EXPECT_EQ(commit(nobody(), 1), ErrorCode::none);
    const auto id = call(join_request()).member_id;
    Member member{id, call(join_request(id)).generation_id};
    EXPECT_EQ(call(sync_request(member, "all")).error_code, ErrorCode::none);
    begin_with_timeout(200);
    EXPECT_EQ(beat(member), ErrorCode::none);
    for (bool hangs = false; !hangs;) {
        if (member.id.empty()) member = settle(join().member_id);
        HeldCalls disk{os::Call::write, directory_of("g")};
        EXPECT_EQ(leave(member), ErrorCode::none);
        hangs = disk.wait_for(1, kToBegin);
        EXPECT_EQ(beat(member), ErrorCode::unknown_member_id);
        disk.let_go();
        member = {};
    }
    EXPECT_EQ(describe().group_state, "Empty");
}

// Clients ask again after these errors, or tell that it took too long; nothing of it is done behind their backs.
TEST_F(LateWrite, WhatWaitsBehindAFlushThatHangsIsAnsweredInTime) {
    EXPECT_EQ(commit(nobody(), 1), ErrorCode::none);
    begin_with_timeout(50);
    HeldCalls disk{os::Call::sync, directory_of("g")};
    const auto stuck = begin_commit(disk, 2);

    EXPECT_EQ(committed_or_error("g"), ErrorCode::coordinator_load_in_progress);
    EXPECT_EQ(call(join_request()).error_code, ErrorCode::coordinator_load_in_progress);
    const auto described = call(wire::DescribeGroupsRequest{{"g"}, false});
    EXPECT_EQ(described.groups.at(0).error_code, ErrorCode::coordinator_load_in_progress);
    EXPECT_EQ(described.groups.at(0).group_id, "g");
    EXPECT_EQ(remove(), ErrorCode::request_timed_out);
    wire::OffsetDeleteRequest offsets_gone;
    offsets_gone.group_id = "g";
    offsets_gone.topics = {{"t", {{0}}}};
    EXPECT_EQ(call(offsets_gone).error_code, ErrorCode::request_timed_out);
    EXPECT_EQ(error_of_commit(stuck), ErrorCode::request_timed_out);

    disk.let_go();
    EXPECT_EQ(committed(), 2);
    EXPECT_EQ(describe().group_state, "Empty");
    EXPECT_EQ(join().error_code, ErrorCode::member_id_required);
}

TEST_F(LateWrite, WhereMemoryIsShortForOneAnswerTheOthersAreGiven) {
    class Poor final : public Responder {
    public:
        void respond(std::uint64_t, Reply) override { throw std::bad_alloc{}; }
    };
    for (int i = 0; i < 3; ++i) {
        std::string frame;
        ASSERT_TRUE(wire::append_request(commit_request(nobody(), i), {{}, 8, 7, "test"}, frame));
        auto bytes = std::make_shared<std::string>(frame.substr(wire::kLengthBytes));
        broker->handle({client, {}, {bytes->data(), bytes->size()}, bytes}, std::make_shared<Poor>(), 1);
        EXPECT_EQ(committed(), i);
    }
    EXPECT_EQ(commit(nobody(), 7), ErrorCode::none);
}

// The topic was made by a process that gave it more partitions than this broker would have: groups of one shard are
// of several then.
TEST_F(LateWrite, P2_WhatIsConfirmedTogetherIsFlushedInEachPartition) {
    stop();
    config.log_dir = dir.path() + "/new";
    config.offsets_topic.partitions = 1;
    begin();
    ASSERT_TRUE(broker->directory().create_topic({"t", 4, 1, {}}));
    offsets::OffsetStore others{broker->directory()};
    const offsets::Commit one{.topic = "t", .partition = 0, .offset = Offset{1}};
    ASSERT_TRUE(others.commit("g", {&one, 1}));
    ASSERT_NE(directory_of("g"), directory_of("h"));

    auto slow = std::make_shared<SlowMailbox>();
    std::string frame;
    ASSERT_TRUE(wire::append_request(commit_request(nobody(), 2, "h"), {{}, 8, 7, "test"}, frame));
    auto bytes = std::make_shared<std::string>(frame.substr(wire::kLengthBytes));
    broker->handle({client, {}, {bytes->data(), bytes->size()}, bytes}, slow, 1);
    slow->await();
    const auto bad = send(commit_request(nobody(), 3, "g"));
    const auto good = send(commit_request(nobody(), 3, "h"));
    const FaultInjector disk{
        {.nth = 1, .span = FaultSpan::from_then_on, .below = directory_of("g"), .only = os::Call::sync}};
    slow->let_go();
    EXPECT_NE(error_of_commit(bad), ErrorCode::none);
    EXPECT_EQ(error_of_commit(good), ErrorCode::none);
}

}  // namespace
}  // namespace mq::broker
