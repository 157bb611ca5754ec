#include "log/log.h"

#include <functional>

#include "log/checkpoint_file.h"
#include "log/log_reader.h"
#include "os/file.h"
#include "record/control_record.h"
#include "record/record.h"
#include "support/batches.h"
#include "support/faults.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace mq::log {
namespace {

using test::numbered_batch;

TimestampMs test_now = 10'000;
TimestampMs test_clock() { return test_now; }

// A partition with its state, opened again and again.
class LogTest : public ::testing::Test {
protected:
    LogTest() {
        options_.clock = test_clock;
        options_.persist_recovery_point = [this](Offset offset) {
            persisted_.push_back(offset);
            return Status{};
        };
        test_now = 10'000;
    }

    Log& open(Trust trust = Trust::segments) {
        options_.trust = trust;
        auto opened = Log::open(path_, config_, state_, options_);
        if (!opened) throw std::runtime_error{opened.error().message()};
        log_ = std::make_unique<Log>(std::move(*opened));
        return *log_;
    }
    AppendResult append(std::string batch, const AppendOptions& options = {}) {
        const auto done = log_->append({batch.data(), batch.size()}, options);
        if (!done) throw std::runtime_error{done.error().message()};
        return *done;
    }
    Error refused(std::string batch, const AppendOptions& options = {}) {
        const auto done = log_->append({batch.data(), batch.size()}, options);
        EXPECT_FALSE(done);
        return done ? Error{} : done.error();
    }
    // Values from `from` on, as a reader sees them; "!" ends the list at out_of_range.
    std::vector<std::string> values(Offset from = Offset{0}, Isolation isolation = Isolation::read_uncommitted) {
        LogReader reader{path_, state_, isolation};
        reader.seek(from);
        std::vector<std::string> found;
        ScannedBatch batch;
        for (;;) {
            const auto outcome = reader.next(batch);
            if (!outcome) throw std::runtime_error{outcome.error().message()};
            if (*outcome == ReadOutcome::out_of_range) found.push_back("!");
            if (*outcome != ReadOutcome::batch) return found;
            if (batch.header.is_control()) continue;
            record::RecordReader records;
            EXPECT_TRUE(records.open(batch.bytes));
            for (record::RecordView r; records.next(r);)
                if (r.offset >= from) found.emplace_back(r.value.value_or("null"));
        }
    }
    static std::vector<std::string> numbers(int first, int end) {
        std::vector<std::string> expected;
        for (int i = first; i < end; ++i) expected.push_back("v" + std::to_string(i));
        return expected;
    }
    std::string file(FileKind kind, std::int64_t offset) const {
        return os::join(path_, file_name(kind, Offset{offset}));
    }
    bool there(FileKind kind, std::int64_t offset) const { return os::exists(file(kind, offset)).value(); }

