#include "log/batch_scanner.h"

#include <algorithm>

namespace mq::log {
namespace {

// 256 KiB stays in the second-level cache, so the checksum that follows a read costs no memory traffic.
constexpr std::uint64_t kLargeRead = 256 * 1024;
// A look at one place should not pay for a scan: reads begin small and double.
constexpr std::uint64_t kFirstRead = 16 * 1024;
constexpr std::uint64_t kHeaderRead = 4096;

}  // namespace

BatchScanner::BatchScanner(const os::File& file, FilePosition start, FilePosition end, ScanDepth depth,
                           std::uint64_t unit_limit_bytes)
    : file_(&file),
      position_(start),
      end_(end),
      depth_(depth),
      unit_limit_bytes_(unit_limit_bytes),
      read_size_(depth == ScanDepth::units ? kFirstRead : kHeaderRead) {}

void BatchScanner::restart(FilePosition start, FilePosition end) {
    position_ = start;
    end_ = end;
    if (depth_ == ScanDepth::units) read_size_ = kFirstRead;
}

Result<ByteView> BatchScanner::require(std::uint64_t size) {
    const std::uint64_t available = end_ > position_ ? end_ - position_ : 0;
    size = std::min(size, available);
    const std::uint64_t skip = position_ - buffer_start_;
    if (position_ >= buffer_start_ && skip + size <= buffer_.size())
        return buffer_.view().substr(skip, std::min(buffer_.size() - skip, available));

    const std::uint64_t want = std::min(std::max(size, read_size_), available);
    // What is already here of the unit moves to the front; only the rest is read.
    std::uint64_t kept = 0;
    if (position_ >= buffer_start_ && skip < buffer_.size()) {
        kept = std::min<std::uint64_t>(buffer_.size() - skip, want);
        std::memmove(buffer_.data(), buffer_.data() + skip, kept);
    }
    // Only what was read counts, also where memory or the read fails.
    buffer_.resize(kept);
    buffer_start_ = position_;
    buffer_.make_room(want - kept);
    auto got = file_->read_at({buffer_.end(), want - kept}, position_ + kept);
    if (!got) return fail(std::move(got).error());
    buffer_.resize(kept + *got);
    if (depth_ == ScanDepth::units) read_size_ = std::min(read_size_ * 2, kLargeRead);
    return buffer_.view();
}

Result<ScanOutcome> BatchScanner::next(ScannedBatch& batch) {
    if (position_ >= end_) return ScanOutcome::end;
    MQ_ASSIGN(ByteView bytes, require(record::kBatchHeaderBytes));
    if (bytes.empty()) return ScanOutcome::torn_tail;  // the file is shorter than the bound
    auto header = record::parse_batch_header(bytes);
    if (!header) {
        if (header.error().code == Errc::truncated) return ScanOutcome::torn_tail;
        error_ = std::move(header).error();
        error_.subject = file_->path();
        error_.position = position_.value();
        return ScanOutcome::corrupt;
    }
    const std::uint64_t size = header->size_bytes;
    if (size > end_ - position_) return ScanOutcome::torn_tail;
    if (depth_ == ScanDepth::units || (header->is_control() && size <= kHeaderRead)) {
        if (size > unit_limit_bytes_) {
            error_ = Error{Errc::too_large, "read batch", file_->path(), 0, position_.value(),
                           std::to_string(size) + " bytes, limit " + std::to_string(unit_limit_bytes_)};
            return ScanOutcome::corrupt;
        }
        MQ_ASSIGN(bytes, require(size));
        if (bytes.size() < size) return ScanOutcome::torn_tail;
        bytes = bytes.substr(0, size);
    } else {
        bytes = bytes.substr(0, std::min<std::uint64_t>(bytes.size(), size));
        // Payloads larger than a header read are jumped over; many small batches are soon read in bulk.
        read_size_ = size > kLargeRead / 4 ? kHeaderRead : std::min(read_size_ * 4, kLargeRead);
    }
    batch.header = *header;
    batch.position = position_;
    batch.bytes = bytes;
    position_ += size;
    return ScanOutcome::batch;
}

}  // namespace mq::log
