#include "record/compression.h"
#include "record/record.h"

namespace mq::record {
namespace record_detail {

const char* read_long_varint(const char* at, const char* end, std::int64_t& value) {
    ByteCursor cursor{{at, static_cast<std::size_t>(end - at)}};
    value = cursor.varlong();
    return cursor.ok() ? cursor.position() : nullptr;
}

}  // namespace record_detail

bool HeaderReader::next(Header& header) {
    if (left_ <= 0) return false;
    --left_;
    header.key = cursor_.take(cursor_.varint());
    header.value = cursor_.take_nullable(cursor_.varint());
    return cursor_.ok();
}

Status RecordReader::open(ByteView unit) {
    left_ = 0;
    records_ = {};
    at_ = end_ = nullptr;
    is_legacy_ = false;
    status_ = {};
    auto opened = [&]() -> Status {
        MQ_ASSIGN(header_, parse_batch_header(unit));
        if (unit.size() != header_.size_bytes) {
            return fail(unit.size() < header_.size_bytes ? Errc::truncated : Errc::bad_argument, "read batch", {},
                        std::to_string(unit.size()) + " of " + std::to_string(header_.size_bytes) + " bytes");
        }
        return header_.magic == kMagicV2 ? open_v2(unit) : open_legacy(unit);
    }();
    if (!opened) {
        left_ = 0;
        status_ = opened;
        return opened;
    }
    at_ = records_.data();
    end_ = at_ + records_.size();
    return {};
}

Status RecordReader::open_v2(ByteView unit) {
    records_ = unit.substr(kBatchHeaderBytes);
    left_ = header_.record_count;
    // Compaction leaves batches without records, and without a stream, whatever the codec bits say.
    if (header_.codec() == Codec::none || (records_.empty() && left_ == 0)) return {};
    scratch_.clear();
    MQ_TRY(decompress(header_.codec(), records_, limit_, scratch_));
    records_ = scratch_.view();
    return {};
}

bool RecordReader::read_headers(const char* at, const char* end, RecordView& record) {
    ByteCursor cursor{{at, static_cast<std::size_t>(end - at)}};
    const std::int32_t count = cursor.varint();
    // A header takes two bytes at least, so a count that lies ends the loop early.
    if (!cursor.ok() || count < 0 || static_cast<std::size_t>(count) > cursor.remaining() / 2) {
        return stop("header count");
    }
    const char* const start = cursor.position();
    for (std::int32_t i = 0; i < count && cursor.ok(); ++i) {
        cursor.take(cursor.varint());
        cursor.take_nullable(cursor.varint());
    }
    if (!cursor.ok()) return stop("header length");
    if (cursor.remaining() != 0) return stop("bytes after the headers of a record");
    record.header_count = count;
    record.raw_headers = {start, static_cast<std::size_t>(end - start)};
    return true;
}

bool RecordReader::finish_v2() {
    if (status_ && at_ != end_) stop("bytes after the last record");
    return false;
}

bool RecordReader::stop(std::string detail) {
    // Of a compressed batch the position counts decompressed bytes.
    const auto position = static_cast<std::uint64_t>(at_ - records_.data());
    status_ = fail(Errc::corrupt, "read record", {}, std::move(detail), position);
    left_ = 0;
    at_ = end_;
    return false;
}

}  // namespace mq::record
