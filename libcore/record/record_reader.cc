#include <string>

#include "record/compression.h"
#include "record/record.h"

namespace mq::record {
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
        records_ = {};
        status_ = opened;
    }
    set_position();
    return opened;
}

void RecordReader::set_position() {
    at_ = records_.data();
    end_ = at_ + records_.size();
    const bool can_be_plain = !is_legacy_ && end_ - at_ >= kLookAheadBytes;
    plain_end_ = can_be_plain ? end_ - kLookAheadBytes + 1 : nullptr;
}

Status RecordReader::open_v2(ByteView unit) {
    const bool takes_batch_time = header_.timestamp_type() == TimestampType::log_append_time;
    timestamp_base_ = static_cast<std::uint64_t>(takes_batch_time ? header_.max_timestamp : header_.base_timestamp);
    timestamp_mask_ = takes_batch_time ? 0 : ~std::uint64_t{0};
    left_ = header_.record_count;
    records_ = unit.substr(kBatchHeaderBytes);
    // Compaction leaves batches without records, and without a stream, whatever the codec bits say.
    if (header_.codec() == Codec::none || (records_.empty() && left_ == 0)) return {};
    scratch_.clear();
    MQ_TRY(decompress(header_.codec(), records_, limit_, scratch_));
    records_ = scratch_.view();
    return {};
}

bool RecordReader::next_general() {
    if (left_ == 0) {
        // A malformed record has ended the batch already, at its own position.
        if (status_ && at_ != end_) stop("bytes after the last record");
        return false;
    }
    return is_legacy_ ? next_legacy() : next_v2();
}

bool RecordReader::next_v2() {
    ByteCursor rest{{at_, static_cast<std::size_t>(end_ - at_)}};
    ByteCursor body{rest.take(rest.varint())};
    if (!rest.ok()) return stop("record length");
    static_cast<void>(body.be<std::int8_t>());  // attributes: none is defined
    const std::int64_t timestamp_delta = body.varlong();
    const std::int32_t offset_delta = body.varint();
    if (!body.ok()) return stop("record deltas");
    if (offset_delta < 0 || offset_delta > header_.last_offset_delta) return stop("offset delta");
    general_.key = body.take_nullable(body.varint());
    if (!body.ok()) return stop("key length");
    general_.value = body.take_nullable(body.varint());
    if (!body.ok()) return stop("value length");
    if (!read_headers(body)) return false;
    general_.offset = header_.base_offset + offset_delta;
    general_.timestamp_delta = timestamp_delta;
    // Wraps as in Java: any two timestamps are representable.
    general_.timestamp =
        static_cast<TimestampMs>(timestamp_base_ + (static_cast<std::uint64_t>(timestamp_delta) & timestamp_mask_));
    general_.sequence = add_sequence(header_.base_sequence, offset_delta);
    general_.magic = static_cast<std::int8_t>(kMagicV2);
    general_.message_crc.reset();
    general_.message_crc_valid = true;
    at_ = rest.position();
    --left_;
    return true;
}

bool RecordReader::read_headers(ByteCursor& body) {
    const std::int32_t count = body.varint();
    // A header takes two bytes at least, which bounds the loop before it begins.
    if (!body.ok() || count < 0 || static_cast<std::size_t>(count) > body.remaining() / 2) {
        return stop("header count");
    }
    general_.header_count = count;
    general_.raw_headers = {body.position(), body.remaining()};
    for (std::int32_t i = 0; i < count && body.ok(); ++i) {
        body.take(body.varint());
        body.take_nullable(body.varint());
    }
    if (!body.ok()) return stop("header length");
    return body.remaining() == 0 || stop("bytes after the headers of a record");
}

bool RecordReader::stop(const char* what) {
    // Of a compressed batch the position counts decompressed bytes.
    const auto position = static_cast<std::uint64_t>(at_ - records_.data());
    status_ = fail(Errc::corrupt, "read record", {}, what, position);
    left_ = 0;
    at_ = end_;
    return false;
}

}  // namespace mq::record
