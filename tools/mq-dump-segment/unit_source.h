// The units of a .log, whether it is a file or a stream that cannot be positioned.
#pragma once

#include <algorithm>
#include <optional>

#include "base/buffer.h"
#include "log/batch_scanner.h"
#include "mq-dump-segment/live_tail.h"

namespace mq::dump {

struct UnitLimits {
    std::uint64_t start = 0;         // first byte read; of a stream what lies before it is skipped
    std::uint64_t end = UINT64_MAX;  // no unit that reaches past this byte is read
    std::uint64_t unit_bytes = std::uint64_t{64} << 20;  // a larger unit is too_large: reported, never loaded
};

// As log::BatchScanner, which it uses where it can; a bad end of a file that others write is read again (DMP-1). A
// file is read as far as it reaches when it is opened or extended. Not thread-safe.
class UnitSource {
public:
    // `file` must outlive it.
    [[nodiscard]] static Result<UnitSource> open(const os::File& file, log::ScanDepth depth,
                                                 const UnitLimits& limits = {});

    // `end` is also what is told before bytes that others have not finished writing.
    [[nodiscard]] Result<log::ScanOutcome> next(log::ScannedBatch& batch);
    // How many bytes those are, after `end`.
    [[nodiscard]] std::uint64_t in_flight_bytes() const { return in_flight_bytes_; }
    // After `end`: what has been added to the file since is there for next(). A file that became shorter than what
    // was read goes on at its new end; false then.
    [[nodiscard]] Result<bool> extend();
    // After corrupt with too_large: goes past that unit and returns its header, so that next() has what follows.
    // nullopt after any other outcome, or if the unit is cut short.
    [[nodiscard]] Result<std::optional<record::BatchHeader>> skip_large();
    [[nodiscard]] std::uint64_t position() const { return scanner_ ? +scanner_->position() : position_; }
    // The least offset that may come after what was read of a file.
    [[nodiscard]] Offset next_offset() const { return next_offset_; }
    [[nodiscard]] const Error& error() const { return scanner_ ? scanner_->error() : error_; }
    // Bytes from position() to the end: of a stream only once next() has told torn_tail or corrupt, which reads it
    // out.
    [[nodiscard]] Result<std::uint64_t> bytes_left();

private:
    void scan_from(std::uint64_t start);
    [[nodiscard]] Result<log::ScanOutcome> next_of_file(log::ScannedBatch& batch);
    [[nodiscard]] Result<log::ScanOutcome> next_of_stream(log::ScannedBatch& batch);
    // Where the scanner may read to.
    [[nodiscard]] FilePosition bound() const { return FilePosition{std::min(limits_.end, size_)}; }
    // Makes up to `size` bytes of the stream available at the front of the buffer.
    [[nodiscard]] Status fill(std::size_t size);

    const os::File* file_ = nullptr;
    log::ScanDepth depth_ = log::ScanDepth::units;
    std::optional<log::BatchScanner> scanner_;
    std::optional<LiveTail> tail_;  // of a file
    std::uint64_t size_ = 0;        // of a file, as last looked at
    std::uint64_t goal_ = 0;        // of a file: next() tells `end` from here on
    std::uint64_t in_flight_bytes_ = 0;
    Offset next_offset_{0};
    UnitLimits limits_;
    Buffer buffer_;  // of a stream
    std::size_t consumed_ = 0;
    std::uint64_t position_ = 0;
    bool at_end_ = false;
    Error error_;
};

}  // namespace mq::dump
