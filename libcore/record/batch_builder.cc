#include "record/batch_builder.h"

#include <limits>
#include <string>

#include "base/crc32c.h"
#include "record/compression.h"

namespace mq::record {

void BatchBuilder::clear() {
    buffer_.clear();
    buffer_.resize(kBatchHeaderBytes);
    finished_ = nullptr;
    count_ = 0;
    last_delta_ = -1;
    base_timestamp_ = kNoTimestamp;
    max_timestamp_ = kNoTimestamp;
}

std::size_t BatchBuilder::size_bound(NullableBytes key, NullableBytes value, std::span<const Header> headers) {
    return kRecordOverheadBound + key.value_or(ByteView{}).size() + value.value_or(ByteView{}).size() +
           encoded_size(headers);
}

std::size_t BatchBuilder::encoded_size(std::span<const Header> headers) {
    std::size_t size = varint_size(static_cast<std::int64_t>(headers.size()));
    for (const Header& h : headers) {
        size += record_detail::nullable_size(h.key) + record_detail::nullable_size(h.value);
    }
    return size;
}

char* BatchBuilder::put_headers(char* to, std::span<const Header> headers) {
    to = put_varint(to, static_cast<std::int64_t>(headers.size()));
    for (const Header& h : headers) {
        to = record_detail::put_nullable(to, h.key);
        to = record_detail::put_nullable(to, h.value);
    }
    return to;
}

void BatchBuilder::add_view(const RecordView& record) {
    const std::size_t headers_size = varint_size(record.header_count) + record.raw_headers.size();
    char* to = begin_record(last_delta_ + 1, record.timestamp, record.key, record.value, headers_size);
    to = put_varint(to, record.header_count);
    if (!record.raw_headers.empty()) std::memcpy(to, record.raw_headers.data(), record.raw_headers.size());
    end_record(to + record.raw_headers.size(), last_delta_ + 1, record.timestamp);
}

Result<ByteView> BatchBuilder::finish() {
    BatchHeader h;
    h.base_offset = options_.base_offset;
    h.leader_epoch = options_.leader_epoch;
    h.last_offset_delta = options_.last_offset_delta.value_or(std::max(last_delta_, 0));
    h.base_timestamp = options_.delete_horizon.value_or(base_timestamp_);
    h.max_timestamp = options_.max_timestamp.value_or(max_timestamp_);
    h.producer_id = options_.producer_id;
    h.producer_epoch = options_.producer_epoch;
    h.base_sequence = options_.base_sequence;
    h.record_count = count_;
    const Codec codec = count_ == 0 ? Codec::none : options_.codec;
    int attributes = static_cast<int>(codec);
    if (options_.timestamp_type == TimestampType::log_append_time) attributes |= kLogAppendTimeBit;
    if (options_.transactional) attributes |= kTransactionalBit;
    if (options_.control) attributes |= kControlBit;
    if (options_.delete_horizon) attributes |= kDeleteHorizonBit;
    h.attributes = static_cast<std::int16_t>(attributes);

    Buffer* batch = &buffer_;
    if (codec != Codec::none) {
        compressed_.clear();
        compressed_.resize(kBatchHeaderBytes);
        MQ_TRY(compress(codec, options_.level, buffer_.view().substr(kBatchHeaderBytes), compressed_));
        batch = &compressed_;
    }
    if (batch->size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
        return fail(Errc::too_large, "finish batch", {}, std::to_string(batch->size()) + " bytes");
    }
    h.size_bytes = static_cast<std::uint32_t>(batch->size());
    finished_ = batch->data();
    store_batch_header(finished_, h);
    // The CRC field lies before what the CRC covers.
    h.crc = crc32c(batch->view().substr(kCrcCoverageStart));
    store_batch_header(finished_, h);
    return batch->view();
}

}  // namespace mq::record
