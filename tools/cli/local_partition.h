// The data directory in its plain form: one process at a time, nothing shared.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/checkpoint_file.h"
#include "log/log.h"

namespace mq::cli {

// A partition of an open DataDirectory, which must outlive it and not move meanwhile. It stays where it is: the log
// points into it.
struct LocalPartition {
    LocalPartition() = default;
    LocalPartition(const LocalPartition&) = delete;
    LocalPartition& operator=(const LocalPartition&) = delete;

    log::TopicPartition id;
    std::string directory;
    log::PublishedState state;
    std::optional<log::Log> log;  // absent: a directory without segments, opened for reading
};

// "FILE: cut at byte 120, offset 7: 31 bytes, the file ends inside a batch".
[[nodiscard]] std::string describe(const log::RecoveryReport::Cut& cut);

enum class Access : unsigned char { read, write };

// Holds `.lock` and byte 0 of `.mq-control` exclusively while it lives. Where the directory may not be written, a
// reader holds them shared, if they are there. Not thread-safe.
class DataDirectory {
public:
    // Write: makes the directory if it is missing, and removes .kafka_cleanshutdown. Errors: not_found (read), in_use
    // (a Kafka broker or another mq process), corrupt (a checkpoint), not_permitted, io ...
    [[nodiscard]] static Result<DataDirectory> open(const std::string& path, Access access);

    // The partitions whose directories are there, ascending; none: there is no such topic.
    // Errors: bad_argument (an illegal name).
    [[nodiscard]] Result<std::vector<std::int32_t>> partitions(const std::string& topic) const;

    // For writing: makes what is missing up to `count` partitions, the highest first, so that a topic that a dying
    // process leaves behind has its full number, and the next opening makes the rest.
    [[nodiscard]] Status create_topic(const std::string& topic, std::int32_t count);

    [[nodiscard]] Result<std::unique_ptr<LocalPartition>> open_partition(const log::TopicPartition& id,
                                                                         const log::LogConfig& config);
    // Makes the partition durable, its recovery point too, and notes its bounds in the checkpoints.
    [[nodiscard]] Status close_partition(LocalPartition& partition);

    [[nodiscard]] const std::string& path() const { return path_; }
    // Whether the files were last changed by mq: a torn end is then what a dying writer left, not damage.
    [[nodiscard]] bool last_written_by_mq() const { return trust_ == log::Trust::recovery_point; }

private:
    DataDirectory(std::string path, Access access) : path_(std::move(path)), access_(access) {}

    [[nodiscard]] Status lock();
    [[nodiscard]] Status load();
    [[nodiscard]] Status begin_changes();
    [[nodiscard]] Status write_checkpoint(std::string_view name, const log::OffsetCheckpoint& entries);
    [[nodiscard]] std::string file(std::string_view name) const { return os::join(path_, name); }

    std::string path_;
    Access access_;
    os::File lock_file_;
    os::File control_file_;
    bool control_file_was_there_ = false;
    log::Trust trust_ = log::Trust::segments;
    log::OffsetCheckpoint recovery_points_;
    log::OffsetCheckpoint log_starts_;
    log::OffsetCheckpoint high_watermarks_;
};

}  // namespace mq::cli
