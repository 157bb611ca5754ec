// Incremental fetch sessions, without a broker: rules FSS-1 to FSS-7.
#include "broker/fetch_sessions.h"

#include <gtest/gtest.h>

#include <map>

namespace mq::broker {
namespace {

using wire::ErrorCode;
using wire::FetchRequest;
using wire::FetchResponse;
using Kind = FetchContext::Kind;

constexpr std::int16_t kByName = 12;
constexpr std::int16_t kById = 13;

FetchRequest request(std::int32_t id, std::int32_t epoch, const std::vector<std::int32_t>& partitions = {},
                     const std::string& topic = "t") {
    FetchRequest request;
    request.session_id = id;
    request.session_epoch = epoch;
    if (partitions.empty()) return request;
    auto& asked = request.topics.emplace_back();
    asked.topic = topic;
    for (const std::int32_t partition : partitions)
        asked.partitions.push_back({.partition = partition, .fetch_offset = 100 + partition});
    return request;
}

std::vector<std::int32_t> numbers(const FetchContext& context) {
    std::vector<std::int32_t> numbers;
    for (const auto& partition : context.partitions) numbers.push_back(partition.wanted.partition);
    return numbers;
}

class Sessions : public ::testing::Test {
protected:
    // What a partition is found to have; the same each time unless a test changes it.
    struct Found {
        std::int64_t high_watermark = 10;
        std::int64_t log_start = 0;
        std::uint64_t bytes = 0;
        ErrorCode error = ErrorCode::none;
    };

    FetchContext begin(FetchRequest wanted, std::int16_t version = kByName) {
        return sessions.begin(wanted, version, now_ms);
    }
    FetchEnvelope finish(const FetchContext& context) {
        std::vector<FetchResponse::Partition> results;
        std::vector<std::uint64_t> bytes;
        for (const auto& partition : context.partitions) {
            const Found& one = found[partition.wanted.partition];
            results.push_back({.partition_index = partition.wanted.partition,
                               .error_code = one.error,
                               .high_watermark = one.high_watermark,
                               .log_start_offset = one.log_start});
            bytes.push_back(one.bytes);
        }
        return sessions.finish(context, results, bytes, now_ms);
    }
    // The id of a new session of these partitions.
    std::int32_t open(const std::vector<std::int32_t>& partitions, std::int16_t version = kByName) {
        return finish(begin(request(0, 0, partitions), version)).session_id;
    }
    // The partitions in the response.
    std::vector<std::int32_t> answered(const FetchContext& context) {
        const FetchEnvelope envelope = finish(context);
        EXPECT_EQ(envelope.error, ErrorCode::none);
        std::vector<std::int32_t> numbers;
        for (std::size_t i = 0; i < envelope.included.size(); ++i)
            if (envelope.included[i]) numbers.push_back(context.partitions[i].wanted.partition);
        return numbers;
    }

