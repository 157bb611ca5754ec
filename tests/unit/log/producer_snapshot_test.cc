#include "log/producer_snapshot.h"

#include <gtest/gtest.h>
#include <csignal>
#include <map>
#include <optional>
#include <random>

#include "base/crc32c.h"
#include "golden_listing.h"
#include "log/segment_files.h"
#include "os/file.h"
#include "os/kill_point.h"
#include "record/record.h"
#include "support/child.h"
#include "support/faults.h"
#include "support/scale.h"
#include "support/temp_dir.h"

namespace mq::log {
namespace {

using test::TempDir;

std::string kafka_bytes() { return test::read_golden("txn/txn-0/00000000000000000148.snapshot"); }

// Bytes with a right checksum, so that only their content can be at fault.
std::string with_checksum(std::string bytes) {
    store_be(bytes.data() + 2, crc32c(ByteView{bytes}.substr(6)));
    return bytes;
}

ProducerState random_state(std::mt19937_64& random, std::size_t producers) {
    ProducerState state;
    for (std::size_t i = 0; i < producers; ++i) {
        ProducerEntry entry;
        entry.producer_id = static_cast<ProducerId>(random() >> (1 + random() % 60));
        entry.producer_epoch = static_cast<ProducerEpoch>(random() % 32768);
        entry.coordinator_epoch = static_cast<std::int32_t>(random() % 100) - 1;
        entry.last_timestamp = static_cast<TimestampMs>(random());
        if (random() % 3 == 0) entry.current_txn_first_offset = Offset{static_cast<std::int64_t>(random() >> 1)};
        if (random() % 4 != 0) {
            const auto delta = static_cast<std::int32_t>(random() % 1000);
            entry.batches.push_back({static_cast<std::int32_t>(random() >> 33),
                                     Offset{delta + static_cast<std::int64_t>(random() >> 2)}, delta,
                                     entry.last_timestamp});
        }
        state.insert(std::move(entry));
    }
    return state;
}

TEST(ProducerSnapshot, ReadsWhatKafkaWroteAsKafkaListsIt) {
    std::size_t entries_seen = 0;
    for (const auto& listed : test::listed_files(".snapshot.dump.txt")) {
        SCOPED_TRACE(listed.path);
        const auto state = read_snapshot(listed.path);
        ASSERT_TRUE(state.has_value()) << state.error().message();
        ASSERT_EQ(state->entries().size(), listed.lines.size());
        for (const auto& line : listed.lines) {
            const ProducerEntry* entry = state->find(test::field(line, "producerId"));
            ASSERT_NE(entry, nullptr) << line;
            EXPECT_EQ(entry->producer_epoch, test::field(line, "producerEpoch"));
            EXPECT_EQ(entry->coordinator_epoch, test::field(line, "coordinatorEpoch"));
            EXPECT_EQ(entry->last_timestamp, test::field(line, "timestamp"));
            const std::string first = test::field_text(line, "currentTxnFirstOffset");
            EXPECT_EQ(entry->current_txn_first_offset == kNoOffset
                          ? "None"
                          : "Some(" + std::to_string(entry->current_txn_first_offset.value()) + ")",
                      first);
            ASSERT_EQ(entry->batches.size(), 1u);
            const ProducerBatch& batch = entry->batches.back();
            EXPECT_EQ(batch.first_sequence(), test::field(line, "firstSequence"));
            EXPECT_EQ(batch.last_sequence, test::field(line, "lastSequence"));
            EXPECT_EQ(batch.last_offset.value(), test::field(line, "lastOffset"));
            EXPECT_EQ(batch.offset_delta, test::field(line, "offsetDelta"));
        }
        entries_seen += listed.lines.size();
        EXPECT_EQ(encode_snapshot(*state), test::slurp(listed.path)) << "the same bytes again";
    }
    EXPECT_GT(entries_seen, 10u);
}

// One partition that Kafka led from offset 0 on: what follows from its batches, against the files it wrote beside.
class Replay {
public:
    Replay(const std::string& set, const std::string& partition) : set_(set), partition_(partition) {
        // The coordinators write these; everything else came from clients.
        origin_ = partition.starts_with("__") ? AppendOrigin::coordinator : AppendOrigin::client;
        for (const auto& path : test::partition_files(set, partition, ".snapshot"))
            snapshots_[parse_file_name(os::base_name(path)).offset] = path;
    }

    void run() {
        for (const auto& path : test::partition_files(set_, partition_, ".log")) {
            SCOPED_TRACE(path);
            aborted_.clear();
            const std::string bytes = test::slurp(path);
            end_ = parse_file_name(os::base_name(path)).offset;
            ByteView rest{bytes};
            while (!rest.empty() && !testing::Test::HasFatalFailure()) {
                const auto header = record::parse_batch_header(rest);
                ASSERT_TRUE(header.has_value()) << header.error().message();
                expect_snapshot(header->base_offset);
                take_in(*header, rest.substr(0, header->size_bytes));
                end_ = header->next_offset();
                rest.remove_prefix(header->size_bytes);
            }
            const auto listed = read_txn_index(path.substr(0, path.size() - 4) + ".txnindex");
            ASSERT_TRUE(listed.has_value()) << listed.error().message();
            EXPECT_EQ(aborted_, *listed);
            index_entries += aborted_.size();
        }
        expect_snapshot(end_);
        EXPECT_TRUE(snapshots_.empty()) << "a snapshot that no offset between two batches has: " << snapshots_.size();
    }

