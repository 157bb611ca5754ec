#include "printer.h"

#include "base/assert.h"
#include "cli/json.h"
#include "cli/text.h"
#include "record/control_record.h"

namespace mq::consume {

using cli::append_json_bytes;
using cli::cat;

Printer::Printer(const Args& args, cli::Output& out) : args_(&args), out_(&out), format_(args.format) {
    input_.null_text = args.null_text;
    if (args.meta && args.json == Json::no) {
        auto tabs = cli::Format::parse("%t\\t%p\\t%o\\t%T\\t%K\\t%S\\n");
        MQ_ASSERT(tabs.has_value());
        format_ = *std::move(tabs);
    }
    plain_ = !format_ && args.json == Json::no && !args.key_delimiter;
}

void Printer::start_partition(std::string_view topic, std::int32_t partition, Offset log_start,
                              Offset last_stable_offset, Offset high_watermark) {
    input_.topic = topic;
    input_.partition = partition;
    input_.log_start = log_start;
    input_.last_stable_offset = last_stable_offset;
    input_.high_watermark = high_watermark;
    json_prefix_ = "{\"topic\":";
    cli::append_json_string(json_prefix_, topic);
    json_prefix_ += cat(",\"partition\":", partition, ",\"offset\":");
}

Status Printer::print_other(const record::RecordView& record, const record::BatchHeader& batch) {
    line_.clear();
    ++input_.count;
    if (format_) {
        input_.record = &record;
        input_.batch = &batch;
        MQ_TRY(format_->append(line_, input_));
    } else if (args_->json != Json::no) {
        append_json(record, batch);
    } else {
        append_text(record);
    }
    if (!out_->write(line_)) return out_->status();
    return {};
}

void Printer::append_text(const record::RecordView& record) {
    if (args_->key_delimiter) {
        line_ += record.key ? *record.key : ByteView{args_->null_text};
        line_ += *args_->key_delimiter;
    }
    line_ += record.value ? *record.value : ByteView{args_->null_text};
    line_ += args_->delimiter;
}

void Printer::append_json(const record::RecordView& record, const record::BatchHeader& batch) {
    line_ += json_prefix_;
    line_ += std::to_string(record.offset.value());
    line_ += cat(",\"timestamp\":", record.timestamp);
    append_json_bytes(line_, "key", record.key);
    if (args_->meta) {
        line_ += ",\"value_size\":";
        line_ += record.value ? std::to_string(record.value->size()) : "null";
    } else if (args_->json == Json::inlined && record.value) {
        const std::size_t before = line_.size();
        line_ += ",\"value\":";
        if (!append_if_json(line_, *record.value)) {
            line_.resize(before);
            append_json_bytes(line_, "value", record.value);
        }
    } else {
        append_json_bytes(line_, "value", record.value);
    }
    line_ += ",\"headers\":[";
    record::HeaderReader headers{record};
    for (record::Header header; headers.next(header);) {
        line_ += line_.back() == '[' ? "{" : ",{";
        append_json_bytes(line_, "key", header.key, true);
        append_json_bytes(line_, "value", header.value);
        line_ += '}';
    }
    line_ += ']';
    if (batch.is_control()) {
        const auto control = record::parse_control_record(record);
        line_ += ",\"control\":";
        cli::append_json_string(line_, control ? record::to_string(control->type) : "UNKNOWN");
    }
    line_ += "}\n";
}

}  // namespace mq::consume
