// --summary: a line for each file, from headers and sizes alone.
#include "cli/text.h"
#include "cli/times.h"
#include "log/offset_index.h"
#include "log/producer_snapshot.h"
#include "log/time_index.h"
#include "log/txn_index.h"
#include "mq-dump-segment/commands.h"
#include "mq-dump-segment/rows.h"
#include "mq-dump-segment/unit_source.h"

namespace mq::dump {
namespace {

struct Summary {
    std::uint64_t bytes = 0;
    std::uint64_t entries = 0;  // batches of a .log
    std::uint64_t records = 0;
    Offset first{-1};
    Offset last{-1};
    TimestampMs earliest = kNoTimestamp;
    TimestampMs latest = kNoTimestamp;
    std::string codecs;
    std::uint64_t invalid_bytes = 0;
};

Status add_batches(const Context& context, const os::File& file, Summary& summary) {
    MQ_ASSIGN(UnitSource units, UnitSource::open(file, log::ScanDepth::headers));
    log::ScannedBatch batch;
    unsigned codecs = 0;
    log::ScanOutcome outcome = log::ScanOutcome::batch;
    while (true) {
        MQ_ASSIGN(outcome, units.next(batch));
        if (outcome != log::ScanOutcome::batch) break;
        const record::BatchHeader& header = batch.header;
        if (summary.entries++ == 0) summary.first = header.base_offset;
        summary.last = header.last_offset();
        summary.records += static_cast<std::uint64_t>(header.record_count);
        if (header.max_timestamp != kNoTimestamp) {
            if (summary.earliest == kNoTimestamp || header.max_timestamp < summary.earliest) {
                summary.earliest = header.max_timestamp;
            }
            summary.latest = std::max(summary.latest, header.max_timestamp);
        }
        codecs |= 1u << static_cast<unsigned>(header.codec());
    }
    for (unsigned codec = 0; codec < 5; ++codec) {
        if ((codecs >> codec & 1u) == 0) continue;
        if (!summary.codecs.empty()) summary.codecs += ',';
        summary.codecs += record::to_string(static_cast<record::Codec>(codec));
    }
    MQ_ASSIGN(summary.invalid_bytes, units.bytes_left());
    summary.bytes = units.position() + summary.invalid_bytes;
    tell_in_flight(context, file.path(), units);
    return {};
}

Result<Summary> summarize(const Context& context, const Input& input) {
    Summary summary;
    if (input.is_stream()) {
        const os::File file = os::File::adopt(0, "stdin", true);
        MQ_TRY(add_batches(context, file, summary));
        return summary;
    }
    MQ_ASSIGN(const os::File file, os::File::open(input.path, os::OpenMode::read, os::Follow::yes));
    MQ_ASSIGN(summary.bytes, file.size());
    switch (input.type) {
        case FileType::log:
            MQ_TRY(add_batches(context, file, summary));
            break;
        case FileType::offset_index: {
            MQ_ASSIGN(const auto index, log::OffsetIndex::open(input.path, input.name.offset, os::OpenMode::read));
            MQ_ASSIGN(const std::uint32_t entries, index.count_entries());
            summary.entries = entries;
            summary.invalid_bytes = summary.bytes % log::kOffsetIndexEntryBytes;
            if (entries == 0) break;
            MQ_ASSIGN(const auto first, index.entry(0));
            MQ_ASSIGN(const auto last, index.entry(entries - 1));
            summary.first = first.offset;
            summary.last = last.offset;
            break;
        }
        case FileType::time_index: {
            MQ_ASSIGN(const auto index, log::TimeIndex::open(input.path, input.name.offset, os::OpenMode::read));
            MQ_ASSIGN(const std::uint32_t entries, index.count_entries());
            summary.entries = entries;
            summary.invalid_bytes = summary.bytes % log::kTimeIndexEntryBytes;
            if (entries == 0) break;
            MQ_ASSIGN(const auto first, index.entry(0));
            MQ_ASSIGN(const auto last, index.entry(entries - 1));
            summary.first = first.offset;
            summary.last = last.offset;
            summary.earliest = first.timestamp;
            summary.latest = last.timestamp;
            break;
        }
        case FileType::txn_index: {
            MQ_ASSIGN(const auto entries, log::read_txn_index(input.path));
            summary.entries = entries.size();
            if (entries.empty()) break;
            summary.first = entries.front().first_offset;
            summary.last = entries.back().last_offset;
            break;
        }
        case FileType::snapshot: {
            MQ_ASSIGN(const auto state, log::read_snapshot(input.path));
            summary.entries = state.entries().size();
            break;
        }
        case FileType::unknown:
            return fail(Errc::unsupported, "read", input.path, "not a file of a log directory");
        default:
            break;
    }
    return summary;
}

void print(Rows& rows, const Input& input, const Summary& summary) {
    rows.begin("summary");
    rows.text("kind", to_string(input.type), 10).number("bytes", static_cast<std::int64_t>(summary.bytes), 11);
    rows.number("entries", static_cast<std::int64_t>(summary.entries), 8);
    rows.number("records", static_cast<std::int64_t>(summary.records), 9);
    rows.number("first_offset", +summary.first).number("last_offset", +summary.last, 12);
    if (rows.style() == Style::table) {
        std::string latest;
        if (summary.latest != kNoTimestamp) cli::append_iso_time(latest, summary.latest);
        rows.text("latest", latest, 24);
    } else {
        rows.number("earliest_batch_timestamp", summary.earliest).number("latest_timestamp", summary.latest);
    }
    rows.text("codecs", summary.codecs, 6).number("invalid_bytes", static_cast<std::int64_t>(summary.invalid_bytes));
    // In a table the names stand at the end, where their lengths disturb nothing.
    if (rows.style() == Style::table) rows.text("file", cli::printable(input.path));
    rows.end();
}

}  // namespace

cli::ExitCode print_summary(const Context& context) {
    Rows rows = make_rows(context);
    return for_each_operand(context, [&](const std::string& path, const std::vector<Input>& inputs) {
        cli::ExitCode status = cli::ExitCode::ok;
        for (const Input& input : inputs) {
            const auto summary = summarize(context, input);
            if (!summary && is_gone(summary.error(), path, input)) continue;
            if (!summary) {
                status = worse(status, context.fail(summary.error()));
                continue;
            }
            if (rows.style() != Style::table) rows.file(input.path);
            print(rows, input, *summary);
            if (summary->invalid_bytes == 0) continue;
            Error error{Errc::corrupt,
                        "read",
                        input.path,
                        0,
                        summary->bytes - summary->invalid_bytes,
                        cli::cat("the last ", summary->invalid_bytes,
                                 " bytes are no whole entry; they begin after offset ", +summary->last, ",")};
            status = worse(status, context.fail(error));
        }
        return status;
    });
}

}  // namespace mq::dump
