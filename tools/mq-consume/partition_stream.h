// One partition from a first offset to a last one, batch by batch: transactions, damage and retention seen to.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "aborted_filter.h"
#include "cli/diagnostics.h"
#include "detour.h"
#include "events.h"
#include "record/record.h"
#include "store/partition_reader.h"

namespace mq::consume {

struct StreamOptions {
    log::Isolation isolation = log::Isolation::read_uncommitted;
    bool control_records = false;
    bool skip_damage = false;
};

enum class Step : unsigned char {
    batch,
    nothing,  // for now
    ended     // the last offset is reached
};

// Not thread-safe. What it is given by reference must outlive it.
class PartitionStream {
public:
    PartitionStream(const StreamOptions& options, std::unique_ptr<store::PartitionReader> reader,
                    std::string directory, const cli::Diagnostics& diagnostics, const Events& events);

    [[nodiscard]] const log::TopicPartition& id() const { return reader_->id(); }
    [[nodiscard]] store::PartitionReader& reader() { return *reader_; }

    // Reads [from, until); without an until for ever.
    void set_span(Offset from, std::optional<Offset> until);
    [[nodiscard]] std::optional<Offset> until() const { return until_; }
    // Where a reader that may read all would end now: the high watermark, or the last stable offset.
    [[nodiscard]] Result<store::Bounds> bounds() { return reader_->bounds(); }
    [[nodiscard]] Offset end_of(const store::Bounds& bounds) const {
        return options_.isolation == log::Isolation::read_committed ? bounds.last_stable : bounds.high_watermark;
    }

    // The next batch with something to deliver in it; its bytes are valid until the next call. Errors: not_found (the
    // topic was deleted), corrupt and truncated with file and byte (not with skip_damage), io.
    [[nodiscard]] Result<Step> next_batch();
    [[nodiscard]] const log::ScannedBatch& batch() const { return batch_; }

    // The records of the batch; those outside of [position(), until) are the caller's to leave out. Errors: corrupt.
    [[nodiscard]] Result<bool> open_records();
    [[nodiscard]] record::RecordReader& records() { return records_; }
    // Once records() ends: damage inside, with file and byte. Nothing with skip_damage, which tells of it.
    [[nodiscard]] Status close_records();
    // The error of something found in the batch, with file and byte.
    [[nodiscard]] tl::unexpected<Error> damaged(Error error) const;

    // The next record to deliver: everything below was delivered, or left out on purpose.
    [[nodiscard]] Offset position() const { return position_; }
    void set_position(Offset offset) { position_ = offset; }
    [[nodiscard]] LeaderEpoch last_epoch() const { return last_epoch_; }
    [[nodiscard]] bool skipped_damage() const { return skipped_damage_; }

    // Names what bringing up the partition cut off the end of the log. An error where that was damage.
    [[nodiscard]] Status explain_cuts();

private:
    [[nodiscard]] Result<log::ReadOutcome> next_of_log();
    [[nodiscard]] Result<std::optional<log::ReadOutcome>> next_of_detour();
    [[nodiscard]] Status leave(const Error& damage);
    [[nodiscard]] Status go_behind_segment(const std::string& path);
    [[nodiscard]] Result<bool> is_wanted();
    [[nodiscard]] Status refresh_aborted(Offset from);
    [[nodiscard]] Status go_to_log_start();
    [[nodiscard]] Result<Step> at_end();
    [[nodiscard]] std::string segment_of(Offset offset) const;
    void tell_skipped(std::string_view file, std::uint64_t byte, std::uint64_t bytes, std::string_view why);

    StreamOptions options_;
    std::unique_ptr<store::PartitionReader> reader_;
    std::string directory_;  // of the partition
    const cli::Diagnostics& diagnostics_;
    const Events& events_;
    Offset position_{0};
    std::optional<Offset> until_;
    log::ScannedBatch batch_;
    record::RecordReader records_;
    LeaderEpoch last_epoch_ = -1;
    bool skipped_damage_ = false;
    std::unique_ptr<Detour> detour_;
    AbortedFilter filter_;
    Offset filtered_until_{-1};  // aborted transactions are known below
};

}  // namespace mq::consume
