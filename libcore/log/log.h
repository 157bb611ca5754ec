// One partition's log: segments in a directory, a published end, and the state that is a function of them.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "log/leader_epochs.h"
#include "log/log_config.h"
#include "log/log_reader.h"
#include "log/producer_state.h"
#include "log/published_state.h"
#include "log/segment.h"

namespace mq::log {

// How much of a directory is trusted when it is opened.
enum class Trust : unsigned char {
    clean,           // the last writer said goodbye: nothing is scanned
    recovery_point,  // what lies below the recovery point is as it was written, indexes too: the rest is walked
    segments,        // Kafka's rule after an unclean stop: the segment of the recovery point and all later ones are
                     // recovered whole
};

struct OpenOptions {
    Trust trust = Trust::segments;
    Offset recovery_point{0};
    // Up to here the files are known to be as they were written, though nothing below the recovery point's side was
    // flushed: what a life of shared state in this same boot published. The walk of Trust::recovery_point begins there.
    std::optional<Offset> trusted_end;
    Offset log_start{0};                   // from log-start-offset-checkpoint; 0 if not there
    std::optional<Offset> high_watermark;  // from replication-offset-checkpoint; absent: the log end (one replica)
    bool read_only = false;                // changes nothing: stops before the first batch that does not verify
    // Begins a new leader epoch at the end of a log that was not stopped cleanly (CONCURRENCY REC-2).
    bool new_epoch_after_recovery = false;
    // Makes a recovery point durable in recovery-point-offset-checkpoint. Called at roll, checkpoint and before a
    // truncation.
    std::function<Status(Offset)> persist_recovery_point;
    ClockFn clock = wall_clock_ms;
};

// What opening found and did.
struct RecoveryReport {
    struct Cut {
        std::string file;
        FilePosition position{0};
        Offset offset{0};  // the log ends here now
        std::uint64_t bytes = 0;
        std::string reason;
        std::string kept_in;  // the .cut file, where valid batches followed the bad one
    };
    std::vector<std::string> notes;  // one line each: an index rebuilt, a leftover removed
    std::string trouble;             // what could not be done, and waits for the next time; empty: nothing
    std::vector<Cut> cuts;
    std::uint64_t segments_recovered = 0;
    std::uint64_t bytes_walked = 0;
};

// "FILE: the log ends at byte 100, offset 7: why (20 bytes, kept in FILE)"
[[nodiscard]] std::string describe(const RecoveryReport::Cut& cut);

struct AppendOptions {
    AppendOrigin origin = AppendOrigin::client;
    LeaderEpoch leader_epoch = 0;
    bool verify_checksum = false;  // for bytes that this process did not encode itself
    bool assign_offsets = true;    // false: a follower's copy, offsets and epochs stay
    // How far behind the first offset the record with the largest timestamp stands, where the encoder knows; else the
    // time index names the last offset of its batch, as Kafka does since 3.7.
    std::optional<std::int32_t> max_timestamp_delta{};
    // timed_out, and nothing is changed, where more than a write is needed: a repair, or new files, which take flushes.
    bool quick = false;
};

struct AppendResult {
    Offset first_offset{0};
    Offset last_offset{0};
    TimestampMs log_append_time = kNoTimestamp;  // of a LogAppendTime topic; of a duplicate, when it was appended
    bool duplicate = false;  // nothing was written: the batch is in the log already, at these offsets
    bool rolled = false;
    Offset log_start{0};  // of the log then
};

struct TimestampOffset {
    TimestampMs timestamp = kNoTimestamp;
    Offset offset = kNoOffset;
};

// The writer's side; readers use LogReader. One Log at a time changes a directory (the caller holds the append lock
// or the whole directory); not thread-safe. After an error an append has published nothing, and the next call repairs
// what it left in the files first.
class Log {
public:
    // Opens or makes the directory and brings it into order. `state` must outlive the log and is overwritten.
    [[nodiscard]] static Result<Log> open(std::string directory, const LogConfig& config, PublishedState& state,
                                          const OpenOptions& options);

    // Takes part in a directory that others have opened already: believes `state` (which stays as it is, and must not
    // be empty), loads nothing but what is derived from the files below its end, and repairs if it is marked dirty.
    // `options` trust and offsets are not looked at. With read_only it takes no lock: nothing is repaired, producers stay
    // unknown, and not_found may mean that the files moved meanwhile: try again.
    [[nodiscard]] static Result<Log> attach(std::string directory, const LogConfig& config, PublishedState& state,
                                            const OpenOptions& options);

    Log(Log&&) noexcept;
    Log& operator=(Log&&) noexcept;
    ~Log();  // releases descriptors; does not flush: close() does

