// Our log against the files of a real Kafka broker: the same appends give the same bytes, the same damage is mended alike.

#include <algorithm>
#include <map>

#include "log/log.h"
#include "log/checkpoint_file.h"
#include "os/file.h"
#include "record/record.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace mq::log {
namespace {

// When the golden data was written; LogAppendTime batches move it.
constexpr TimestampMs kGoldenTime = 1'795'292'754'000;
TimestampMs test_now = kGoldenTime;
TimestampMs test_clock() { return test_now; }

LogConfig config_of(const std::string& partition) {
    LogConfig config;
    const auto is = [&](std::string_view topic) { return partition.substr(0, partition.rfind('-')) == topic; };
    if (is("segmented")) config.segment_bytes = 65536;
    if (is("segmented-gzip")) config.segment_bytes = 32768;
    if (is("txn")) config.segment_bytes = 8192;
    if (is("segmented-dense")) {
        config.segment_bytes = 32768;
        config.index_interval_bytes = 256;
    }
    if (is("logappend") || is("codec-logappend-lz4")) config.timestamp_type = record::TimestampType::log_append_time;
    return config;
}

// Kafka 2.4 lets the time index name the record with the largest timestamp where it looked at the records, which it does when
// they are not compressed.
std::optional<std::int32_t> delta_of_max_timestamp(ByteView unit) {
    record::RecordReader reader;
    EXPECT_TRUE(reader.open(unit));
    if (reader.header().codec() != record::Codec::none ||
        reader.header().timestamp_type() == record::TimestampType::log_append_time)
        return std::nullopt;
    TimestampMs largest = kNoTimestamp;
    std::int32_t delta = 0;
    for (record::RecordView r; reader.next(r);) {
        if (r.timestamp <= largest) continue;
        largest = r.timestamp;
        delta = static_cast<std::int32_t>(r.offset - reader.header().base_offset);
    }
    return delta;
}

// Whose segments are as appended: neither the cleaner nor DeleteRecords has been there, and all is magic 2.
std::vector<std::pair<std::string, std::string>> replayable_partitions() {
    std::vector<std::pair<std::string, std::string>> found;
    for (const std::string set : {"plain", "codecs", "segmented", "txn", "offsets", "epochs"})
        for (const auto& partition : test::partitions_of(set))
            if (partition != "segmented-trimmed-0" && !partition.starts_with("compacted")) found.emplace_back(set, partition);
    return found;
}

void expect_same_files(const std::string& ours, const std::string& theirs, const std::string& label) {
    const auto entries = os::list_directory(theirs);
    ASSERT_TRUE(entries);
    for (const auto& entry : *entries) {
        const std::string path = os::join(ours, entry.name);
        const auto there = os::exists(path);
        ASSERT_TRUE(there);
        ASSERT_TRUE(*there) << label << ": " << entry.name << " is missing";
        EXPECT_TRUE(test::slurp(path) == test::slurp(os::join(theirs, entry.name))) << label << ": " << entry.name << " differs";
    }
    const auto made = os::list_directory(ours);
    ASSERT_TRUE(made);
    for (const auto& entry : *made) {
        const FileName name = parse_file_name(entry.name);
        if (name.kind == FileKind::snapshot) continue;  // Kafka 2.4 drops all but the newest; checked where it kept them
        const auto expected = os::exists(os::join(theirs, entry.name));
        EXPECT_TRUE(expected && *expected) << label << ": " << entry.name << " is not Kafka's";
    }
}

TEST(LogGolden, ReplayedAppendsGiveTheBytesThatKafkaWrote) {
    ASSERT_GE(replayable_partitions().size(), 35u);
    for (const auto& [set, partition] : replayable_partitions()) {
        const std::string theirs = test::golden_path(set + "/" + partition);
        const test::TempDir dir;
        PublishedState state;
        test_now = kGoldenTime;
        OpenOptions open;
        open.clock = test_clock;
        auto log = Log::open(dir / partition, config_of(partition), state, open);
        ASSERT_TRUE(log) << log.error().message();
        const bool restarts = set == "epochs";
        for (const auto& file : test::partition_files(set, partition, ".log")) {
            std::string bytes = test::slurp(file);
            for (std::size_t at = 0; at < bytes.size();) {
                const auto header = record::parse_batch_header(ByteView{bytes}.substr(at));
                ASSERT_TRUE(header) << file << " at " << at;
                const ByteView unit = ByteView{bytes}.substr(at, header->size_bytes);
                if (header->timestamp_type() == record::TimestampType::log_append_time) test_now = header->max_timestamp;
                AppendOptions options;
                options.origin = header->is_control() || partition.starts_with("__") ? AppendOrigin::coordinator : AppendOrigin::client;
                options.verify_checksum = true;
                options.max_timestamp_delta = delta_of_max_timestamp(unit);
                // The broker was stopped cleanly before offset 10.
                if (restarts && header->base_offset == Offset{10}) {
                    ASSERT_TRUE(log->close());
                    open.trust = Trust::clean;
                    log = Log::open(dir / partition, config_of(partition), state, open);
                    ASSERT_TRUE(log) << log.error().message();
                }
                const auto done = log->append({bytes.data() + at, header->size_bytes}, options);
                ASSERT_TRUE(done) << file << " at " << at << ": " << done.error().message();
                ASSERT_EQ(done->first_offset, header->base_offset) << file;
                at += header->size_bytes;
            }
        }
        ASSERT_TRUE(log->close());
        expect_same_files(dir / partition, theirs, set + "/" + partition);
        const auto points = read_offset_checkpoint(test::golden_path(set + "/" + std::string{kRecoveryPointCheckpoint}));
        ASSERT_TRUE(points);
        EXPECT_EQ(log->recovery_point(), points->at(*parse_partition_directory(partition))) << partition;
    }
}

TEST(LogGolden, RecoveryOfCorruptBeforeGivesCorruptAfter) {
    const auto points = read_offset_checkpoint(test::golden_path("corrupt-before/" + std::string{kRecoveryPointCheckpoint}));
    ASSERT_TRUE(points);
    for (const auto& partition : test::partitions_of("corrupt-before")) {
        const test::TempDir dir;
        test::copy_tree(test::golden_path("corrupt-before/" + partition), dir / partition);
        PublishedState state;
        OpenOptions open;
        open.trust = Trust::segments;
        open.recovery_point = points->at(*parse_partition_directory(partition));
        test_now = kGoldenTime;
        open.clock = test_clock;
        auto log = Log::open(dir / partition, config_of(partition), state, open);
        ASSERT_TRUE(log) << log.error().message();
        ASSERT_TRUE(log->close());
        expect_same_files(dir / partition, test::golden_path("corrupt-after/" + partition), partition);
    }
}

TEST(LogGolden, EveryDirectoryOfKafkaOpensWithoutDamage) {
    for (const auto& set : test::golden_sets()) {
        if (set.starts_with("corrupt-before")) continue;
        for (const auto& partition : test::partitions_of(set)) {
            for (const Trust trust : {Trust::clean, Trust::recovery_point, Trust::segments}) {
                const test::TempDir dir;
                test::copy_tree(test::golden_path(set + "/" + partition), dir / partition);
                PublishedState state;
                OpenOptions open;
                open.trust = trust;
                open.clock = test_clock;
                auto log = Log::open(dir / partition, config_of(partition), state, open);
                ASSERT_TRUE(log) << set << "/" << partition << ": " << log.error().message();
                EXPECT_TRUE(log->recovery().cuts.empty()) << set << "/" << partition;
                const auto points = read_offset_checkpoint(test::golden_path(set + "/" + std::string{kRecoveryPointCheckpoint}));
                ASSERT_TRUE(points);
                EXPECT_EQ(log->log_end(), points->at(*parse_partition_directory(partition))) << set << "/" << partition;
            }
        }
    }
}

}  // namespace
}  // namespace mq::log
