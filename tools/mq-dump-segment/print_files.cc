// The default view: batches and records of a .log, entries of an index, lines of a checkpoint.
#include <algorithm>

#include "base/clock.h"
#include "cli/json.h"
#include "cli/text.h"
#include "cli/times.h"
#include "log/offset_index.h"
#include "log/producer_snapshot.h"
#include "log/time_index.h"
#include "log/txn_index.h"
#include "mq-dump-segment/commands.h"
#include "mq-dump-segment/log_printer.h"
#include "mq-dump-segment/rows.h"

namespace mq::dump {
namespace {

constexpr std::uint64_t kSmallFileLimit = std::uint64_t{64} << 20;

Status print_offset_index(const Input& input, Rows& rows) {
    MQ_ASSIGN(const auto index, log::OffsetIndex::open(input.path, input.name.offset, os::OpenMode::read));
    MQ_ASSIGN(const auto entries, index.read_all());
    for (const auto& [offset, position] : entries) {
        rows.begin("offset_index_entry");
        rows.number("offset", +offset, 12).number("position", static_cast<std::int64_t>(+position), 12).end();
    }
    return {};
}

Status print_time_index(const Input& input, Rows& rows) {
    MQ_ASSIGN(const auto index, log::TimeIndex::open(input.path, input.name.offset, os::OpenMode::read));
    MQ_ASSIGN(const auto entries, index.read_all());
    for (const auto& [timestamp, offset] : entries) {
        rows.begin("time_index_entry");
        std::string time;
        cli::append_iso_time(time, timestamp);
        rows.number("timestamp", timestamp, 14).text("time", time, 24).number("offset", +offset, 12).end();
    }
    return {};
}

Status print_txn_index(const Input& input, Rows& rows) {
    MQ_TRY(os::file_info(input.path, os::Follow::yes));
    MQ_ASSIGN(const auto entries, log::read_txn_index(input.path));
    for (const log::AbortedTxn& txn : entries) {
        rows.begin("aborted_txn");
        rows.number("producer_id", txn.producer_id).number("first_offset", +txn.first_offset);
        rows.number("last_offset", +txn.last_offset).number("last_stable_offset", +txn.last_stable_offset).end();
    }
    return {};
}

Status print_snapshot(const Input& input, Rows& rows) {
    MQ_ASSIGN(const auto state, log::read_snapshot(input.path));
    for (const auto& [id, entry] : state.entries()) {
        rows.begin("producer");
        rows.number("producer_id", id).number("producer_epoch", entry.producer_epoch);
        rows.number("last_sequence", entry.last_sequence()).number("last_offset", +entry.last_data_offset());
        rows.number("offset_delta", entry.batches.empty() ? 0 : entry.batches.back().offset_delta);
        rows.number("timestamp", entry.last_timestamp, 14).number("coordinator_epoch", entry.coordinator_epoch);
        rows.number("txn_first_offset", +entry.current_txn_first_offset).end();
    }
    return {};
}

Status print_checkpoint(const Input& input, Rows& rows, ByteView text) {
    if (input.type == FileType::epoch_checkpoint) {
        MQ_ASSIGN(const auto entries, log::parse_leader_epoch_checkpoint(text));
        for (const auto& [epoch, start] : entries) {
            rows.begin("leader_epoch");
            rows.number("leader_epoch", epoch).number("start_offset", +start, 12).end();
        }
        return {};
    }
    MQ_ASSIGN(const auto entries, log::parse_offset_checkpoint(text));
    for (const auto& [partition, offset] : entries) {
        rows.begin("checkpoint");
        rows.text("topic", partition.topic, 24)
            .number("partition", partition.partition)
            .number("offset", +offset, 12)
            .end();
    }
    return {};
}

Status print_properties(const Input& input, Rows& rows, ByteView text) {
    if (input.type == FileType::partition_metadata) {
        MQ_ASSIGN(const auto metadata, log::parse_partition_metadata(text));
        rows.begin("partition_metadata");
        rows.number("version", metadata.version).text("topic_id", metadata.topic_id, 22).end();
        return {};
    }
    MQ_ASSIGN(const auto properties, log::parse_properties(text));
    for (const auto& [key, value] : properties) {
        rows.begin("property");
        rows.text("key", key, 16).text("value", value).end();
    }
    return {};
}

// The parsers of texts do not know the file.
Status with_subject(Status status, const std::string& path) {
    if (!status && status.error().subject.empty()) status.error().subject = path;
    return status;
}

Status print_small_file(const Input& input, Rows& rows) {
    switch (input.type) {
        case FileType::offset_index:
            return print_offset_index(input, rows);
        case FileType::time_index:
            return print_time_index(input, rows);
        case FileType::txn_index:
            return print_txn_index(input, rows);
        case FileType::snapshot:
            return print_snapshot(input, rows);
        case FileType::log:
        case FileType::unknown:
            return fail(Errc::unsupported, "read", input.path, "not a file of a log directory");
        default:
            break;
    }
    MQ_ASSIGN(const std::string text, os::read_file(input.path, kSmallFileLimit));
    if (input.type == FileType::clean_shutdown) {
        rows.begin("clean_shutdown");
        rows.bytes("content", {Shown::Kind::bytes, text, {}});
        rows.end();
        return {};
    }
    const bool is_checkpoint = input.type == FileType::epoch_checkpoint || input.type == FileType::offset_checkpoint;
    return is_checkpoint ? print_checkpoint(input, rows, text) : print_properties(input, rows, text);
}

}  // namespace

cli::ExitCode print_files(const Context& context) {
    Rows rows = make_rows(context);
    auto printer = LogPrinter::make(context, rows);
    if (!printer) return context.fail(printer.error());
    const cli::ExitCode printed_all =
        for_each_operand(context, [&](const std::string& path, const std::vector<Input>& inputs) {
            cli::ExitCode status = cli::ExitCode::ok;
            printer->set_bounds(inputs);
            for (const Input& input : inputs) {
                if (printer->done() || !context.out.status()) break;
                // A filter or a format is about records: other files of a directory have none.
                if (input.type != FileType::log && printer->records_only() && inputs.size() > 1) continue;
                if (!printer->records_only() && input.type != FileType::log) rows.file(input.path);
                const Status printed = input.type == FileType::log
                                           ? printer->print(input)
                                           : with_subject(print_small_file(input, rows), input.path);
                if (!printed && is_gone(printed.error(), path, input)) continue;
                if (!printed) status = worse(status, context.fail(printed.error()));
            }
            return status;
        });
    return worse(printed_all, printer->status());
}

}  // namespace mq::dump
