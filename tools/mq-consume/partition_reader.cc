#include "partition_reader.h"

#include <algorithm>

#include "cli/text.h"
#include "log/segment_files.h"
#include "record/control_record.h"

namespace mq::consume {

using cli::cat;

AbortedFilter::AbortedFilter(std::vector<log::AbortedTxn> aborted) : aborted_(std::move(aborted)) {
    std::ranges::sort(aborted_, {}, &log::AbortedTxn::first_offset);
}

bool AbortedFilter::drops(const log::ScannedBatch& batch) {
    const record::BatchHeader& header = batch.header;
    for (; next_ < aborted_.size() && aborted_[next_].first_offset <= header.last_offset(); ++next_) {
        open_.push_back(aborted_[next_].producer_id);
    }
    if (!header.has_producer()) return false;
    const auto found = std::ranges::find(open_, header.producer_id);
    if (found == open_.end()) return false;
    if (header.is_control()) {
        // The marker that ends it. A control batch holds one record.
        open_.erase(found);
        return false;
    }
    return header.is_transactional();
}

Result<Span> choose_span(const Args& args, const cli::LocalPartition& partition,
                         const cli::Diagnostics& diagnostics) {
    if (!partition.log) return Span{};
    const log::Log& log = *partition.log;
    cli::LogBounds bounds;
    bounds.start = log.log_start();
    bounds.end = args.isolation == log::Isolation::read_committed ? log.last_stable_offset() : log.high_watermark();
    bounds.find_timestamp = [&log](TimestampMs time) -> Result<std::optional<Offset>> {
        MQ_ASSIGN(const auto found, log.find_timestamp(time));
        return found ? std::optional{found->offset} : std::nullopt;
    };
    const cli::Range range = args.ranges.of_partition(partition.id.partition);
    Span span{bounds.start, bounds.end};
    if (range.from) {
        MQ_ASSIGN(span.from, cli::resolve(*range.from, bounds));
        const std::string name = log::partition_directory(partition.id);
        if (span.from < bounds.start) {
            diagnostics.warning(
                cat(name, ": offset ", span.from.value(), " is gone; the log starts at ", bounds.start.value()));
            span.from = bounds.start;
        } else if (span.from > bounds.end) {
            diagnostics.warning(
                cat(name, ": offset ", span.from.value(), " lies behind the end, ", bounds.end.value()));
        }
    }
    if (range.until) {
        MQ_ASSIGN(const Offset until, cli::resolve(*range.until, bounds));
        span.until = std::min(until, bounds.end);
    }
    return span;
}

namespace {

// The segment file that holds `offset`.
std::string segment_of(const cli::LocalPartition& partition, Offset offset) {
    const std::vector<Offset> bases = partition.log->segment_bases();
    const auto after = std::ranges::upper_bound(bases, offset);
    const Offset base = after == bases.begin() ? bases.front() : *(after - 1);
    return os::join(partition.directory, log::file_name(log::FileKind::log, base));
}

tl::unexpected<Error> damaged(Error error, const cli::LocalPartition& partition, const log::ScannedBatch& batch) {
    if (error.subject.empty()) {
        error.subject = segment_of(partition, batch.header.base_offset);
        error.position = batch.position.value();
    }
    error.detail = cat(error.detail, error.detail.empty() ? "" : ", ", "offset ", batch.header.base_offset.value());
    return tl::unexpected<Error>{std::move(error)};
}

}  // namespace

Status print_partition(const Args& args, const cli::LocalPartition& partition, const Span& span, Printer& printer) {
    if (!partition.log || span.from >= span.until) return {};
    AbortedFilter filter{{}};
    if (args.isolation == log::Isolation::read_committed) {
        MQ_ASSIGN(auto aborted, partition.log->aborted_transactions(span.from, span.until));
        filter = AbortedFilter{std::move(aborted)};
    }
    log::LogReader reader = partition.log->reader(args.isolation);
    reader.seek(span.from);
    log::ScannedBatch batch;
    record::RecordReader records;
    while (reader.position() < span.until) {
        const Offset wanted = reader.position();
        auto outcome = reader.next(batch);
        if (!outcome) {
            Error error = std::move(outcome).error();
            error.detail = cat(error.detail, error.detail.empty() ? "" : ", ", "offset ", wanted.value());
            return tl::unexpected<Error>{std::move(error)};
        }
        if (*outcome != log::ReadOutcome::batch || batch.header.base_offset >= span.until) return {};
        if (filter.drops(batch) || (batch.header.is_control() && !args.control_records)) continue;
        if (Status opened = records.open(batch.bytes); !opened)
            return damaged(std::move(opened).error(), partition, batch);
        for (record::RecordView record; records.next(record);) {
            if (record.offset < span.from) continue;
            if (record.offset >= span.until || printer.count() == args.count) return {};
            if (Status printed = printer.print(record, batch.header); !printed) {
                if (printed.error().code != Errc::corrupt) return printed;
                return damaged(std::move(printed).error(), partition, batch);
            }
        }
        if (!records.status()) return damaged(records.status().error(), partition, batch);
    }
    return {};
}

}  // namespace mq::consume
