// Reads a partition's batches forward, without a lock, beside its writer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "log/batch_scanner.h"
#include "log/reader_segments.h"

namespace mq::log {

// Ends are not errors.
enum class ReadOutcome : unsigned char {
    batch,
    end_of_log,   // nothing below the bound; try again when the published end has moved
    out_of_range  // the position lies before the log start: the records are gone. Seek.
};

enum class Isolation : unsigned char { read_uncommitted, read_committed };

// Where readers of that isolation stop: the high watermark, or the last stable offset.
[[nodiscard]] Offset readable_end(const PublishedState& state, const Published& now, Isolation isolation);

// Strictly below the high watermark, or the last stable offset for read_committed. Not thread-safe; one reader a
// thread. `state` must outlive it. An index is a hint only: what it points at must be a batch that fits, else the
// segment is scanned. Errors: corrupt and truncated, with file and byte; io.
class LogReader {
public:
    LogReader(std::string directory, const PublishedState& state, Isolation isolation = Isolation::read_uncommitted);
    LogReader(LogReader&&) noexcept;
    LogReader& operator=(LogReader&&) noexcept;
    ~LogReader();

    // What the directory holds at this moment, from one who knows: spares the first look at it.
    void use_listing(std::vector<SegmentName> segments) { segments_.use_listing(std::move(segments)); }

    // The next batch read will be the one that holds `offset`, or the first after it.
    void seek(Offset offset);
    [[nodiscard]] Offset position() const { return position_; }
    // Checks the CRC of every batch that it returns; on by default.
    void set_verify_checksum(bool verify) { verify_checksum_ = verify; }
    // For a topic that was never compacted: a hole between offsets is damage (corrupt), also one at the end of a
    // segment. Off by default: compaction leaves holes, and then a batch that is missing as a whole cannot be told
    // from one that was dropped.
    void set_dense(bool dense) { dense_ = dense; }

    // A batch may begin below the position sought: the caller drops the surplus. Advances past the batch.
    [[nodiscard]] Result<ReadOutcome> next(ScannedBatch& batch);

    // The offset at which end_of_log is told now.
    [[nodiscard]] Offset bound() const;

private:
    struct OpenSegment;
    [[nodiscard]] Offset bound_of(const Published& now) const;
    [[nodiscard]] Result<bool> open_segment(const Published& now, const Generations& at);
    [[nodiscard]] Result<bool> find_segment(const Published& now, const Generations& at);
    [[nodiscard]] Result<std::optional<Error>> find_damage(ScanOutcome outcome, const ScannedBatch& batch,
                                                           Offset log_end) const;

    ReaderSegments segments_;
    const PublishedState* state_;
    Isolation isolation_;
    Offset position_{0};
    bool verify_checksum_ = true;
    bool dense_ = false;
    std::unique_ptr<OpenSegment> segment_;
};

}  // namespace mq::log