    // Takes in what other processes have done since: where files came, went or were cut everything is opened again, else
    // batches of producers are replayed up to the published end. Under the append lock, before any change; repairs if
    // the state is marked dirty. Cheap where nothing has changed.
    [[nodiscard]] Status catch_up();

    // Appends one or several whole batches of magic 2 as one append: stamps offsets and epoch into `batches`, writes
    // them with one write at the published end, publishes. Errors: too_large (over max.message.bytes or
    // segment.bytes), corrupt (checksum or header), fenced, out_of_order and bad_argument (producer rules), poisoned,
    // no_space, io, timed_out (`quick`).
    [[nodiscard]] Result<AppendResult> append(std::span<char> batches, const AppendOptions& options = {});

    // Makes everything below the published end durable: every segment not yet flushed, and new names.
    [[nodiscard]] Status flush();
    // flush(), indexes too, and moves the recovery point there. Needs the flush lock as well.
    [[nodiscard]] Status checkpoint();
    // Ends cleanly: last time index entry, producer snapshot at the log end, checkpoint. The log must not be used
    // afterwards.
    [[nodiscard]] Status close();

    // Starts a new segment at the log end, unless the active one is empty.
    [[nodiscard]] Status roll();
    // The last `bytes` were appended by this process, and flush() follows: the disk begins while more is appended, a
    // piece of some megabytes at a time. No lock is needed; it may wait for the disk's queue.
    void begin_writeback(std::uint64_t bytes) const;

    // Removes everything from `end` on. Example: batches [0..9][10..19][20..24]: truncate_to(15) leaves [0..9]; a
    // batch goes whole. Segments below are not touched; the recovery point is lowered first. `end` above the log end
    // is no change.
    [[nodiscard]] Status truncate_to(Offset end);
    // Empties the log, which then starts and ends at `offset`.
    [[nodiscard]] Status truncate_fully_and_start_at(Offset offset);
    // Moves the start of what may be read up to `offset` (DeleteRecords); bad_argument above the high watermark.
    // Segments wholly below go at the next apply_retention().
    [[nodiscard]] Status raise_log_start(Offset offset);
    // Deletes segments by log start, size and time. The number of segments deleted. `active_too`: the active segment goes
    // as well when its time has come (a new one takes over), as in a Kafka broker. `due_ms`: when the time of the oldest
    // that stays will have come, if nothing is appended; the largest number: never.
    [[nodiscard]] Result<std::size_t> apply_retention(TimestampMs now, bool active_too = true,
                                                      TimestampMs* due_ms = nullptr);

    // Writes what was not flushed again, to fresh files, and clears the poison of a failed fsync.
    [[nodiscard]] Status clear_poison();

    // As every change begins: refuses where nothing may be changed (read-only, poisoned), and brings to an end or
    // takes back what an earlier change left.
    [[nodiscard]] Status prepare_change();
    // Replaces the closed segments [first, last] (by base offset) by the one whose files FIRST.*.cleaned stand
    // complete and flushed in the directory; all but the last step survive a death at any instruction. For the
    // cleaner.
    [[nodiscard]] Status replace_segments(Offset first, Offset last);

    // A reader that need not look at the directory, as this log has done so.
    [[nodiscard]] LogReader reader(Isolation isolation = Isolation::read_uncommitted) const;
    // Answers of ListOffsets: the first record at or after `timestamp`, or nothing.
    [[nodiscard]] Result<std::optional<TimestampOffset>> find_timestamp(TimestampMs timestamp) const;
    // Aborted transactions that overlap [from, end).
    [[nodiscard]] Result<std::vector<AbortedTxn>> aborted_transactions(Offset from, Offset end) const;

    [[nodiscard]] const std::string& directory() const;
    [[nodiscard]] const LogConfig& config() const;
    void set_config(const LogConfig& config);
    [[nodiscard]] const PublishedState& state() const;
    [[nodiscard]] Offset log_start() const;
    [[nodiscard]] Offset log_end() const;
    [[nodiscard]] Offset high_watermark() const;
    void set_high_watermark(Offset offset);
    [[nodiscard]] Offset last_stable_offset() const;
    [[nodiscard]] Offset recovery_point() const;
    [[nodiscard]] const LeaderEpochs& leader_epochs() const;
    [[nodiscard]] Status start_leader_epoch(LeaderEpoch epoch);
    [[nodiscard]] const ProducerState& producers() const;
    [[nodiscard]] std::vector<Offset> segment_bases() const;
    [[nodiscard]] const RecoveryReport& recovery() const;

private:
    struct Impl;
    explicit Log(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mq::log
