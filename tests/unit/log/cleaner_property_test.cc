// What compaction promises whatever the log: held on random logs, and on those of a real broker.
#include <algorithm>
#include <random>

#include "cleaner_fixture.h"
#include "log/recovery.h"
#include "support/golden.h"
#include "support/scale.h"

namespace mq::log {
namespace {

using namespace cleaner_test;
using record::ControlType;

// A partition that random clients write, and what they would say is in it.
class RandomLog {
public:
    explicit RandomLog(std::uint64_t seed) : random_(seed), partition_(random_config()) {
        for (ProducerId id = 1; id <= 5; ++id) producers_.push_back({.id = id});
    }

    void step() {
        switch (pick(20)) {
            case 0:
                partition_.roll();
                break;
            case 1:
                now_ms += static_cast<TimestampMs>(pick(1500));
                break;
            case 2:
                clean_once();
                break;
            case 3:
            case 4:
                end(producers_[3 + pick(2)]);
                break;
            case 5:
            case 6:
            case 7:
                write(&producers_[3 + pick(2)], true);
                break;
            case 8:
            case 9:
            case 10:
                write(&producers_[pick(3)], false);
                break;
            default:
                write(nullptr, false);
                break;
        }
    }

    void end_all() {
        for (auto& producer : producers_) end(producer);
    }
    void clean_once() {
        CleanerOptions options;
        if (pick(2) == 0) options.offset_map_bytes = OffsetMapBytes(1 + pick(12));
        dirty_ = partition_.clean_from(dirty_.value(), options).next_dirty;
        check();
    }
    // Until nothing is dirty, then until a cleaning changes nothing: markers of what went get their horizons, and
    // what became smaller is merged. Offsets of the records stay from the first of these on.
    void settle() {
        for (int round = 0; round < 1000; ++round) {
            const auto range = cleanable(partition_.log(), dirty_, now_ms);
            ASSERT_TRUE(range);
            if (range->first_uncleanable == dirty_) break;
            const Offset before = dirty_;
            clean_once();
            ASSERT_GT(dirty_, before);
        }
        clean_once();
        const std::vector<Rec> left = partition_.read();
        for (int round = 0;; ++round) {
            const auto files = partition_.files();
            clean_once();
            ASSERT_TRUE(partition_.read() == left);
            if (files == partition_.files()) break;
            ASSERT_LT(round, 4) << "every cleaning changes the files";
        }
    }

    // Offsets, keys, values and timestamps are what was written; the value of each key is what it was.
    void check() {
        const std::vector<Rec> left = partition_.read();
        for (const Rec& r : left) {
            ASSERT_LT(static_cast<std::size_t>(r.offset), written_.size());
            ASSERT_EQ(r, written_[static_cast<std::size_t>(r.offset)]);
        }
        ASSERT_EQ(latest_of(left, aborted_), latest_of(expected(), aborted_));
    }

    void check_every_position() {
        const std::vector<Rec> all = partition_.read();
        for (std::int64_t from = 0; from <= partition_.log().log_end().value(); ++from) {
            const auto first = std::find_if(all.begin(), all.end(), [&](const Rec& r) { return r.offset >= from; });
            ASSERT_EQ(partition_.read(Offset{from}), std::vector<Rec>(first, all.end())) << "from " << from;
        }
    }

    void check_reopened() {
        const std::vector<Rec> all = partition_.read();
        ASSERT_TRUE(partition_.log().close());
        for (const Offset base : partition_.log().segment_bases()) {
            const auto walked = recover_segment(partition_.directory(), base, partition_.config, {}, {}, false);
            ASSERT_TRUE(walked);
            ASSERT_EQ(walked->damage, "");
        }
        for (const bool with_snapshots : {true, false}) {
            for (const Trust trust : {Trust::clean, Trust::recovery_point, Trust::segments}) {
                Partition copy{partition_.directory(), partition_.config, Trust::clean};
                if (!with_snapshots) {
                    for (const auto& [name, content] : copy.files())
                        if (name.ends_with(".snapshot")) {
                            ASSERT_TRUE(os::remove_file(os::join(copy.directory(), name)));
                        }
                }
                copy.open(trust);
                ASSERT_TRUE(copy.log().recovery().cuts.empty());
                ASSERT_EQ(copy.log().log_end(), partition_.log().log_end());
                ASSERT_EQ(copy.read(), all);
                for (const auto& [id, before] : partition_.log().producers().entries()) {
                    if (before.is_empty()) continue;
                    const ProducerEntry* after = copy.log().producers().find(id);
                    ASSERT_NE(after, nullptr) << "producer " << id;
                    ASSERT_EQ(after->last_sequence(), before.last_sequence());
                    ASSERT_EQ(after->last_data_offset(), before.last_data_offset());
                    ASSERT_EQ(after->current_txn_first_offset, before.current_txn_first_offset);
                }
            }
        }
    }

    Partition& partition() { return partition_; }

private:
    static std::size_t OffsetMapBytes(std::size_t keys) { return 24 * (keys + 1); }
    std::size_t pick(std::size_t below) { return std::uniform_int_distribution<std::size_t>{0, below - 1}(random_); }

    LogConfig random_config() {
        LogConfig config = compacted();
        config.segment_bytes = static_cast<std::uint32_t>(300 + pick(3000));
        const std::uint32_t intervals[] = {0, 100, 4096};
        config.index_interval_bytes = intervals[pick(3)];
        return config;
    }