    std::size_t snapshots_compared = 0;
    std::size_t index_entries = 0;

private:
    void expect_snapshot(Offset offset) {
        const auto found = snapshots_.find(offset);
        if (found == snapshots_.end()) return;
        EXPECT_EQ(encode_snapshot(state_), test::slurp(found->second)) << found->second;
        if (!state_.entries().empty()) ++snapshots_compared;
        snapshots_.erase(found);
    }

    void take_in(const record::BatchHeader& header, ByteView unit) {
        if (!header.has_producer()) return;
        const auto checked = state_.check(header, header.is_control() ? AppendOrigin::coordinator : origin_);
        ASSERT_TRUE(checked.has_value()) << checked.error().message();
        ASSERT_FALSE(checked->has_value()) << "Kafka took it for no duplicate";
        if (header.is_control()) {
            complete(header, unit);
            return;
        }
        state_.update(header);
        if (origin_ != AppendOrigin::client) return;
        const auto again = state_.check(header, origin_);
        ASSERT_TRUE(again.has_value() && again->has_value());
        EXPECT_EQ((*again)->first_offset(), header.base_offset);
        EXPECT_EQ((*again)->last_offset, header.last_offset());
    }

    void complete(const record::BatchHeader& header, ByteView unit) {
        record::RecordReader reader;
        ASSERT_TRUE(reader.open(unit).has_value());
        record::RecordView marker;
        ASSERT_TRUE(reader.next(marker) && marker.key && marker.value);
        const bool aborted = load_be<std::int16_t>(marker.key->data() + 2) == 0;
        const auto others = state_.first_unstable_offset_without(header.producer_id);
        const auto txn = state_.complete(header, aborted, load_be<std::int32_t>(marker.value->data() + 2));
        if (txn && txn->aborted) {
            aborted_.push_back(
                {txn->producer_id, txn->first_offset, txn->last_offset, others.value_or(txn->last_offset + 1)});
        }
    }

