#include "log/cleaned_segment.h"

#include <array>
#include <limits>
#include <new>

#include "log/recovery.h"
#include "os/kill_point.h"

namespace mq::log {
namespace {

constexpr std::size_t kWriteBytes = std::size_t{1} << 20;
constexpr auto kKinds =
    std::to_array<FileKind>({FileKind::log, FileKind::offset_index, FileKind::time_index, FileKind::txn_index});

Status sync_file(const std::string& path) {
    MQ_ASSIGN(os::File file, os::File::open(path, os::OpenMode::read));
    MQ_TRY(file.sync());
    return file.close();
}

}  // namespace

CleanedSegment::CleanedSegment(std::string directory, Offset base) : directory_(std::move(directory)), base_(base) {}

CleanedSegment::~CleanedSegment() {
    if (!differs()) return;
    try {
        // The .log is the last to be renamed: where it still has this name, nothing counts yet. What cannot be
        // removed now is dropped by the next open.
        const auto unused = os::exists(segment_paths(directory_, base_, FileSuffix::cleaned).log);
        if (unused && *unused) static_cast<void>(remove_files());
    } catch (const std::bad_alloc&) {
    }
}

// A .swap index without a .swap log is of a replacement that failed before it counted; it must not be taken for one
// of ours.
Status CleanedSegment::remove_files() const {
    for (const FileKind kind : kKinds) {
        MQ_TRY(os::remove_file(os::join(directory_, file_name(kind, base_, FileSuffix::cleaned))));
        if (kind != FileKind::log)
            MQ_TRY(os::remove_file(os::join(directory_, file_name(kind, base_, FileSuffix::swap))));
    }
    return {};
}

Status CleanedSegment::begin_source(os::File source) {
    if (source_.is_open() && !differs()) MQ_TRY(start());
    source_ = std::move(source);
    return {};
}

Status CleanedSegment::start() {
    const std::string path = segment_paths(directory_, base_, FileSuffix::cleaned).log;
    MQ_ASSIGN(log_, os::File::open(path, os::OpenMode::create_new));
    MQ_KILLPOINT("clean.after_create");
    for (FilePosition at{0}; at < same_until_;) {
        const std::uint64_t count = std::min<std::uint64_t>(kWriteBytes, same_until_ - at);
        pending_.resize(count);
        MQ_ASSIGN(const std::size_t got, source_.read_at({pending_.data(), count}, at));
        if (got != count)
            return fail(Errc::truncated, "clean", source_.path(), "the file became shorter", at.value() + got);
        MQ_TRY(flush());
        at += count;
    }
    return {};
}

Status CleanedSegment::add(const ScannedBatch& unit, ByteView bytes) {
    if (!differs()) {
        if (bytes.data() == unit.bytes.data() && bytes.size() == unit.bytes.size()) {
            same_until_ = unit.end();
            return {};
        }
        MQ_TRY(start());
    }
    if (bytes.size() > std::numeric_limits<std::int32_t>::max() - size_bytes())
        return fail(Errc::too_large, "clean", log_.path(), "a segment of more than 2147483647 bytes", size_bytes());
    pending_.append(bytes);
    return pending_.size() < kWriteBytes ? Status{} : flush();
}

Status CleanedSegment::flush() {
    MQ_TRY(log_.write_at(pending_.view(), FilePosition{written_}));
    written_ += pending_.size();
    pending_.clear();
    MQ_KILLPOINT("clean.after_write");
    return {};
}

Status CleanedSegment::finish(const LogConfig& config, const std::vector<AbortedTxn>& aborted,
                              std::int64_t modified_ms) {
    if (!differs()) MQ_TRY(start());
    MQ_TRY(flush());
    MQ_KILLPOINT("clean.after_log");
    // Reads the new file as an open after a crash would, so that nothing replaces a good segment that could not be
    // read again.
    MQ_ASSIGN(const SegmentRecovery built,
              recover_segment(directory_, base_, config, {}, {}, true, FileSuffix::cleaned));
    if (!built.damage.empty())
        return fail(Errc::corrupt, "clean", log_.path(), "what was written is damaged: " + built.damage,
                    built.valid_end.value());
    const SegmentPaths paths = segment_paths(directory_, base_, FileSuffix::cleaned);
    for (std::uint32_t i = 0; i < aborted.size(); ++i) MQ_TRY(append_txn_index(paths.txn_index, i, aborted[i]));
    MQ_KILLPOINT("clean.after_indexes");
    MQ_TRY(sync_file(paths.offset_index));
    MQ_TRY(sync_file(paths.time_index));
    if (!aborted.empty()) MQ_TRY(sync_file(paths.txn_index));
    MQ_TRY(log_.set_modified(modified_ms));
    MQ_TRY(log_.sync());
    MQ_KILLPOINT("clean.after_sync");
    return {};
}

}  // namespace mq::log
