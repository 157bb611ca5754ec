#include "appender.h"

#include <algorithm>
#include <cstring>

#include "cli/text.h"
#include "local/open.h"

namespace mq::produce {

using cli::cat;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kFlushAfter{1000};
// Recovery points are written so often by whoever writes (APP-8).
constexpr std::chrono::seconds kRecoveryPointAfter{60};
// Between two tries on a full disk.
constexpr milliseconds kFirstPause{10};
constexpr milliseconds kLongestPause{1000};

}  // namespace

Appender::Appender(AppendSetup setup) : setup_(std::move(setup)), targets_(setup_.partitions.size()) {
    for (std::size_t i = 0; i < targets_.size(); ++i) targets_[i].number = setup_.partitions[i];
}

Status Appender::append(Batch& batch) {
    if (batch.records > 0) {
        Target& target = targets_[batch.target];
        if (setup_.directory != nullptr) MQ_TRY(append_to(target, batch));
        target.used = true;
        accepted_records_.fetch_add(batch.records, std::memory_order_relaxed);
        accepted_bytes_.fetch_add(batch.bytes, std::memory_order_relaxed);
    }
    if (batch.mark && setup_.checkpoint != nullptr) {
        CheckpointState& state = setup_.checkpoint_state;
        state.mark = *std::move(batch.mark);
        state.file = setup_.args->files[state.mark.file];
        for (std::size_t i = 0; i < targets_.size(); ++i) {
            state.partitions[i].sequence = state.mark.sequences[i];
            if (targets_[i].last_accepted != kNoOffset) state.partitions[i].offset = targets_[i].last_accepted + 1;
        }
        mark_is_new_ = true;
        if (!unflushed_) MQ_TRY(save_checkpoint());
    }
    return {};
}

Status Appender::append_to(Target& target, Batch& batch) {
    MQ_ASSIGN(const std::span<char> bytes, finished(batch));
    MQ_ASSIGN(const log::AppendResult result, append_waiting(target, bytes));
    if (setup_.args->sync == Sync::batch) {
        MQ_TRY(target.writer->flush(result.last_offset + 1));
    } else {
        if (!std::exchange(unflushed_, true)) first_unflushed_ = Clock::now();
        target.unflushed = true;
        if (setup_.args->sync == Sync::end) target.writer->begin_writeback(bytes.size());
    }
    const ByteView stamped{bytes.data(), bytes.size()};
    if (setup_.args->verify) MQ_TRY(read_back(target, result.first_offset, stamped));
    target.last_accepted = result.last_offset;
    if (setup_.reporter->is_needed()) MQ_TRY(setup_.reporter->accepted(target.number, stamped));
    return {};
}

Result<std::span<char>> Appender::finished(Batch& batch) const {
    if (!batch.whole.empty()) return std::span<char>{batch.whole.data(), batch.whole.size()};
    MQ_ASSIGN(ByteView bytes, batch.builder.finish());
    if (bytes.size() > setup_.limit_bytes && batch.builder.size_bytes() <= setup_.limit_bytes) {
        // What does not compress grows a little, here over the limit.
        batch.options.codec = record::Codec::none;
        batch.builder.set_options(batch.options);
        MQ_ASSIGN(bytes, batch.builder.finish());
    }
    return std::span<char>{batch.builder.finished_data(), bytes.size()};
}

Status Appender::try_append(Target& target, std::span<char> bytes, log::AppendResult& result) {
    if (!target.writer) {
        MQ_ASSIGN(target.writer, setup_.directory->open_writer(id_of(target)));
    }
    auto appended = target.writer->append(bytes);
    local::tell(target.writer->take_recovery_report(), *setup_.diagnostics);
    if (!appended) return fail(std::move(appended).error());
    result = *appended;
    return {};
}

Result<log::AppendResult> Appender::append_waiting(Target& target, std::span<char> bytes) {
    log::AppendResult result;
    const std::int64_t patience_ms = setup_.args->delivery_timeout_ms;
    const Clock::time_point start = Clock::now();
    for (milliseconds pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
        Status appended = try_append(target, bytes, result);
        if (appended) {
            if (std::exchange(said_full_, false)) setup_.diagnostics->warning("there is space again");
            return result;
        }
        if (appended.error().code != Errc::no_space || patience_ms == 0) return fail(std::move(appended).error());
        if (!std::exchange(said_full_, true)) {
            setup_.diagnostics->warning(cat(appended.error().message(), "; waiting for space"));
        }
        const Clock::time_point now = Clock::now();
        const bool is_over = patience_ms != kForever && now - start >= milliseconds{patience_ms};
        if (is_over || (setup_.deadline && now >= *setup_.deadline)) return fail(std::move(appended).error());
        if (!Interrupts::pause(static_cast<int>(pause.count()))) return fail(std::move(appended).error());
    }
}

Status Appender::read_back(Target& target, Offset first, ByteView bytes) {
    if (!target.reader) {
        MQ_ASSIGN(target.reader, setup_.directory->open_reader(id_of(target)));
        target.reader->set_verify_checksum(true);
    }
    const auto differs = [&](Offset at, std::string_view what) {
        return fail(Errc::corrupt, "verify", log::partition_directory(id_of(target)),
                    cat("offset ", at.value(), ": ", what));
    };
    target.reader->seek(first);
    while (!bytes.empty()) {
        const Offset at = target.reader->position();
        log::ScannedBatch read;
        MQ_ASSIGN(const log::ReadOutcome outcome, target.reader->next(read));
        if (outcome != log::ReadOutcome::batch) return differs(at, "what was appended is not there");
        if (!bytes.starts_with(read.bytes)) return differs(at, "what is read differs from what was appended");
        bytes.remove_prefix(read.bytes.size());
    }
    return {};
}

std::optional<Clock::time_point> Appender::flush_due() const {
    if (!unflushed_ || setup_.args->sync != Sync::end) return std::nullopt;
    return first_unflushed_ + kFlushAfter;
}

Status Appender::flush() {
    if (unflushed_) {
        const bool recovery_point = Clock::now() - last_recovery_point_ >= kRecoveryPointAfter;
        for (Target& target : targets_) {
            if (!target.writer || !(target.unflushed || (recovery_point && target.used))) continue;
            MQ_TRY(recovery_point ? target.writer->checkpoint() : target.writer->flush());
            target.unflushed = false;
        }
        if (recovery_point) last_recovery_point_ = Clock::now();
        unflushed_ = false;
    }
    if (mark_is_new_) MQ_TRY(save_checkpoint());
    return {};
}

Status Appender::save_checkpoint() {
    MQ_TRY(setup_.checkpoint->save(setup_.checkpoint_state));
    mark_is_new_ = false;
    return {};
}

std::size_t Appender::partitions_used() const {
    return static_cast<std::size_t>(std::ranges::count(targets_, true, &Target::used));
}

std::string Appender::last_accepted() const {
    std::string text;
    for (const Target& target : targets_) {
        if (target.last_accepted == kNoOffset) continue;
        text += cat(text.empty() ? "" : ", ", "offset ", target.last_accepted.value(), " of ",
                    log::partition_directory(id_of(target)));
    }
    return text;
}

}  // namespace mq::produce