    std::string set_;
    std::string partition_;
    AppendOrigin origin_;
    std::map<Offset, std::string> snapshots_;
    ProducerState state_;
    std::vector<AbortedTxn> aborted_;
    Offset end_{0};
};

TEST(ProducerSnapshot, ReplayOfALogGivesTheSnapshotsAndAbortedTransactionsThatKafkaWrote) {
    std::size_t snapshots = 0;
    std::size_t index_entries = 0;
    for (const auto& set : test::golden_sets()) {
        if (set.starts_with("corrupt")) continue;
        for (const auto& partition : test::partitions_of(set)) {
            SCOPED_TRACE(set + '/' + partition);
            Replay replay{set, partition};
            replay.run();
            snapshots += replay.snapshots_compared;
            index_entries += replay.index_entries;
        }
    }
    EXPECT_GE(snapshots, 8u);
    EXPECT_GE(index_entries, 20u);
}

TEST(ProducerSnapshot, EncodeThenDecodeIsTheIdentity) {
    std::mt19937_64 random{test::test_seed()};
    for (std::size_t producers = 0; producers < 60; ++producers) {
        const ProducerState state = random_state(random, producers);
        const std::string bytes = encode_snapshot(state);
        EXPECT_EQ(bytes.size(), kSnapshotHeaderBytes + state.entries().size() * kSnapshotEntryBytes);
        const auto decoded = decode_snapshot(bytes);
        ASSERT_TRUE(decoded.has_value()) << decoded.error().message();
        EXPECT_EQ(*decoded, state);
    }
}

TEST(ProducerSnapshot, OnlyTheNewestBatchIsKept) {
    ProducerState state;
    record::BatchHeader header;
    header.producer_id = 1;
    header.producer_epoch = 0;
    for (int i = 0; i < 3; ++i) {
        header.base_offset = Offset{i};
        header.base_sequence = i;
        state.update(header);
    }
    const auto decoded = decode_snapshot(encode_snapshot(state));
    ASSERT_EQ(decoded->find(1)->batches.size(), 1u);
    EXPECT_EQ(decoded->find(1)->batches.back(), state.find(1)->batches.back());
}

TEST(ProducerSnapshot, EveryTruncationAndEverySingleBitFlipIsCorrupt) {
    const std::string good = kafka_bytes();
    ASSERT_TRUE(decode_snapshot(good).has_value());
    for (std::size_t size = 0; size < good.size(); ++size) {
        const auto state = decode_snapshot(ByteView{good}.substr(0, size));
        ASSERT_FALSE(state.has_value()) << size;
        EXPECT_EQ(state.error().code, Errc::corrupt);
    }
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        std::string bad = good;
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
        const auto state = decode_snapshot(bad);
        ASSERT_FALSE(state.has_value()) << bit;
        EXPECT_EQ(state.error().code, Errc::corrupt);
    }
    EXPECT_EQ(decode_snapshot(good + '\0').error().code, Errc::corrupt);
}

TEST(ProducerSnapshot, RightChecksumDoesNotExcuseAWrongCountOrValue) {
    const std::string good = kafka_bytes();
    ASSERT_EQ(with_checksum(good), good);
    struct Row {
        const char* what;
        std::size_t position;
        std::string bytes;
    };
    for (const Row& row : {
             Row{"count one more", 6, std::string{"\0\0\0\3", 4}},
             Row{"count one less", 6, std::string{"\0\0\0\1", 4}},
             Row{"count huge", 6, "\x7f\xff\xff\xff"},
             Row{"count negative", 6, "\xff\xff\xff\xff"},
             Row{"producer id negative", 10, "\xff"},
             Row{"offset delta negative", 10 + 22, "\xff"},
             Row{"offset delta above the offset", 10 + 22, "\x7f"},
             Row{"the same producer twice", 10 + 46 + 7, "\2"},
         }) {
        std::string bad = good;
        bad.replace(row.position, row.bytes.size(), row.bytes);
        const auto state = decode_snapshot(with_checksum(bad));
        ASSERT_FALSE(state.has_value()) << row.what;
        EXPECT_EQ(state.error().code, Errc::corrupt) << row.what;
    }
}

TEST(ProducerSnapshot, RandomBytesAreCorruptNeverAState) {
    std::mt19937_64 random{test::test_seed()};
    for (std::uint64_t i = 0; i < test::test_scale(20'000, 2'000'000); ++i) {
        std::string bytes(random() % 300, '\0');
        for (char& c : bytes) c = static_cast<char>(random());
        ASSERT_FALSE(decode_snapshot(bytes).has_value());
    }
}

TEST(ProducerSnapshot, ErrorsOfAFileNameIt) {
    const TempDir dir;
    EXPECT_EQ(read_snapshot(dir / "x.snapshot").error().code, Errc::not_found);
    test::spill(dir / "x.snapshot", "?");
    const auto state = read_snapshot(dir / "x.snapshot");
    ASSERT_FALSE(state.has_value());
    EXPECT_EQ(state.error().code, Errc::corrupt);
    EXPECT_EQ(state.error().subject, dir / "x.snapshot");
}

TEST(ProducerSnapshot, FailedWriteLeavesTheOldSnapshotOrTheNew) {
    std::mt19937_64 random{test::test_seed()};
    const ProducerState old_state = random_state(random, 3);
    const ProducerState new_state = random_state(random, 5);
    const auto fired = test::for_each_fault({}, [&](test::FaultRun& run) {
        SCOPED_TRACE(run.describe());
        const TempDir dir;
        const std::string path = dir / "1.snapshot";
        ASSERT_TRUE(write_snapshot(path, old_state).has_value());
        const Status saved = run.faulted(dir.path(), [&] { return write_snapshot(path, new_state); });
        const auto found = read_snapshot(path);
        ASSERT_TRUE(found.has_value()) << found.error().message();
        if (saved) {
            EXPECT_EQ(*found, new_state);
        } else {
            EXPECT_TRUE(*found == old_state || *found == new_state);
        }
    });
    EXPECT_GT(fired, 0u);
}

TEST(ProducerSnapshot, KilledAtAnyPointItIsTheOldSnapshotOrTheNew) {
    std::mt19937_64 random{test::test_seed()};
    const ProducerState old_state = random_state(random, 3);
    const ProducerState new_state = random_state(random, 5);
    std::size_t killed = 0;
    for (const std::string_view point : os::kill_points()) {
        SCOPED_TRACE(point);
        const TempDir dir;
        const std::string path = dir / "1.snapshot";
        ASSERT_TRUE(write_snapshot(path, old_state).has_value());
        const auto end = test::run_in_child([&] {
            if (!os::arm_kill_point(point)) return 1;
            return write_snapshot(path, new_state) ? 0 : 2;
        });
        if (end == test::ended_by(SIGKILL)) {
            ++killed;
        } else {
            EXPECT_EQ(end, test::exited_with(0));
        }
        const auto found = read_snapshot(path);
        ASSERT_TRUE(found.has_value()) << found.error().message();
        EXPECT_TRUE(*found == old_state || *found == new_state);
        EXPECT_TRUE(point != "snapshot.before_write" || *found == old_state);
        EXPECT_TRUE(point != "snapshot.after_write" || *found == new_state);
    }
    EXPECT_GE(killed, 3u) << "two here, at least one inside replace_file";
}

}  // namespace
}  // namespace mq::log
