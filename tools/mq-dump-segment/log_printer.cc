#include "mq-dump-segment/log_printer.h"

#include <algorithm>
#include <map>

#include "base/clock.h"
#include "cli/json.h"
#include "cli/text.h"
#include "cli/times.h"
#include "log/segment.h"
#include "record/control_record.h"

namespace mq::dump {
namespace {

std::string iso(TimestampMs timestamp) {
    std::string text;
    if (timestamp != kNoTimestamp) cli::append_iso_time(text, timestamp);
    return text;
}

std::string_view timestamp_type(const record::BatchHeader& header) {
    if (header.magic == 0) return "none";
    return header.timestamp_type() == record::TimestampType::log_append_time ? "log_append" : "create";
}

// The offset of the first record at or after `timestamp` in these segments, by a walk of the headers.
Result<std::optional<Offset>> find_timestamp(const std::vector<Input>& logs, TimestampMs timestamp,
                                             const MemoryLimits& limits) {
    for (const Input& input : logs) {
        MQ_ASSIGN(const os::File file, os::File::open(input.path, os::OpenMode::read, os::Follow::yes));
        MQ_ASSIGN(UnitSource headers, UnitSource::open(file, log::ScanDepth::headers));
        log::ScannedBatch batch;
        while (true) {
            MQ_ASSIGN(const log::ScanOutcome outcome, headers.next(batch));
            if (outcome != log::ScanOutcome::batch) break;
            if (batch.header.max_timestamp < timestamp) continue;
            if (batch.header.size_bytes > limits.unit_bytes) return batch.header.base_offset;
            UnitLimits here;
            here.start = +batch.position;
            MQ_ASSIGN(UnitSource units, UnitSource::open(file, log::ScanDepth::units, here));
            MQ_ASSIGN(const log::ScanOutcome again, units.next(batch));
            if (again != log::ScanOutcome::batch) break;
            record::RecordReader reader{limits.decompressed_bytes};
            if (!reader.open(batch.bytes)) return batch.header.base_offset;
            for (record::RecordView record; reader.next(record);) {
                if (record.timestamp >= timestamp) return record.offset;
            }
        }
    }
    return std::nullopt;
}

}  // namespace

Result<LogPrinter> LogPrinter::make(const Context& context, Rows& rows) {
    const Options& options = context.options;
    LogPrinter printer{context, rows};
    const TimestampMs now = wall_clock_ms();
    if (options.format) {
        MQ_ASSIGN(printer.format_, cli::Format::parse(*options.format));
    }
    MQ_ASSIGN(printer.matcher_,
              cli::Matcher::parse(options.match, options.match_any, now, {"group", "topic", "transactional-id"}));
    MQ_ASSIGN(printer.decoder_, Decoder::make(options));
    if (options.range) MQ_TRY(printer.ranges_.add(*options.range, now));
    printer.left_ = options.count.value_or(UINT64_MAX);
    return printer;
}

// A format puts a record together before it is written, so beside the decompressed batch there is a copy, while it
// grows two.
std::size_t LogPrinter::decompressed_limit(const Options& options) {
    const std::size_t limit = options.limits.decompressed_bytes;
    return options.format && limit == MemoryLimits{}.decompressed_bytes ? limit / 3 : limit;
}

cli::ExitCode LogPrinter::status() const {
    if (!matcher_.empty() && printed_ == 0) return worse(status_, cli::ExitCode::no);
    return status_;
}

void LogPrinter::set_bounds(const std::vector<Input>& inputs) {
    windows_.clear();
    if (!context_.options.range) return;
    std::map<std::string, std::vector<Input>> by_directory;
    for (const Input& input : inputs) {
        if (input.type == FileType::log && !input.is_stream()) by_directory[input.directory()].push_back(input);
    }
    for (const auto& [directory, logs] : by_directory) {
        auto window = window_of(logs);
        if (window) {
            windows_.push_back(*std::move(window));
        } else {
            status_ = worse(status_, context_.fail(window.error()));
            windows_.push_back({directory, Offset{INT64_MAX}, Offset{INT64_MAX}});
        }
    }
}

Result<LogPrinter::Window> LogPrinter::window_of(const std::vector<Input>& logs) const {
    Window window;
    cli::LogBounds bounds;
    std::int32_t partition = 0;
    if (!logs.empty()) {
        window.directory = logs.front().directory();
        partition = logs.front().partition.partition;
        bounds.start = logs.front().name.offset;
        const Input& last = logs.back();
        MQ_ASSIGN(const auto segment,
                  log::Segment::open_for_reading(last.directory(), last.name.offset, last.name.suffix));
        MQ_ASSIGN(const std::uint64_t size, segment.log_file().size());
        // Damage behind the index is met again when the file is read, and told then.
        const auto end = segment.next_offset(FilePosition{size});
        bounds.end = end ? *end : Offset{INT64_MAX};
    }
    bounds.find_timestamp = [&](TimestampMs timestamp) {
        return find_timestamp(logs, timestamp, context_.options.limits);
    };
    const cli::Range range = ranges_.of_partition(partition);
    if (range.from) {
        MQ_ASSIGN(window.from, cli::resolve(*range.from, bounds));
    }
    if (range.until) {
        MQ_ASSIGN(window.until, cli::resolve(*range.until, bounds));
    }
    return window;
}

Result<std::unique_ptr<LogPrinter::Reading>> LogPrinter::open(const Input& input, Offset from) {
    auto reading = std::make_unique<Reading>();
    reading->input = input;
    Window& window = reading->window;
    if (context_.options.range) {
        if (input.is_stream()) {
            MQ_ASSIGN(window, window_of({}));
        } else {
            const auto found = std::find_if(windows_.begin(), windows_.end(),
                                            [&](const Window& w) { return w.directory == input.directory(); });
            if (found != windows_.end()) window = *found;
        }
    }
    window.from = std::max(window.from, from);
    reading->next = std::max(from, input.name.offset);
    UnitLimits limits;
    limits.unit_bytes = context_.options.limits.unit_bytes;
    limits.end = context_.options.max_bytes;
    if (input.is_stream()) {
        reading->file = os::File::adopt(0, "stdin", true);
    } else {
        MQ_ASSIGN(reading->file, os::File::open(input.path, os::OpenMode::read, os::Follow::yes));
        if (window.from > input.name.offset) {
            if (const auto segment =
                    log::Segment::open_for_reading(input.directory(), input.name.offset, input.name.suffix)) {
                MQ_ASSIGN(const std::uint64_t size, reading->file.size());
                limits.start = +segment->scan_start(window.from, FilePosition{size});
            }
        }
    }
    MQ_ASSIGN(reading->units, UnitSource::open(reading->file, log::ScanDepth::units, limits));
    return reading;
}

Status LogPrinter::print(const Input& input) {
    shown_file_.clear();
    MQ_ASSIGN(const auto reading, open(input));
    MQ_TRY(print(*reading));
    tell_in_flight(context_, input.path, *reading->units);
    return {};
}

void LogPrinter::show_file(const Input& input) {
    if (shown_file_ == input.path) return;
    shown_file_ = input.path;
    rows_.file(input.path);
}

Status LogPrinter::print(Reading& reading) {
    const Input& input = reading.input;
    UnitSource& units = *reading.units;
    const Window& window = reading.window;
    const bool with_records = context_.options.records || records_only();
    log::ScannedBatch batch;
    if (!records_only()) show_file(input);
    while (!done() && !context_.stopped() && context_.out.status()) {
        MQ_ASSIGN(const log::ScanOutcome outcome, units.next(batch));
        if (outcome == log::ScanOutcome::end) break;
        if (outcome == log::ScanOutcome::corrupt && units.error().code == Errc::too_large) {
            Error error = units.error();
            const std::uint64_t position = units.position();
            MQ_ASSIGN(const auto header, units.skip_large());
            if (header) {
                if (!records_only()) print_batch(*header, position, "unread");
                error.subject = input.is_stream() ? "stdin" : input.path;
                error.detail += cli::cat("; offset ", +header->base_offset, ", not read,");
                damaged(std::move(error));
                reading.next = header->next_offset();
                continue;
            }
        }
        if (outcome != log::ScanOutcome::batch) {
            reading.is_over = true;
            if (context_.options.max_bytes != UINT64_MAX && outcome == log::ScanOutcome::torn_tail) break;
            MQ_ASSIGN(const std::uint64_t left, units.bytes_left());
            Error error = outcome == log::ScanOutcome::corrupt
                              ? units.error()
                              : Error{Errc::truncated, "read batch", {}, 0, {}, "the file ends inside a batch"};
            error.subject = input.is_stream() ? "stdin" : input.path;
            error.detail += cli::cat("; offset ", +reading.next, ", ", left, " bytes from there on not read,");
            error.position = units.position();
            damaged(std::move(error));
            break;
        }
        const record::BatchHeader& header = batch.header;
        if (header.magic >= record::kMagicV2 && header.base_offset >= window.until) {
            reading.is_over = true;
            break;
        }
        reading.next = header.next_offset();
        if (header.last_offset() < window.from) continue;
        const Status valid = record::verify_batch_checksum(batch.bytes, header);
        if (!records_only()) print_batch(header, +batch.position, valid ? "yes" : "NO");
        if (!valid) {
            Error error = valid.error();
            error.subject = input.is_stream() ? "stdin" : input.path;
            error.detail += cli::cat("; offset ", +header.base_offset, ", ", header.size_bytes, " bytes");
            error.position = +batch.position;
            damaged(std::move(error));
            continue;
        }
        if (with_records) {
            MQ_TRY(print_records(input, batch, window));
        } else {
            --left_;
        }
        if (reading.next >= window.until) {
            reading.is_over = true;
            break;
        }
    }
    return {};
}

void LogPrinter::damaged(Error error) { status_ = worse(status_, context_.fail(error)); }

void LogPrinter::print_batch(const record::BatchHeader& header, std::uint64_t position, std::string_view valid) {
    rows_.begin("batch");
    rows_.number("base_offset", +header.base_offset, 11).number("last_offset", +header.last_offset(), 11);
    rows_.number("records", header.record_count, 7).number("position", static_cast<std::int64_t>(position), 10);
    rows_.number("bytes", header.size_bytes, 8).number("magic", header.magic);
    rows_.text("codec", record::to_string(header.codec()), 6);
    if (rows_.style() == Style::table) {
        rows_.text("time", iso(header.max_timestamp), 24);
    } else {
        rows_.number("max_timestamp", header.max_timestamp);
        rows_.text("timestamp_type", timestamp_type(header)).number("base_timestamp", header.base_timestamp);
    }
    rows_.number("leader_epoch", header.leader_epoch).number("producer_id", header.producer_id);
    rows_.number("producer_epoch", header.producer_epoch).number("base_sequence", header.base_sequence);
    rows_.boolean("txn", header.is_transactional()).boolean("control", header.is_control());
    if (rows_.style() != Style::table) {
        rows_.boolean("delete_horizon", header.has_delete_horizon()).number("crc", header.crc);
    }
    rows_.text("valid", valid);
    rows_.end();
}

Status LogPrinter::print_records(const Input& input, const log::ScannedBatch& batch, const Window& window) {
    const auto told = [&](const Status& status) {
        Error error = status.error();
        error.subject = input.is_stream() ? "stdin" : input.path;
        error.detail +=
            cli::cat("; in the batch of offset ", +batch.header.base_offset, ", ", batch.header.size_bytes, " bytes");
        error.position = +batch.position;
        damaged(std::move(error));
    };
    if (const Status opened = reader_.open(batch.bytes); !opened) {
        told(opened);
        return {};
    }
    for (record::RecordView record; !done() && reader_.next(record);) {
        if (record.offset < window.from) continue;
        if (record.offset >= window.until) return {};
        MQ_TRY(print_record(input, batch.header, record));
    }
    if (!reader_.status()) told(reader_.status());
    return {};
}

std::string LogPrinter::headers_json(const record::RecordView& record) const {
    std::string json = "[";
    record::HeaderReader headers{record};
    for (record::Header header; headers.next(header);) {
        if (json.size() > 1) json += ',';
        json += '{';
        cli::append_json_bytes(json, "key", header.key, true);
        cli::append_json_bytes(json, "value", header.value);
        json += '}';
    }
    return json + ']';
}

Status LogPrinter::print_record(const Input& input, const record::BatchHeader& header,
                                const record::RecordView& record) {
    if (!matcher_.empty()) {
        // Control records are Kafka's own: a filter is about data.
        if (header.is_control()) return {};
        const auto lookup = [&](std::string_view name) {
            return decoder_->field(record, input.partition.topic, name);
        };
        if (!matcher_.matches(record, lookup)) return {};
    }
    if (format_) {
        if (header.is_control()) return {};
        formatted_.clear();
        cli::FormatInput what;
        what.record = &record;
        what.batch = &header;
        what.topic = input.partition.topic;
        what.partition = input.partition.partition;
        what.count = printed_ + 1;
        MQ_TRY(format_->append(formatted_, what));
        context_.out << formatted_;
        ++printed_;
        --left_;
        return {};
    }
    if (records_only()) show_file(input);
    rows_.begin(header.is_control() ? "control_record" : "record", records_only() ? 0 : 2);
    if (!context_.options.no_meta) {
        if (rows_.style() == Style::json) {
            rows_.text("topic", input.partition.topic).number("partition", input.partition.partition);
        }
        rows_.number("offset", +record.offset, 11).number("timestamp", record.timestamp, 13);
        if (rows_.style() != Style::table) {
            rows_.text("timestamp_type", timestamp_type(header)).number("sequence", record.sequence);
        }
    }
    if (header.is_control()) {
        const auto control = record::parse_control_record(record);
        rows_.text("control", control ? record::to_string(control->type) : "unreadable", 8);
        rows_.number("coordinator_epoch", control ? control->coordinator_epoch : -1);
    } else {
        MQ_ASSIGN(const ShownRecord shown, decoder_->decode(record, input.partition.topic));
        rows_.bytes("key", shown.key).bytes("value", shown.value);
        if (!context_.options.no_meta && (record.header_count > 0 || rows_.style() != Style::table)) {
            rows_.json("headers", headers_json(record));
        }
    }
    rows_.end();
    ++printed_;
    --left_;
    return {};
}

}  // namespace mq::dump
