#include "printer.h"

#include "base/assert.h"
#include "cli/json.h"
#include "cli/text.h"
#include "internal_record.h"
#include "record/control_record.h"

namespace mq::consume {

using cli::append_json_bytes;
using cli::cat;

Printer::Printer(const Args& args, cli::Output& out) : args_(&args), out_(&out), format_(args.format) {
    input_.null_text = args.null_text;
    const bool json = args.json != Json::no || args.decode != Decode::raw;
    if (args.meta && !json) {
        auto tabs = cli::Format::parse("%t\\t%p\\t%o\\t%T\\t%K\\t%S\\n");
        MQ_ASSERT(tabs.has_value());
        format_ = *std::move(tabs);
    }
    if (args.kafka_form) {
        terminator_ = args.kafka_form->line_separator;
    } else if (json) {
        terminator_ = "\n";
    } else if (!format_) {
        terminator_ = args.delimiter;
    }
    plain_ = !format_ && !json && !args.kafka_form && !args.key_delimiter && !args.header_delimiter && !args.escape &&
             args.framing == cli::Framing::delimiter && !args.split_directory && args.buffering != Buffering::line;
}

Result<Printer> Printer::make(const Args& args, cli::Output& out) {
    Printer printer{args, out};
    if (args.escape) {
        const std::string separators[] = {args.framing == cli::Framing::delimiter ? args.delimiter : std::string{},
                                          args.key_delimiter.value_or(""), args.header_delimiter.value_or("")};
        std::vector<std::string_view> views{std::begin(separators), std::end(separators)};
        if (args.header_delimiter) {
            views.emplace_back(&cli::kHeaderSeparator, 1);
            views.emplace_back(&cli::kHeaderNameSeparator, 1);
        }
        MQ_ASSIGN(printer.escaper_, cli::Escaper::make(views));
    }
    if (args.split_directory) {
        // What a checkpoint, or a commit, speaks of is durable before.
        const bool durable = args.checkpoint || args.group.group;
        MQ_ASSIGN(printer.split_, SplitDirectory::open(*args.split_directory, durable));
        printer.split_name_ = args.split_name;
        if (!printer.split_name_) {
            MQ_ASSIGN(printer.split_name_, cli::Format::parse("%t-%p-%o"));
        }
    }
    return printer;
}

void Printer::start_partition(const PartitionPlace& place) {
    const bool same = place.topic == input_.topic && place.partition == input_.partition && !json_prefix_.empty();
    input_.topic = place.topic;
    input_.partition = place.partition;
    input_.log_start = place.log_start;
    input_.last_stable_offset = place.last_stable_offset;
    input_.high_watermark = place.high_watermark;
    if (same) return;
    json_prefix_ = "{\"topic\":";
    cli::append_json_string(json_prefix_, place.topic);
    json_prefix_ += cat(",\"partition\":", place.partition, ",\"offset\":");
}

inline bool Printer::put_plain(ByteView value) {
    const std::string& delimiter = args_->delimiter;
    char* const to = out_->room(value.size() + delimiter.size());
    if (!value.empty()) std::memcpy(to, value.data(), value.size());
    if (delimiter.size() == 1) {
        to[value.size()] = delimiter.front();
    } else {
        std::memcpy(to + value.size(), delimiter.data(), delimiter.size());
    }
    return out_->commit(value.size() + delimiter.size());
}

// Flattened, and the record is seen by nobody else: then the compiler keeps it in registers, and most of it is never
// made.
[[gnu::flatten]] Result<Printer::Run> Printer::print_run(record::RecordReader& records, Offset from, Offset until,
                                                         std::uint64_t most, OutputLedger* marks) {
    Run run{from};
    std::uint64_t printed = 0;
    for (record::RecordView record; records.next(record);) {
        if (record.offset < from) continue;
        if (record.offset >= until) break;
        if (!put_plain(record.value ? *record.value : ByteView{args_->null_text}))
            return fail(out_->status().error());
        run.next = record.offset + 1;
        if (marks != nullptr) marks->add(out_->position(), run.next);
        if (++printed == most) {
            run.enough = true;
            break;
        }
    }
    input_.count += printed;
    return run;
}

Status Printer::sync() const {
    if (split_) return split_->sync();
    return {};
}

Status Printer::print(const record::RecordView& record, const record::BatchHeader& batch) {
    ++input_.count;
    if (plain_) {
        if (!put_plain(record.value.value_or(args_->null_text))) return out_->status();
        return {};
    }
    payload_.clear();
    if (Status made = append_payload(record, batch); !made) {
        --input_.count;
        return made;
    }
    if (split_) {
        MQ_TRY(append_file(record, batch));
    } else if (args_->framing != cli::Framing::delimiter) {
        line_.clear();
        MQ_TRY(cli::append_frame(line_, args_->framing, payload_));
        if (!out_->write(line_)) return out_->status();
    } else {
        payload_ += terminator_;
        if (!out_->write(payload_)) return out_->status();
    }
    if (args_->buffering == Buffering::line) return out_->flush();
    return {};
}

// The record becomes a file, and the file's name is what is printed.
Status Printer::append_file(const record::RecordView& record, const record::BatchHeader& batch) {
    line_.clear();
    input_.record = &record;
    input_.batch = &batch;
    MQ_TRY(split_name_->append(line_, input_));
    const std::string name = safe_file_name(line_, cat(input_.partition, '-', +record.offset));
    MQ_ASSIGN(std::string path, split_->write(name, payload_));
    path += args_->delimiter;
    if (!out_->write(path)) return out_->status();
    return {};
}

Status Printer::append_payload(const record::RecordView& record, const record::BatchHeader& batch) {
    if (format_) {
        input_.record = &record;
        input_.batch = &batch;
        return format_->append(payload_, input_);
    }
    if (args_->kafka_form) {
        append_kafka_form(record, batch);
    } else if (args_->json != Json::no || args_->decode != Decode::raw) {
        append_json(record, batch);
    } else {
        append_text(record);
    }
    return {};
}

void Printer::append_field(NullableBytes bytes) {
    if (escaper_) {
        escaper_->append(payload_, bytes);
    } else {
        payload_ += bytes ? *bytes : ByteView{args_->null_text};
    }
}

void Printer::append_headers(const record::RecordView& record) {
    record::HeaderReader headers{record};
    bool first = true;
    for (record::Header header; headers.next(header);) {
        if (!std::exchange(first, false)) payload_ += cli::kHeaderSeparator;
        append_field(header.key);
        if (!header.value) continue;
        payload_ += cli::kHeaderNameSeparator;
        append_field(header.value);
    }
}

void Printer::append_text(const record::RecordView& record) {
    if (args_->header_delimiter) {
        append_headers(record);
        payload_ += *args_->header_delimiter;
    }
    if (args_->key_delimiter) {
        append_field(record.key);
        payload_ += *args_->key_delimiter;
    }
    append_field(record.value);
}

void Printer::append_kafka_form(const record::RecordView& record, const record::BatchHeader& batch) {
    const KafkaForm& form = *args_->kafka_form;
    bool first = true;
    const auto part = [&](bool wanted) {
        if (wanted && !std::exchange(first, false)) payload_ += form.key_separator;
        return wanted;
    };
    if (part(form.timestamp)) {
        if (record.timestamp == kNoTimestamp) {
            payload_ += "NO_TIMESTAMP";
        } else {
            const bool appended = batch.timestamp_type() == record::TimestampType::log_append_time;
            payload_ += cat(appended ? "LogAppendTime:" : "CreateTime:", record.timestamp);
        }
    }
    if (part(form.partition)) payload_ += cat("Partition:", input_.partition);
    if (part(form.offset)) payload_ += cat("Offset:", +record.offset);
    if (part(form.epoch)) {
        payload_ += batch.leader_epoch < 0 ? "Epoch:NOT_PRESENT" : cat("Epoch:", batch.leader_epoch);
    }
    if (part(form.headers)) {
        record::HeaderReader headers{record};
        bool none = true;
        for (record::Header header; headers.next(header);) {
            if (!std::exchange(none, false)) payload_ += form.headers_separator;
            payload_ += header.key;
            payload_ += ':';
            payload_ += header.value.value_or(form.null_literal);
        }
        if (none) payload_ += "NO_HEADERS";
    }
    if (part(form.key)) payload_ += record.key.value_or(form.null_literal);
    if (part(form.value)) payload_ += record.value.value_or(form.null_literal);
}

void Printer::append_json(const record::RecordView& record, const record::BatchHeader& batch) {
    payload_ += json_prefix_;
    payload_ += std::to_string(record.offset.value());
    payload_ += cat(",\"timestamp\":", record.timestamp);
    if (args_->decode != Decode::raw && !batch.is_control()) {
        append_decoded(payload_, args_->decode, record);
    } else {
        append_json_bytes(payload_, "key", record.key);
        if (args_->meta) {
            payload_ += ",\"value_size\":";
            payload_ += record.value ? std::to_string(record.value->size()) : "null";
        } else if (args_->json == Json::inlined && record.value) {
            const std::size_t before = payload_.size();
            payload_ += ",\"value\":";
            if (!append_if_json(payload_, *record.value)) {
                payload_.resize(before);
                append_json_bytes(payload_, "value", record.value);
            }
        } else {
            append_json_bytes(payload_, "value", record.value);
        }
    }
    payload_ += ",\"headers\":[";
    record::HeaderReader headers{record};
    for (record::Header header; headers.next(header);) {
        payload_ += payload_.back() == '[' ? "{" : ",{";
        append_json_bytes(payload_, "key", header.key, true);
        append_json_bytes(payload_, "value", header.value);
        payload_ += '}';
    }
    payload_ += ']';
    if (batch.is_control()) {
        const auto control = record::parse_control_record(record);
        payload_ += ",\"control\":";
        cli::append_json_string(payload_, control ? record::to_string(control->type) : "UNKNOWN");
    }
    payload_ += '}';
}

}  // namespace mq::consume
