// The segment that a compaction writes in the place of one or several neighbours. Private to the cleaner.
#pragma once

#include <vector>

#include "log/batch_scanner.h"
#include "log/log_config.h"
#include "log/segment.h"
#include "log/txn_index.h"

namespace mq::log {

// Files appear (BASE.*.cleaned) only when something differs from the first source: a segment that stays as it is
// costs no write. What did not come to replace a segment is removed with the object. Not thread-safe.
class CleanedSegment {
public:
    CleanedSegment(std::string directory, Offset base);
    ~CleanedSegment();
    CleanedSegment(const CleanedSegment&) = delete;
    CleanedSegment& operator=(const CleanedSegment&) = delete;

    // The units of `source` follow.
    [[nodiscard]] Status begin_source(os::File source);
    [[nodiscard]] const os::File& source() const { return source_; }
    // What takes the place of the unit: its own bytes (the same pointer), others, or none. In offset order.
    [[nodiscard]] Status add(const ScannedBatch& unit, ByteView bytes);
    // False: so far it is the first source, byte for byte.
    [[nodiscard]] bool differs() const { return log_.is_open(); }
    [[nodiscard]] std::uint64_t size_bytes() const { return written_ + pending_.size(); }

    // Writes the rest and the indexes, checks every batch once more, and makes all of it durable: ready for
    // Log::replace_segments.
    [[nodiscard]] Status finish(const LogConfig& config, const std::vector<AbortedTxn>& aborted,
                                std::int64_t modified_ms);

private:
    [[nodiscard]] Status start();
    [[nodiscard]] Status flush();
    [[nodiscard]] Status remove_files() const;

    std::string directory_;
    Offset base_;
    os::File source_;
    FilePosition same_until_{0};  // of the first source, while nothing differs
    os::File log_;
    Buffer pending_;
    std::uint64_t written_ = 0;
};

}  // namespace mq::log
