// Finds where the stored bytes of some records lie, for who passes them on without looking at them.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "log/log_reader.h"
#include "log/reader_segments.h"

namespace mq::log {

// Whole bytes of one segment, from the start of a batch on.
struct RecordRange {
    std::shared_ptr<const os::File> file;  // stays readable, whatever becomes of its name and of the reader
    FilePosition position{0};
    std::uint64_t size_bytes = 0;       // may end inside of a batch
    std::uint64_t available_bytes = 0;  // from there on, without regard to the limit
    std::uint64_t first_batch_bytes = 0;
    Offset first_offset{0};       // of the first batch: at or below the one asked for, or above it at a hole
    bool is_last_segment = true;  // the bound lies in it: nothing can be read behind this segment
};

// Below the same bounds as LogReader, and as lock-free. Looks at the headers of a few batches only and verifies no
// checksum: an index is believed where the headers that it leads to follow each other as they must. Keeps the
// segments open that it was asked for last. Not thread-safe. `state` must outlive it.
class RangeReader {
public:
    RangeReader(std::string directory, const PublishedState& state,
                Isolation isolation = Isolation::read_uncommitted);
    RangeReader(RangeReader&&) noexcept;
    RangeReader& operator=(RangeReader&&) noexcept;
    ~RangeReader();

    // As LogReader::set_dense.
    void set_dense(bool dense) { dense_ = dense; }

    // From the batch that holds `from`, or the first after it: at most `max_bytes`, but for the whole first batch if
    // `whole_first_batch`, to the end of its segment at most. out_of_range: `from` lies before the log start or above
    // the log end. end_of_log: nothing lies between it and the bound. Errors: corrupt and truncated, with file and
    // byte; io.
    [[nodiscard]] Result<ReadOutcome> read(Offset from, std::uint64_t max_bytes, bool whole_first_batch,
                                           RecordRange& range);
    // The offset behind the last batch that begins in a range: walks their headers.
    [[nodiscard]] static Result<Offset> end_of(const RecordRange& range);
    // Whether a segment has aborted transactions at all; where none has, no look at them is needed.
    [[nodiscard]] Result<bool> has_aborted_transactions();

private:
    struct OpenSegment;
    // Of three descriptors each: where most read, and where one catches up.
    static constexpr std::size_t kMostOpen = 2;

    struct Found;
    enum class Look : unsigned char { found, nothing, misled, damaged };

    [[nodiscard]] Result<OpenSegment*> segment_of(Offset offset, const Published& now, const Generations& at);
    [[nodiscard]] Result<Look> walk(OpenSegment& segment, FilePosition start, Offset least, Offset offset,
                                    FilePosition end, Found& found) const;
    [[nodiscard]] Result<Look> find(OpenSegment& segment, Offset offset, FilePosition end, Found& found) const;
    [[nodiscard]] Result<Look> limit_of(OpenSegment& segment, Offset bound, const Published& now, Found& found) const;

    ReaderSegments segments_;
    const PublishedState* state_;
    Isolation isolation_;
    bool dense_ = false;
    Generations opened_at_;
    std::array<std::unique_ptr<OpenSegment>, kMostOpen> open_;  // the one used last comes first
    std::optional<Generations> asked_for_aborted_at_;
    bool closed_have_aborted_ = false;
};

}  // namespace mq::log
