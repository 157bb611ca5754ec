#include "detour.h"

#include "base/buffer.h"

namespace mq::consume {

namespace {

// A larger batch is not looked for: a header in the rubbish could claim all the memory there is.
constexpr std::uint64_t kLargestBatchBytes = 16 << 20;
constexpr std::size_t kSearchBytes = 256 << 10;

}  // namespace

Detour::Detour(os::File file, std::uint64_t size, FilePosition from, Offset least)
    : file_(std::move(file)), end_(size), at_(from), least_(least) {}

Result<std::unique_ptr<Detour>> Detour::open(const std::string& path, FilePosition from, Offset least) {
    MQ_ASSIGN(os::File file, os::File::open(path, os::OpenMode::read));
    MQ_ASSIGN(const std::uint64_t size, file.size());
    return std::unique_ptr<Detour>{new Detour{std::move(file), size, from, least}};
}

// Where the first batch begins that verifies.
Result<std::optional<FilePosition>> Detour::search(FilePosition from) const {
    Buffer window;
    Buffer unit;
    for (FilePosition start = from; start < end_;) {
        window.resize(kSearchBytes);
        MQ_ASSIGN(const std::size_t got, file_.read_at({window.data(), window.size()}, start));
        if (got < record::kBatchHeaderBytes) return std::optional<FilePosition>{};
        const std::size_t places = got - record::kBatchHeaderBytes + 1;
        for (std::size_t i = 0; i < places; ++i) {
            if (static_cast<std::uint8_t>(window.data()[i + record::kMagicPosition]) != record::kMagicV2) continue;
            const auto header = record::parse_batch_header({window.data() + i, got - i});
            const FilePosition at = start + i;
            if (!header || header->base_offset < least_ || header->size_bytes > kLargestBatchBytes ||
                header->size_bytes > end_ - at)
                continue;
            unit.resize(header->size_bytes);
            MQ_ASSIGN(const std::size_t whole, file_.read_at({unit.data(), unit.size()}, at));
            if (whole == unit.size() && record::verify_batch_checksum(unit.view(), *header)) return std::optional{at};
        }
        start += places;
    }
    return std::optional<FilePosition>{};
}

Result<bool> Detour::next(log::ScannedBatch& batch) {
    skipped_bytes_ = 0;
    skipped_from_ = at_;
    for (;;) {
        if (searching_) {
            MQ_ASSIGN(const auto found, search(at_));
            skipped_bytes_ += found.value_or(end_) - at_;
            at_ = found.value_or(end_);
            if (!found) return false;
            scanner_.emplace(file_, at_, end_, log::ScanDepth::units, kLargestBatchBytes);
            searching_ = false;
        }
        MQ_ASSIGN(const log::ScanOutcome outcome, scanner_->next(batch));
        if (outcome == log::ScanOutcome::end) return false;
        if (outcome == log::ScanOutcome::batch && batch.header.base_offset >= least_ &&
            record::verify_batch_checksum(batch.bytes, batch.header)) {
            at_ = batch.end();
            least_ = batch.header.next_offset();
            return true;
        }
        // Where it begins nothing can begin: on from the next byte.
        if (skipped_bytes_ == 0) skipped_from_ = at_;
        at_ += 1;
        skipped_bytes_ += 1;
        searching_ = true;
    }
}

}  // namespace mq::consume
