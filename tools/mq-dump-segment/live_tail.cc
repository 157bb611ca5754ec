#include "mq-dump-segment/live_tail.h"

#include <algorithm>
#include <utility>

#include "log/recovery.h"
#include "log/segment_files.h"
#include "os/watch.h"

namespace mq::dump {

using log::TailVerdict;

namespace {

constexpr int kBetweenLooksMs = 10;
constexpr std::uint64_t kSearched = std::uint64_t{16} << 20;  // bytes behind bad ones, for a batch that is good

bool is_held(const std::string& path, os::LockKind wanted, std::uint64_t start, std::uint64_t size_bytes) {
    const auto file = os::File::open(path, os::OpenMode::read);
    if (!file) return false;
    const auto holder = os::lock_holder(*file, wanted, start, size_bytes);
    return holder && *holder != 0;
}

}  // namespace

std::string data_directory_of(const std::string& partition_directory) {
    const std::string_view name = os::base_name(partition_directory);
    if (name == "." || name == "..") return os::join(partition_directory, "..");
    return os::parent_directory(partition_directory);
}

bool is_in_use(const std::string& data_directory) {
    return is_held(os::join(data_directory, kControlFile), os::LockKind::exclusive, 0, 1) ||
           is_held(os::join(data_directory, ".lock"), os::LockKind::shared, 0, 0);
}

bool LiveTail::is_live() const {
    const std::string directory = os::parent_directory(path_);
    const log::FileName name = log::parse_file_name(os::base_name(path_));
    if (name.kind != log::FileKind::log) return false;
    if (name.suffix == log::FileSuffix::cleaned) return is_in_use(data_directory_of(directory));
    if (name.suffix != log::FileSuffix::none) return false;
    bool last = true;
    const Status listed = os::visit_directory(directory, [&](std::string_view entry, bool) {
        const log::FileName other = log::parse_file_name(entry);
        last &=
            other.kind != log::FileKind::log || other.suffix != log::FileSuffix::none || other.offset <= name.offset;
    });
    return listed && last && is_in_use(data_directory_of(directory));
}

Result<TailVerdict> LiveTail::judge(const os::File& log_file, FilePosition position, Offset next) {
    if (position != position_) {
        looks_ = 0;
        was_followed_ = false;
    }
    position_ = position;
    // Who held the directory before the bytes were read again may have written them since. Now is for the next time.
    const bool was_live = std::exchange(was_live_, is_live());
    MQ_ASSIGN(const std::uint64_t size_bytes, log_file.size());
    const bool changed = std::exchange(size_bytes_, size_bytes) != size_bytes;
    if (looks_ == 0) {
        ++looks_;
        return TailVerdict::read_again;
    }
    const bool may_change = was_live || (changed && looks_ < kMostLooks);
    if (!may_change || was_followed_) return TailVerdict::damage;
    // Since the bytes were read they may have become whole, and others have been appended.
    const FilePosition end{std::min(size_bytes, position.value() + kSearched)};
    MQ_ASSIGN(was_followed_, log::valid_batch_follows(log_file, position + 1, end, next));
    if (was_followed_) return TailVerdict::read_again;
    if (looks_ >= kMostLooks) return TailVerdict::in_flight;
    ++looks_;
    MQ_TRY(os::Watch{}.wait(kBetweenLooksMs));
    return TailVerdict::read_again;
}

}  // namespace mq::dump
