// OffsetCommit, OffsetFetch and OffsetDelete: section 7 of Kafka's semantics, by rule.
#include "group_fixture.h"
#include "offsets/offset_store.h"
#include "record/batch_builder.h"
#include "record/control_record.h"

namespace mq::broker {
namespace {

using OffsetCommit = GroupTest;
using wire::ErrorCode;

TEST_F(OffsetCommit, OFF2_OFF3_OneWhoIsNoMemberCommitsWhereThereAreNone) {
    for (std::int16_t version = 0; version <= wire::api_of(wire::ApiKey::offset_commit).highest; ++version) {
        const auto answered = call(commit_request(nobody(), 100 + version), version);
        EXPECT_EQ(answered.topics.at(0).name, "t");
        EXPECT_EQ(answered.topics.at(0).partitions.at(0).error_code, ErrorCode::none) << version;
        EXPECT_EQ(committed(), 100 + version);
    }
    EXPECT_EQ(commit({"", 0}, 5, "unknown"), ErrorCode::illegal_generation);
    EXPECT_EQ(commit({"m", 0}, 5), ErrorCode::unknown_member_id);
    EXPECT_EQ(committed("unknown"), -1);
}

TEST_F(OffsetCommit, OFF3_OFF4_OFF5_OfAGroupWithMembersOnlyTheyCommit) {
    const Member member = join_alone();
    EXPECT_EQ(commit(nobody(), 1), ErrorCode::unknown_member_id);
    EXPECT_EQ(commit({"stranger", 1}, 1), ErrorCode::unknown_member_id);
    EXPECT_EQ(commit({member.id, 2}, 1), ErrorCode::illegal_generation);
    auto fenced = commit_request(member, 1);
    fenced.group_instance_id = "i";
    EXPECT_EQ(call(fenced).topics.at(0).partitions.at(0).error_code, ErrorCode::unknown_member_id);
    EXPECT_EQ(committed(), -1);
    EXPECT_EQ(commit(member, 1), ErrorCode::none);
    EXPECT_EQ(committed(), 1);
}

TEST_F(OffsetCommit, OFF1_TheGroupWithoutANameMayCommit) {
    EXPECT_EQ(commit(nobody(), 7, ""), ErrorCode::none);
    EXPECT_EQ(committed(""), 7);
    EXPECT_EQ(describe("").group_state, "Empty");
    EXPECT_EQ(remove(""), ErrorCode::none);
    EXPECT_EQ(committed(""), -1);
}

TEST_F(OffsetCommit, OFF6_WhatIsWrongIsRefusedAndTheRestStored) {
    auto request = commit_request(nobody(), 5);
    request.topics = {{"t",
                       {{0, 5, -1, -1, std::string(4096, 'm')},
                        {1, 5, -1, -1, std::string(4097, 'm')},
                        {4, 5, -1, -1, {}},
                        {-1, 5, -1, -1, {}}}},
                      {"nowhere", {{0, 5, -1, -1, {}}}},
                      {"../t", {{0, 5, -1, -1, {}}}}};
    const auto answered = call(request);
    const auto error = [&](std::size_t topic, std::size_t partition) {
        return answered.topics.at(topic).partitions.at(partition).error_code;
    };
    EXPECT_EQ(error(0, 0), ErrorCode::none);
    EXPECT_EQ(error(0, 1), ErrorCode::offset_metadata_too_large);
    EXPECT_EQ(error(0, 2), ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(error(0, 3), ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(error(1, 0), ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(error(2, 0), ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(committed("g", 0), 5);
    EXPECT_EQ(committed("g", 1), -1);
}

TEST_F(OffsetCommit, OFF6_MetadataMayBeAsLongAsTheBrokerIsTold) {
    stop();
    config.offset_metadata_max_bytes = 5000;
    begin();
    auto request = commit_request(nobody(), 5);
    request.topics[0].partitions[0].committed_metadata = std::string(5000, 'm');
    EXPECT_EQ(call(request).topics.at(0).partitions.at(0).error_code, ErrorCode::none);
    request.topics[0].partitions[0].committed_metadata = std::string(5001, 'm');
    EXPECT_EQ(call(request).topics.at(0).partitions.at(0).error_code, ErrorCode::offset_metadata_too_large);
}

TEST_F(OffsetCommit, OFF10_AnExplicitRetentionIsStoredAsAnExpiry) {
    auto request = commit_request(nobody(), 5);
    request.retention_time_ms = 60'000;
    const TimestampMs before = wall_clock_ms();
    EXPECT_EQ(call(request, 4).topics.at(0).partitions.at(0).error_code, ErrorCode::none);
    const auto stored = broker->offsets().fetch("g", {"t", 0});
    ASSERT_TRUE(stored && *stored);
    EXPECT_GE((*stored)->expire_timestamp, before + 60'000);
    EXPECT_LE((*stored)->expire_timestamp, wall_clock_ms() + 60'000);
    // -1: the broker's.
    request.retention_time_ms = -1;
    EXPECT_EQ(call(request, 4).topics.at(0).partitions.at(0).error_code, ErrorCode::none);
    EXPECT_EQ((*broker->offsets().fetch("g", {"t", 0}))->expire_timestamp, kNoTimestamp);
}

TEST_F(OffsetCommit, Version1DatesTheCommitOfEachPartition) {
    auto request = commit_request(nobody(), 5);
    request.topics[0].partitions = {{0, 5, -1, 1'000, {}}, {1, 6, -1, -1, {}}};
    const TimestampMs before = wall_clock_ms();
    EXPECT_EQ(call(request, 1).topics.at(0).partitions.at(1).error_code, ErrorCode::none);
    EXPECT_EQ((*broker->offsets().fetch("g", {"t", 0}))->commit_timestamp, 1'000);
    EXPECT_GE((*broker->offsets().fetch("g", {"t", 1}))->commit_timestamp, before);
}

TEST_F(OffsetCommit, OFF13_AnyOffsetIsStoredAndTheLaterCommitWins) {
    for (const std::int64_t offset :
         {std::int64_t{9'000'000'000}, std::int64_t{0}, std::int64_t{-5}, std::numeric_limits<std::int64_t>::max(),
          std::numeric_limits<std::int64_t>::min(), std::int64_t{3}}) {
        EXPECT_EQ(commit(nobody(), offset), ErrorCode::none);
        EXPECT_EQ(committed(), offset);
    }
}

TEST_F(OffsetCommit, OFF11_WhatWasNotCommittedIsMinusOneAndNoError) {
    EXPECT_EQ(commit(nobody(), 5), ErrorCode::none);
    for (std::int16_t version = 0; version <= 7; ++version) {
        wire::OffsetFetchRequest request;
        request.group_id = "g";
        request.topics = {{{"t", {0, 1, 77}}, {"nowhere", {0}}}};
        const auto fetched = call(request, version);
        EXPECT_EQ(fetched.error_code, ErrorCode::none);
        ASSERT_EQ(fetched.topics.size(), 2u);
        const auto& first = fetched.topics[0].partitions.at(0);
        EXPECT_EQ(first.committed_offset, 5);
        EXPECT_EQ(first.metadata, "note");
        for (const auto& none : {fetched.topics[0].partitions.at(1), fetched.topics[0].partitions.at(2),
                                 fetched.topics[1].partitions.at(0)}) {
            EXPECT_EQ(none.committed_offset, -1);
            EXPECT_EQ(none.committed_leader_epoch, -1);
            EXPECT_EQ(none.metadata, "");
            EXPECT_EQ(none.error_code, ErrorCode::none);
        }
    }
}

TEST_F(OffsetCommit, OFF11_NoTopicsAreAllThatTheGroupHas) {
    EXPECT_EQ(commit(nobody(), 5, "g", 2), ErrorCode::none);
    EXPECT_EQ(commit(nobody(), 6, "g", 3), ErrorCode::none);
    for (std::int16_t version = 2; version <= 7; ++version) {
        wire::OffsetFetchRequest request;
        request.group_id = "g";
        request.topics.reset();
        const auto fetched = call(request, version);
        ASSERT_EQ(fetched.topics.size(), 1u);
        ASSERT_EQ(fetched.topics[0].partitions.size(), 2u);
        EXPECT_EQ(fetched.topics[0].partitions[1].partition_index, 3);
        EXPECT_EQ(fetched.topics[0].partitions[1].committed_offset, 6);
    }
    wire::OffsetFetchRequest nothing;
    nothing.group_id = "g";
    EXPECT_TRUE(call(nothing, 7).topics.empty());
}

TEST_F(OffsetCommit, OFF11_SinceVersion8ManyGroupsAreAsked) {
    wire::OffsetFetchRequest request;
    for (int i = 0; i < 40; ++i) {
        const std::string name = "g" + std::to_string(i);
        EXPECT_EQ(commit(nobody(), i, name), ErrorCode::none);
        request.groups.push_back({name, {}, -1, std::nullopt});
    }
    request.groups.push_back({"unknown", {}, -1, std::nullopt});
    for (const std::int16_t version : {8, 9}) {
        const auto fetched = call(request, version);
        ASSERT_EQ(fetched.groups.size(), 41u);
        for (int i = 0; i < 40; ++i) {
            const auto& group = fetched.groups[static_cast<std::size_t>(i)];
            EXPECT_EQ(group.group_id, "g" + std::to_string(i));
            EXPECT_EQ(group.topics.at(0).partitions.at(0).committed_offset, i);
        }
        EXPECT_TRUE(fetched.groups[40].topics.empty());
        EXPECT_EQ(fetched.groups[40].error_code, ErrorCode::none);
    }
}

TEST_F(OffsetCommit, OFF12_WhatWaitsForItsTransactionIsUnstableForWhoAsks) {
    EXPECT_EQ(commit(nobody(), 5), ErrorCode::none);
    EXPECT_EQ(commit(nobody(), 6, "g", 1), ErrorCode::none);
    constexpr ProducerId kProducer{77};
    auto writer = broker->directory().open_writer(
        {std::string{offsets::kOffsetsTopic}, record::partition_for_id("g", offsets::kOffsetsPartitions)});
    ASSERT_TRUE(writer);
    // As a Kafka broker appends it, and leaves it behind.
    const auto append = [&](std::string batch) {
        log::AppendOptions how;
        how.origin = log::AppendOrigin::coordinator;
        ASSERT_TRUE((*writer)->append(batch, how));
    };
    record::BatchOptions how;
    how.transactional = true;
    how.producer_id = kProducer;
    how.producer_epoch = 0;
    how.base_sequence = -1;
    record::BatchBuilder builder{how};
    record::OffsetCommitValue value;
    value.offset = 50;
    builder.add(1, record::encode(record::OffsetCommitKey{.group = "g", .topic = "t", .partition = 0}),
                record::encode(value));
    append(std::string{builder.finish().value()});

    wire::OffsetFetchRequest request;
    request.group_id = "g";
    request.topics = {{{"t", {0, 1}}}};
    const auto check = [&](bool require_stable, ErrorCode error, std::int64_t offset) {
        request.require_stable = require_stable;
        const auto fetched = call(request, 7);
        EXPECT_EQ(fetched.error_code, ErrorCode::none);
        EXPECT_EQ(fetched.topics.at(0).partitions.at(0).error_code, error);
        EXPECT_EQ(fetched.topics.at(0).partitions.at(0).committed_offset, offset);
        EXPECT_EQ(fetched.topics.at(0).partitions.at(1).committed_offset, 6);
    };
    check(false, ErrorCode::none, 5);
    check(true, ErrorCode::unstable_offset_commit, -1);
    EXPECT_EQ(commit(nobody(), 6, "g", 1), ErrorCode::none);
    check(true, ErrorCode::unstable_offset_commit, -1);
    record::EndTransactionMarker marker;
    marker.producer_id = kProducer;
    marker.producer_epoch = 0;
    marker.type = record::ControlType::commit;
    marker.timestamp = 1;
    const auto bytes = record::encode_end_transaction(marker);
    append({bytes.data(), bytes.size()});
    check(true, ErrorCode::none, 50);
    check(false, ErrorCode::none, 50);
}

TEST_F(OffsetCommit, P2_SurvivesAsManyCommitsAtOnce) {
    const Member member = join_alone();
    std::vector<std::uint64_t> tickets;
    for (int i = 0; i < 500; ++i) tickets.push_back(send(commit_request(member, i, "g", i % 4)));
    for (const std::uint64_t ticket : tickets) {
        EXPECT_EQ(take<wire::OffsetCommitRequest>(ticket).topics.at(0).partitions.at(0).error_code, ErrorCode::none);
    }
    for (int partition = 0; partition < 4; ++partition) EXPECT_EQ(committed("g", partition), 496 + partition);
}

TEST_F(OffsetCommit, GRP1_TheTopicHasThePartitionsAndSegmentsThatTheBrokerIsTold) {
    stop();
    config.offsets_topic = {.partitions = 3, .segment_bytes = 2'000'000};
    begin();
    for (int i = 0; i < 10; ++i) EXPECT_EQ(commit(nobody(), i, "g" + std::to_string(i)), ErrorCode::none);
    const auto made = broker->directory().topic(offsets::kOffsetsTopic);
    EXPECT_EQ(made->partitions, 3);
    EXPECT_EQ(made->config.at("segment.bytes"), "2000000");
    join_alone();
    stop();
    // One that is there stays as it is.
    config.offsets_topic = {};
    begin();
    for (int i = 0; i < 10; ++i) EXPECT_EQ(committed("g" + std::to_string(i)), i);
    EXPECT_EQ(describe().group_state, "Stable");
}

wire::OffsetDeleteRequest delete_request(const std::string& topic, std::vector<std::int32_t> partitions) {
    wire::OffsetDeleteRequest request;
    request.group_id = "g";
    auto& only = request.topics.emplace_back();
    only.name = topic;
    for (const std::int32_t partition : partitions) only.partitions.push_back({partition});
    return request;
}

TEST_F(OffsetCommit, OFF16_OffsetsOfAnEmptyGroupAreDeleted) {
    EXPECT_EQ(call(delete_request("t", {0})).error_code, ErrorCode::group_id_not_found);
    EXPECT_EQ(commit(nobody(), 5, "g", 0), ErrorCode::none);
    EXPECT_EQ(commit(nobody(), 6, "g", 1), ErrorCode::none);
    const auto deleted = call(delete_request("t", {0, 2, 9}));
    EXPECT_EQ(deleted.error_code, ErrorCode::none);
    EXPECT_EQ(deleted.topics.at(0).partitions.at(0).error_code, ErrorCode::none);
    EXPECT_EQ(deleted.topics.at(0).partitions.at(1).error_code, ErrorCode::none);
    EXPECT_EQ(deleted.topics.at(0).partitions.at(2).error_code, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(committed("g", 0), -1);
    EXPECT_EQ(committed("g", 1), 6);
}

TEST_F(OffsetCommit, OFF16_WhatMembersSubscribeToIsKept) {
    ASSERT_TRUE(broker->directory().create_topic({"other", 1, 1, {}}));
    const Member member = join_alone();
    EXPECT_EQ(commit(member, 5), ErrorCode::none);
    EXPECT_EQ(commit(member, 6, "g", 0, "other"), ErrorCode::none);
    EXPECT_EQ(call(delete_request("t", {0})).topics.at(0).partitions.at(0).error_code,
              ErrorCode::group_subscribed_to_topic);
    EXPECT_EQ(call(delete_request("other", {0})).topics.at(0).partitions.at(0).error_code, ErrorCode::none);
    EXPECT_EQ(committed(), 5);
    EXPECT_EQ(committed("g", 0, "other"), -1);
}

}  // namespace
}  // namespace mq::broker
