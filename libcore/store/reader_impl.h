// The private half of PartitionReader, shared with Waiter.
#pragma once

#include "log/range_reader.h"
#include "store/directory_impl.h"

namespace mq::store {

struct PartitionReader::Impl {
    // What tells that the files of a partition have changed, where nothing is shared.
    struct FilesSeen {
        FileStamp directory;
        std::optional<Offset> active_base;
        FileStamp active;
        bool operator==(const FilesSeen&) const = default;
    };

    std::shared_ptr<DataDirectory::Impl> directory;
    std::shared_ptr<shm::ControlFile> control;  // may come to life after the directory was opened
    log::TopicPartition id;
    log::Isolation isolation = log::Isolation::read_uncommitted;
    log::LogConfig config;
    bool dense = false;
    bool verify_checksum = true;
    Offset position{0};

    shm::PartitionSlot* slot = nullptr;
    std::uint64_t use_generation = 0;
    std::unique_ptr<log::PublishedState> own;  // set: the files are read without the shared state
    std::optional<log::Log> own_log;
    std::uint64_t times_read = 0;
    FilesSeen files_seen;
    std::optional<log::LogReader> reader;  // absent: there are no files yet
    std::optional<log::LogReader> left;    // the one before, as long as the bytes that it gave must stay
    std::optional<log::RangeReader> ranges;
    log::RecoveryReport report;

    [[nodiscard]] log::PublishedState& state() const { return own ? *own : state_of(*slot); }
    [[nodiscard]] bool is_live() const { return !own; }
    [[nodiscard]] bool is_current() const { return own || slot->use_generation.load() == use_generation; }
    [[nodiscard]] Status attach();
    [[nodiscard]] Result<bool> go_live();
    [[nodiscard]] Result<bool> take_over();
    [[nodiscard]] Status read_files();
    [[nodiscard]] Result<FilesSeen> look_at_files() const;
    [[nodiscard]] Status remember_files(const FileStamp& directory_before);
    // Whether a read would bring something: records, or the news that the topic went away. Without a system call.
    [[nodiscard]] bool has_news() const {
        if (!is_current()) return true;
        return reader && (reader->bound() > position || state().read().log_start > position);
    }
    void start_reading();
    void stop_reading();
    [[nodiscard]] Result<log::ReadOutcome> read(FunctionRef<Result<log::ReadOutcome>()> from_files);
    // Where the reader stands is held against what has happened since. True: there may be more to read now. Errors:
    // not_found, the topic went away.
    [[nodiscard]] Result<bool> refresh();
    [[nodiscard]] Result<log::Log*> log_for_questions(std::optional<log::Log>& attached);
};

}  // namespace mq::store
