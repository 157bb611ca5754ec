// Ranges of stored bytes, as Fetch sends them: rules FET-1 to FET-3 and FET-6 of section 5 of the semantics.

#include "log/range_reader.h"

#include <algorithm>
#include <random>

#include "crash/workload.h"
#include "support/faults.h"
#include "support/golden.h"
#include "support/scale.h"

namespace mq::log {
namespace {

// Where a unit lies, by a walk of the file and no index.
struct Unit {
    Offset last;
    std::string path;
    std::uint64_t position = 0;
    std::uint64_t bytes = 0;
};

std::vector<Unit> walk(const std::string& directory) {
    std::vector<Unit> units;
    const auto listed = list_segments(directory).value();
    for (const auto& name : listed) {
        const std::string path = segment_paths(directory, name.base, name.suffix).log;
        const std::string bytes = test::slurp(path);
        for (std::size_t at = 0; at < bytes.size();) {
            const auto header = record::parse_batch_header(ByteView{bytes}.substr(at)).value();
            units.push_back({header.last_offset(), path, at, header.size_bytes});
            at += header.size_bytes;
        }
    }
    return units;
}

std::string bytes_of(const RecordRange& range) {
    std::string bytes(range.size_bytes, '\0');
    if (range.file->read_at(bytes, range.position).value() != bytes.size()) throw std::runtime_error{"short file"};
    return bytes;
}

// Every offset, in an order that no memory of the last range helps with, and again in the order of a consumer.
std::string compare(RangeReader& reader, const std::vector<Unit>& units, Offset start, Offset end,
                    std::int64_t step) {
    std::vector<std::int64_t> offsets;
    for (std::int64_t offset = start.value(); offset < end.value(); offset += step) offsets.push_back(offset);
    std::mt19937_64 random{test::test_seed()};
    auto shuffled = offsets;
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    shuffled.insert(shuffled.end(), offsets.begin(), offsets.end());
    for (const std::int64_t offset : shuffled) {
        const std::string where = "offset " + std::to_string(offset) + ": ";
        const auto expected =
            std::ranges::find_if(units, [&](const Unit& unit) { return unit.last >= Offset{offset}; });
        const std::uint64_t most = random() % 3000;
        const bool whole = random() % 2 == 0;
        RecordRange range;
        const auto outcome = reader.read(Offset{offset}, most, whole, range);
        if (!outcome) return where + outcome.error().message();
        if (*outcome != ReadOutcome::batch) return where + "no range";
        if (expected == units.end()) return where + "a range of nothing";
        if (range.position.value() != expected->position || range.file->path() != expected->path)
            return where + "at " + std::to_string(range.position.value()) + " of " + range.file->path() + ", not " +
                   std::to_string(expected->position) + " of " + expected->path;
        if (range.first_batch_bytes != expected->bytes) return where + "another first batch";
        std::uint64_t segment_end = 0;
        for (const Unit& unit : units)
            if (unit.path == expected->path) segment_end = unit.position + unit.bytes;
        const std::uint64_t wanted = std::max(most, whole ? expected->bytes : 0);
        if (range.size_bytes != std::min(wanted, segment_end - expected->position))
            return where + std::to_string(range.size_bytes) + " bytes";
    }
    return {};
}

TEST(RangeReader, FET1_GoldenRangesBeginWithTheBatchThatHoldsTheOffsetAndEndWithTheirSegment) {
    std::size_t partitions = 0;
    for (const auto& set : test::golden_sets()) {
        if (set.starts_with("corrupt")) continue;
        for (const auto& partition : test::partitions_of(set)) {
            SCOPED_TRACE(set + "/" + partition);
            const std::string directory = test::golden_path(set + "/" + partition);
            PublishedState state;
            auto options = test::opened_with(Trust::clean);
            options.read_only = true;
            const auto log = Log::open(directory, {}, state, options);
            ASSERT_TRUE(log) << log.error().message();
            const std::int64_t records = log->log_end() - log->log_start();
            RangeReader reader{directory, state};
            const std::int64_t step = !test::is_long_run() && records > 300 ? records / 150 : 1;
            EXPECT_EQ(compare(reader, walk(directory), log->log_start(), log->log_end(), step), "");
            ++partitions;
        }
    }
    EXPECT_GT(partitions, 20u);
}

// A header of magic 0 or 1 tells a compressed message's last offset only: that is no hole before it.
TEST(RangeReader, GoldenMessagesOfOldAreReadDenselyByBothReaders) {
    for (const auto& partition : test::partitions_of("oldformats")) {
        SCOPED_TRACE(partition);
        const std::string directory = test::golden_path("oldformats/" + partition);
        PublishedState state;
        auto options = test::opened_with(Trust::clean);
        options.read_only = true;
        const auto log = Log::open(directory, {}, state, options);
        ASSERT_TRUE(log) << log.error().message();
        LogReader batches{directory, state};
        batches.set_dense(true);
        ScannedBatch batch;
        for (;;) {
            const auto outcome = batches.next(batch);
            ASSERT_TRUE(outcome) << outcome.error().message();
            if (*outcome != ReadOutcome::batch) break;
        }
        EXPECT_EQ(batches.position(), log->log_end());
        RangeReader ranges{directory, state};
        ranges.set_dense(true);
        RecordRange range;
        Offset next = log->log_start();
        for (;;) {
            const auto outcome = ranges.read(next, 1 << 20, true, range);
            ASSERT_TRUE(outcome) << outcome.error().message();
            if (*outcome != ReadOutcome::batch) break;
            next = RangeReader::end_of(range).value();
        }
        EXPECT_EQ(next, log->log_end());
    }
}

class RangeReaderTest : public testing::Test {
protected:
    void SetUp() override {
        config_.segment_bytes = 2000;
        config_.index_interval_bytes = 150;
        config_.retention_ms = kNoLimit;
        log_.emplace(Log::open(dir_ / "t-0", config_, state_, test::opened_with()).value());
    }
    void append(test::RecordId first, int count, const record::BatchOptions& options = {}) {
        std::string batch = test::batch_of(first, count, options);
        const auto done = log_->append(batch);
        ASSERT_TRUE(done) << done.error().message();
    }
    void append_many() {
        for (test::RecordId id = 0; id < 90; id += 3) append(id, 3);
        ASSERT_GE(log_->segment_bases().size(), 3u);
    }

