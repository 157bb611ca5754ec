#include "mq-dump-segment/follow.h"

namespace mq::dump {

Result<FollowedLog> FollowedLog::open(const std::string& path, const FollowPrinters& printers) {
    FollowedLog followed{printers};
    followed.path_ = path;
    MQ_ASSIGN(followed.info_, os::file_info(path, os::Follow::yes));
    followed.is_directory_ = followed.info_.is_directory;
    if (followed.is_directory_) return followed;
    const Input input = input_of(path);
    if (input.type != FileType::log || !followed.info_.is_regular)
        return fail(Errc::unsupported, "follow", path, "neither a .log nor the directory of a partition");
    MQ_TRY(followed.begin(input));
    return followed;
}

Status FollowedLog::begin(const Input& input) {
    base_ = input.name.offset;
    if (printers_.rows != nullptr) {
        MQ_ASSIGN(rows_, printers_.rows->open(input, next_));
    } else {
        MQ_ASSIGN(kafka_, printers_.kafka->begin_log(input.path));
    }
    return {};
}

Status FollowedLog::print_segment() {
    MQ_ASSIGN(const bool longer, units().extend());
    if (!longer) next_ = Offset{0};  // it was cut: what comes now takes the offsets that were cut
    if (rows_) {
        MQ_TRY(printers_.rows->print(*rows_));
        next_ = std::max(next_, rows_->next);
        is_over_ = rows_->is_over;
    } else {
        MQ_TRY(printers_.kafka->dump_batches(*kafka_));
        next_ = std::max(next_, units().next_offset());
        is_over_ = kafka_->is_over;
    }
    in_flight_ = units().in_flight_bytes() > 0;
    return {};
}

// The next offset may lie in a segment that compaction merged with the one that is open.
Result<std::optional<Input>> FollowedLog::next_segment() const {
    MQ_ASSIGN(const os::FileInfo now, os::file_info(path_, os::Follow::yes));
    if (now.inode != info_.inode || now.device != info_.device)
        return fail(Errc::not_found, "follow", path_, "the directory was removed, and made again");
    std::optional<Input> holder;  // of next_
    std::optional<Input> later;
    const auto look = [&]() -> Status {
        holder.reset();
        later.reset();
        MQ_ASSIGN(const auto entries, os::list_directory(path_));
        for (const auto& entry : entries) {
            const log::FileName name = log::parse_file_name(entry.name);
            if (entry.is_directory || name.kind != log::FileKind::log || name.suffix != log::FileSuffix::none)
                continue;
            Input input = input_of(os::join(path_, entry.name));
            if (name.offset <= next_) {
                holder = std::move(input);
            } else if (!later) {
                later = std::move(input);
            }
        }
        return {};
    };
    MQ_TRY(look());
    // A large directory is read in several pieces: of two segments that are made meanwhile the second one may be seen
    // alone. The first one is there before it.
    if (later) MQ_TRY(look());
    if (base_ == kNoOffset) return holder ? holder : later;
    if (!holder || holder->name.offset > base_) return holder ? holder : later;
    const auto info = os::file_info(holder->path, os::Follow::yes);
    MQ_ASSIGN(const os::FileInfo open, file().info());
    return info && info->inode != open.inode ? holder : later;
}

Status FollowedLog::print() {
    if (base_ != kNoOffset) MQ_TRY(print_segment());
    while (is_directory_ && !is_over_) {
        MQ_ASSIGN(const auto next, next_segment());
        if (!next) return {};
        // What was appended before the roll, after the last look.
        if (base_ != kNoOffset) {
            MQ_TRY(print_segment());
            if (is_over_) return {};
        }
        MQ_TRY(begin(*next));
        MQ_TRY(print_segment());
    }
    return {};
}

}  // namespace mq::dump