    FetchSessions sessions{3};
    std::int64_t now_ms = 1'000'000;
    std::map<std::int32_t, Found> found;
};

using List = std::vector<std::int32_t>;

TEST_F(Sessions, FSS1_AFullFetchOfEpoch0OpensASessionAndIncrementalOnesCountFrom1) {
    const auto context = begin(request(0, 0, {0, 1}));
    EXPECT_EQ(context.kind, Kind::full);
    EXPECT_EQ(numbers(context), (List{0, 1}));
    const auto envelope = finish(context);
    EXPECT_GT(envelope.session_id, 0);
    EXPECT_EQ(envelope.included, (std::vector{true, true}));
    for (const std::int32_t epoch : {1, 2, 3}) {
        const auto next = begin(request(envelope.session_id, epoch));
        EXPECT_EQ(next.kind, Kind::incremental) << epoch;
        EXPECT_EQ(numbers(next), (List{0, 1}));
        EXPECT_EQ(finish(next).session_id, envelope.session_id);
    }
}

TEST_F(Sessions, FSS7_AFetchOfEpochMinus1OpensNone) {
    const auto context = begin(request(0, -1, {0}));
    EXPECT_EQ(context.kind, Kind::sessionless);
    EXPECT_EQ(finish(context).session_id, 0);
    EXPECT_EQ(sessions.count(), 0u);
}

TEST_F(Sessions, FSS2_AnUnknownIdAndAnotherEpochAreRefusedAndTheSessionStays) {
    const std::int32_t id = open({0});
    EXPECT_EQ(begin(request(id == 7 ? 8 : 7, 1)).error, ErrorCode::fetch_session_id_not_found);
    EXPECT_EQ(begin(request(0, 1)).error, ErrorCode::fetch_session_id_not_found);
    EXPECT_EQ(begin(request(id, 2)).error, ErrorCode::invalid_fetch_session_epoch);
    const auto refused = begin(request(id, 2));
    EXPECT_EQ(finish(refused).error, ErrorCode::invalid_fetch_session_epoch);
    EXPECT_EQ(finish(refused).session_id, 0);
    EXPECT_EQ(begin(request(id, 1)).error, ErrorCode::none);
    EXPECT_EQ(begin(request(id, 1)).error, ErrorCode::invalid_fetch_session_epoch);
}

TEST_F(Sessions, FSS2_ASwitchBetweenNamesAndIdsInsideOfASessionIsRefused) {
    const std::int32_t by_name = open({0});
    EXPECT_EQ(begin(request(by_name, 1), kById).error, ErrorCode::fetch_session_topic_id_error);
    const std::int32_t by_id = open({0}, kById);
    EXPECT_EQ(begin(request(by_id, 1), kByName).error, ErrorCode::fetch_session_topic_id_error);
    EXPECT_EQ(begin(request(by_id, 1), kById).error, ErrorCode::none);
}

TEST_F(Sessions, ARequestWithEpoch0OrMinus1ClosesTheSessionThatItNames) {
    const std::int32_t first = open({0});
    const std::int32_t second = finish(begin(request(first, 0, {0}))).session_id;
    EXPECT_NE(second, 0);
    EXPECT_EQ(begin(request(first, 1)).error, ErrorCode::fetch_session_id_not_found);
    EXPECT_EQ(finish(begin(request(second, -1, {0}))).session_id, 0);
    EXPECT_EQ(sessions.count(), 0u);
    EXPECT_EQ(sessions.partitions(), 0u);
}

TEST_F(Sessions, AnIncrementalRequestAddsChangesAndForgetsPartitions) {
    const std::int32_t id = open({0, 1, 2});
    FetchRequest wanted = request(id, 1, {3, 1});
    wanted.topics[0].partitions[1].fetch_offset = 555;
    wanted.forgotten_topics_data.push_back({"t", {}, {0, 77}});
    const auto context = begin(wanted);
    EXPECT_EQ(numbers(context), (List{1, 2, 3}));
    EXPECT_EQ(context.partitions[0].wanted.fetch_offset, 555);
    EXPECT_EQ(context.partitions[1].wanted.fetch_offset, 102);
    EXPECT_EQ(sessions.partitions(), 3u);
}

TEST_F(Sessions, FSS5_ASessionLeftWithoutPartitionsIsClosed) {
    const std::int32_t id = open({0});
    FetchRequest wanted = request(id, 1);
    wanted.forgotten_topics_data.push_back({"t", {}, {0}});
    const auto context = begin(wanted);
    EXPECT_EQ(context.error, ErrorCode::none);
    EXPECT_EQ(finish(context).session_id, 0);
    EXPECT_EQ(sessions.count(), 0u);
}

TEST_F(Sessions, FSS3_OnlyPartitionsWithNewsAreAnswered) {
    const std::int32_t id = open({0, 1, 2, 3});
    EXPECT_EQ(answered(begin(request(id, 1))), (List{}));
    found[0].bytes = 5;
    found[1].high_watermark = 11;
    found[2].log_start = 3;
    found[3].error = ErrorCode::offset_out_of_range;
    EXPECT_EQ(answered(begin(request(id, 2))), (List{0, 1, 2, 3}));
    found[0].bytes = 0;
    found[3].error = ErrorCode::none;
    // The end of an error is news.
    EXPECT_EQ(answered(begin(request(id, 3))), (List{3}));
    EXPECT_EQ(answered(begin(request(id, 4))), (List{}));
    // A partition that was added has not been told of.
    EXPECT_EQ(answered(begin(request(id, 5, {9}))), (List{9}));
}

TEST_F(Sessions, FSS4_PartitionsThatReturnedDataMoveToTheEnd) {
    const std::int32_t id = open({0, 1, 2, 3});
    found[0].bytes = found[2].bytes = 1;
    finish(begin(request(id, 1)));
    found[0].bytes = found[2].bytes = 0;
    EXPECT_EQ(numbers(begin(request(id, 2))), (List{1, 3, 0, 2}));
}

TEST_F(Sessions, FSS1_AfterTheLargestEpochComes1) {
    EXPECT_EQ(epoch_after(0), 1);
    EXPECT_EQ(epoch_after(1), 2);
    EXPECT_EQ(epoch_after(2147483647), 1);
    EXPECT_EQ(epoch_after(-1), -1);
}

TEST_F(Sessions, APartitionThatIsNamedTwiceIsReadOnceAsTheLastSays) {
    FetchRequest wanted = request(0, 0, {4, 5, 4});
    wanted.topics[0].partitions[2].fetch_offset = 777;
    const auto context = begin(wanted);
    EXPECT_EQ(numbers(context), (List{4, 5}));
    EXPECT_EQ(context.partitions[0].wanted.fetch_offset, 777);
}

TEST_F(Sessions, FSS6_AFullCacheEvictsWhatWasIdleForTwoMinutes) {
    const std::int32_t oldest = open({0});
    now_ms += 60'000;
    const std::int32_t second = open({0});
    open({0});
    EXPECT_EQ(open({0}), 0);
    now_ms += 60'001;
    EXPECT_NE(open({0}), 0);
    EXPECT_EQ(sessions.count(), 3u);
    EXPECT_EQ(begin(request(oldest, 1)).error, ErrorCode::fetch_session_id_not_found);
    EXPECT_EQ(begin(request(second, 1)).error, ErrorCode::none);
}

TEST_F(Sessions, FSS6_OfOldSessionsInUseTheSmallestGivesWayToOneThatIsNotSmaller) {
    const std::int32_t small = open({0});
    const std::int32_t large = open({0, 1, 2});
    const std::int32_t larger = open({0, 1, 2, 3});
    now_ms += 100'000;
    for (const auto id : {small, large, larger}) finish(begin(request(id, 1)));
    EXPECT_EQ(open({0, 1}), 0);
    now_ms += 30'000;
    EXPECT_NE(open({0, 1}), 0);
    EXPECT_EQ(begin(request(small, 2)).error, ErrorCode::fetch_session_id_not_found);
    EXPECT_EQ(begin(request(large, 2)).error, ErrorCode::none);
    EXPECT_EQ(begin(request(larger, 2)).error, ErrorCode::none);
}

TEST_F(Sessions, FSS6_ASmallerSessionThanAllGetsNoPlace) {
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 3; ++i) ids.push_back(open({0, 1, 2}));
    now_ms += 130'000;
    for (const auto id : ids) finish(begin(request(id, 1)));
    EXPECT_EQ(open({0}), 0);
    EXPECT_NE(open({0, 1, 2}), 0);
}

TEST_F(Sessions, FSS6_AnotherBrokerTakesThePlaceOfAnyConsumer) {
    for (int i = 0; i < 3; ++i) ASSERT_NE(open({0, 1, 2}), 0);
    FetchRequest wanted = request(0, 0, {0});
    wanted.replica_id = 2;
    EXPECT_NE(finish(begin(wanted)).session_id, 0);
    EXPECT_EQ(sessions.count(), 3u);
}

TEST_F(Sessions, NoSessionsAtAllAreAnsweredWithId0) {
    FetchSessions none{0};
    FetchRequest wanted = request(0, 0, {0});
    const auto context = none.begin(wanted, kByName, now_ms);
    const std::vector<FetchResponse::Partition> results(1);
    const std::vector<std::uint64_t> bytes(1);
    EXPECT_EQ(none.finish(context, results, bytes, now_ms).session_id, 0);
}

TEST_F(Sessions, ASessionThatWasClosedWhileItsFetchWaitedIsToldSo) {
    const std::int32_t id = open({0});
    const auto waiting = begin(request(id, 1));
    begin(request(id, -1));
    const auto envelope = finish(waiting);
    EXPECT_EQ(envelope.error, ErrorCode::fetch_session_id_not_found);
    EXPECT_EQ(envelope.included, (std::vector{false}));
}

// A client may ask for as many as it likes, but not have all of them remembered.
TEST_F(Sessions, AHalfMillionPartitionsAreFetchedWithoutASession) {
    FetchRequest wanted = request(0, 0, {0});
    wanted.topics[0].partitions.resize(500'001);
    for (std::int32_t i = 0; i < 500'001; ++i) wanted.topics[0].partitions[static_cast<std::size_t>(i)].partition = i;
    const auto context = begin(wanted);
    EXPECT_EQ(context.partitions.size(), 500'001u);
    const std::vector<FetchResponse::Partition> results(context.partitions.size());
    const std::vector<std::uint64_t> bytes(results.size());
    EXPECT_EQ(sessions.finish(context, results, bytes, now_ms).session_id, 0);
    EXPECT_EQ(sessions.partitions(), 0u);
}

}  // namespace
}  // namespace mq::broker
