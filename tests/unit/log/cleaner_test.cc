// Compaction, rule by rule, on logs small enough to work out by hand.
#include "log/cleaner.h"

#include "cleaner_fixture.h"
#include "record/compression.h"
#include "support/golden.h"

namespace mq::log {
namespace {

using namespace cleaner_test;
using record::ControlType;

constexpr auto kNone = std::nullopt;

class Cleaner : public ::testing::Test {
protected:
    void SetUp() override { now_ms = 1'000'000; }
};

TEST_F(Cleaner, KeepsTheLatestRecordOfEachKeyAtItsOffset) {
    Partition p;
    p.put("a", "1");
    p.put("b", "2");
    p.put("a", "3");
    p.put("c", "4");
    p.roll();
    p.put("a", "5");  // in the active segment, which is never cleaned
    const CleanResult result = p.clean_from(0);
    EXPECT_EQ(p.content(), "1:b=2 2:a=3 3:c=4 4:a=5");
    EXPECT_EQ(result.next_dirty, Offset{4});
    EXPECT_EQ(result.records_read, 4u);
    EXPECT_EQ(result.records_kept, 3u);
    EXPECT_EQ(result.segments_replaced, 1u);
    EXPECT_GT(result.bytes_before, result.bytes_after);
}

TEST_F(Cleaner, RewritesABatchThatLosesRecordsAndCopiesOneThatDoesNot) {
    Partition p;
    p.add({{0, "a", "1", 100}, {0, "b", "2", 300}, {0, "c", "3", 200}});
    p.add({{0, "d", "4", 100}, {0, "e", "5", 100}});
    p.put("c", "6");
    const auto before = p.units();
    p.roll();
    p.clean_from(0);
    const auto after = p.units();
    ASSERT_EQ(after.size(), 3u);
    EXPECT_EQ(after[0].header.base_offset, Offset{0});
    EXPECT_EQ(after[0].header.last_offset_delta, 2);
    EXPECT_EQ(after[0].header.record_count, 2);
    EXPECT_EQ(after[0].header.base_timestamp, 100);
    EXPECT_EQ(after[0].header.max_timestamp, 300);
    EXPECT_EQ(after[0].records, (std::vector<Rec>{{0, "a", "1", 100}, {1, "b", "2", 300}}));
    EXPECT_EQ(after[1].bytes, before[1].bytes);
    EXPECT_EQ(after[2].bytes, before[2].bytes);
}

TEST_F(Cleaner, DropsRecordsWithoutAKey) {
    Partition p;
    p.put(kNone, "x");
    p.put("", "empty key is a key");
    p.add({{0, "a", "1", 10}, {0, kNone, "y", 10}});
    p.roll();
    EXPECT_EQ(p.clean_from(0).keyless_dropped, 2u);
    EXPECT_EQ(p.content(), "1:=empty key is a key 2:a=1");
}

TEST_F(Cleaner, ATombstoneGetsADeleteHorizonFirstAndGoesWhenItHasPassed) {
    Partition p;
    p.add({{0, "b", "0", 50}, {0, "a", kNone, 40}, {0, "c", "1", 2'000'000}});
    p.roll();
    now_ms = 1'000'000;
    p.clean_from(0);
    auto units = p.units();
    ASSERT_EQ(units.size(), 1u);
    EXPECT_TRUE(units[0].header.has_delete_horizon());
    EXPECT_EQ(units[0].header.base_timestamp, 1'001'000);  // now + delete.retention.ms
    // Deltas are relative to the horizon, negative ones too; the timestamps are what they were.
    EXPECT_EQ(units[0].records, (std::vector<Rec>{{0, "b", "0", 50}, {1, "a", kNone, 40}, {2, "c", "1", 2'000'000}}));
    const auto with_horizon = p.files();

    now_ms = 1'000'999;
    EXPECT_EQ(p.clean_from(3).segments_replaced, 0u);
    EXPECT_EQ(p.files(), with_horizon);

    now_ms = 1'001'000;
    EXPECT_EQ(p.clean_from(3).tombstones_dropped, 1u);
    units = p.units();
    ASSERT_EQ(units.size(), 1u);
    EXPECT_EQ(units[0].records, (std::vector<Rec>{{0, "b", "0", 50}, {2, "c", "1", 2'000'000}}));
    EXPECT_EQ(units[0].header.base_timestamp, 1'001'000);  // the horizon stays
    EXPECT_EQ(units[0].header.last_offset_delta, 2);
}

TEST_F(Cleaner, ATombstoneThatIsNotTheLatestGoesAtOnce) {
    Partition p;
    p.put("a", "1");
    p.put("a", kNone);
    p.put("a", "2");
    p.roll();
    EXPECT_EQ(p.clean_from(0).tombstones_dropped, 0u);
    EXPECT_EQ(p.content(), "2:a=2");
}

TEST_F(Cleaner, DroppingAnAgedTombstoneNeverBringsTheKeyBack) {
    Partition p;
    p.put("a", "1");
    p.roll();
    p.put("a", kNone);
    p.roll();
    p.clean_from(0);
    EXPECT_EQ(p.content(), "1:a=-");
    now_ms += 1000;
    p.clean_from(2);
    EXPECT_EQ(p.content(), "");
    EXPECT_EQ(p.log().log_end(), Offset{2});
    p.put("a", "3");
    EXPECT_EQ(p.content(), "2:a=3");
}

TEST_F(Cleaner, CommittedRecordsCompeteAndAbortedOnesGo) {
    Partition p;
    Producer committing{.id = 7};
    Producer aborting{.id = 8};
    p.put("a", "0");                             // 0
    p.put_in_txn(committing, "a", "1");          // 1
    p.put_in_txn(aborting, "b", "2");            // 2
    p.end_txn(committing, ControlType::commit);  // 3
    p.put("b", "4");                             // 4
    p.put_in_txn(aborting, "a", "5");            // 5
    p.end_txn(aborting, ControlType::abort);     // 6
    p.roll();
    p.clean_from(0);
    // 5 holds the last sequence of producer 8, 1 that of producer 7.
    EXPECT_EQ(p.content(), "1:a=1 [3] 4:b=4 5:empty [6]");
    const auto empty = p.units()[3].header;
    EXPECT_EQ(empty.size_bytes, 61u);
    EXPECT_EQ(empty.record_count, 0);
    EXPECT_EQ(empty.codec(), record::Codec::none);
    EXPECT_EQ(empty.base_timestamp, -1);
    EXPECT_EQ(empty.max_timestamp, 10);
    EXPECT_EQ(empty.producer_id, 8);
    EXPECT_EQ(empty.base_sequence, 1);
    EXPECT_TRUE(empty.is_transactional());
    const auto aborted = p.log().aborted_transactions(Offset{0}, Offset{7});
    ASSERT_TRUE(aborted);
    ASSERT_EQ(aborted->size(), 1u);
    EXPECT_EQ((*aborted)[0].first_offset, Offset{2});
    EXPECT_EQ((*aborted)[0].last_offset, Offset{6});
}

TEST_F(Cleaner, AMarkerWithoutBatchesGetsAHorizonThenGoesWithItsTxnindexEntry) {
    LogConfig config = compacted();
    Partition p{config};
    Producer producer{.id = 8};
    p.put("k", "0");                           // 0
    p.put_in_txn(producer, "b", "1");          // 1
    p.end_txn(producer, ControlType::abort);   // 2
    p.put_in_txn(producer, "c", "3");          // 3
    p.end_txn(producer, ControlType::commit);  // 4
    p.put("c", "5");                           // 5
    p.roll();
    // A later batch of the producer, beyond what is cleaned, holds its sequence.
    p.put_in_txn(producer, "d", "6");          // 6
    p.end_txn(producer, ControlType::commit);  // 7

    p.clean_from(0);
    EXPECT_EQ(p.content(), "0:k=0 [2] [4] 5:c=5 6:d=6 [7]");
    EXPECT_FALSE(p.units()[1].header.has_delete_horizon());  // batches were seen before it, this time
    EXPECT_TRUE(p.files().contains("00000000000000000000.txnindex"));

    p.clean_from(6);
    EXPECT_EQ(p.units()[1].header.base_timestamp, now_ms + 1000);
    EXPECT_EQ(p.units()[2].header.base_timestamp, now_ms + 1000);
    EXPECT_EQ(p.units()[1].records.size(), 1u);
    EXPECT_FALSE(p.files().contains("00000000000000000000.txnindex"));

    now_ms += 999;
    EXPECT_EQ(p.clean_from(6).markers_dropped, 0u);
    now_ms += 1;
    EXPECT_EQ(p.clean_from(6).markers_dropped, 2u);
    EXPECT_EQ(p.content(), "0:k=0 5:c=5 6:d=6 [7]");
}

TEST_F(Cleaner, TheLastMarkerOfAProducerWithoutDataStaysAsAnEmptyBatch) {
    Partition p;
    Producer producer{.id = 8, .epoch = 3};
    p.end_txn(producer, ControlType::abort);
    p.put("a", "1");
    p.roll();
    p.clean_from(0);
    now_ms += 1000;
    p.clean_from(2);
    EXPECT_EQ(p.content(), "[0 emptied] 1:a=1");
    EXPECT_EQ(p.units()[0].header.producer_epoch, 3);
    const auto settled = p.files();
    p.clean_from(2);
    EXPECT_EQ(p.files(), settled);
}

TEST_F(Cleaner, TheLastBatchOfAnActiveProducerStaysEmptyUntilTheProducerExpires) {
    LogConfig config = compacted();
    config.producer_id_expiration_ms = 5000;
    Partition p{config};
    Producer producer{.id = 5};
    const TimestampMs written = now_ms;
    p.add({{0, "a", "1", written}, {0, "b", "2", written}}, {}, &producer);
    p.add({{0, "a", "3", written}}, {}, &producer);
    p.put("a", "4", written);
    p.put("b", "5", written);
    p.roll();
    p.clean_from(0);
    EXPECT_EQ(p.content(), "2:empty 3:a=4 4:b=5");
    EXPECT_EQ(p.units()[0].header.last_sequence(), 2);
    now_ms = written + 5000;
    p.clean_from(5);
    EXPECT_EQ(p.content(), "3:a=4 4:b=5");
}

TEST_F(Cleaner, TheSequenceOfAnEmptiedBatchSurvivesARestartWithoutSnapshots) {
    Partition p;
    Producer producer{.id = 5};
    for (int i = 0; i < 4; ++i) p.add({{0, "a", std::to_string(i), 10}}, {}, &producer);
    p.put("a", "last");
    p.roll();
    p.clean_from(0);
    ASSERT_EQ(p.content(), "3:empty 4:a=last");
    ASSERT_TRUE(p.log().close());
    for (const auto& [name, content] : p.files())
        if (name.ends_with(".snapshot")) {
            ASSERT_TRUE(os::remove_file(os::join(p.directory(), name)));
        }
    p.open(Trust::segments);
    ASSERT_NE(p.log().producers().find(5), nullptr);
    EXPECT_EQ(p.log().producers().find(5)->last_sequence(), 3);
    EXPECT_EQ(p.log().producers().find(5)->last_data_offset(), Offset{3});
}

TEST_F(Cleaner, NeverReachesIntoOpenTransactionsNorBeyondTheHighWatermark) {
    Partition p;
    Producer producer{.id = 8};
    p.put("a", "0");
    p.put("a", "1");
    p.roll();  // 2
    p.put("a", "2");
    p.put_in_txn(producer, "b", "3");  // open
    p.roll();                          // 4
    p.put("a", "4");
    p.roll();  // 5
    auto range = cleanable(p.log(), std::nullopt, now_ms);
    ASSERT_TRUE(range);
    EXPECT_EQ(range->first_uncleanable, Offset{2});  // the segment of the open transaction, whole
    EXPECT_EQ(p.clean_from(0).next_dirty, Offset{2});
    EXPECT_EQ(p.content(), "1:a=1 2:a=2 3:b=3 4:a=4");
    p.end_txn(producer, ControlType::commit);
    EXPECT_EQ(p.clean_from(2).next_dirty, Offset{5});
    EXPECT_EQ(p.content(), "3:b=3 4:a=4 [5]");

    Partition q;
    q.put("a", "0");
    q.roll();
    q.put("a", "1");
    q.roll();
    q.log().set_high_watermark(Offset{1});
    EXPECT_EQ(q.clean_from(0).next_dirty, Offset{1});
}

TEST_F(Cleaner, LeavesSegmentsYoungerThanTheMinimumLag) {
    LogConfig config = compacted();
    config.min_compaction_lag_ms = 500;
    Partition p{config};
    p.put("a", "0", 999'000);
    p.put("a", "1", 999'000);
    p.roll();
    p.put("a", "2", 999'501);
    p.roll();
    p.put("a", "3", 999'000);
    p.roll();
    now_ms = 1'000'000;
    EXPECT_EQ(p.clean_from(0).next_dirty, Offset{2});
    EXPECT_EQ(p.content(), "1:a=1 2:a=2 3:a=3");
    now_ms = 1'000'001;
    EXPECT_EQ(p.clean_from(2).next_dirty, Offset{4});
    EXPECT_EQ(p.content(), "3:a=3");
}

TEST_F(Cleaner, CleanableCountsWholeSegmentsAndResetsABadCheckpoint) {
    LogConfig config = compacted();
    config.min_cleanable_dirty_ratio = 0.6;
    Partition p{config};
    for (int segment = 0; segment < 4; ++segment) {
        p.put("a", "1", 5000);
        p.roll();
    }
    const std::uint64_t each = p.units()[0].header.size_bytes;
    auto range = cleanable(p.log(), Offset{2}, now_ms);
    ASSERT_TRUE(range);
    EXPECT_EQ(range->clean_bytes, 2 * each);
    EXPECT_EQ(range->dirty_bytes, 2 * each);
    EXPECT_DOUBLE_EQ(range->dirty_ratio, 0.5);
    EXPECT_FALSE(range->due);
    range = cleanable(p.log(), Offset{1}, now_ms);
    EXPECT_DOUBLE_EQ(range->dirty_ratio, 0.75);
    EXPECT_TRUE(range->due);
    // Beyond the log end, or never cleaned: from the start.
    EXPECT_EQ(cleanable(p.log(), Offset{99}, now_ms)->first_dirty, Offset{0});
    EXPECT_EQ(cleanable(p.log(), std::nullopt, now_ms)->first_dirty, Offset{0});
    EXPECT_EQ(cleanable(p.log(), Offset{4}, now_ms)->dirty_bytes, 0u);
    ASSERT_TRUE(p.log().raise_log_start(Offset{1}));
    EXPECT_EQ(cleanable(p.log(), Offset{0}, now_ms)->first_dirty, Offset{1});
    // Age makes it due whatever the ratio: 5000 is older than now - max lag.
    config.max_compaction_lag_ms = 994'999;
    p.log().set_config(config);
    EXPECT_TRUE(cleanable(p.log(), Offset{2}, now_ms)->due);
    config.max_compaction_lag_ms = 995'000;
    p.log().set_config(config);
    EXPECT_FALSE(cleanable(p.log(), Offset{2}, now_ms)->due);
    config.max_compaction_lag_ms = 0;
    config.cleanup_compact = false;
    p.log().set_config(config);
    EXPECT_FALSE(cleanable(p.log(), Offset{2}, now_ms)->due);
}

TEST_F(Cleaner, MergesNeighboursWhileTheyFitASegment) {
    LogConfig config = compacted();
    config.segment_bytes = 200;  // a batch of one record takes 70 bytes
    Partition p{config};
    for (const char* key : {"a", "b", "c", "d", "e"}) {
        p.put(key, "1");
        p.roll();
    }
    ASSERT_EQ(p.units()[0].header.size_bytes, 70u);
    ASSERT_TRUE(
        os::File::open(segment_paths(p.directory(), Offset{1}).log, os::OpenMode::read)->set_modified(77'000));
    EXPECT_EQ(p.clean_from(0).segments_replaced, 4u);  // 0 and 1, 2 and 3; 4 is alone and stays
    EXPECT_EQ(p.log().segment_bases(), offsets({0, 2, 4, 5}));
    EXPECT_EQ(p.content(), "0:a=1 1:b=1 2:c=1 3:d=1 4:e=1");
    EXPECT_EQ(os::file_info(segment_paths(p.directory(), Offset{0}).log)->modified_ms, 77'000);
    EXPECT_EQ(p.clean_from(5).segments_replaced, 0u);
}

TEST_F(Cleaner, NeverMergesWhatDoesNotFitIn32Bits) {
    Partition p;
    p.put("a", "1");
    ASSERT_TRUE(p.log().truncate_fully_and_start_at(Offset{0}));
    p.put("a", "1");
    p.roll();
    // A follower's copy may leave a gap of any size.
    record::BatchOptions far;
    far.base_offset = Offset{INT32_MAX};
    for (const std::int64_t offset : {std::int64_t{INT32_MAX}, std::int64_t{INT32_MAX} + 1}) {
        far.base_offset = Offset{offset};
        record::BatchBuilder builder{far};
        builder.add(10, ByteView{"b" + std::to_string(offset)}, ByteView{"2"});
        std::string bytes{*builder.finish()};
        AppendOptions options;
        options.assign_offsets = false;
        ASSERT_TRUE(p.log().append({bytes.data(), bytes.size()}, options));
        p.roll();
    }
    p.clean_from(0);
    const auto bases = p.log().segment_bases();
    ASSERT_EQ(bases.size(), 3u);
    EXPECT_EQ(bases[0], Offset{0});
    for (const Unit& unit : p.units()) EXPECT_LE(unit.header.last_offset() - unit.segment, INT32_MAX);
}

TEST_F(Cleaner, AFullMapCleansInRounds) {
    Partition p;
    for (int i = 0; i < 40; ++i) p.put("k" + std::to_string(i % 20), std::to_string(i));
    p.roll();
    p.put("x", "y");
    CleanerOptions options;
    options.offset_map_bytes = 24 * 10;  // nine keys a round
    std::vector<std::int64_t> ends;
    for (Offset dirty{0}; dirty < Offset{40}; ends.push_back(dirty.value())) {
        const CleanResult round = p.clean_from(dirty.value(), options);
        ASSERT_GT(round.next_dirty, dirty);
        dirty = round.next_dirty;
    }
    EXPECT_EQ(ends, (std::vector<std::int64_t>{9, 18, 27, 36, 40}));
    std::string expected;
    for (int i = 20; i < 40; ++i)
        expected += std::to_string(i) + ":k" + std::to_string(i % 20) + "=" + std::to_string(i) + " ";
    EXPECT_EQ(p.content(), expected + "40:x=y");
}

TEST_F(Cleaner, ABatchWithMoreKeysThanTheMapIsFinishedInTheMiddle) {
    Partition p;
    std::vector<Rec> records;
    for (int i = 0; i < 30; ++i) records.push_back({0, "k" + std::to_string(i % 15), std::to_string(i), 10});
    p.add(records);
    p.roll();
    CleanerOptions options;
    options.offset_map_bytes = 24 * 4;  // three keys
    for (Offset dirty{0}; dirty < Offset{30};) {
        const Offset next = p.clean_from(dirty.value(), options).next_dirty;
        ASSERT_EQ(next, dirty + 3);
        dirty = next;
    }
    EXPECT_EQ(p.read().size(), 15u);
    EXPECT_EQ(p.read()[0], (Rec{15, "k0", "15", 10}));
}

TEST_F(Cleaner, EveryCodecIsKeptAndReadsTheSame) {
    for (const auto codec :
         {record::Codec::none, record::Codec::gzip, record::Codec::snappy, record::Codec::lz4, record::Codec::zstd}) {
        Partition p;
        record::BatchOptions options;
        options.codec = codec;
        std::vector<Rec> records;
        for (int i = 0; i < 200; ++i)
            records.push_back({0, "k" + std::to_string(i % 120), "v" + std::to_string(i), 1000 + i});
        p.add(records, options);
        p.roll();
        p.clean_from(0);
        const auto units = p.units();
        ASSERT_EQ(units.size(), 1u);
        EXPECT_EQ(units[0].header.codec(), codec);
        EXPECT_EQ(units[0].header.last_offset_delta, 199);
        ASSERT_EQ(units[0].records.size(), 120u);
        for (std::size_t i = 0; i < 120; ++i) {
            const std::int64_t offset = static_cast<std::int64_t>(i) + 80;
            EXPECT_EQ(units[0].records[i],
                      (Rec{offset, "k" + std::to_string(offset % 120), "v" + std::to_string(offset), 1000 + offset}));
        }
    }
}

TEST_F(Cleaner, HeadersAndLogAppendTimeSurviveARewriting) {
    LogConfig config = compacted();
    config.timestamp_type = record::TimestampType::log_append_time;
    Partition p{config};
    record::BatchBuilder builder;
    const record::Header headers[] = {{"h", ByteView{"1"}}, {"h", std::nullopt}};
    builder.add(1, ByteView{"a"}, ByteView{"1"}, headers);
    builder.add(2, ByteView{"b"}, ByteView{"2"});
    builder.add(3, ByteView{"b"}, ByteView{"3"});
    std::string bytes{*builder.finish()};
    now_ms = 555'000;
    ASSERT_TRUE(p.log().append({bytes.data(), bytes.size()}));
    p.roll();
    now_ms = 777'000;
    p.clean_from(0);
    const auto units = p.units();
    ASSERT_EQ(units.size(), 1u);
    EXPECT_EQ(units[0].header.timestamp_type(), record::TimestampType::log_append_time);
    EXPECT_EQ(units[0].records, (std::vector<Rec>{{0, "a", "1", 555'000}, {2, "b", "3", 555'000}}));
    record::RecordReader reader;
    ASSERT_TRUE(reader.open(units[0].bytes));
    record::RecordView record;
    ASSERT_TRUE(reader.next(record));
    record::HeaderReader read{record};
    record::Header header;
    ASSERT_TRUE(read.next(header));
    EXPECT_EQ(header.key, "h");
    EXPECT_EQ(header.value, ByteView{"1"});
    ASSERT_TRUE(read.next(header));
    EXPECT_EQ(header.value, std::nullopt);
}

TEST_F(Cleaner, DamageAnywhereInTheRangeIsNamedAndLeavesTheLogAsItWas) {
    for (const std::size_t damaged_segment : {0u, 1u, 2u}) {
        for (const char* kind : {"flip", "cut", "zeros", "offset"}) {
            Partition p;
            for (int i = 0; i < 9; ++i) {
                p.put("a", std::to_string(i));
                if (i % 3 == 2) p.roll();
            }
            const std::string path =
                segment_paths(p.directory(), Offset{static_cast<std::int64_t>(damaged_segment) * 3}).log;
            std::string bytes = *os::read_file(path);
            ASSERT_EQ(bytes.size(), 210u);
            if (kind == std::string{"flip"}) bytes[70 + 65] ^= 1;
            if (kind == std::string{"cut"}) bytes.resize(100);
            if (kind == std::string{"zeros"}) bytes.replace(70, 70, std::string(70, '\0'));
            if (kind == std::string{"offset"}) bytes[70 + 7] = 0;  // below its predecessor, or equal
            test::spill(path, bytes);
            const auto before = p.files();
            // The first two segments count as clean: they are verified too before the first of them is replaced.
            CleanerOptions options;
            options.clock = test_clock;
            const auto result = clean(p.log(), Offset{6}, options);
            ASSERT_FALSE(result) << kind;
            EXPECT_EQ(result.error().subject, path) << kind;
            EXPECT_EQ(result.error().position, 70u) << kind;
            EXPECT_EQ(result.error().code, kind == std::string{"cut"} ? Errc::truncated : Errc::corrupt)
                << kind << ": " << result.error().message();
            EXPECT_EQ(p.files(), before) << kind;
        }
    }
}

TEST_F(Cleaner, ABombIsTooLargeAndLeavesTheLogByteIdentical) {
    for (const auto codec : {record::Codec::gzip, record::Codec::snappy, record::Codec::lz4, record::Codec::zstd}) {
        Partition p;
        p.put("a", "1");
        p.put("a", "2");
        p.roll();
        record::BatchOptions options;
        options.codec = codec;
        p.add({{0, "b", std::string(8u << 20, '\0'), 10}}, options);
        p.roll();
        const auto before = p.files();
        for (const std::int64_t first_dirty : {0, 3}) {
            CleanerOptions limited;
            limited.decompressed_limit = 1u << 20;
            const auto result = clean(p.log(), Offset{first_dirty}, limited);
            ASSERT_FALSE(result);
            EXPECT_EQ(result.error().code, Errc::too_large) << result.error().message();
            EXPECT_EQ(result.error().subject, segment_paths(p.directory(), Offset{2}).log);
            EXPECT_EQ(result.error().position, 0u);
            EXPECT_EQ(p.files(), before);
        }
    }
}

TEST_F(Cleaner, AnAbortWithoutItsTxnindexEntryIsRefusedNeverTakenForACommit) {
    Partition p;
    Producer producer{.id = 8};
    p.put("a", "0");
    p.put_in_txn(producer, "a", "1");
    p.end_txn(producer, ControlType::abort);
    p.roll();
    ASSERT_TRUE(os::remove_file(segment_paths(p.directory(), Offset{0}).txn_index));
    const auto before = p.files();
    const auto result = clean(p.log(), Offset{0}, {});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::corrupt) << result.error().message();
    EXPECT_EQ(p.files(), before);
}

TEST_F(Cleaner, StopsWhenAskedAndLeavesNothingBehind) {
    for (int after = 0; after < 12; ++after) {
        Partition p;
        for (int i = 0; i < 6; ++i) p.put("a", std::to_string(i));
        p.roll();
        const auto before = p.files();
        int asked = 0;
        CleanerOptions options;
        options.stop = [&] { return asked++ == after; };
        const CleanResult result = p.clean_from(0, options);
        EXPECT_TRUE(result.stopped);
        EXPECT_EQ(result.next_dirty, Offset{0});
        EXPECT_EQ(p.files(), before);
    }
}

TEST_F(Cleaner, ASegmentThatWasChangedMeanwhileIsNotReplaced) {
    Partition p;
    p.put("a", "1");
    p.put("a", "2");
    p.roll();
    const std::string path = segment_paths(p.directory(), Offset{0}).log;
    std::string longer = *os::read_file(path);
    int locks = 0;
    CleanerOptions options;
    options.under_append_lock = [&](const std::function<Status()>& work) {
        // Between the first look and the replacement.
        if (++locks == 2) test::spill(path, longer + "x");
        return work();
    };
    const auto result = clean(p.log(), Offset{0}, options);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::in_use) << result.error().message();
    EXPECT_EQ(*os::read_file(path), longer + "x");
    for (const auto& [name, content] : p.files()) EXPECT_FALSE(name.ends_with(".cleaned")) << name;
}

TEST_F(Cleaner, APoisonedOrReadOnlyLogIsRefusedBeforeAnyFileIsMade) {
    Partition p;
    p.put("a", "1");
    p.put("a", "2");
    p.roll();
    const auto before = p.files();
    p.state.poison.store(5);
    EXPECT_EQ(clean(p.log(), Offset{0}, {}).error().code, Errc::poisoned);
    EXPECT_EQ(p.files(), before);
}

TEST_F(Cleaner, AnUnfinishedReplacementIsDroppedAtOpen) {
    Partition p;
    p.put("a", "1");
    p.roll();
    ASSERT_TRUE(p.log().close());
    for (const char* extension : {".log", ".index", ".timeindex", ".txnindex"})
        test::spill(p.directory() + "/00000000000000000000" + extension + ".cleaned", "half");
    p.open(Trust::segments);
    for (const auto& [name, content] : p.files()) EXPECT_FALSE(name.ends_with(".cleaned")) << name;
    EXPECT_EQ(p.content(), "0:a=1");
}

}  // namespace
}  // namespace mq::log