    void write(Producer* producer, bool transactional) {
        record::BatchOptions options;
        options.codec = static_cast<record::Codec>(pick(2) == 0 ? 0 : pick(5));
        options.transactional = transactional;
        std::vector<Rec> records;
        for (std::size_t n = 1 + pick(4); n > 0; --n) {
            Rec r;
            if (pick(15) != 0) r.key = std::string(1, static_cast<char>('a' + pick(9)));
            if (pick(4) != 0) r.value = std::to_string(serial_++);
            r.timestamp = now_ms - static_cast<TimestampMs>(pick(3000));
            records.push_back(r);
        }
        const Offset first = partition_.add(records, options, producer);
        ASSERT_EQ(first.value(), static_cast<std::int64_t>(written_.size()));
        for (Rec& r : records) {
            r.offset = static_cast<std::int64_t>(written_.size());
            if (transactional) open_[producer->id].insert(r.offset);
            written_.push_back(r);
        }
    }

    void end(Producer& producer) {
        const auto open = open_.find(producer.id);
        if (open == open_.end()) return;
        const bool abort = pick(2) == 0;
        if (abort) aborted_.insert(open->second.begin(), open->second.end());
        open_.erase(open);
        partition_.end_txn(producer, abort ? ControlType::abort : ControlType::commit);
        written_.push_back({static_cast<std::int64_t>(written_.size()), {}, {}, -1});  // the marker's offset
    }

    std::vector<Rec> expected() const { return written_; }

    std::mt19937_64 random_;
    Partition partition_;
    std::vector<Producer> producers_;
    std::vector<Rec> written_;  // by offset
    std::map<ProducerId, std::set<std::int64_t>> open_;
    std::set<std::int64_t> aborted_;
    Offset dirty_{0};
    int serial_ = 0;
};

TEST(CleanerProperty, WhatALogSaysOfEachKeyNeverChanges) {
    const std::uint64_t logs = test::test_scale(300, 20'000);
    for (std::uint64_t i = 0; i < logs; ++i) {
        const std::uint64_t seed = test::test_seed() + i;
        SCOPED_TRACE("seed " + std::to_string(seed));
        now_ms = 1'000'000;
        RandomLog log{seed};
        for (std::uint64_t step = 0; step < 20 + seed % 130; ++step) {
            log.step();
            ASSERT_FALSE(testing::Test::HasFailure());
        }
        if (seed % 3 != 0) log.end_all();
        log.partition().roll();
        log.settle();
        ASSERT_FALSE(testing::Test::HasFailure());
        log.check_every_position();
        ASSERT_FALSE(testing::Test::HasFailure());
        // When time has passed, tombstones and markers go.
        now_ms += 5000;
        log.clean_once();
        log.clean_once();
        log.check_reopened();
        ASSERT_FALSE(testing::Test::HasFailure());
    }
}

std::set<std::int64_t> aborted_offsets(const Log& log, const std::vector<Unit>& units) {
    const auto txns = log.aborted_transactions(Offset{0}, log.log_end());
    EXPECT_TRUE(txns);
    std::set<std::int64_t> aborted;
    for (const Unit& unit : units)
        for (const AbortedTxn& txn : *txns)
            if (unit.header.is_transactional() && unit.header.producer_id == txn.producer_id &&
                unit.header.base_offset >= txn.first_offset && unit.header.last_offset() < txn.last_offset)
                for (const Rec& r : unit.records) aborted.insert(r.offset);
    return aborted;
}

std::vector<Rec> data_of(const std::vector<Unit>& units) {
    std::vector<Rec> records;
    for (const Unit& unit : units)
        if (!unit.header.is_control()) records.insert(records.end(), unit.records.begin(), unit.records.end());
    return records;
}

// Transactions, deleted groups' tombstones, what Kafka's own cleaner has left, and message sets of magic 0 and 1.
TEST(CleanerProperty, LogsOfARealBrokerKeepWhatTheySayOfEachKey) {
    now_ms = 1'795'292'754'000;
    std::size_t cleaned = 0;
    std::size_t converted = 0;
    for (const std::string set : {"plain", "codecs", "segmented", "txn", "offsets", "oldformats"}) {
        for (const auto& name : test::partitions_of(set)) {
            SCOPED_TRACE(set + "/" + name);
            LogConfig config = compacted();
            config.producer_id_expiration_ms = std::numeric_limits<std::int64_t>::max();
            Partition p{test::golden_path(set + "/" + name), config, Trust::clean};
            p.roll();
            const auto before = p.units();
            const std::vector<Rec> written = data_of(before);
            const std::set<std::int64_t> aborted = aborted_offsets(p.log(), before);
            const bool legacy =
                std::any_of(before.begin(), before.end(), [](const Unit& u) { return u.header.magic < 2; });
            for (int round = 0; round < 3; ++round) {
                p.clean_from(round == 0 ? 0 : p.log().log_end().value());
                const auto after = p.units();
                const std::vector<Rec> left = data_of(after);
                EXPECT_EQ(latest_of(left, aborted), latest_of(written, aborted));
                EXPECT_TRUE(std::includes(written.begin(), written.end(), left.begin(), left.end(),
                                          [](const Rec& a, const Rec& b) { return a.offset < b.offset; }));
                for (const Rec& r : left) {
                    const auto same = std::lower_bound(written.begin(), written.end(), r.offset,
                                                       [](const Rec& a, std::int64_t o) { return a.offset < o; });
                    ASSERT_NE(same, written.end());
                    EXPECT_EQ(r, *same);
                }
                if (legacy)
                    converted += static_cast<std::size_t>(
                        std::count_if(after.begin(), after.end(), [](const Unit& u) { return u.header.magic == 2; }));
                now_ms += config.delete_retention_ms;
            }
            ++cleaned;
            EXPECT_TRUE(p.read(p.log().log_start()) == data_of(p.units()));
        }
    }
    EXPECT_GE(cleaned, 40u);
    EXPECT_GT(converted, 0u);
}

}  // namespace
}  // namespace mq::log
