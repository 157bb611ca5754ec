// Fetch: what is returned, at once and after a wait. Rules FET-1 to FET-18 of section 5 of the semantics.
#include <fcntl.h>
#include <unistd.h>

#include <thread>

#include "fetch_fixture.h"
#include "os/process.h"
#include "record/control_record.h"
#include "support/child.h"
#include "support/golden.h"

namespace mq::broker {
namespace {

class Fetch : public FetchBase {
protected:
    // One that waits for as long as a test may last.
    static FetchRequest waiting(std::int64_t offset, std::int32_t min_bytes = 1) {
        FetchRequest request = of({from(offset)});
        request.max_wait_ms = 60'000;
        request.min_bytes = min_bytes;
        return request;
    }
    FetchResponse::Partition take_one(std::uint64_t ticket, std::int16_t version = 12) {
        const auto response = take<FetchRequest>(ticket, version);
        if (response.responses.size() != 1 || response.responses[0].partitions.size() != 1)
            throw std::runtime_error{"not one partition"};
        return response.responses[0].partitions[0];
    }
};

TEST_F(Fetch, FET1_TheBytesOfTheFileComeFromTheBatchThatHoldsTheOffsetOn) {
    make_topic();
    const std::string first = append(test::numbered_batch(0, 3));
    const std::string second = append(test::numbered_batch(3, 4));
    EXPECT_EQ(records(fetch_one(of({from(0)}))), first + second);
    EXPECT_EQ(records(fetch_one(of({from(2)}))), first + second);
    EXPECT_EQ(records(fetch_one(of({from(3)}))), second);
    EXPECT_EQ(records(fetch_one(of({from(6)}))), second);
}

TEST_F(Fetch, FET1_LargeRecordsAreSentFromTheFileAndAreTheSame) {
    make_topic();
    std::string stored = append_large();
    stored += append_large();
    for (const std::int16_t version : {4, 7, 12}) {
        const Reply reply = mailbox->take(send(of({from(0)}), version));
        ASSERT_EQ(reply.files.size(), 1u);
        EXPECT_EQ(reply.files[0].file->path(), segment());
        EXPECT_LT(reply.bytes.size(), 200u);
        EXPECT_TRUE(bytes_of(reply).find(stored) != std::string::npos);
    }
}

TEST_F(Fetch, FET1_ARangeIsCutAtTheLimitWithoutRegardToBatches) {
    make_topic();
    const std::string stored = append_records(0, 10);
    const std::int32_t most = static_cast<std::int32_t>(stored.size()) / 10 * 3 + 7;
    EXPECT_EQ(records(fetch_one(of({from(0, 0, most)}))), stored.substr(0, static_cast<std::size_t>(most)));
}

TEST_F(Fetch, FET3_OffsetsOutsideOfTheLogAreOutOfRangeAndItsEndIsEmpty) {
    make_topic();
    append_records(0, 5);
    for (const std::int64_t offset : {-1, 6}) {
        const auto answer = fetch_one(of({from(offset)}));
        EXPECT_EQ(answer.error_code, ErrorCode::offset_out_of_range) << offset;
        EXPECT_EQ(answer.high_watermark, -1);
        EXPECT_EQ(records(answer), "");
    }
    const auto end = fetch_one(of({from(5)}));
    EXPECT_EQ(end.error_code, ErrorCode::none);
    EXPECT_EQ(end.high_watermark, 5);
    EXPECT_EQ(records(end), "");
    const auto writer = broker->directory().open_writer({"t", 0}).value();
    ASSERT_TRUE(writer->trim(Offset{3}));
    EXPECT_EQ(fetch_one(of({from(2)})).error_code, ErrorCode::offset_out_of_range);
    EXPECT_EQ(fetch_one(of({from(3)})).error_code, ErrorCode::none);
}

TEST_F(Fetch, AnEmptyPartitionIsReadFrom0) {
    make_topic();
    const auto answer = fetch_one(of({from(0)}));
    EXPECT_EQ(answer.error_code, ErrorCode::none);
    EXPECT_EQ(answer.high_watermark, 0);
    EXPECT_EQ(records(answer), "");
    EXPECT_EQ(fetch_one(of({from(1)})).error_code, ErrorCode::offset_out_of_range);
}

TEST_F(Fetch, FET4_MaxBytesOfTheRequestIsCappedByTheBrokersOwn) {
    stop();
    config.fetch_max_bytes = 1000;
    start();
    make_topic();
    const std::string stored = append_records(0, 50);
    FetchRequest request = of({from(0)});
    request.max_bytes = 1 << 30;
    // More than that is never waited for either.
    request.min_bytes = 1 << 20;
    request.max_wait_ms = 60'000;
    EXPECT_EQ(records(fetch_one(request)), stored.substr(0, 1000));
}

TEST_F(Fetch, FET5_FET6_PartitionsShareTheBudgetInTheOrderOfTheRequestAndTheFirstBatchComesWhole) {
    make_topic("t", 3);
    const std::string first = append_large(9000, {"t", 2});
    const std::string second = append_large(300, {"t", 0});
    append_large(9000, {"t", 1});
    FetchRequest request = of({from(0, 2, 10), from(0, 0), from(0, 1)});
    request.max_bytes = 100;
    auto response = fetch(request);
    ASSERT_EQ(response.responses[0].partitions.size(), 3u);
    EXPECT_EQ(records(response.responses[0].partitions[0]), first);
    EXPECT_EQ(records(response.responses[0].partitions[1]), "");
    EXPECT_EQ(records(response.responses[0].partitions[2]), "");
    request.max_bytes = static_cast<std::int32_t>(first.size() + second.size()) + 5;
    response = fetch(request);
    EXPECT_EQ(records(response.responses[0].partitions[0]), first);
    EXPECT_EQ(records(response.responses[0].partitions[1]), second);
    // What is left does not hold the first batch.
    EXPECT_EQ(records(response.responses[0].partitions[2]), "");
    EXPECT_EQ(response.responses[0].partitions[2].high_watermark, 1);
}

TEST_F(Fetch, FET6_AnEmptyPartitionDoesNotUseUpTheWholeFirstBatch) {
    make_topic("t", 2);
    const std::string stored = append_large(5000, {"t", 1});
    const auto response = fetch(of({from(0, 0, 10), from(0, 1, 10)}));
    EXPECT_EQ(records(response.responses[0].partitions[1]), stored);
}

TEST_F(Fetch, FET7_TheBoundsOfThePartitionComeWithIt) {
    make_topic();
    append_records(0, 8);
    const auto writer = broker->directory().open_writer({"t", 0}).value();
    ASSERT_TRUE(writer->trim(Offset{3}));
    const auto answer = fetch_one(of({from(4)}));
    EXPECT_EQ(answer.high_watermark, 8);
    EXPECT_EQ(answer.last_stable_offset, 8);
    EXPECT_EQ(answer.log_start_offset, 3);
    EXPECT_EQ(answer.preferred_read_replica, -1);
    EXPECT_FALSE(answer.aborted_transactions);
    const auto old = fetch_one(of({from(4)}), 3);
    EXPECT_EQ(old.high_watermark, 8);
    EXPECT_EQ(old.last_stable_offset, -1);
}

TEST_F(Fetch, FET8_AnswersAtOnceWhenNothingIsWaitedFor) {
    make_topic("t", 2);
    append_records(0, 3, {"t", 1});
    FetchRequest none = of({});
    none.max_wait_ms = 60'000;
    none.min_bytes = 1;
    EXPECT_TRUE(fetch(none).responses.empty());
    none.topics.clear();
    EXPECT_TRUE(fetch(none).responses.empty());
    FetchRequest no_bytes = waiting(0, 0);
    EXPECT_EQ(records(fetch_one(no_bytes)), "");
    // An error of one partition, and there is nothing in the other.
    FetchRequest with_error = of({from(0, 0), from(99, 1)});
    with_error.max_wait_ms = 60'000;
    with_error.min_bytes = 1;
    const auto response = fetch(with_error);
    EXPECT_EQ(response.responses[0].partitions[0].error_code, ErrorCode::none);
    EXPECT_EQ(response.responses[0].partitions[1].error_code, ErrorCode::offset_out_of_range);
}

TEST_F(Fetch, FET9_WhatIsAppendedHereWakesAWaitingFetch) {
    make_topic();
    const auto ticket = send(waiting(0), 12);
    EXPECT_FALSE(mailbox->has(ticket));
    const std::string stored = append_records(0, 1);
    const auto answer = take_one(ticket);
    EXPECT_EQ(records(answer), stored);
    EXPECT_EQ(answer.high_watermark, 1);
}

TEST_F(Fetch, FET9_WhatAnotherProcessAppendsWakesAWaitingFetch) {
    make_topic();
    for (int i = 0; i < 10; ++i) {
        const auto ticket = send(waiting(i), 12);
        EXPECT_EQ(test::run_in_child([&] {
                      store::OpenOptions how;
                      how.access = store::Access::write;
                      auto directory = store::DataDirectory::open(config.log_dir, how).value();
                      std::string batch = test::numbered_batch(i, 1);
                      return directory.open_writer({"t", 0}).value()->append(batch) ? 0 : 1;
                  }),
                  test::exited_with(0));
        EXPECT_EQ(take_one(ticket).high_watermark, i + 1);
    }
}

TEST_F(Fetch, FET9_TheTimeRunsOutWithoutAnError) {
    make_topic();
    FetchRequest request = waiting(0);
    request.max_wait_ms = 40;
    const std::int64_t begin_ns = os::monotonic_ns();
    const auto answer = fetch_one(request);
    EXPECT_GE(os::monotonic_ns() - begin_ns, 39'000'000);
    EXPECT_EQ(answer.error_code, ErrorCode::none);
    EXPECT_EQ(records(answer), "");
}

TEST_F(Fetch, FET9_MinBytesAreWaitedForAndThenAllIsReturned) {
    make_topic();
    std::string stored = append_records(0, 1);
    const auto ticket = send(waiting(0, static_cast<std::int32_t>(stored.size()) * 3), 12);
    EXPECT_FALSE(mailbox->has(ticket));
    stored += append_records(1, 1);
    EXPECT_FALSE(mailbox->has(ticket));
    stored += append_records(2, 1);
    EXPECT_EQ(records(take_one(ticket)), stored);
}

TEST_F(Fetch, FET9_AFetchFromAnOlderSegmentIsAnsweredWithWhatItHas) {
    make_topic("t", 1, {{"segment.bytes", "1000"}});
    append_records(0, 40);
    const auto answer = fetch_one(waiting(0, 1 << 20));
    EXPECT_GT(records(answer).size(), 0u);
    EXPECT_LE(records(answer).size(), 1000u);
}

TEST_F(Fetch, FET9_AnOffsetBeyondATruncatedEndIsOutOfRange) {
    make_topic();
    append_records(0, 5);
    const auto ticket = send(waiting(5), 12);
    EXPECT_FALSE(mailbox->has(ticket));
    ASSERT_TRUE(broker->directory().open_writer({"t", 0}).value()->truncate_to(Offset{2}));
    EXPECT_EQ(take_one(ticket).error_code, ErrorCode::offset_out_of_range);
}

TEST_F(Fetch, FET9_ATopicThatIsDeletedMeanwhileIsUnknown) {
    make_topic();
    const auto ticket = send(waiting(0), 12);
    EXPECT_FALSE(mailbox->has(ticket));
    ASSERT_TRUE(broker->directory().delete_topic("t"));
    EXPECT_EQ(take_one(ticket).error_code, ErrorCode::unknown_topic_or_partition);
}

TEST_F(Fetch, WhatWaitsIsAnsweredWhenTheBrokerStops) {
    make_topic();
    const auto ticket = send(waiting(0), 12);
    stop();
    EXPECT_EQ(take_one(ticket).error_code, ErrorCode::none);
}

TEST_F(Fetch, FET10_TXN35_ReadersOfCommittedDataWaitForTheEndOfTheTransaction) {
    make_topic();
    record::BatchOptions options;
    options.transactional = true;
    options.producer_id = 7;
    options.producer_epoch = 0;
    options.base_sequence = 0;
    const std::string before = append_records(0, 1);
    const std::string open = append(test::encode_batch({{"k", "v"}}, options));
    FetchRequest committed = of({from(0)});
    committed.isolation_level = 1;
    auto answer = fetch_one(committed);
    EXPECT_EQ(records(answer), before);
    EXPECT_EQ(answer.last_stable_offset, 1);
    EXPECT_EQ(answer.high_watermark, 2);
    ASSERT_TRUE(answer.aborted_transactions);
    EXPECT_TRUE(answer.aborted_transactions->empty());
    // TXN-36: without isolation the list is null.
    answer = fetch_one(of({from(0)}));
    EXPECT_EQ(records(answer), before + open);
    EXPECT_FALSE(answer.aborted_transactions);

    FetchRequest wants_more = waiting(1);
    wants_more.isolation_level = 1;
    const auto ticket = send(wants_more, 12);
    const std::string behind = append_records(1, 1);
    EXPECT_FALSE(mailbox->has(ticket));
    options.base_sequence = -1;
    options.control = true;
    const std::string key{"\0\0\0\0", 4};
    const std::string value(6, '\0');
    log::AppendOptions as_coordinator;
    as_coordinator.origin = log::AppendOrigin::coordinator;
    const std::string marker = append(test::encode_batch({{key, value}}, options), {"t", 0}, as_coordinator);
    answer = take_one(ticket);
    EXPECT_EQ(records(answer), open + behind + marker);
    EXPECT_EQ(answer.last_stable_offset, 4);
    ASSERT_TRUE(answer.aborted_transactions);
    ASSERT_EQ(answer.aborted_transactions->size(), 1u);
    EXPECT_EQ(answer.aborted_transactions->front(), (FetchResponse::AbortedTransaction{7, 1}));
    // A range that ends before the transaction begins has none.
    committed.topics[0].partitions[0].partition_max_bytes = static_cast<std::int32_t>(before.size());
    EXPECT_TRUE(fetch_one(committed).aborted_transactions->empty());
}

TEST_F(Fetch, FET11_TheLeaderEpochOfTheClientIsHeldAgainstOurs) {
    make_topic();
    append_records(0, 1);
    const auto epoch = broker->directory().leader_epoch("t", 0);
    ASSERT_TRUE(epoch);
    FetchRequest request = of({from(0)});
    auto& asked = request.topics[0].partitions[0];
    asked.current_leader_epoch = *epoch;
    EXPECT_EQ(fetch_one(request).error_code, ErrorCode::none);
    asked.current_leader_epoch = *epoch + 1;
    EXPECT_EQ(fetch_one(request).error_code, ErrorCode::unknown_leader_epoch);
    start_epoch(5);
    asked.current_leader_epoch = 4;
    EXPECT_EQ(fetch_one(request).error_code, ErrorCode::fenced_leader_epoch);
    asked.current_leader_epoch = 5;
    EXPECT_EQ(fetch_one(request).error_code, ErrorCode::none);
}

TEST_F(Fetch, FET11_FromVersion16OnAFencedClientIsToldWhoLeads) {
    const Uuid id = make_topic();
    append_records(0, 1);
    start_epoch(5);
    FetchRequest request = of({from(0)});
    request.topics[0].topic_id = id;
    request.topics[0].partitions[0].current_leader_epoch = 4;
    const auto response = fetch(request, 16);
    EXPECT_EQ(response.responses[0].partitions[0].error_code, ErrorCode::fenced_leader_epoch);
    EXPECT_EQ(response.responses[0].partitions[0].current_leader, (wire::LeaderIdAndEpoch{0, 5}));
    ASSERT_EQ(response.node_endpoints.size(), 1u);
    EXPECT_EQ(response.node_endpoints[0].host, "localhost");
    EXPECT_EQ(response.node_endpoints[0].port, 9092);
    EXPECT_TRUE(fetch(request, 15).node_endpoints.empty());
}

// What brokers of today ask each other, and clients may: is what I have fetched still of your log?
TEST_F(Fetch, FET8_AnEpochThatEndedBeforeTheOffsetIsToldInsteadOfRecords) {
    make_topic();
    start_epoch(2);
    append_records(0, 3);
    start_epoch(5);
    append_records(3, 4);
    FetchRequest request = waiting(5);
    auto& asked = request.topics[0].partitions[0];
    asked.last_fetched_epoch = 4;
    const auto diverged = fetch_one(request);
    EXPECT_EQ(diverged.error_code, ErrorCode::none);
    EXPECT_EQ(diverged.diverging_epoch, (FetchResponse::EpochEndOffset{2, 3}));
    EXPECT_EQ(records(diverged), "");
    asked.last_fetched_epoch = 5;
    const auto same = fetch_one(request);
    EXPECT_EQ(same.diverging_epoch, FetchResponse::EpochEndOffset{});
    EXPECT_NE(records(same), "");
    asked.last_fetched_epoch = 6;
    EXPECT_EQ(fetch_one(request).error_code, ErrorCode::offset_out_of_range);
}

TEST_F(Fetch, FET17_FET18_ABrokerThatIsNoReplicaIsTurnedAwayAndADebuggerIsNot) {
    make_topic();
    const std::string stored = append_records(0, 1);
    FetchRequest request = of({from(0)});
    request.replica_id = 3;
    EXPECT_EQ(fetch_one(request).error_code, ErrorCode::not_leader_or_follower);
    request.topics[0].partitions[0].current_leader_epoch = 0;
    EXPECT_EQ(fetch_one(request).error_code, ErrorCode::unknown_leader_epoch);
    request.topics[0].partitions[0].current_leader_epoch = -1;
    request.replica_id = -2;
    EXPECT_EQ(records(fetch_one(request)), stored);
}

TEST_F(Fetch, TopicsHaveNamesBeforeVersion13AndIdsFromThenOn) {
    const Uuid id = make_topic();
    const std::string stored = append_records(0, 1);
    FetchRequest request = of({from(0)}, "");
    request.topics[0].topic_id = id;
    auto response = fetch(request, 13);
    ASSERT_EQ(response.responses.size(), 1u);
    EXPECT_EQ(response.responses[0].topic_id, id);
    EXPECT_EQ(records(response.responses[0].partitions[0]), stored);
    request.topics[0].topic_id.bytes[0] ^= 1;
    EXPECT_EQ(fetch_one(request, 17).error_code, ErrorCode::unknown_topic_id);
    request.topics[0].topic_id = {};
    EXPECT_EQ(fetch_one(request, 13).error_code, ErrorCode::unknown_topic_id);
    EXPECT_EQ(fetch_one(of({from(0)}, "nowhere")).error_code, ErrorCode::unknown_topic_or_partition);
    for (const std::int32_t partition : {-1, 1, 2147483647})
        EXPECT_EQ(fetch_one(of({from(0, partition)})).error_code, ErrorCode::unknown_topic_or_partition);
}

TEST_F(Fetch, EveryVersionIsAnsweredWithRecordsAndWithErrors) {
    const Uuid id = make_topic("t", 2);
    append_records(0, 3);
    for (std::int16_t version = 0; version <= wire::api_of(wire::ApiKey::fetch).highest_stable(); ++version) {
        FetchRequest request = of({from(0), from(77, 1), from(0, 2)});
        request.topics[0].topic_id = id;
        request.isolation_level = version >= 4 ? 1 : 0;
        request.session_epoch = version >= 7 ? 0 : -1;
        const auto response = fetch(request, version);
        std::map<std::int32_t, FetchResponse::Partition> partitions;
        for (const auto& topic : response.responses)
            for (const auto& partition : topic.partitions) partitions[partition.partition_index] = partition;
        ASSERT_EQ(partitions.size(), 3u) << "version " << version;
        EXPECT_EQ(partitions[0].high_watermark, 3);
        EXPECT_FALSE(partitions[0].records.value_or("").empty()) << "version " << version;
        EXPECT_EQ(partitions[1].error_code, ErrorCode::offset_out_of_range) << "version " << version;
        EXPECT_EQ(partitions[2].error_code, ErrorCode::unknown_topic_or_partition) << "version " << version;
    }
}

TEST_F(Fetch, WhatIsUnknownComesLastAndDoesNotKeepTheOthersFromWaiting) {
    make_topic();
    FetchRequest request = of({from(0)}, "nowhere");
    request.topics.push_back({"t", {}, {from(0)}});
    request.max_wait_ms = 60'000;
    request.min_bytes = 1;
    const auto ticket = send(request, 12);
    EXPECT_FALSE(mailbox->has(ticket));
    append_records(0, 1);
    const auto response = take<FetchRequest>(ticket, 12);
    ASSERT_EQ(response.responses.size(), 2u);
    EXPECT_EQ(response.responses[0].topic, "t");
    EXPECT_EQ(response.responses[1].topic, "nowhere");
    EXPECT_EQ(response.responses[1].partitions[0].error_code, ErrorCode::unknown_topic_or_partition);
}

TEST_F(Fetch, ALostSegmentIsAStorageErrorOfItsPartitionOnly) {
    make_topic("t", 2);
    append_large(20'000, {"t", 0});
    const std::string stored = append_large(20'000, {"t", 1});
    ASSERT_EQ(::truncate(segment({"t", 0}).c_str(), 100), 0);
    const auto response = fetch(of({from(0, 0), from(0, 1)}), 6);
    EXPECT_EQ(response.responses[0].partitions[0].error_code, ErrorCode::kafka_storage_error);
    EXPECT_EQ(records(response.responses[0].partitions[0]), "");
    EXPECT_EQ(records(response.responses[0].partitions[1]), stored);
    EXPECT_NE(log.lines().find(segment({"t", 0})), std::string::npos);
    // A client that tries again and again does not fill the log.
    const std::string told = log.lines();
    for (int i = 0; i < 20; ++i) fetch(of({from(0, 0)}));
    EXPECT_EQ(log.lines().find(segment({"t", 0}), told.size()), std::string::npos);
    // Clients of old do not know that error.
    EXPECT_EQ(fetch_one(of({from(0, 0)}), 5).error_code, ErrorCode::not_leader_or_follower);
    // A file that is gone altogether is none of the others' business either.
    ASSERT_TRUE(os::remove_file(segment({"t", 0})));
    EXPECT_EQ(records(fetch(of({from(0, 0), from(0, 1)})).responses[0].partitions[1]), stored);
}

TEST_F(Fetch, ADamagedBatchHeaderIsAStorageError) {
    make_topic();
    append_records(0, 3);
    const int fd = ::open(segment().c_str(), O_WRONLY);
    ASSERT_EQ(::pwrite(fd, "\x55", 1, 16), 1);
    ::close(fd);
    EXPECT_EQ(fetch_one(of({from(0)})).error_code, ErrorCode::kafka_storage_error);
}

TEST_F(Fetch, ZstdTopicsNeedVersion10) {
    make_topic("t", 1, {{"compression.type", "zstd"}});
    record::BatchOptions options;
    options.codec = record::Codec::zstd;
    const std::string stored = append(test::numbered_batch(0, 3, 1000, options));
    EXPECT_EQ(fetch_one(of({from(0)}), 9).error_code, ErrorCode::unsupported_compression_type);
    EXPECT_EQ(fetch_one(of({from(0)}), 3).error_code, ErrorCode::unsupported_compression_type);
    EXPECT_EQ(records(fetch_one(of({from(0)}), 10)), stored);
}

// ---- sessions: their rules are in fetch_sessions_test.cc; here they meet the broker.

TEST_F(Fetch, FSS1_FSS3_ASessionIsAskedForNewsOnly) {
    make_topic("t", 3);
    append_records(0, 1, {"t", 1});
    FetchRequest request = of({from(0, 0), from(1, 1), from(0, 2)});
    request.session_epoch = 0;
    const auto first = fetch(request);
    EXPECT_NE(first.session_id, 0);
    EXPECT_EQ(first.responses[0].partitions.size(), 3u);
    FetchRequest next;
    next.session_id = first.session_id;
    next.session_epoch = 1;
    const auto nothing = fetch(next);
    EXPECT_EQ(nothing.session_id, first.session_id);
    EXPECT_TRUE(nothing.responses.empty());
    next.session_epoch = 2;
    next.max_wait_ms = 60'000;
    next.min_bytes = 1;
    const auto ticket = send(next, 12);
    EXPECT_FALSE(mailbox->has(ticket));
    const std::string stored = append_records(0, 1, {"t", 2});
    const auto news = take_one(ticket);
    EXPECT_EQ(news.partition_index, 2);
    EXPECT_EQ(records(news), stored);
}

TEST_F(Fetch, FSS2_AnUnknownSessionIsAnErrorOfTheWholeResponse) {
    FetchRequest request = of({from(0)});
    request.session_id = 42;
    request.session_epoch = 1;
    const auto response = fetch(request);
    EXPECT_EQ(response.error_code, ErrorCode::fetch_session_id_not_found);
    EXPECT_EQ(response.session_id, 0);
    EXPECT_TRUE(response.responses.empty());
}

TEST_F(Fetch, FollowsATopicThroughEverySegmentWhileItIsWritten) {
    make_topic("t", 1, {{"segment.bytes", "3000"}});
    constexpr int kRecords = 400;
    std::string stored;
    std::thread producer{[&] {
        for (int i = 0; i < kRecords; ++i) stored += append_records(i, 1);
    }};
    std::string got;
    std::int64_t next = 0;
    while (next < kRecords) {
        const auto answer = fetch_one(waiting(next));
        ASSERT_EQ(answer.error_code, ErrorCode::none);
        const std::string bytes = records(answer);
        for (ByteView rest = bytes;;) {
            const auto header = record::parse_batch_header(rest);
            if (!header || header->size_bytes > rest.size()) break;
            got += rest.substr(0, header->size_bytes);
            next = header->next_offset().value();
            rest.remove_prefix(header->size_bytes);
        }
    }
    producer.join();
    EXPECT_EQ(got, stored);
}

TEST_F(Fetch, AThousandFetchesWaitAtOnceAndAllAreAnswered) {
    make_topic("t", 200);
    std::vector<std::uint64_t> tickets;
    for (int i = 0; i < 1000; ++i) {
        FetchRequest request = of({from(0, i % 200)});
        request.max_wait_ms = 60'000;
        request.min_bytes = 1;
        tickets.push_back(send(request, 12));
    }
    for (int i = 0; i < 200; ++i) append_records(i, 1, {"t", i});
    for (const auto ticket : tickets) EXPECT_EQ(take_one(ticket).high_watermark, 1);
}

}  // namespace
}  // namespace mq::broker