    test::TempDir dir_;
    std::string path_ = dir_ / "topic-0";
    LogConfig config_;
    PublishedState state_;
    OpenOptions options_;
    std::vector<Offset> persisted_;
    std::unique_ptr<Log> log_;
};

TEST_F(LogTest, AppendAssignsOffsetsAndAReaderSeesThemInOrder) {
    open();
    EXPECT_EQ(append(numbered_batch(0, 3)).first_offset, Offset{0});
    const auto second = append(numbered_batch(3, 2) + numbered_batch(5, 1));
    EXPECT_EQ(second.first_offset, Offset{3});
    EXPECT_EQ(second.last_offset, Offset{5});
    EXPECT_EQ(log_->log_end(), Offset{6});
    EXPECT_EQ(values(), numbers(0, 6));
    EXPECT_EQ(values(Offset{4}), numbers(4, 6));
    EXPECT_TRUE(values(Offset{6}).empty());
}

TEST_F(LogTest, LeaderEpochIsStampedAndItsHistoryWritten) {
    open();
    append(numbered_batch(0, 2), {.leader_epoch = 3});
    append(numbered_batch(2, 2), {.leader_epoch = 3});
    append(numbered_batch(4, 2), {.leader_epoch = 5});
    EXPECT_EQ(test::slurp(os::join(path_, kLeaderEpochCheckpoint)), "0\n2\n3 0\n5 4\n");
    EXPECT_EQ(log_->leader_epochs().end_of(3, log_->log_end()), (EpochEnd{3, Offset{4}}));
}

// index.interval.bytes 100: an entry stands before the first append that finds more than 100 bytes behind the last
// entry.
TEST_F(LogTest, IndexEntryNamesTheLastOffsetAndTheStartOfItsAppend) {
    config_.index_interval_bytes = 100;
    open();
    const std::string batch = numbered_batch(0, 3);
    ASSERT_GT(batch.size(), 50u);
    ASSERT_LT(batch.size(), 101u);
    for (int i = 0; i < 5; ++i) append(batch);
    // Appends at 0, s, 2s, 3s, 4s. Before the third (2s > 100) the first entry, before the fifth the second.
    const auto index = OffsetIndex::open(file(FileKind::offset_index, 0), Offset{0}, os::OpenMode::read);
    ASSERT_TRUE(index);
    const auto entries = index->read_all();
    ASSERT_TRUE(entries);
    EXPECT_EQ(*entries, (std::vector<OffsetIndexEntry>{{Offset{8}, FilePosition{2 * batch.size()}},
                                                       {Offset{14}, FilePosition{4 * batch.size()}}}));
}

TEST_F(LogTest, RollsWhenSegmentBytesWouldBeExceeded) {
    const std::string batch = numbered_batch(0, 3);
    config_.segment_bytes = static_cast<std::uint32_t>(batch.size() * 2);
    open();
    for (int i = 0; i < 5; ++i) append(batch);
    EXPECT_EQ(log_->segment_bases(), (std::vector{Offset{0}, Offset{6}, Offset{12}}));
    EXPECT_TRUE(there(FileKind::snapshot, 6));
    EXPECT_EQ(refused(batch + batch + batch).code, Errc::too_large);
}

TEST_F(LogTest, RollsWhenTheFirstTimestampIsOlderThanSegmentMs) {
    config_.segment_ms = 100;
    open();
    append(numbered_batch(0, 1, 1000));
    EXPECT_FALSE(append(numbered_batch(1, 1, 1100)).rolled);
    EXPECT_TRUE(append(numbered_batch(2, 1, 1101)).rolled);
    EXPECT_FALSE(append(numbered_batch(3, 1, 900)).rolled);
}

TEST_F(LogTest, RollsWithoutTimestampsByTheAgeOfTheSegment) {
    config_.segment_ms = 100;
    open();
    append(numbered_batch(0, 1, kNoTimestamp));
    test_now += 100;
    EXPECT_FALSE(append(numbered_batch(1, 1, kNoTimestamp)).rolled);
    test_now += 1;
    EXPECT_TRUE(append(numbered_batch(2, 1, kNoTimestamp)).rolled);
}

TEST_F(LogTest, RollsWhenAnIndexIsFull) {
    config_.index_interval_bytes = 0;
    config_.segment_index_bytes = 3 * kTimeIndexEntryBytes;  // one slot of the time index stays free
    open();
    int appends = 0;
    while (!append(numbered_batch(appends, 1, 1000 + appends)).rolled) ++appends;
    EXPECT_EQ(appends, 3);  // the first has no entry, the next two fill the index
}

TEST_F(LogTest, RollsBeforeAnOffsetLeavesThe32BitRange) {
    open();
    append(numbered_batch(0, 1));
    std::string far = numbered_batch(1, 1);
    record::stamp_batch(far.data(), Offset{INT32_MAX}, 0);
    EXPECT_FALSE(append(far, {.origin = AppendOrigin::replay, .assign_offsets = false}).rolled);
    record::stamp_batch(far.data(), Offset{std::int64_t{INT32_MAX} + 1}, 0);
    EXPECT_TRUE(append(far, {.origin = AppendOrigin::replay, .assign_offsets = false}).rolled);
}

TEST_F(LogTest, RefusedBatchesLeaveNoTrace) {
    open();
    append(numbered_batch(0, 2));
    const std::string good = numbered_batch(2, 2);
    std::string flipped = good;
    flipped.back() ^= 1;
    EXPECT_EQ(refused(flipped, {.verify_checksum = true}).code, Errc::corrupt);
    EXPECT_EQ(refused(good.substr(0, good.size() - 1)).code, Errc::truncated);
    EXPECT_EQ(refused(good.substr(0, 20)).code, Errc::truncated);
    EXPECT_EQ(refused("").code, Errc::bad_argument);
    record::BatchOptions control;
    control.control = true;
    EXPECT_EQ(refused(numbered_batch(2, 1, 1000, control)).code, Errc::bad_argument);
    config_.max_message_bytes = static_cast<std::uint32_t>(good.size() - 1);
    log_->set_config(config_);
    const Error large = refused(good);
    EXPECT_EQ(large.code, Errc::too_large);
    EXPECT_NE(large.message().find(std::to_string(good.size())), std::string::npos) << large.message();
    EXPECT_NE(large.message().find(std::to_string(good.size() - 1)), std::string::npos) << large.message();
    EXPECT_EQ(values(), numbers(0, 2));
    EXPECT_EQ(os::file_info(file(FileKind::log, 0))->size_bytes, numbered_batch(0, 2).size());
}

TEST_F(LogTest, LogAppendTimeReplacesTimestampsUnderAValidChecksum) {
    config_.timestamp_type = record::TimestampType::log_append_time;
    open();
    test_now = 777'000;
    EXPECT_EQ(append(numbered_batch(0, 2)).log_append_time, 777'000);
    LogReader reader{path_, state_};
    ScannedBatch batch;
    ASSERT_EQ(reader.next(batch).value(), ReadOutcome::batch);  // verifies the checksum
    EXPECT_EQ(batch.header.max_timestamp, 777'000);
    EXPECT_EQ(batch.header.timestamp_type(), record::TimestampType::log_append_time);
}

TEST_F(LogTest, CleanCloseIsOpenedWithoutAWalk) {
    open();
    append(numbered_batch(0, 5));
    ASSERT_TRUE(log_->close());
    EXPECT_EQ(persisted_.back(), Offset{5});
    open(Trust::clean);
    EXPECT_EQ(log_->recovery().bytes_walked, 0u);
    EXPECT_EQ(log_->log_end(), Offset{5});
    append(numbered_batch(5, 1));
    EXPECT_EQ(values(), numbers(0, 6));
}

TEST_F(LogTest, RecoveryWalksOnlyPastTheRecoveryPoint) {
    config_.index_interval_bytes = 0;
    open();
    for (int i = 0; i < 20; ++i) append(numbered_batch(i, 1));
    ASSERT_TRUE(log_->checkpoint());
    const std::string last = numbered_batch(20, 1);
    append(last);
    options_.recovery_point = Offset{20};
    open(Trust::recovery_point);
    EXPECT_EQ(log_->recovery().bytes_walked, last.size());
    EXPECT_EQ(values(), numbers(0, 21));
}

TEST_F(LogTest, RecoveryBeginsANewLeaderEpochAtTheRecoveredEnd) {
    open();
    append(numbered_batch(0, 4), {.leader_epoch = 2});
    options_.new_epoch_after_recovery = true;
    open(Trust::recovery_point);
    EXPECT_EQ(log_->leader_epochs().entries(), (std::vector<EpochStart>{{2, Offset{0}}, {3, Offset{4}}}));
}

// A commit may know of the lost records by their epoch: nothing that comes in their place may have the same.
TEST_F(LogTest, REC3_RecoveryNeverUsesAnEpochAgainThatWasLostWithItsRecords) {
    open();
    append(numbered_batch(0, 4), {.leader_epoch = 2});
    append(numbered_batch(4, 4), {.leader_epoch = 3});
    options_.new_epoch_after_recovery = true;
    ASSERT_TRUE(os::File::open(file(FileKind::log, 0), os::OpenMode::read_write)
                    ->truncate(numbered_batch(0, 4).size()));
    open(Trust::recovery_point);
    EXPECT_EQ(log_->leader_epochs().entries(), (std::vector<EpochStart>{{2, Offset{0}}, {4, Offset{4}}}));
    ASSERT_TRUE(os::File::open(file(FileKind::log, 0), os::OpenMode::read_write)->truncate(0));
    open(Trust::recovery_point);
    EXPECT_EQ(log_->leader_epochs().entries(), (std::vector<EpochStart>{{5, Offset{0}}}));
}

TEST_F(LogTest, TornTailIsCutAndEveryEarlierBatchSurvives) {
    open();
    append(numbered_batch(0, 3));
    append(numbered_batch(3, 3));
    const std::uint64_t size = os::file_info(file(FileKind::log, 0))->size_bytes;
    ASSERT_TRUE(os::File::open(file(FileKind::log, 0), os::OpenMode::read_write)->truncate(size - 7));
    open();
    ASSERT_EQ(log_->recovery().cuts.size(), 1u);
    const auto& cut = log_->recovery().cuts[0];
    EXPECT_EQ(cut.offset, Offset{3});
    EXPECT_EQ(cut.bytes, numbered_batch(3, 3).size() - 7);
    EXPECT_EQ(cut.kept_in, "");
    EXPECT_EQ(values(), numbers(0, 3));
    EXPECT_EQ(append(numbered_batch(3, 1)).first_offset, Offset{3});
}

TEST_F(LogTest, WhatIsCutBeforeAValidBatchIsKeptBeside) {
    config_.segment_bytes = 400;
    open();
    const std::string batch = numbered_batch(0, 3);
    for (int i = 0; i < 8; ++i) append(batch);
    ASSERT_GE(log_->segment_bases().size(), 2u);
    const std::string before = test::slurp(file(FileKind::log, 0));
    std::string damaged = before;
    damaged[batch.size() + 70] ^= 0x10;
    test::spill(file(FileKind::log, 0), damaged);
    open();
    ASSERT_GE(log_->recovery().cuts.size(), 2u);
    EXPECT_EQ(log_->log_end(), Offset{3});
    for (const auto& cut : log_->recovery().cuts) {
        ASSERT_NE(cut.kept_in, "") << cut.reason;
        EXPECT_EQ(test::slurp(cut.kept_in).size(), cut.bytes);
    }
    EXPECT_EQ(log_->recovery().cuts.back().reason.find("checksum") != std::string::npos ||
                  log_->recovery().cuts.back().reason.find("crc") != std::string::npos,
              true)
        << log_->recovery().cuts.back().reason;
}

// A power cut may take the tail of a closed segment exactly at a batch, and leave the next segment whole.
TEST_F(LogTest, AHoleBetweenSegmentsIsNotReadOver) {
    config_.segment_bytes = 300;
    open();
    for (int i = 0; i < 9; ++i) append(numbered_batch(3 * i, 3));
    ASSERT_EQ(log_->segment_bases().size(), 3u);
    const std::uint64_t size = os::file_info(file(FileKind::log, 0))->size_bytes;
    ASSERT_TRUE(os::File::open(file(FileKind::log, 0), os::OpenMode::read_write)
                    ->truncate(size - numbered_batch(6, 3).size()));
    open(Trust::recovery_point);
    EXPECT_EQ(values(), numbers(0, 6));
    EXPECT_EQ(log_->recovery().cuts.size(), 2u);
    EXPECT_EQ(append(numbered_batch(6, 1)).first_offset, Offset{6});
}

// What a call was told to have failed must not turn up after a restart, though its bytes reached the file.
TEST_F(LogTest, AFailedAppendIsTakenBackAtOnce) {
    config_.index_interval_bytes = 0;
    open();
    append(numbered_batch(0, 1));
    const std::uint64_t size = os::file_info(file(FileKind::log, 0))->size_bytes;
    {
        const test::FaultInjector no_index{
            {.nth = 1, .error = EIO, .below = file(FileKind::offset_index, 0), .only = os::Call::write}};
        EXPECT_EQ(refused(numbered_batch(1, 1)).code, Errc::io);
    }
    EXPECT_EQ(os::file_info(file(FileKind::log, 0))->size_bytes, size);
    open(Trust::segments);
    EXPECT_EQ(values(), numbers(0, 1));
}

TEST_F(LogTest, WhatAnEarlierIncidentLeftIsNotOverwritten) {
    open();
    for (int incident = 0; incident < 2; ++incident) {
        while (log_->log_end() < Offset{9}) append(numbered_batch(static_cast<int>(log_->log_end().value()), 3));
        std::string damaged = test::slurp(file(FileKind::log, 0));
        damaged[numbered_batch(0, 3).size() + 70] ^= 0x10;
        test::spill(file(FileKind::log, 0), damaged);
        open();
        ASSERT_EQ(log_->recovery().cuts.size(), 1u);
        const std::string position = std::to_string(numbered_batch(0, 3).size());
        EXPECT_EQ(log_->recovery().cuts[0].kept_in,
                  file(FileKind::log, 0) + "." + position + ".cut" + (incident == 0 ? "" : ".2"));
    }
}

TEST_F(LogTest, ReadOnlyOpenChangesNothingAndStopsBeforeDamage) {
    open();
    append(numbered_batch(0, 3));
    append(numbered_batch(3, 3));
    std::string damaged = test::slurp(file(FileKind::log, 0));
    damaged.back() ^= 1;
    test::spill(file(FileKind::log, 0), damaged);
    options_.read_only = true;
    open();
    EXPECT_EQ(values(), numbers(0, 3));
    EXPECT_EQ(test::slurp(file(FileKind::log, 0)), damaged);
    EXPECT_EQ(refused(numbered_batch(6, 1)).code, Errc::not_permitted);
}

// [0..9][10..19][20..24]: truncate_to(15) leaves [0..9].
TEST_F(LogTest, TruncationRemovesWholeBatchesAndLowersTheRecoveryPointFirst) {
    open();
    append(numbered_batch(0, 10));
    append(numbered_batch(10, 10));
    append(numbered_batch(20, 5));
    ASSERT_TRUE(log_->checkpoint());
    ASSERT_TRUE(log_->truncate_to(Offset{15}));
    EXPECT_EQ(log_->log_end(), Offset{10});
    EXPECT_EQ(persisted_, (std::vector{Offset{25}, Offset{10}}));
    EXPECT_EQ(values(), numbers(0, 10));
    EXPECT_EQ(append(numbered_batch(10, 1)).first_offset, Offset{10});
    EXPECT_EQ(os::file_info(file(FileKind::log, 0))->size_bytes,
              numbered_batch(0, 10).size() + numbered_batch(10, 1).size());
}

TEST_F(LogTest, TruncationIntoAClosedSegmentWritesAShorterCopy) {
    config_.segment_bytes = 300;
    config_.index_interval_bytes = 0;
    open();
    for (int i = 0; i < 12; ++i) append(numbered_batch(3 * i, 3));
    ASSERT_GE(log_->segment_bases().size(), 4u);
    const Offset second = log_->segment_bases()[1];
    const std::uint64_t inode = os::file_info(file(FileKind::log, second.value()))->inode;
    ASSERT_TRUE(log_->truncate_to(second + 3));
    EXPECT_EQ(log_->segment_bases(), (std::vector{Offset{0}, second}));
    EXPECT_NE(os::file_info(file(FileKind::log, second.value()))->inode, inode);
    EXPECT_EQ(values(), numbers(0, static_cast<int>(second.value()) + 3));
    append(numbered_batch(static_cast<int>(second.value()) + 3, 3));
    EXPECT_EQ(values(), numbers(0, static_cast<int>(second.value()) + 6));
    open();
    EXPECT_TRUE(log_->recovery().cuts.empty());
    EXPECT_EQ(values(), numbers(0, static_cast<int>(second.value()) + 6));
}

TEST_F(LogTest, TruncateFullyStartsAgainAtTheOffset) {
    open();
    append(numbered_batch(0, 10));
    ASSERT_TRUE(log_->truncate_fully_and_start_at(Offset{100}));
    EXPECT_EQ(log_->log_start(), Offset{100});
    EXPECT_EQ(append(numbered_batch(100, 2)).first_offset, Offset{100});
    EXPECT_EQ(values(Offset{100}), numbers(100, 102));
    EXPECT_EQ(values(Offset{5}), std::vector<std::string>{"!"});
}

TEST_F(LogTest, DeleteRecordsHidesAtOnceAndRetentionRemovesWholeSegments) {
    config_.segment_bytes = 300;
    config_.retention_ms = kNoLimit;
    open();
    for (int i = 0; i < 8; ++i) append(numbered_batch(3 * i, 3));
    const auto bases = log_->segment_bases();
    ASSERT_GE(bases.size(), 3u);
    ASSERT_TRUE(log_->raise_log_start(bases[2] - 1));
    EXPECT_EQ(values(), std::vector<std::string>{"!"});
    EXPECT_EQ(log_->apply_retention(test_now).value(), 1u);
    EXPECT_FALSE(there(FileKind::log, 0));
    EXPECT_EQ(values(bases[2] - 1), numbers(static_cast<int>(bases[2].value()) - 1, 24));
    EXPECT_EQ(log_->raise_log_start(Offset{25}).error().code, Errc::bad_argument);
}

TEST_F(LogTest, RetentionBySizeNeverFallsBelowTheLimit) {
    const std::string batch = numbered_batch(100, 3);
    config_.segment_bytes = static_cast<std::uint32_t>(batch.size() * 2);
    config_.retention_ms = kNoLimit;
    open();
    for (int i = 0; i < 9; ++i) append(batch);  // five segments: 2 2 2 2 1 batches
    config_.retention_bytes = static_cast<std::int64_t>(batch.size() * 6);
    log_->set_config(config_);
    EXPECT_EQ(log_->apply_retention(test_now).value(), 1u);  // 9 - 2 = 7 >= 6, 7 - 2 < 6
    EXPECT_EQ(log_->log_start(), Offset{6});
}

TEST_F(LogTest, RetentionByTimeRollsWhenEverythingIsOld) {
    config_.retention_ms = 100;
    open();
    append(numbered_batch(0, 3, 1000));
    EXPECT_EQ(log_->apply_retention(1102).value(), 0u);  // the newest record, 1002, is exactly 100 old
    EXPECT_EQ(log_->apply_retention(1103).value(), 1u);
    EXPECT_EQ(log_->log_start(), Offset{3});
    EXPECT_EQ(append(numbered_batch(3, 1, 1200)).first_offset, Offset{3});
    EXPECT_EQ(values(Offset{3}), numbers(3, 4));
}

TEST_F(LogTest, RetentionStopsAtTheHighWatermark) {
    config_.segment_bytes = 200;
    config_.retention_ms = 1;
    open();
    for (int i = 0; i < 4; ++i) append(numbered_batch(3 * i, 3, 1000));
    log_->set_high_watermark(log_->segment_bases()[1]);
    EXPECT_EQ(log_->apply_retention(1'000'000).value(), 1u);
}

// A clock that jumps back must not delete, nor one that jumps far ahead be believed for records of the future (row
// 19).
TEST_F(LogTest, Row19ClockJumpingBackDeletesNothing) {
    config_.retention_ms = 100;
    config_.segment_bytes = 200;
    open();
    for (int i = 0; i < 4; ++i) append(numbered_batch(3 * i, 3, 1'000'000));
    EXPECT_EQ(log_->apply_retention(1000).value(), 0u);
    EXPECT_EQ(log_->apply_retention(INT64_MIN + 1).value(), 0u);
}

TEST_F(LogTest, TimestampLookupFindsTheFirstRecordAtOrAfter) {
    config_.segment_bytes = 400;
    config_.index_interval_bytes = 0;
    open();
    append(numbered_batch(0, 3, 1000));  // 1000 1001 1002
    append(numbered_batch(3, 3, 500));   // 500 501 502
    for (int i = 2; i < 10; ++i) append(numbered_batch(3 * i, 3, 1000 * i));
    const auto at = [&](TimestampMs t) { return log_->find_timestamp(t).value(); };
    EXPECT_EQ(at(0)->offset, Offset{0});
    EXPECT_EQ(at(1001)->offset, Offset{1});
    EXPECT_EQ(at(1003)->offset, Offset{6});
    EXPECT_EQ(at(1003)->timestamp, 2000);
    EXPECT_EQ(at(9002)->offset, Offset{29});
    EXPECT_FALSE(at(9003).has_value());
}

TEST_F(LogTest, TimestampLookupTellsOfASegmentThatEndsInsideABatch) {
    config_.segment_bytes = 200;
    open();
    for (int i = 0; i < 6; ++i) append(numbered_batch(3 * i, 3, 1000 * (i + 1)));
    ASSERT_TRUE(os::File::open(file(FileKind::log, 0), os::OpenMode::read_write)
                    ->truncate(os::file_info(file(FileKind::log, 0))->size_bytes - 5));
    ASSERT_TRUE(os::remove_file(file(FileKind::time_index, 0)));
    const auto found = log_->find_timestamp(2001);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::truncated);
}

TEST_F(LogTest, DuplicateOfAnIdempotentProducerIsAnsweredAndNotWritten) {
    open();
    record::BatchOptions producer;
    producer.producer_id = 7;
    producer.producer_epoch = 0;
    producer.base_sequence = 0;
    append(numbered_batch(0, 3, 1000, producer));
    producer.base_sequence = 3;
    append(numbered_batch(3, 2, 1000, producer));
    producer.base_sequence = 0;
    const auto again = append(numbered_batch(0, 3, 1000, producer));
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.first_offset, Offset{0});
    EXPECT_EQ(again.last_offset, Offset{2});
    producer.base_sequence = 6;
    EXPECT_EQ(refused(numbered_batch(6, 1, 1000, producer)).code, Errc::out_of_order);
    EXPECT_EQ(values(), numbers(0, 5));
    // The same after a restart, from the snapshot or by replay.
    for (const Trust trust : {Trust::segments, Trust::clean}) {
        if (trust == Trust::clean) {
            ASSERT_TRUE(log_->close());
        }
        open(trust);
        producer.base_sequence = 3;
        EXPECT_TRUE(append(numbered_batch(3, 2, 1000, producer)).duplicate);
    }
}

TEST_F(LogTest, IDM11_ProducersThatWentAwayAreForgottenWhileTheLogStaysOpen) {
    config_.producer_id_expiration_ms = 1000;
    open();
    record::BatchOptions producer;
    producer.producer_epoch = 0;
    producer.base_sequence = 0;
    const auto append_of = [&](ProducerId id) {
        producer.producer_id = id;
        append(numbered_batch(0, 1, test_now, producer));
    };
    test_now = 1'000'000;
    append_of(1);
    test_now += 599'999;  // looked at every ten minutes
    append_of(2);
    EXPECT_NE(log_->producers().find(1), nullptr);
    test_now += 1;
    append_of(3);
    EXPECT_EQ(log_->producers().find(1), nullptr);
    EXPECT_NE(log_->producers().find(2), nullptr) << "a millisecond old";
    EXPECT_NE(log_->producers().find(3), nullptr);
    config_.producer_id_expiration_check_ms = 2000;
    log_->set_config(config_);
    test_now += 1999;
    append_of(4);
    EXPECT_NE(log_->producers().find(2), nullptr);
    test_now += 1;
    append_of(5);
    EXPECT_EQ(log_->producers().find(2), nullptr);
}

TEST_F(LogTest, ReadCommittedStopsAtAnOpenTransactionAndAnAbortIsIndexed) {
    open();
    record::BatchOptions txn;
    txn.transactional = true;
    txn.producer_id = 9;
    txn.producer_epoch = 0;
    txn.base_sequence = 0;
    append(numbered_batch(0, 2));
    append(numbered_batch(2, 2, 1000, txn));
    append(numbered_batch(4, 1));
    EXPECT_EQ(log_->last_stable_offset(), Offset{2});
    EXPECT_EQ(values(Offset{0}, Isolation::read_committed), numbers(0, 2));
    const auto marker = record::encode_end_transaction({9, 0, record::ControlType::abort, 1, 2000});
    append(std::string{marker.begin(), marker.end()}, {.origin = AppendOrigin::coordinator});
    EXPECT_EQ(log_->last_stable_offset(), Offset{6});
    const AbortedTxn expected{9, Offset{2}, Offset{5}, Offset{6}};
    EXPECT_EQ(log_->aborted_transactions(Offset{0}, Offset{6}).value(), std::vector{expected});
    EXPECT_TRUE(log_->aborted_transactions(Offset{6}, Offset{9}).value().empty());
    // The index is a function of the log: a recovery builds it again.
    ASSERT_TRUE(os::remove_file(file(FileKind::txn_index, 0)));
    open();
    EXPECT_EQ(log_->aborted_transactions(Offset{0}, Offset{6}).value(), std::vector{expected});
}

TEST_F(LogTest, AnotherWriterAttachesAndRepairsWhatWasLeftHalfDone) {
    open();
    append(numbered_batch(0, 3));
    // A writer that died after its write: bytes past the published end, the mark set.
    const std::string orphan = numbered_batch(3, 3);
    ASSERT_TRUE(os::File::open(file(FileKind::log, 0), os::OpenMode::read_write)
                    ->write_at(orphan, FilePosition{numbered_batch(0, 3).size()}));
    state_.dirty.store(1);
    auto other = Log::attach(path_, config_, state_, options_);
    ASSERT_TRUE(other) << other.error().message();
    EXPECT_EQ(state_.dirty.load(), 0u);
    EXPECT_EQ(os::file_info(file(FileKind::log, 0))->size_bytes, numbered_batch(0, 3).size());
    std::string next = numbered_batch(3, 1);
    EXPECT_EQ(other->append({next.data(), next.size()})->first_offset, Offset{3});
    EXPECT_EQ(values(), numbers(0, 4));
}

TEST_F(LogTest, EmptyActiveSegmentAfterARestartIsTakenAsItIs) {
    open();
    append(numbered_batch(0, 3));
    ASSERT_TRUE(log_->roll());
    ASSERT_TRUE(log_->roll());  // nothing to roll: no second empty segment
    EXPECT_EQ(log_->segment_bases(), (std::vector{Offset{0}, Offset{3}}));
    ASSERT_TRUE(log_->close());
    for (const Trust trust : {Trust::clean, Trust::recovery_point, Trust::segments}) {
        open(trust);
        EXPECT_EQ(log_->log_end(), Offset{3});
        EXPECT_EQ(values(), numbers(0, 3));
    }
}

}  // namespace
}  // namespace mq::log
