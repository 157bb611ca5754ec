#include "log/flusher.h"

#include <algorithm>

#include "base/seeded_bug.h"
#include "log/segment_files.h"
#include "log/segment_list.h"
#include "os/kill_point.h"

namespace mq::log {

// After a failed fsync the pages read back clean though they may not be on disk, so a later success proves nothing:
// the partition is poisoned (CONCURRENCY APP-7).
Status poison_unless(PublishedState& state, Status synced) {
    if (!synced) state.poison.store(static_cast<std::uint32_t>(std::max(synced.error().sys_errno, 1)));
    return synced;
}

Flusher::Flusher(std::string directory, PublishedState& state) : directory_(std::move(directory)), state_(&state) {}

Status Flusher::flush() {
    if (const std::uint32_t poison = state_->poison.load(); poison != 0) {
        Error error = system_error(static_cast<int>(poison), "flush", directory_);
        error.code = Errc::poisoned;
        error.detail = "an earlier fsync failed, and what it covered may not be on disk";
        return fail(std::move(error));
    }
    // The end first: a roll raises the generations before it publishes, so that they speak of every file below it.
    const Published target = state_->read();
    const std::uint64_t files = state_->files_generation.load();
    const std::uint64_t names = state_->names_generation.load();
    const Offset flushed{state_->flushed.load()};

    const auto sync_segment = [&](Offset base) -> Status {
        auto file = os::File::open(os::join(directory_, file_name(FileKind::log, base)), os::OpenMode::read);
        // Retention or a compaction took it: what it held need not be flushed, or was by whoever replaced it.
        if (!file && file.error().code == Errc::not_found && base != target.active_base) return {};
        if (!file) return fail(std::move(file).error());
        MQ_TRY(poison_unless(*state_, file->sync_data()));
        if (base == target.active_base) active_ = std::move(*file);
        return {};
    };
    if (flushed < target.log_end) {
        if (flushed < target.active_base) {
            MQ_ASSIGN(const auto segments, list_segments(directory_));
            for (std::size_t i = 0; i < segments.size() && segments[i].base < target.active_base; ++i) {
                const bool all_flushed = i + 1 < segments.size() && segments[i + 1].base <= flushed;
                if (!all_flushed) MQ_TRY(sync_segment(segments[i].base));
            }
        }
        if (active_.is_open() && active_base_ == target.active_base && files_generation_ == files) {
            if (!MQ_BUG("flush.no_fdatasync")) MQ_TRY(poison_unless(*state_, active_.sync_data()));
        } else {
            MQ_TRY(sync_segment(target.active_base));
            active_base_ = target.active_base;
            files_generation_ = files;
        }
    }
    MQ_KILLPOINT("flush.after_data");
    if (names != state_->names_flushed.load()) {
        MQ_TRY(poison_unless(*state_, os::sync_directory(directory_)));
        MQ_TRY(poison_unless(*state_, os::sync_directory(os::parent_directory(directory_))));
        state_->names_flushed.store(names);
    }
    if (MQ_BUG("flush.claims_too_much")) state_->flushed.store(target.log_end.value() + 1000);
    std::int64_t before = flushed.value();
    while (before < target.log_end.value() &&
           !state_->flushed.compare_exchange_weak(before, target.log_end.value())) {
    }
    return {};
}

}  // namespace mq::log
