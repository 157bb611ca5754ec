// Changes one partition, beside other processes that do the same.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/function_ref.h"
#include "log/checkpoint_file.h"
#include "log/cleaner.h"
#include "log/log.h"

namespace mq::shm {
struct Holder;
}

namespace mq::store {

// Asked while a lock is waited for, after the first second and then ten times a second; an error ends the wait.
using WaitHook = std::function<Status(const shm::Holder& holder, std::chrono::milliseconds waited)>;

struct Bounds {
    Offset log_start{0};
    Offset log_end{0};
    Offset high_watermark{0};
    Offset last_stable{0};
    Offset active_base{0};  // no record from here on was ever compacted
};

// What was derived from a log is still of it as long as this is the same: else records went from its end or were
// trimmed from its start, it was loaded anew from its files, or the topic was made again.
struct Life {
    std::uint64_t use = 0;
    std::uint64_t loads = 0;
    std::uint64_t truncations = 0;
    bool operator==(const Life&) const = default;
};

// Calls of one PartitionWriter come from one thread at a time; different writers, of one partition too, are
// independent. Every call that changes something waits for the partition's append lock; the WaitHook of the directory
// says how long. Errors of all: not_found (the topic was deleted), poisoned, not_permitted, no_space, timed_out, io.
class PartitionWriter {
public:
    // Who is told of new records: all who wait for them, or all but the broker of the directory, who then looks after
    // those that wait for it (shm::wake_others).
    enum class Wake : unsigned char { all, others };

    ~PartitionWriter();
    PartitionWriter(const PartitionWriter&) = delete;
    PartitionWriter& operator=(const PartitionWriter&) = delete;

    [[nodiscard]] const log::TopicPartition& id() const;
    [[nodiscard]] Result<Bounds> bounds();
    // As the topic says now.
    [[nodiscard]] Result<log::LogConfig> config();

    // Appends whole encoded batches as one: Log::append, with the current leader epoch. What it wrote survives any
    // process's death when it returns; flush() makes it survive the machine's. A `quick` one is timed_out as well
    // where the log is yet to be loaded.
    [[nodiscard]] Result<log::AppendResult> append(std::span<char> batches, log::AppendOptions options = {},
                                                   Wake wake = Wake::all);
    // Runs `work` under the append lock, on the log as everybody has left it, and wakes who waits for records
    // afterwards; retention, if it rolled. For who derives something from the log, and appends to it by Log::append.
    [[nodiscard]] Status change(FunctionRef<Status(log::Log&)> work);
    // Inside of change(), and until the lock is let go.
    [[nodiscard]] Life life() const;
    // Everything below `end` is on stable storage when it returns, written by whomever; one flush serves all who wait
    // (group commit, APP-6). Default: all that is published now.
    [[nodiscard]] Status flush(std::optional<Offset> end = {});
    // What the last append wrote may go to the disk already, since flush() follows. Without a lock.
    void begin_writeback(std::uint64_t bytes);
    // flush, indexes and recovery point.
    [[nodiscard]] Status checkpoint();

    [[nodiscard]] Status roll();  // retention, too
    // Records below `start` are gone (DeleteRecords). bad_argument above the high watermark.
    [[nodiscard]] Status trim(Offset start);
    // Deletes the closed segments that the topic's retention gives up; done at opening and at each roll anyway. Where
    // the topic says retention.consumed, what OpenOptions::consumed_below gives up goes as well, not at opening.
    // Number of segments deleted.
    [[nodiscard]] Result<std::size_t> apply_retention();
    // The same as a broker does it: an active segment whose time has come is closed, and goes as well.
    struct Expired {
        std::size_t segments = 0;
        TimestampMs due_ms = 0;  // nothing more goes before, unless the log or the topic's settings change
    };
    [[nodiscard]] Result<Expired> expire();
    [[nodiscard]] Status truncate_to(Offset end);
    // Closes the active segment and cleans all that is closed then, due or not; waits for whoever cleans in this
    // directory. bad_argument where the topic is not compacted.
    [[nodiscard]] Result<log::CleanResult> compact();
    // Cleans once if the topic is compacted and it is due. nullopt: it is not, or somebody cleans in this directory.
    [[nodiscard]] Result<std::optional<log::CleanResult>> compact_if_due(const std::function<bool()>& stop = {});

    // What the last loading of the partition found (cuts, notes), empty if it was loaded by another process; and
    // whether retention failed after a roll, which the append that rolled does not. Once.
    [[nodiscard]] log::RecoveryReport take_recovery_report();

private:
    friend class DataDirectory;
    struct Impl;
    explicit PartitionWriter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mq::store
