// Walks the units (batches, older messages) of a .log file, in large reads.
#pragma once

#include "base/buffer.h"
#include "os/file.h"
#include "record/batch.h"

namespace mq::log {

enum class ScanDepth : unsigned char {
    headers,  // `bytes` of a unit is what happened to be read, at least the header; payloads are skipped, but for the few bytes
              // of a control batch
    units     // `bytes` is the whole unit
};

struct ScannedBatch {
    record::BatchHeader header;
    FilePosition position{0};
    ByteView bytes;  // valid until the next call

    [[nodiscard]] FilePosition end() const { return position + header.size_bytes; }
};

enum class ScanOutcome : unsigned char {
    batch,
    end,        // exactly at the bound
    torn_tail,  // the bytes before the bound end inside a unit
    corrupt     // no unit starts here: error() says why
};

// Reads below `end` only. Not thread-safe; memory is one read buffer, grown to the largest unit met (never beyond what
// the file holds, nor beyond `unit_limit_bytes`: a larger unit is corrupt with Errc::too_large).
class BatchScanner {
public:
    BatchScanner(const os::File& file, FilePosition start, FilePosition end, ScanDepth depth,
                 std::uint64_t unit_limit_bytes = INT32_MAX);

    // An Error is a failed read; what the bytes say is an outcome. After anything but `batch`, position() is where.
    [[nodiscard]] Result<ScanOutcome> next(ScannedBatch& batch);
    [[nodiscard]] FilePosition position() const { return position_; }
    [[nodiscard]] const Error& error() const { return error_; }  // after corrupt
    // The bound may grow as a writer publishes.
    void set_end(FilePosition end) { end_ = end; }
    // Goes on elsewhere in the same file, with the memory that is there.
    void restart(FilePosition start, FilePosition end);

private:
    // Makes `size` bytes from position_ available, fewer at the bound; the view of what there is.
    [[nodiscard]] Result<ByteView> require(std::uint64_t size);

    const os::File* file_;
    FilePosition position_;
    FilePosition end_;
    ScanDepth depth_;
    std::uint64_t unit_limit_bytes_;
    std::uint64_t read_size_;
    Buffer buffer_;
    FilePosition buffer_start_{0};
    Error error_;
};

}  // namespace mq::log
