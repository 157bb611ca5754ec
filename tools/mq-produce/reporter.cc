#include "reporter.h"

#include "cli/json.h"
#include "cli/text.h"

namespace mq::produce {

using cli::cat;

Reporter::Reporter(const Args& args) : args_(&args) {
    json_prefix_ = "{\"topic\":";
    cli::append_json_string(json_prefix_, args.topic);
    json_prefix_ += ",\"partition\":";
    if (args.ack_fd) acks_.emplace(*args.ack_fd, cat("descriptor ", *args.ack_fd));
}

Result<std::unique_ptr<Reporter>> Reporter::make(const Args& args) {
    std::unique_ptr<Reporter> reporter{new Reporter{args}};
    if (args.report == Report::format) {
        MQ_ASSIGN(reporter->format_, cli::Format::parse(args.report_format));
    }
    return reporter;
}

Status Reporter::accepted(std::int32_t partition, ByteView batches) {
    while (!batches.empty()) {
        MQ_ASSIGN(const record::BatchHeader header, record::parse_batch_header(batches));
        MQ_TRY(tell_records(partition, batches.substr(0, header.size_bytes)));
        batches.remove_prefix(header.size_bytes);
    }
    MQ_TRY(out_.flush());
    if (acks_) MQ_TRY(acks_->flush());
    return {};
}

Status Reporter::tell_records(std::int32_t partition, ByteView unit) {
    MQ_TRY(reader_.open(unit));
    for (record::RecordView record; reader_.next(record);) {
        ++count_;
        line_.clear();
        if (args_->report == Report::json) {
            line_ += cat(json_prefix_, partition, ",\"offset\":", record.offset.value(), "}\n");
        } else if (format_) {
            cli::FormatInput input;
            input.record = &record;
            input.batch = &reader_.header();
            input.topic = args_->topic;
            input.partition = partition;
            input.count = count_;
            MQ_TRY(format_->append(line_, input));
        }
        if (args_->tee) {
            const ByteView null = args_->fields.null_marker ? ByteView{*args_->fields.null_marker} : ByteView{};
            if (args_->fields.key_delimiter) line_ += cat(record.key.value_or(null), *args_->fields.key_delimiter);
            line_ += record.value.value_or(null);
            line_ += args_->delimiter;
        }
        if (!out_.write(line_)) return out_.status();
        if (acks_ && !acks_->write(cat(args_->topic, ' ', partition, ' ', record.offset.value(), '\n')))
            return acks_->status();
    }
    return reader_.status();
}

}  // namespace mq::produce
