#include "partition_stream.h"

#include <algorithm>

#include "cli/text.h"
#include "log/segment_list.h"
#include "shm/control_file.h"

namespace mq::consume {

using cli::cat;
using cli::counted;

PartitionStream::PartitionStream(const StreamOptions& options, std::unique_ptr<store::PartitionReader> reader,
                                 std::string directory, const cli::Diagnostics& diagnostics, const Events& events)
    : options_(options),
      reader_(std::move(reader)),
      directory_(std::move(directory)),
      diagnostics_(diagnostics),
      events_(events) {
    // Who skips what does not verify has to see it first.
    if (options_.skip_damage) reader_->set_verify_checksum(false);
}

void PartitionStream::set_span(Offset from, std::optional<Offset> until) {
    position_ = from;
    until_ = until;
    reader_->seek(from);
}

Result<Step> PartitionStream::next_batch() {
    for (;;) {
        if (until_ && position_ >= *until_) return Step::ended;
        MQ_ASSIGN(const log::ReadOutcome outcome, next_of_log());
        switch (outcome) {
            case log::ReadOutcome::end_of_log:
                return at_end();
            case log::ReadOutcome::out_of_range:
                MQ_TRY(go_to_log_start());
                continue;
            case log::ReadOutcome::batch:
                break;
        }
        if (until_ && batch_.header.base_offset >= *until_) {
            position_ = *until_;
            return Step::ended;
        }
        MQ_ASSIGN(const bool wanted, is_wanted());
        last_epoch_ = batch_.header.leader_epoch;
        if (wanted) return Step::batch;
        position_ = std::max(position_, batch_.header.next_offset());
    }
}

Result<Step> PartitionStream::at_end() {
    if (!until_) return Step::nothing;
    MQ_ASSIGN(const store::Bounds now, reader_->bounds());
    return end_of(now) >= *until_ ? Step::ended : Step::nothing;
}

Result<log::ReadOutcome> PartitionStream::next_of_log() {
    for (;;) {
        if (detour_) {
            MQ_ASSIGN(const auto outcome, next_of_detour());
            if (outcome) return *outcome;
        }
        const Offset wanted = reader_->position();
        auto outcome = reader_->next(batch_);
        if (outcome && *outcome == log::ReadOutcome::batch && options_.skip_damage) {
            const Status whole = record::verify_batch_checksum(batch_.bytes, batch_.header);
            if (whole) return outcome;
            tell_skipped(segment_of(batch_.header.base_offset), batch_.position.value(), batch_.header.size_bytes,
                         whole.error().detail);
            continue;
        }
        if (outcome) return outcome;
        Error error = std::move(outcome).error();
        if (error.code != Errc::corrupt && error.code != Errc::truncated && error.code != Errc::too_large)
            return fail(std::move(error));
        if (options_.skip_damage && error.position && !error.subject.empty()) {
            MQ_TRY(leave(error));
            continue;
        }
        error.detail = cat(error.detail, error.detail.empty() ? "" : ", ", "offset ", wanted.value());
        return fail(std::move(error));
    }
}

// From damage that the log's reader cannot pass: on with what follows it in the same file.
Status PartitionStream::leave(const Error& damage) {
    MQ_ASSIGN(detour_, Detour::open(damage.subject, FilePosition{*damage.position}, reader_->position()));
    return {};
}

// nullopt: the detour has come to its end, and the log's reader stands behind it.
Result<std::optional<log::ReadOutcome>> PartitionStream::next_of_detour() {
    MQ_ASSIGN(const bool found, detour_->next(batch_));
    if (detour_->skipped_bytes() > 0) {
        tell_skipped(detour_->path(), detour_->skipped_from().value(), detour_->skipped_bytes(),
                     "no batch that verifies");
    }
    MQ_ASSIGN(const store::Bounds now, reader_->bounds());
    if (found && batch_.header.base_offset < end_of(now)) {
        reader_->seek(batch_.header.next_offset());
        return std::optional{log::ReadOutcome::batch};
    }
    MQ_TRY(go_behind_segment(detour_->path()));
    detour_.reset();
    return std::optional<log::ReadOutcome>{};
}

Status PartitionStream::go_behind_segment(const std::string& path) {
    const Offset base = log::parse_file_name(os::base_name(path)).offset;
    MQ_ASSIGN(const auto segments, log::list_segments(directory_));
    const auto next = std::ranges::find_if(segments, [&](const log::SegmentName& s) { return s.base > base; });
    MQ_ASSIGN(const store::Bounds now, reader_->bounds());
    reader_->seek(std::max(reader_->position(), next == segments.end() ? end_of(now) : next->base));
    return {};
}

void PartitionStream::tell_skipped(std::string_view file, std::uint64_t byte, std::uint64_t bytes,
                                   std::string_view why) {
    skipped_damage_ = true;
    // An error and no warning: data is missing from what is printed, whatever -q says.
    diagnostics_.error(cat(file, ": skipped ", counted(bytes, "byte"), " from byte ", byte, " on: ", why));
    events_.tell(
        "damage_skipped", id(),
        {{"file", {}, file}, {"byte", static_cast<std::int64_t>(byte)}, {"bytes", static_cast<std::int64_t>(bytes)}});
}

Status PartitionStream::go_to_log_start() {
    MQ_ASSIGN(const store::Bounds now, reader_->bounds());
    const Offset wanted = std::max(position_, reader_->position());
    if (now.log_start > wanted) {
        diagnostics_.warning(cat(log::partition_directory(id()), ": offsets ", wanted.value(), " to ",
                                 now.log_start.value() - 1, " are gone (", counted(now.log_start - wanted, "offset"),
                                 "); going on at the log start"));
        events_.tell("records_gone", id(), {{"from", +wanted}, {"until", +now.log_start}});
    }
    position_ = std::max(position_, now.log_start);
    reader_->seek(position_);
    return {};
}

// Whether the batch has something to print: transactions that were aborted, and markers, have not.
Result<bool> PartitionStream::is_wanted() {
    if (options_.isolation == log::Isolation::read_committed) {
        if (batch_.header.last_offset() >= filtered_until_) MQ_TRY(refresh_aborted(batch_.header.base_offset));
        if (filter_.drops(batch_.header)) return false;
    }
    return batch_.header.is_control() ? options_.control_records : true;
}

Status PartitionStream::refresh_aborted(Offset from) {
    MQ_ASSIGN(const store::Bounds now, reader_->bounds());
    MQ_ASSIGN(auto aborted, reader_->aborted_transactions(from, now.last_stable));
    filter_ = AbortedFilter{std::move(aborted)};
    filtered_until_ = now.last_stable;
    return {};
}

Result<bool> PartitionStream::open_records() {
    Status opened = records_.open(batch_.bytes);
    if (opened) return true;
    if (!options_.skip_damage) return damaged(std::move(opened).error());
    tell_skipped(segment_of(batch_.header.base_offset), batch_.position.value(), batch_.header.size_bytes,
                 opened.error().message());
    return false;
}

Status PartitionStream::close_records() {
    const Status& status = records_.status();
    if (status) return {};
    if (!options_.skip_damage) return damaged(status.error());
    tell_skipped(segment_of(batch_.header.base_offset), batch_.position.value(), batch_.header.size_bytes,
                 status.error().message());
    return {};
}

tl::unexpected<Error> PartitionStream::damaged(Error error) const {
    if (error.subject.empty()) {
        error.subject = segment_of(batch_.header.base_offset);
        error.position = batch_.position.value();
    }
    error.detail = cat(error.detail, error.detail.empty() ? "" : ", ", "offset ", batch_.header.base_offset.value());
    return fail(std::move(error));
}

// The segment file that holds `offset`.
std::string PartitionStream::segment_of(Offset offset) const {
    const auto segments = log::list_segments(directory_);
    if (!segments || segments->empty()) return directory_;
    const auto after = std::ranges::upper_bound(*segments, offset, {}, &log::SegmentName::base);
    const log::SegmentName& found = after == segments->begin() ? *after : *(after - 1);
    return os::join(directory_, log::file_name(log::FileKind::log, found.base, found.suffix));
}

namespace {

// A torn end where mq wrote: an append whose writer died, which was never accepted.
Result<bool> is_unfinished_append(const std::string& partition, const log::RecoveryReport::Cut& cut) {
    MQ_ASSIGN(const bool ours, os::exists(os::join(os::parent_directory(partition), shm::kControlFileName)));
    if (!ours) return false;
    const auto file = os::File::open(cut.file, os::OpenMode::read);
    if (!file) return file.error().code == Errc::not_found ? Result<bool>{false} : fail(file.error());
    MQ_ASSIGN(const std::uint64_t size, file->size());
    if (FilePosition{size} <= cut.position) return true;
    log::BatchScanner scanner{*file, cut.position, FilePosition{size}, log::ScanDepth::headers};
    log::ScannedBatch batch;
    MQ_ASSIGN(const log::ScanOutcome outcome, scanner.next(batch));
    return outcome == log::ScanOutcome::torn_tail;
}

}  // namespace

Status PartitionStream::explain_cuts() {
    for (const log::RecoveryReport::Cut& cut : reader_->recovery().cuts) {
        MQ_ASSIGN(const bool unfinished, is_unfinished_append(directory_, cut));
        if (unfinished) {
            diagnostics_.warning(cat(cut.file, ": ", counted(cut.bytes, "byte"), " from byte ", cut.position.value(),
                                     " on are an unfinished append, and are left out"));
            continue;
        }
        Error error{Errc::corrupt,
                    {},
                    cut.file,
                    0,
                    cut.position.value(),
                    cat("damaged from offset ", cut.offset.value(), " on, ", counted(cut.bytes, "byte"), ": ",
                        cut.reason, cut.kept_in.empty() ? "" : cat(", kept in ", cut.kept_in))};
        if (!options_.skip_damage) return fail(std::move(error));
        tell_skipped(cut.file, cut.position.value(), cut.bytes, cut.reason);
    }
    return {};
}

}  // namespace mq::consume
