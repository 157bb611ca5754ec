// One partition directory, or one .log, that is printed as it grows.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "mq-dump-segment/kafka_dump.h"
#include "mq-dump-segment/log_printer.h"

namespace mq::dump {

// Whoever prints; the two views that can follow. Exactly one is set.
struct FollowPrinters {
    LogPrinter* rows = nullptr;
    KafkaDump* kafka = nullptr;
};

// Not thread-safe. The printers must outlive it.
class FollowedLog {
public:
    // unsupported: neither a .log nor a directory; not_found.
    [[nodiscard]] static Result<FollowedLog> open(const std::string& path, const FollowPrinters& printers);

    // What is to be watched: the directory, or the file.
    [[nodiscard]] const std::string& path() const { return path_; }
    // Prints what there is now; of a directory also the segments after the one that was printed last. Errors: what
    // made a file unreadable, not_found when the directory went away.
    [[nodiscard]] Status print();
    // Nothing more can be printed: damage, or the end of -o.
    [[nodiscard]] bool is_over() const { return is_over_; }
    // The end is being written: worth a look soon, as nobody tells when a writer dies.
    [[nodiscard]] bool is_in_flight() const { return in_flight_; }

private:
    explicit FollowedLog(const FollowPrinters& printers) : printers_(printers) {}

    [[nodiscard]] Status begin(const Input& input);
    // Prints the segment that is open as far as it goes now.
    [[nodiscard]] Status print_segment();
    // The segment that comes after the one that is open; nullopt: none yet.
    [[nodiscard]] Result<std::optional<Input>> next_segment() const;
    [[nodiscard]] UnitSource& units() const { return rows_ ? *rows_->units : *kafka_->units; }
    [[nodiscard]] const os::File& file() const { return rows_ ? rows_->file : kafka_->file; }

    FollowPrinters printers_;
    std::string path_;
    bool is_directory_ = false;
    os::FileInfo info_;        // of path_ as it was opened
    Offset base_ = kNoOffset;  // of the segment that is open
    Offset next_{0};           // nothing below it is printed again
    std::unique_ptr<LogPrinter::Reading> rows_;
    std::unique_ptr<KafkaDump::Log> kafka_;
    bool is_over_ = false;
    bool in_flight_ = false;
};

}  // namespace mq::dump
