// The text of Kafka's own DumpLogSegments, byte for byte: that of 2.4, and that of 3.9.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "log/segment_files.h"
#include "mq-dump-segment/limits.h"
#include "mq-dump-segment/sink.h"
#include "mq-dump-segment/unit_source.h"
#include "record/record.h"

namespace mq::dump {

enum class KafkaWording : unsigned char { v2_4, v3_9 };
enum class KafkaDecoder : unsigned char { string, offsets, txn };

struct KafkaOptions {
    KafkaWording wording = KafkaWording::v3_9;
    KafkaDecoder decoder = KafkaDecoder::string;
    bool deep_iteration = false;
    bool print_data = false;  // implies deep_iteration
    bool verify_index_only = false;
    bool sanity_check_only = false;
    bool skip_record_metadata = false;
    std::int64_t max_bytes = INT32_MAX;
    MemoryLimits limits;
};

// One run over several files: what is wrong with indexes is told at the end. Not thread-safe.
class KafkaDump {
public:
    // `out` and `err` must outlive it.
    KafkaDump(const KafkaOptions& options, Sink& out, Sink& err) : options_(options), out_(out), err_(err) {}

    // Set: ends dump_batches().
    const std::atomic<std::uint32_t>* stop = nullptr;
    // Called at the end of a .log, which may be one that a running process has not finished.
    std::function<void(const std::string& path, const UnitSource& units)> on_end;

    // Errors: what made Kafka's tool throw; what precedes it has been printed.
    [[nodiscard]] Status dump(const std::string& path);
    // A .log that is being dumped.
    struct Log {
        std::string path;
        os::File file;
        std::optional<UnitSource> units;
        Offset last_offset = kNoOffset;
        bool is_over = false;  // it has ended in bytes that are no batch
    };
    // What dump() does with a .log, in two steps, of which the second may be repeated once the file has grown.
    [[nodiscard]] Result<std::unique_ptr<Log>> begin_log(const std::string& path);
    [[nodiscard]] Status dump_batches(Log& log);
    // The lists of mismatches.
    void finish();
    // True once a log has ended in bytes that are no batch.
    [[nodiscard]] bool found_damage() const { return damaged_; }

private:
    using Pairs = std::vector<std::pair<std::int64_t, std::int64_t>>;
    using PairsByFile = std::vector<std::pair<std::string, Pairs>>;

    Status dump_records(const std::string& path, const record::BatchHeader& header, ByteView unit,
                        Offset& last_offset);
    Result<std::unique_ptr<Log>> open_log(const std::string& path);
    // "00000000000000000042.index" -> 42, and so "00000000000000000042-0000000003.checkpoint".
    static std::optional<Offset> base_offset_of(std::string_view name);
    void print_batch(const record::BatchHeader& header, ByteView unit, std::uint64_t position);
    Status print_record(const record::BatchHeader& header, const record::RecordView& record);
    void print_text(ByteView bytes);
    Status print_control(const record::RecordView& record);
    Status dump_index(const std::string& path, Offset base_offset);
    Status dump_time_index(const std::string& path, Offset base_offset);
    Status dump_snapshot(const std::string& path);
    void print_producer(ByteCursor& cursor);
    Status dump_txn_index(const std::string& path);
    Status check_time_entry(const os::File& log_file, const std::string& path, std::uint64_t start, Offset offset,
                            TimestampMs timestamp, TimestampMs previous);

    // No --max-bytes; 2.4 has none.
    [[nodiscard]] bool reads_all() const { return is_2_4() || options_.max_bytes == INT32_MAX; }
    [[nodiscard]] bool is_2_4() const { return options_.wording == KafkaWording::v2_4; }
    // Kafka keeps these lists in hash maps by path: the order of the files is that of their hashes.
    [[nodiscard]] std::vector<std::size_t> file_order(const PairsByFile& files) const;
    static Pairs& pairs_of(PairsByFile& files, const std::string& path);

    KafkaOptions options_;
    Sink& out_;
    Sink& err_;
    PairsByFile index_mismatches_;
    PairsByFile time_mismatches_;
    PairsByFile time_out_of_order_;
    PairsByFile time_not_found_;
    PairsByFile non_consecutive_;
    bool damaged_ = false;
};

}  // namespace mq::dump
