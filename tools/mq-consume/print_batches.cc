// --framing kbatch: whole record batches.
#include "base/assert.h"
#include "printer.h"

namespace mq::consume {

Status Printer::print_batch(ByteView batch, const record::BatchHeader& header) {
    MQ_ASSERT(header.magic == record::kMagicV2);
    char* const to = out_->room(batch.size());
    std::memcpy(to, batch.data(), batch.size());
    cli::mark_partition(to, input_.partition);
    input_.count += static_cast<std::uint64_t>(header.record_count);
    if (!out_->commit(batch.size())) return out_->status();
    if (args_->buffering == Buffering::line) return out_->flush();
    return {};
}

void Printer::begin_batch(const record::BatchHeader& header) {
    if (!builder_) builder_.emplace();
    builder_->clear();
    built_of_ = header;
}

void Printer::add_to_batch(const record::RecordView& record) {
    if (builder_->record_count() == 0) {
        record::BatchOptions options;
        options.codec = built_of_.codec();
        options.timestamp_type = built_of_.timestamp_type();
        options.transactional = built_of_.is_transactional();
        options.control = built_of_.is_control();
        options.producer_id = built_of_.producer_id;
        options.producer_epoch = built_of_.producer_epoch;
        options.base_sequence = record.sequence;
        options.base_offset = record.offset;
        if (options.timestamp_type == record::TimestampType::log_append_time)
            options.max_timestamp = built_of_.max_timestamp;
        builder_->set_options(options);
        built_base_ = record.offset;
    }
    headers_.clear();
    record::HeaderReader headers{record};
    for (record::Header header; headers.next(header);) headers_.push_back(header);
    builder_->add_at(static_cast<std::int32_t>(record.offset - built_base_), record.timestamp, record.key,
                     record.value, headers_);
}

Status Printer::end_batch() {
    if (builder_->record_count() == 0) return {};
    MQ_ASSIGN(const ByteView batch, builder_->finish());
    MQ_ASSIGN(const record::BatchHeader header, record::parse_batch_header(batch));
    return print_batch(batch, header);
}

}  // namespace mq::consume
