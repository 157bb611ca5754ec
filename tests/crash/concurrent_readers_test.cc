// Readers beside one writer that appends, rolls, truncates at both ends and replaces segments: promises P3 and P4,
// rule APP-5.

#include <atomic>
#include <thread>

#include "crash/workload.h"
#include "support/scale.h"

namespace mq::test {
namespace {

// The record at an offset is known from the offset, but for the number of truncations before it.
constexpr RecordId kLife = 10'000'000;

class Writer {
public:
    Writer(const std::string& directory, log::PublishedState& state)
        : log_(log::Log::open(directory, config(), state, opened_with()).value()) {}

    static log::LogConfig config() {
        log::LogConfig config;
        config.segment_bytes = 3000;
        config.index_interval_bytes = 200;
        config.retention_ms = log::kNoLimit;
        return config;
    }
    void run(std::uint64_t steps) {
        for (std::uint64_t step = 1; step <= steps; ++step) {
            append(static_cast<int>(step % 4) + 1);
            if (step % 97 == 0) must(log_.truncate_to(log_.log_end() - 5));
            if (step % 331 == 0) truncate_into_closed();
            if (step % 53 == 0) must(log_.flush());
            if (step % 149 == 0 && log_.segment_bases().size() > 4) replace();
            if (step % 211 == 0 && log_.segment_bases().size() > 12) retain();
            if (step % 1999 == 0) must(log_.truncate_fully_and_start_at(log_.log_end() + 3));
        }
    }
    [[nodiscard]] const log::Log& log() const { return log_; }

private:
    template <typename R>
    static void must(const R& result) {
        if (!result) throw std::runtime_error(result.error().message());
    }
    void append(int count) {
        ++life_;  // a number that no truncation gives again
        std::string batch = batch_of(static_cast<RecordId>(log_.log_end().value()) + life_ * kLife, count);
        must(log_.append(batch));
    }
    void truncate_into_closed() {
        const auto bases = log_.segment_bases();
        if (bases.size() < 3) return;
        must(log_.truncate_to(std::max(bases[bases.size() - 2] + 1, log_.log_start())));
    }
    void retain() {
        const auto bases = log_.segment_bases();
        must(log_.raise_log_start(bases.at(3) + 1));
        must(log_.apply_retention(fixed_clock()));
    }
    void replace() {
        const auto bases = log_.segment_bases();
        const auto to = log::segment_paths(log_.directory(), bases[1], log::FileSuffix::cleaned);
        std::string bytes;
        for (std::size_t i = 1; i <= 2; ++i)
            bytes += os::read_file(log::segment_paths(log_.directory(), bases[i]).log).value();
        spill(to.log, bytes);
        must(log::recover_segment(log_.directory(), bases[1], log_.config(), {}, {}, true, log::FileSuffix::cleaned));
        must(log_.replace_segments(bases[1], bases[2]));
    }

    log::Log log_;
    RecordId life_ = 0;
};

struct ReaderReport {
    std::uint64_t records = 0;
    std::string trouble;
};

// Reads to the end again and again, sometimes from elsewhere, until the writer has stopped and all is read.
ReaderReport follow(const std::string& directory, const log::PublishedState& state, const std::atomic<bool>& stopped,
                    unsigned seed) {
    ReaderReport report;
    log::LogReader reader{directory, state};
    reader.set_dense(true);
    log::ScannedBatch batch;
    for (std::uint64_t turn = seed;; ++turn) {
        const bool last_turn = stopped.load();
        const std::int64_t wanted = reader.position().value();
        const auto outcome = reader.next(batch);
        if (!outcome) {
            report.trouble = outcome.error().message();
            return report;
        }
        if (*outcome == log::ReadOutcome::batch) {
            Content content;
            record::RecordReader records;
            if (!records.open(batch.bytes)) report.trouble = "a batch does not open";
            std::optional<RecordId> life;
            std::int64_t expected = batch.header.base_offset.value();
            if (expected > wanted) report.trouble = "a hole before " + std::to_string(expected);
            for (record::RecordView record; records.next(record); ++expected) {
                const auto id = id_of(record.value.value_or(ByteView{}));
                if (!id || static_cast<std::int64_t>(*id % kLife) != expected || record.offset.value() != expected ||
                    life.value_or(*id / kLife) != *id / kLife)
                    report.trouble = "a torn batch at " + std::to_string(expected);
                life = id.value_or(0) / kLife;
                ++report.records;
            }
            if (!report.trouble.empty()) return report;
            if (turn % 67 == 0) reader.seek(std::max(state.read().log_start, batch.header.base_offset - 40));
        } else if (*outcome == log::ReadOutcome::out_of_range) {
            reader.seek(state.read().log_start);
        } else if (last_turn) {
            return report;
        } else if (turn % 5 == 0) {
            reader.seek(state.read().log_start);
        }
    }
}

TEST(ConcurrentReaders, APP5_SeeWholeBatchesInOrderWithoutHolesWhateverTheWriterDoes) {
    const FastDir dir;
    log::PublishedState state;
    const std::string directory = dir / "t-0";
    Writer writer{directory, state};
    std::atomic<bool> stopped{false};
    constexpr unsigned kReaders = 3;
    std::array<ReaderReport, kReaders> reports;
    {
        std::vector<std::jthread> readers;
        for (unsigned i = 0; i < kReaders; ++i)
            readers.emplace_back([&, i] { reports[i] = follow(directory, state, stopped, i * 13); });
        writer.run(test_scale(6'000, 2'000'000));
        stopped.store(true);
    }
    for (const auto& report : reports) {
        EXPECT_EQ(report.trouble, "");
        EXPECT_GT(report.records, 0u);
    }
    const ReadBack left = read_back(directory, state);
    EXPECT_EQ(left.trouble, "");
}

}  // namespace
}  // namespace mq::test
