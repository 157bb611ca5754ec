// The units of a .log, whether it is a file or a stream that cannot be positioned.
#pragma once

#include <optional>

#include "base/buffer.h"
#include "log/batch_scanner.h"

namespace mq::dump {

struct UnitLimits {
    std::uint64_t start = 0;         // first byte read; of a stream what lies before it is skipped
    std::uint64_t end = UINT64_MAX;  // no unit that reaches past this byte is read
    std::uint64_t unit_bytes = std::uint64_t{64} << 20;  // a larger unit is too_large: reported, never loaded
};

// As log::BatchScanner, which it uses where it can. Not thread-safe.
class UnitSource {
public:
    // `file` must outlive it.
    [[nodiscard]] static Result<UnitSource> open(const os::File& file, log::ScanDepth depth,
                                                 const UnitLimits& limits = {});

    [[nodiscard]] Result<log::ScanOutcome> next(log::ScannedBatch& batch);
    // After corrupt with too_large: goes past that unit and returns its header, so that next() has what follows.
    // nullopt after any other outcome, or if the unit is cut short.
    [[nodiscard]] Result<std::optional<record::BatchHeader>> skip_large();
    [[nodiscard]] std::uint64_t position() const { return scanner_ ? +scanner_->position() : position_; }
    [[nodiscard]] const Error& error() const { return scanner_ ? scanner_->error() : error_; }
    // Bytes from position() to the end: of a stream only once next() has told torn_tail or corrupt, which reads it
    // out.
    [[nodiscard]] Result<std::uint64_t> bytes_left();

private:
    [[nodiscard]] Result<log::ScanOutcome> next_of_stream(log::ScannedBatch& batch);
    // Makes up to `size` bytes of the stream available at the front of the buffer.
    [[nodiscard]] Status fill(std::size_t size);

    const os::File* file_ = nullptr;
    log::ScanDepth depth_ = log::ScanDepth::units;
    std::optional<log::BatchScanner> scanner_;
    std::uint64_t size_ = 0;  // of a file
    UnitLimits limits_;
    Buffer buffer_;  // of a stream
    std::size_t consumed_ = 0;
    std::uint64_t position_ = 0;
    bool at_end_ = false;
    Error error_;
};

}  // namespace mq::dump
