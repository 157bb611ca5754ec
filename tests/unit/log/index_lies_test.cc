// Row 17: an index is a hint. Whatever it says, or if it is gone, a reader and a timestamp look-up answer as a full
// scan does.

#include <algorithm>
#include <random>

#include "crash/workload.h"
#include "support/golden.h"
#include "support/scale.h"

namespace mq::log {
namespace {

struct Found {
    std::int64_t offset = 0;
    TimestampMs timestamp = kNoTimestamp;
    std::string value;
    bool operator==(const Found&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Found& found) {
    return out << "offset " << found.offset << " at " << found.timestamp << " of " << found.value.size() << " bytes";
}

Found found_of(const record::RecordView& record) {
    return {record.offset.value(), record.timestamp, std::string{record.value.value_or(ByteView{})}};
}

// Every record of a directory, in order, by no index.
std::vector<Found> full_scan(const std::string& directory) {
    std::vector<Found> all;
    const auto listed = list_segments(directory).value();
    for (const auto& name : listed) {
        const std::string bytes = test::slurp(segment_paths(directory, name.base, name.suffix).log);
        for (std::size_t at = 0; at < bytes.size();) {
            const auto header = record::parse_batch_header(ByteView{bytes}.substr(at)).value();
            record::RecordReader reader;
            EXPECT_TRUE(reader.open(ByteView{bytes}.substr(at, header.size_bytes)));
            for (record::RecordView record; reader.next(record);) all.push_back(found_of(record));
            EXPECT_TRUE(reader.status());
            at += header.size_bytes;
        }
    }
    return all;
}

// What a reader that is sent to `offset` gives first.
std::optional<Found> read_at(LogReader& reader, Offset offset, std::string& trouble) {
    reader.seek(offset);
    ScannedBatch batch;
    for (;;) {
        const auto outcome = reader.next(batch);
        if (!outcome) trouble = outcome.error().message();
        if (!outcome || *outcome != ReadOutcome::batch) return std::nullopt;
        record::RecordReader records;
        if (const auto opened = records.open(batch.bytes); !opened) trouble = opened.error().message();
        for (record::RecordView record; records.next(record);)
            if (record.offset >= offset) return found_of(record);
    }
}

// Compares for the offsets and timestamps of `all` at every `step`th place. Empty, or the first difference.
std::string compare_with_scan(const Log& log, const std::vector<Found>& all, std::int64_t offset_step,
                              std::size_t time_step) {
    LogReader reader{log.directory(), log.state()};
    std::size_t next = 0;
    for (std::int64_t offset = log.log_start().value(); offset < log.log_end().value(); offset += offset_step) {
        while (next < all.size() && all[next].offset < offset) ++next;
        std::string trouble;
        const auto found = read_at(reader, Offset{offset}, trouble);
        if (!trouble.empty()) return "offset " + std::to_string(offset) + ": " + trouble;
        const std::optional<Found> expected = next < all.size() ? std::optional{all[next]} : std::nullopt;
        if (found != expected)
            return "offset " + std::to_string(offset) + ": " + testing::PrintToString(found) + ", not " +
                   testing::PrintToString(expected);
    }
    // The first record at or after a time, in order of offset, is always a new maximum.
    std::vector<TimestampMs> maxima;
    for (const auto& record : all)
        maxima.push_back(std::max(maxima.empty() ? record.timestamp : maxima.back(), record.timestamp));
    std::vector<TimestampMs> times{kNoTimestamp, 0};
    for (const auto& record : all) times.push_back(record.timestamp);
    times.push_back(*std::max_element(times.begin(), times.end()) + 1);
    std::sort(times.begin(), times.end());
    times.erase(std::unique(times.begin(), times.end()), times.end());
    for (std::size_t i = 0; i < times.size(); i += time_step) {
        const auto expected = std::lower_bound(maxima.begin(), maxima.end(), times[i]) - maxima.begin();
        const auto found = log.find_timestamp(times[i]);
        const std::string where = "time " + std::to_string(times[i]) + ": ";
        if (!found) return where + found.error().message();
        if (found->has_value() != (expected < static_cast<std::ptrdiff_t>(all.size())))
            return where + "found or not differs";
        if (found->has_value() && ((*found)->offset.value() != all[static_cast<std::size_t>(expected)].offset ||
                                   (*found)->timestamp != all[static_cast<std::size_t>(expected)].timestamp))
            return where + "offset " + std::to_string((*found)->offset.value()) + ", not " +
                   std::to_string(all[static_cast<std::size_t>(expected)].offset);
    }
    return {};
}

TEST(Row17IndexLies, GoldenReadersByIndexAndByScanAgreeAtEveryOffsetAndTimestamp) {
    std::size_t records = 0;
    for (const auto& set : test::golden_sets()) {
        if (set == "corrupt-before") continue;
        for (const auto& partition : test::partitions_of(set)) {
            SCOPED_TRACE(set + "/" + partition);
            const std::string directory = test::golden_path(set + "/" + partition);
            PublishedState state;
            auto options = test::opened_with(Trust::clean);
            options.read_only = true;
            const auto log = Log::open(directory, {}, state, options);
            ASSERT_TRUE(log) << log.error().message();
            const auto all = full_scan(directory);
            records += all.size();
            // The large sets are sampled in the ordinary run; a step of a prime meets every place in a batch.
            const bool sampled = !test::is_long_run() && all.size() > 3000;
            EXPECT_EQ(compare_with_scan(*log, all, sampled ? 7 : 1, sampled ? 7 : 1), "");
        }
    }
    EXPECT_GT(records, 10'000u);
}

class Row17IndexLiesTest : public testing::Test {
protected:
    void SetUp() override {
        config_.segment_bytes = 2000;
        config_.index_interval_bytes = 150;
        config_.retention_ms = kNoLimit;
        log_.emplace(Log::open(dir_ / "t-0", config_, state_, test::opened_with()).value());
        for (test::RecordId id = 1; id < 90; id += 3) {
            std::string batch = test::batch_of(id, 3);
            ASSERT_TRUE(log_->append(batch));
        }
        ASSERT_TRUE(log_->close());
        all_ = full_scan(log_->directory());
        ASSERT_EQ(all_.size(), 90u);
        ASSERT_GE(log_->segment_bases().size(), 3u);
    }
    [[nodiscard]] std::string index_path(Offset base, FileKind kind) const {
        return os::join(log_->directory(), file_name(kind, base));
    }

    test::FastDir dir_;
    LogConfig config_;
    PublishedState state_;
    std::optional<Log> log_;
    std::vector<Found> all_;
};

TEST_F(Row17IndexLiesTest, EveryTruncationOfEveryIndexGivesTheSameAnswers) {
    for (const Offset base : log_->segment_bases()) {
        for (const FileKind kind : {FileKind::offset_index, FileKind::time_index}) {
            const std::string path = index_path(base, kind);
            const std::string honest = test::slurp(path);
            for (std::size_t size = 0; size < honest.size(); ++size) {
                test::spill(path, honest.substr(0, size));
                ASSERT_EQ(compare_with_scan(*log_, all_, 1, 1), "") << path << " cut to " << size;
            }
            ASSERT_TRUE(os::remove_file(path));
            ASSERT_EQ(compare_with_scan(*log_, all_, 1, 1), "") << path << " deleted";
            test::spill(path, honest);
        }
    }
}

// Noise, true entries in another order or with another's half, entries of a stranger segment.
std::string random_index(const std::string& honest, std::size_t entry_bytes, std::size_t key_bytes,
                         std::mt19937_64& random) {
    std::string lie = honest;
    const std::size_t entries = honest.size() / entry_bytes;
    switch (random() % 5) {
        case 0:
            for (char& c : lie) c = static_cast<char>(random());
            break;
        case 1:  // noise in a few bytes
            for (int i = 0; i < 4 && !lie.empty(); ++i) lie[random() % lie.size()] = static_cast<char>(random());
            break;
        case 2:  // values of other entries
            for (std::size_t i = 0; i < entries; ++i)
                lie.replace(i * entry_bytes + key_bytes, entry_bytes - key_bytes, honest,
                            random() % entries * entry_bytes + key_bytes, entry_bytes - key_bytes);
            break;
        case 3:  // keys of other entries
            for (std::size_t i = 0; i < entries; ++i)
                lie.replace(i * entry_bytes, key_bytes, honest, random() % entries * entry_bytes, key_bytes);
            break;
        default:  // longer than it was, or shorter
            lie.resize(random() % (2 * honest.size() + 1), static_cast<char>(random()));
    }
    return lie;
}

TEST_F(Row17IndexLiesTest, RandomIndexesGiveTheSameAnswers) {
    std::mt19937_64 random{test::test_seed()};
    const std::uint64_t rounds = test::test_scale(1'000, 10'000);
    std::map<std::string, std::string> honest;
    for (const Offset base : log_->segment_bases())
        for (const FileKind kind : {FileKind::offset_index, FileKind::time_index})
            honest[index_path(base, kind)] = test::slurp(index_path(base, kind));
    for (std::uint64_t round = 0; round < rounds; ++round) {
        for (const auto& [path, bytes] : honest) {
            const bool by_time = path.ends_with(".timeindex");
            test::spill(path,
                        random() % 3 == 0 ? bytes : random_index(bytes, by_time ? 12 : 8, by_time ? 8 : 4, random));
        }
        ASSERT_EQ(compare_with_scan(*log_, all_, 1, 4), "") << "round " << round << ", seed " << test::test_seed();
    }
}

// More batches before the one sought than any count of attempts.
TEST(Row17IndexLies, AReaderWithoutAnIndexFindsTheEndOfALongSegment) {
    const test::FastDir dir;
    PublishedState state;
    auto log = Log::open(dir / "t-0", {}, state, test::opened_with()).value();
    constexpr test::RecordId kBatches = 3000;
    for (test::RecordId id = 0; id < kBatches; ++id) {
        std::string batch = test::batch_of(id, 1);
        ASSERT_TRUE(log.append(batch));
    }
    ASSERT_TRUE(os::remove_file(segment_paths(log.directory(), Offset{0}).offset_index));
    LogReader reader{log.directory(), state};
    std::string trouble;
    const auto found = read_at(reader, Offset{static_cast<std::int64_t>(kBatches) - 1}, trouble);
    EXPECT_EQ(trouble, "");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->value, test::payload_of(kBatches - 1));
}

}  // namespace
}  // namespace mq::log