    test::FastDir dir_;
    LogConfig config_;
    PublishedState state_;
    std::optional<Log> log_;
};

TEST_F(RangeReaderTest, FET1_AConsumerThatFollowsTheRangesGetsEveryByteOfEverySegment) {
    append_many();
    std::string expected;
    const auto listed = list_segments(log_->directory()).value();
    for (const auto& name : listed)
        expected += test::slurp(segment_paths(log_->directory(), name.base, name.suffix).log);
    for (const std::uint64_t most : {std::uint64_t{1}, std::uint64_t{500}, std::uint64_t{1} << 20}) {
        RangeReader reader{log_->directory(), state_};
        reader.set_dense(true);
        std::string got;
        Offset next{0};
        for (RecordRange range;;) {
            const auto outcome = reader.read(next, most, true, range);
            ASSERT_TRUE(outcome) << outcome.error().message();
            if (*outcome != ReadOutcome::batch) break;
            ByteView bytes;
            const std::string all = bytes_of(range);
            EXPECT_GT(RangeReader::end_of(range).value(), next);
            // A client takes the whole batches.
            for (bytes = all;;) {
                const auto header = record::parse_batch_header(bytes);
                if (!header || header->size_bytes > bytes.size()) break;
                got += bytes.substr(0, header->size_bytes);
                bytes.remove_prefix(header->size_bytes);
                next = header->next_offset();
            }
        }
        EXPECT_EQ(next, Offset{90});
        EXPECT_EQ(got, expected) << "at most " << most;
    }
}

TEST_F(RangeReaderTest, FET3_WhatIsOutsideOfTheLogIsOutOfRangeAndItsEndIsEmpty) {
    append_many();
    ASSERT_TRUE(log_->raise_log_start(Offset{10}));
    RangeReader reader{log_->directory(), state_};
    RecordRange range;
    EXPECT_EQ(reader.read(Offset{9}, 1000, true, range).value(), ReadOutcome::out_of_range);
    EXPECT_EQ(reader.read(Offset{-1}, 1000, true, range).value(), ReadOutcome::out_of_range);
    EXPECT_EQ(reader.read(Offset{10}, 1000, true, range).value(), ReadOutcome::batch);
    EXPECT_EQ(reader.read(Offset{90}, 1000, true, range).value(), ReadOutcome::end_of_log);
    EXPECT_EQ(reader.read(Offset{91}, 1000, true, range).value(), ReadOutcome::out_of_range);
}

TEST_F(RangeReaderTest, FET2_NothingAtOrAboveTheHighWatermarkIsInARange) {
    append_many();
    log_->set_high_watermark(Offset{45});
    RangeReader reader{log_->directory(), state_};
    std::uint64_t bytes = 0;
    Offset next{0};
    RecordRange range;
    while (reader.read(next, 1 << 20, true, range).value() == ReadOutcome::batch) {
        bytes += range.size_bytes;
        next = RangeReader::end_of(range).value();
    }
    EXPECT_EQ(next, Offset{45});
    std::uint64_t expected = 0;
    for (const Unit& unit : walk(log_->directory()))
        if (unit.last < Offset{45}) expected += unit.bytes;
    EXPECT_EQ(bytes, expected);
    EXPECT_EQ(reader.read(Offset{60}, 1000, true, range).value(), ReadOutcome::end_of_log);
    // It moves on, also where the reader has been.
    log_->set_high_watermark(Offset{48});
    ASSERT_EQ(reader.read(Offset{45}, 1 << 20, true, range).value(), ReadOutcome::batch);
    EXPECT_EQ(RangeReader::end_of(range).value(), Offset{48});
}

TEST_F(RangeReaderTest, TXN35_ACommittedReaderStopsAtTheOldestOpenTransaction) {
    append(0, 3);
    record::BatchOptions options;
    options.transactional = true;
    options.producer_id = 7;
    options.producer_epoch = 0;
    options.base_sequence = 0;
    append(3, 2, options);
    append(5, 4);
    RangeReader committed{log_->directory(), state_, Isolation::read_committed};
    RecordRange range;
    ASSERT_EQ(committed.read(Offset{0}, 1 << 20, true, range).value(), ReadOutcome::batch);
    EXPECT_EQ(RangeReader::end_of(range).value(), Offset{3});
    EXPECT_EQ(committed.read(Offset{3}, 1 << 20, true, range).value(), ReadOutcome::end_of_log);
    EXPECT_FALSE(committed.has_aborted_transactions().value());
    RangeReader other{log_->directory(), state_};
    ASSERT_EQ(other.read(Offset{0}, 1 << 20, true, range).value(), ReadOutcome::batch);
    EXPECT_EQ(RangeReader::end_of(range).value(), Offset{9});
    std::string marker = test::marker_batch(7, true);
    AppendOptions how;
    how.origin = AppendOrigin::coordinator;
    ASSERT_TRUE(log_->append(marker, how));
    ASSERT_EQ(committed.read(Offset{3}, 1 << 20, true, range).value(), ReadOutcome::batch);
    EXPECT_EQ(RangeReader::end_of(range).value(), Offset{10});
    EXPECT_TRUE(committed.has_aborted_transactions().value());
}

TEST_F(RangeReaderTest, FET9_ARangeTellsWhetherMoreLiesBehindItsSegment) {
    append_many();
    RangeReader reader{log_->directory(), state_};
    RecordRange range;
    ASSERT_EQ(reader.read(Offset{0}, 1 << 20, true, range).value(), ReadOutcome::batch);
    EXPECT_FALSE(range.is_last_segment);
    ASSERT_EQ(reader.read(Offset{89}, 1 << 20, true, range).value(), ReadOutcome::batch);
    EXPECT_TRUE(range.is_last_segment);
}

TEST_F(RangeReaderTest, TheFileOfARangeStaysReadableWhenItsSegmentAndTheReaderAreGone) {
    append_many();
    RecordRange range;
    std::string before;
    {
        RangeReader reader{log_->directory(), state_};
        ASSERT_EQ(reader.read(Offset{0}, 1 << 20, true, range).value(), ReadOutcome::batch);
        before = bytes_of(range);
    }
    ASSERT_TRUE(log_->raise_log_start(Offset{80}));
    config_.retention_bytes = 100;
    log_->set_config(config_);
    ASSERT_GT(log_->apply_retention(test::fixed_clock()).value(), 0u);
    ASSERT_FALSE(os::exists(range.file->path()).value());
    EXPECT_EQ(bytes_of(range), before);
}

TEST_F(RangeReaderTest, WhatIsAppendedWhileItIsReadIsFoundAcrossEveryRoll) {
    RangeReader reader{log_->directory(), state_};
    Offset next{0};
    for (test::RecordId id = 0; id < 200; ++id) {
        append(id, 1);
        RecordRange range;
        ASSERT_EQ(reader.read(next, 1 << 20, true, range).value(), ReadOutcome::batch);
        next = RangeReader::end_of(range).value();
        ASSERT_EQ(next, Offset{static_cast<std::int64_t>(id) + 1});
        ASSERT_EQ(reader.read(next, 1 << 20, true, range).value(), ReadOutcome::end_of_log);
    }
    EXPECT_GE(log_->segment_bases().size(), 3u);
}

TEST_F(RangeReaderTest, RandomAndMissingIndexesGiveTheSameRanges) {
    append_many();
    const auto units = walk(log_->directory());
    std::map<std::string, std::string> honest;
    for (const Offset base : log_->segment_bases()) {
        const std::string path = segment_paths(log_->directory(), base).offset_index;
        honest[path] = test::slurp(path);
    }
    std::mt19937_64 random{test::test_seed()};
    for (std::uint64_t round = 0; round < test::test_scale(200, 5000); ++round) {
        for (const auto& [path, bytes] : honest) {
            std::string lie = bytes;
            for (char& c : lie)
                if (random() % 4 == 0) c = static_cast<char>(random());
            if (round % 3 == 0) std::shuffle(lie.begin(), lie.end(), random);
            if (round % 7 == 0)
                ASSERT_TRUE(os::remove_file(path));
            else
                test::spill(path, lie);
        }
        RangeReader reader{log_->directory(), state_};
        ASSERT_EQ(compare(reader, units, Offset{0}, Offset{90}, 1), "")
            << "round " << round << ", seed " << test::test_seed();
    }
}

TEST_F(RangeReaderTest, DamageIsToldWithFileAndByteAndWhatLiesElsewhereIsRead) {
    append_many();
    const auto units = walk(log_->directory());
    const auto& unit = units[1];
    std::string bytes = test::slurp(unit.path);
    const std::string honest = bytes;
    RecordRange range;
    // Its magic, and then its base offset.
    for (const std::size_t at : {std::size_t{16}, std::size_t{5}}) {
        bytes = honest;
        bytes[unit.position + at] = '\x55';
        test::spill(unit.path, bytes);
        RangeReader reader{log_->directory(), state_};
        reader.set_dense(true);
        const auto failed = reader.read(unit.last, 1000, true, range);
        ASSERT_FALSE(failed) << "byte " << at;
        EXPECT_EQ(failed.error().subject, unit.path);
        EXPECT_EQ(failed.error().position, unit.position);
        EXPECT_EQ(reader.read(units.back().last, 1000, true, range).value(), ReadOutcome::batch);
        EXPECT_EQ(reader.read(Offset{0}, 10, true, range).value(), ReadOutcome::batch);
    }
    test::spill(unit.path, honest.substr(0, unit.position + 30));
    RangeReader reader{log_->directory(), state_};
    const auto failed = reader.read(unit.last, 1000, true, range);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::truncated);
    // Whoever sends a range has promised all of its bytes before he reads the first: also of those behind.
    RangeReader before{log_->directory(), state_};
    ASSERT_TRUE(before.read(units.back().last, 1 << 20, true, range));
    test::spill(units.back().path, test::slurp(units.back().path).substr(0, units.back().position + 70));
    const auto cut = before.read(units.back().last, 1 << 20, true, range);
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code, Errc::truncated);
    ASSERT_TRUE(os::remove_file(unit.path));
    RangeReader without{log_->directory(), state_};
    EXPECT_FALSE(without.read(unit.last, 1000, true, range));
}

}  // namespace
}  // namespace mq::log
