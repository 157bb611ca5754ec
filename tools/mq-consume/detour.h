// Past damage, for --on-error skip: what follows it in the same segment file.
#pragma once

#include <memory>
#include <optional>

#include "log/batch_scanner.h"

namespace mq::consume {

// Reads the batches of one .log behind a damaged place, each verified, until the file ends. Beyond the published end
// of the log bytes mean nothing: the caller stops at that offset. Not thread-safe.
class Detour {
public:
    // Searches from `from` on for the first batch that verifies and begins at `least` or later. Errors: those of
    // reading.
    [[nodiscard]] static Result<std::unique_ptr<Detour>> open(const std::string& path, FilePosition from,
                                                              Offset least);

    // nullopt: the file holds no more of them. `skipped()` tells what lay between.
    [[nodiscard]] Result<bool> next(log::ScannedBatch& batch);
    // Bytes that the last call went past because nothing in them verified, and where they begin.
    [[nodiscard]] std::uint64_t skipped_bytes() const { return skipped_bytes_; }
    [[nodiscard]] FilePosition skipped_from() const { return skipped_from_; }
    [[nodiscard]] const std::string& path() const { return file_.path(); }

private:
    Detour(os::File file, std::uint64_t size, FilePosition from, Offset least);
    [[nodiscard]] Result<std::optional<FilePosition>> search(FilePosition from) const;

    os::File file_;
    FilePosition end_;
    FilePosition at_;
    Offset least_;
    std::uint64_t skipped_bytes_ = 0;
    FilePosition skipped_from_{0};
    bool searching_ = true;
    std::optional<log::BatchScanner> scanner_;
};

}  // namespace mq::consume
