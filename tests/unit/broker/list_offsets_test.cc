// ListOffsets, OffsetForLeaderEpoch and DeleteRecords: section 6 of the semantics.
#include "fetch_fixture.h"
#include "support/golden.h"
#include "wire/messages/offsets.h"

namespace mq::broker {
namespace {

using wire::DeleteRecordsRequest;
using wire::DeleteRecordsResponse;
using wire::ListOffsetsRequest;
using wire::ListOffsetsResponse;
using wire::OffsetForLeaderEpochRequest;
using wire::OffsetForLeaderEpochResponse;

class ListOffsets : public FetchBase {
protected:
    static ListOffsetsRequest of(std::int64_t timestamp, const std::string& topic = "t", std::int32_t partition = 0) {
        ListOffsetsRequest request;
        request.replica_id = -1;
        request.topics.push_back({topic, {{.partition_index = partition, .timestamp = timestamp}}});
        return request;
    }
    ListOffsetsResponse::Partition ask(const ListOffsetsRequest& request, std::int16_t version = 9) {
        return call(request, version).topics.at(0).partitions.at(0);
    }
    ListOffsetsResponse::Partition at(std::int64_t timestamp, std::int16_t version = 9) {
        return ask(of(timestamp), version);
    }
    static ListOffsetsResponse::Partition answer(std::int64_t timestamp, std::int64_t offset, std::int32_t epoch) {
        return {.timestamp = timestamp, .offset = offset, .leader_epoch = epoch};
    }
    static ListOffsetsResponse::Partition error(ErrorCode code) { return {.error_code = code}; }
    // Offsets 0 to 4.
    void append_five() {
        append(test::encode_batch({{"k", "a", 1000}, {"k", "b", 3000}, {"k", "c", 2000}}));
        append(test::encode_batch({{"k", "d", 5000}, {"k", "e", 4000}}));
    }
};

TEST_F(ListOffsets, ATimestampIsAnsweredByTheFirstRecordAtOrAfterIt) {
    make_topic();
    append_five();
    EXPECT_EQ(at(0), answer(1000, 0, 0));
    EXPECT_EQ(at(1000), answer(1000, 0, 0));
    EXPECT_EQ(at(1001), answer(3000, 1, 0));
    EXPECT_EQ(at(2000), answer(3000, 1, 0));
    EXPECT_EQ(at(3001), answer(5000, 3, 0));
    EXPECT_EQ(at(5001), answer(-1, -1, -1));
}

TEST_F(ListOffsets, TheSpecialTimestampsNameTheEndsTheLargestTimeAndWhatIsTiered) {
    make_topic();
    append_five();
    start_epoch(3);
    append(test::encode_batch({{"k", "f", 100}}));
    EXPECT_EQ(at(-1), answer(-1, 6, 3));
    EXPECT_EQ(at(-2), answer(-1, 0, 0));
    EXPECT_EQ(at(-3), answer(5000, 3, 0));
    EXPECT_EQ(at(-4), answer(-1, 0, 0));
    EXPECT_EQ(at(-5), answer(-1, -1, -1));
    const auto writer = broker->directory().open_writer({"t", 0}).value();
    ASSERT_TRUE(writer->trim(Offset{5}));
    EXPECT_EQ(at(-2), answer(-1, 5, 3));
    EXPECT_EQ(at(0), answer(100, 5, 3));
}

TEST_F(ListOffsets, AnEmptyLogHasBothEndsAt0AndNoTimes) {
    make_topic();
    EXPECT_EQ(at(-1).offset, 0);
    EXPECT_EQ(at(-2).offset, 0);
    EXPECT_EQ(at(-3), answer(-1, -1, -1));
    EXPECT_EQ(at(0), answer(-1, -1, -1));
}

TEST_F(ListOffsets, LOF1_WhatAVersionDoesNotKnowIsUnsupported) {
    make_topic();
    append_five();
    EXPECT_EQ(at(-6), error(ErrorCode::unsupported_version));
    EXPECT_EQ(at(-3, 6), error(ErrorCode::unsupported_version));
    EXPECT_EQ(at(-3, 7).offset, 3);
    EXPECT_EQ(at(-4, 7), error(ErrorCode::unsupported_version));
    EXPECT_EQ(at(-4, 8).offset, 0);
    EXPECT_EQ(at(-5, 8), error(ErrorCode::unsupported_version));
}

TEST_F(ListOffsets, LOF6_EveryVersionFromTheFirstOnHasOneOffsetAndFromTheFourthOnItsEpoch) {
    make_topic();
    append_five();
    for (std::int16_t version = 1; version <= 9; ++version) {
        const std::int32_t epoch = version < 4 ? -1 : 0;
        EXPECT_EQ(at(-1, version), answer(-1, 5, epoch)) << "version " << version;
        EXPECT_EQ(at(-2, version), answer(-1, 0, epoch)) << "version " << version;
        EXPECT_EQ(at(1001, version), answer(3000, 1, epoch)) << "version " << version;
    }
}

TEST_F(ListOffsets, LOF2_APartitionThatIsNamedTwiceIsInvalidAndTheOthersAreNot) {
    make_topic("t", 2);
    ListOffsetsRequest request = of(-1);
    request.topics[0].partitions.push_back({.partition_index = 0, .timestamp = -2});
    request.topics[0].partitions.push_back({.partition_index = 1, .timestamp = -2});
    const auto partitions = call(request, 9).topics.at(0).partitions;
    EXPECT_EQ(partitions.at(0), error(ErrorCode::invalid_request));
    EXPECT_EQ(partitions.at(1), error(ErrorCode::invalid_request));
    EXPECT_EQ(partitions.at(2).error_code, ErrorCode::none);
}

TEST_F(ListOffsets, LOF4_TheLeaderEpochIsHeldAgainstOurs) {
    make_topic();
    append_five();
    start_epoch(3);
    ListOffsetsRequest request = of(-1);
    request.topics[0].partitions[0].current_leader_epoch = 2;
    EXPECT_EQ(ask(request), error(ErrorCode::fenced_leader_epoch));
    request.topics[0].partitions[0].current_leader_epoch = 4;
    EXPECT_EQ(ask(request), error(ErrorCode::unknown_leader_epoch));
    request.topics[0].partitions[0].current_leader_epoch = 3;
    EXPECT_EQ(ask(request).offset, 5);
    request.replica_id = -2;
    EXPECT_EQ(ask(request).offset, 5);
}

TEST_F(ListOffsets, ReadersOfCommittedDataGetTheLastStableOffset) {
    make_topic();
    append_five();
    record::BatchOptions options;
    options.transactional = true;
    options.producer_id = 7;
    options.producer_epoch = 0;
    options.base_sequence = 0;
    append(test::encode_batch({{"k", "v", 9000}}, options));
    EXPECT_EQ(at(-1).offset, 6);
    EXPECT_EQ(at(9000).offset, 5);
    ListOffsetsRequest committed = of(-1);
    committed.isolation_level = 1;
    EXPECT_EQ(ask(committed).offset, 5);
    committed = of(9000);
    committed.isolation_level = 1;
    EXPECT_EQ(ask(committed), answer(-1, -1, -1));
}

TEST_F(ListOffsets, LOF5_Version0ListsSegmentsFromTheLastOn) {
    make_topic("t", 1, {{"segment.bytes", "300"}});
    append_records(0, 12);
    std::vector<std::int64_t> bases;
    const auto reader = broker->directory().open_reader({"t", 0}).value();
    const auto segments = reader->segments().value();
    for (const auto& segment : segments) bases.push_back(segment.base.value());
    ASSERT_GE(bases.size(), 3u);
    std::vector<std::int64_t> all{12};
    all.insert(all.end(), bases.rbegin(), bases.rend());
    ListOffsetsRequest request = of(-1);
    request.topics[0].partitions[0].max_num_offsets = 100;
    EXPECT_EQ(ask(request, 0).old_style_offsets, all);
    request.topics[0].partitions[0].max_num_offsets = 2;
    EXPECT_EQ(ask(request, 0).old_style_offsets, (std::vector{all[0], all[1]}));
    request.topics[0].partitions[0].timestamp = -2;
    EXPECT_EQ(ask(request, 0).old_style_offsets, (std::vector<std::int64_t>{0}));
    request.topics[0].partitions[0].max_num_offsets = -1;
    EXPECT_TRUE(ask(request, 0).old_style_offsets.empty());
    // By the times of the files: before all of them, and after the first.
    request.topics[0].partitions[0] = {.partition_index = 0, .timestamp = 1000, .max_num_offsets = 100};
    EXPECT_TRUE(ask(request, 0).old_style_offsets.empty());
    const auto first = os::File::open(segment(), os::OpenMode::read_write).value();
    ASSERT_TRUE(first.set_modified(1000));
    EXPECT_EQ(ask(request, 0).old_style_offsets, (std::vector<std::int64_t>{0}));
    const auto writer = broker->directory().open_writer({"t", 0}).value();
    ASSERT_TRUE(writer->trim(Offset{1}));
    EXPECT_EQ(ask(request, 0).old_style_offsets, (std::vector<std::int64_t>{1}));
}

// kcat with broker.version.fallback=0.9.0 asked a real broker for the start of a partition.
TEST_F(ListOffsets, LOF5_AnEmptyLastSegmentAddsNoEnd) {
    make_topic();
    ListOffsetsRequest request = of(-1);
    request.topics[0].partitions[0].max_num_offsets = 5;
    EXPECT_EQ(ask(request, 0).old_style_offsets, (std::vector<std::int64_t>{0}));
}

TEST_F(ListOffsets, WhatIsUnknownIsToldForEach) {
    make_topic();
    EXPECT_EQ(ask(of(-1, "nowhere")).error_code, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(ask(of(-1, "t", 1)).error_code, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(ask(of(-1, "t", -1)).error_code, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(ask(of(-1, "nowhere"), 0).error_code, ErrorCode::unknown_topic_or_partition);
}

class OffsetForLeaderEpoch : public ListOffsets {
protected:
    OffsetForLeaderEpochResponse::Partition end_of(LeaderEpoch epoch, LeaderEpoch current = -1,
                                                   std::int16_t version = 4) {
        OffsetForLeaderEpochRequest request;
        request.topics.push_back({"t", {{.partition = 0, .current_leader_epoch = current, .leader_epoch = epoch}}});
        return call(request, version).topics.at(0).partitions.at(0);
    }
    static OffsetForLeaderEpochResponse::Partition end(LeaderEpoch epoch, std::int64_t offset) {
        return {.leader_epoch = epoch, .end_offset = offset};
    }
};

TEST_F(OffsetForLeaderEpoch, OLE1_OLE2_OLE3_OLE4_OLE5_TheEndsOfEpochsAreTold) {
    make_topic();
    EXPECT_EQ(end_of(0), end(-1, -1));
    start_epoch(2);
    append_records(0, 3);
    start_epoch(5);
    append_records(3, 4);
    EXPECT_EQ(end_of(-1), end(-1, -1));
    EXPECT_EQ(end_of(5), end(5, 7));
    EXPECT_EQ(end_of(6), end(-1, -1));
    EXPECT_EQ(end_of(1), end(1, 0));
    EXPECT_EQ(end_of(2), end(2, 3));
    EXPECT_EQ(end_of(4), end(2, 3));
    for (std::int16_t version = 0; version <= 4; ++version)
        EXPECT_EQ(end_of(4, -1, version), end(version == 0 ? -1 : 2, 3)) << "version " << version;
}

TEST_F(OffsetForLeaderEpoch, FET11_FromVersion2OnTheEpochOfTheClientIsHeldAgainstOurs) {
    make_topic();
    start_epoch(5);
    append_records(0, 1);
    EXPECT_EQ(end_of(5, 4, 2).error_code, ErrorCode::fenced_leader_epoch);
    EXPECT_EQ(end_of(5, 6, 2).error_code, ErrorCode::unknown_leader_epoch);
    EXPECT_EQ(end_of(5, 5, 2), end(5, 1));
    EXPECT_EQ(end_of(5, 4, 1), end(5, 1));
}

TEST_F(OffsetForLeaderEpoch, WhatIsUnknownIsTold) {
    EXPECT_EQ(end_of(0).error_code, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(end_of(0).end_offset, -1);
}

class DeleteRecords : public ListOffsets {
protected:
    DeleteRecordsResponse::Partition trim(std::int64_t offset, const std::string& topic = "t") {
        DeleteRecordsRequest request;
        request.topics.push_back({topic, {{.partition_index = 0, .offset = offset}}});
        request.timeout_ms = 1000;
        return call(request).topics.at(0).partitions.at(0);
    }
};

TEST_F(DeleteRecords, DEL1_DEL2_TheLogStartsWhereItIsToldAndNeverGoesBack) {
    make_topic();
    append_records(0, 10);
    EXPECT_EQ(trim(4), (DeleteRecordsResponse::Partition{0, 4, ErrorCode::none}));
    EXPECT_EQ(at(-2).offset, 4);
    EXPECT_EQ(trim(2), (DeleteRecordsResponse::Partition{0, 4, ErrorCode::none}));
    EXPECT_EQ(trim(0), (DeleteRecordsResponse::Partition{0, 4, ErrorCode::none}));
    EXPECT_EQ(trim(-1), (DeleteRecordsResponse::Partition{0, 10, ErrorCode::none}));
    EXPECT_EQ(at(-2).offset, 10);
    EXPECT_EQ(trim(11), (DeleteRecordsResponse::Partition{0, -1, ErrorCode::offset_out_of_range}));
    EXPECT_EQ(trim(-2), (DeleteRecordsResponse::Partition{0, -1, ErrorCode::offset_out_of_range}));
}

TEST_F(DeleteRecords, DEL1_CompactedInternalAndUnknownTopicsAreRefused) {
    make_topic("compacted", 1, {{"cleanup.policy", "compact"}});
    make_topic("both", 1, {{"cleanup.policy", "compact,delete"}});
    EXPECT_EQ(trim(0, "compacted").error_code, ErrorCode::policy_violation);
    EXPECT_EQ(trim(0, "both").error_code, ErrorCode::none);
    EXPECT_EQ(trim(0, "nowhere").error_code, ErrorCode::unknown_topic_or_partition);
}

TEST_F(DeleteRecords, DEL3_TheStartSurvivesTheBroker) {
    make_topic();
    append_records(0, 10);
    EXPECT_EQ(trim(7).low_watermark, 7);
    stop();
    EXPECT_NE(test::slurp(config.log_dir + "/log-start-offset-checkpoint").find("t 0 7"), std::string::npos);
    start();
    EXPECT_EQ(at(-2).offset, 7);
}

}  // namespace
}  // namespace mq::broker
