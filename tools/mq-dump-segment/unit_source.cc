#include "mq-dump-segment/unit_source.h"

#include <algorithm>

namespace mq::dump {

using log::ScanOutcome;

namespace {

constexpr std::size_t kStreamRead = 256 * 1024;

}  // namespace

Result<UnitSource> UnitSource::open(const os::File& file, log::ScanDepth depth, const UnitLimits& limits) {
    MQ_ASSIGN(const os::FileInfo info, file.info());
    UnitSource source;
    source.file_ = &file;
    source.depth_ = depth;
    source.limits_ = limits;
    if (info.is_regular) {
        source.size_ = source.goal_ = info.size_bytes;
        source.tail_.emplace(file.path());
        source.scanner_.emplace(file, FilePosition{limits.start}, source.bound(), depth, limits.unit_bytes);
        return source;
    }
    if (info.is_directory) return fail(Errc::bad_argument, "read", file.path(), "is a directory");
    while (source.position_ < limits.start) {
        MQ_TRY(source.fill(1));
        const std::uint64_t there = source.buffer_.size() - source.consumed_;
        if (there == 0) break;
        const std::uint64_t skipped = std::min(there, limits.start - source.position_);
        source.consumed_ += skipped;
        source.position_ += skipped;
    }
    return source;
}

Result<ScanOutcome> UnitSource::next(log::ScannedBatch& batch) {
    return scanner_ ? next_of_file(batch) : next_of_stream(batch);
}

Result<ScanOutcome> UnitSource::next_of_file(log::ScannedBatch& batch) {
    while (position() < goal_) {
        MQ_ASSIGN(const ScanOutcome outcome, scanner_->next(batch));
        if (outcome == ScanOutcome::end) return outcome;
        std::uint64_t at = position();
        if (outcome == ScanOutcome::batch) {
            const bool last = depth_ == log::ScanDepth::units && position() >= size_;
            if (!last || record::verify_batch_checksum(batch.bytes, batch.header)) {
                next_offset_ = batch.header.next_offset();
                return outcome;
            }
            at = +batch.position;
        }
        if (limits_.end < size_ || (outcome == ScanOutcome::corrupt && error().code == Errc::too_large))
            return outcome;
        MQ_ASSIGN(const log::TailVerdict verdict, tail_->judge(*file_, FilePosition{at}, next_offset_));
        if (verdict == log::TailVerdict::damage) return outcome;
        MQ_ASSIGN(size_, file_->size());
        scan_from(at);
        if (verdict == log::TailVerdict::in_flight) {
            in_flight_bytes_ = size_ - std::min(size_, at);
            return ScanOutcome::end;
        }
    }
    size_ = std::min(size_, position());  // what has come since is not what is left
    return ScanOutcome::end;
}

// A new one: what the old one has read ahead may have been written since.
void UnitSource::scan_from(std::uint64_t start) {
    scanner_.emplace(*file_, FilePosition{start}, bound(), depth_, limits_.unit_bytes);
}

Result<bool> UnitSource::extend() {
    in_flight_bytes_ = 0;
    MQ_ASSIGN(size_, file_->size());
    goal_ = size_;
    const bool longer = position() <= size_;
    scan_from(std::min(position(), size_));
    return longer;
}

Status UnitSource::fill(std::size_t size) {
    if (buffer_.size() - consumed_ >= size || at_end_) return {};
    std::memmove(buffer_.data(), buffer_.data() + consumed_, buffer_.size() - consumed_);
    buffer_.resize(buffer_.size() - consumed_);
    consumed_ = 0;
    while (buffer_.size() < size) {
        const std::size_t had = buffer_.size();
        // The memory follows what has arrived: a size field that lies costs nothing.
        buffer_.resize(had + kStreamRead);
        auto got = file_->read_some({buffer_.data() + had, kStreamRead});
        buffer_.resize(had + (got ? *got : 0));
        if (!got) return fail(std::move(got).error());
        if (*got == 0) {
            at_end_ = true;
            return {};
        }
    }
    return {};
}

Result<ScanOutcome> UnitSource::next_of_stream(log::ScannedBatch& batch) {
    MQ_TRY(fill(record::kBatchHeaderBytes));
    ByteView bytes = buffer_.view().substr(consumed_);
    if (bytes.empty() || position_ >= limits_.end) return ScanOutcome::end;
    auto header = record::parse_batch_header(bytes);
    if (!header) {
        if (header.error().code == Errc::truncated) return ScanOutcome::torn_tail;
        error_ = std::move(header).error();
    } else if (header->size_bytes > limits_.unit_bytes) {
        error_ = Error{Errc::too_large,
                       "read batch",
                       {},
                       0,
                       {},
                       std::to_string(header->size_bytes) + " bytes, limit " + std::to_string(limits_.unit_bytes)};
    } else {
        if (header->size_bytes > limits_.end - position_) return ScanOutcome::torn_tail;
        MQ_TRY(fill(header->size_bytes));
        bytes = buffer_.view().substr(consumed_);
        if (bytes.size() < header->size_bytes) return ScanOutcome::torn_tail;
        batch.header = *header;
        batch.position = FilePosition{position_};
        batch.bytes = bytes.substr(0, header->size_bytes);
        consumed_ += header->size_bytes;
        position_ += header->size_bytes;
        return ScanOutcome::batch;
    }
    error_.subject = file_->path();
    error_.position = position_;
    return ScanOutcome::corrupt;
}

Result<std::optional<record::BatchHeader>> UnitSource::skip_large() {
    if (error().code != Errc::too_large) return std::nullopt;
    error_ = {};
    if (!scanner_) {
        const auto header = record::parse_batch_header(buffer_.view().substr(consumed_));
        std::uint64_t left = header->size_bytes;
        while (left > 0) {
            MQ_TRY(fill(1));
            const std::uint64_t there = std::min<std::uint64_t>(buffer_.size() - consumed_, left);
            if (there == 0) return std::nullopt;
            consumed_ += there;
            position_ += there;
            left -= there;
        }
        return *header;
    }
    log::BatchScanner headers{*file_, scanner_->position(), bound(), log::ScanDepth::headers};
    log::ScannedBatch batch;
    MQ_ASSIGN(const ScanOutcome outcome, headers.next(batch));
    if (outcome != ScanOutcome::batch) return std::nullopt;
    scan_from(+batch.end());
    return batch.header;
}

Result<std::uint64_t> UnitSource::bytes_left() {
    if (scanner_) return in_flight_bytes_ > 0 ? 0 : size_ - std::min(size_, position());
    std::uint64_t left = buffer_.size() - consumed_;
    while (!at_end_) {
        consumed_ = buffer_.size();
        MQ_TRY(fill(1));
        left += buffer_.size() - consumed_;
    }
    return left;
}

}  // namespace mq::dump
