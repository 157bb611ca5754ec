// mq-consume: prints the records of topics.

#include <algorithm>

#include "args.h"
#include "cli/diagnostics.h"
#include "cli/local_partition.h"
#include "cli/text.h"
#include "log/batch_scanner.h"
#include "partition_reader.h"

namespace mq::consume {
namespace {

using cli::cat;
using cli::ExitCode;

// Whether reading ends by itself everywhere: every range says where.
bool has_end(const Args& args) {
    if (args.follow) return false;
    if (args.exit_at_end || args.count == 0) return true;
    if (!args.ranges.all.until) return false;
    return std::ranges::all_of(args.ranges.by_partition, [&](const auto& entry) {
        return args.ranges.of_partition(entry.first).until.has_value();
    });
}

bool needs_group(const cli::Ranges& ranges) {
    const auto is_committed = [](const std::optional<cli::Bound>& bound) {
        return bound && bound->kind == cli::Bound::Kind::committed;
    };
    return is_committed(ranges.all.from) || is_committed(ranges.all.until) ||
           std::ranges::any_of(ranges.by_partition, [&](const auto& entry) {
               return is_committed(entry.second.from) || is_committed(entry.second.until);
           });
}

// A torn end of a log that mq wrote last is an append whose writer died: it was never accepted.
Result<bool> is_unfinished_append(const cli::DataDirectory& directory, const log::RecoveryReport::Cut& cut) {
    if (!directory.last_written_by_mq()) return false;
    MQ_ASSIGN(const os::File file, os::File::open(cut.file, os::OpenMode::read));
    MQ_ASSIGN(const std::uint64_t size, file.size());
    log::BatchScanner scanner{file, cut.position, FilePosition{size}, log::ScanDepth::headers};
    log::ScannedBatch batch;
    MQ_ASSIGN(const log::ScanOutcome outcome, scanner.next(batch));
    return outcome == log::ScanOutcome::torn_tail;
}

// Damage that opening came upon: readers stop before it.
Status explain_cuts(const cli::DataDirectory& directory, const cli::LocalPartition& partition,
                    const cli::Diagnostics& diagnostics) {
    for (const log::RecoveryReport::Cut& cut : partition.log->recovery().cuts) {
        MQ_ASSIGN(const bool unfinished, is_unfinished_append(directory, cut));
        if (unfinished) {
            diagnostics.warning(cat(cut.file, ": ", cli::counted(cut.bytes, "byte"), " from byte ",
                                    cut.position.value(), " on are an unfinished append, and are left out"));
            continue;
        }
        return fail(Error{Errc::corrupt,
                          {},
                          cut.file,
                          0,
                          cut.position.value(),
                          cat("damaged from offset ", cut.offset.value(), " on, ", cli::counted(cut.bytes, "byte"),
                              ": ", cut.reason)});
    }
    return {};
}

Result<std::vector<std::int32_t>> choose_partitions(const Args& args, const cli::DataDirectory& directory,
                                                    const std::string& topic) {
    MQ_ASSIGN(std::vector<std::int32_t> found, directory.partitions(topic));
    if (found.empty()) return fail(Errc::not_found, {}, {}, cat("no such topic in ", directory.path()));
    if (args.partitions.empty()) return found;
    for (const std::int32_t wanted : args.partitions) {
        if (!std::ranges::binary_search(found, wanted))
            return fail(Errc::not_found, {}, {}, cat("there is no partition ", wanted));
    }
    return args.partitions;
}

struct Progress {
    Printer& printer;
    cli::Output& out;
    const cli::Diagnostics& diagnostics;
    ExitCode worst = ExitCode::ok;
};

// Prints one partition. False: nothing more can be printed.
bool consume_partition(const Args& args, cli::DataDirectory& directory, const log::TopicPartition& id,
                       Progress& progress) {
    const auto failed = [&](const Error& error) {
        // What precedes the damage leaves first.
        static_cast<void>(progress.out.flush());
        progress.worst = progress.diagnostics.fail(error);
        return false;
    };
    auto opened = directory.open_partition(id, {});
    if (!opened) return failed(opened.error());
    const cli::LocalPartition& partition = **opened;
    const auto span = choose_span(args, partition, progress.diagnostics);
    if (!span) return failed(span.error());
    if (partition.log) {
        progress.printer.start_partition(id.topic, id.partition, partition.log->log_start(),
                                         partition.log->last_stable_offset(), partition.log->high_watermark());
    }
    progress.diagnostics.detail(
        cat(log::partition_directory(id), ": offsets ", span->from.value(), " to ", span->until.value()));
    const Status printed = print_partition(args, partition, *span, progress.printer);
    if (!printed && printed.error().subject == "stdout") return failed(printed.error());
    // Damage in one partition does not keep the others from being read.
    if (!printed) static_cast<void>(failed(printed.error()));
    if (!partition.log || span->until < partition.log->log_end()) return true;
    if (const Status whole = explain_cuts(directory, partition, progress.diagnostics); !whole)
        static_cast<void>(failed(whole.error()));
    return progress.out.status().has_value();
}

ExitCode consume(const Args& args, cli::DataDirectory& directory, const cli::Diagnostics& diagnostics) {
    cli::Output out;
    Printer printer{args, out};
    Progress progress{printer, out, diagnostics};
    for (const std::string& topic : args.topics) {
        const auto partitions = choose_partitions(args, directory, topic);
        if (!partitions) {
            static_cast<void>(out.flush());
            Error error = partitions.error();
            if (error.subject == topic) error.subject = error.operation = {};
            return diagnostics.fail(cli::exit_code_for(error.code), cat("topic '", topic, "': ", error.message()));
        }
        for (const std::int32_t partition : *partitions) {
            if (printer.count() == args.count) break;
            if (!consume_partition(args, directory, {topic, partition}, progress)) return progress.worst;
        }
    }
    if (const Status flushed = out.flush(); !flushed) return diagnostics.fail(flushed.error());
    return progress.worst;
}

ExitCode run(const Args& args, const cli::Diagnostics& diagnostics) {
    const auto path = cli::choose_data_directory(args.target);
    if (!path) return diagnostics.fail(path.error().code, path.error().text);
    if (!has_end(args)) {
        return diagnostics.fail(
            ExitCode::unavailable,
            "following a topic is not in this version: give -e, or a range with an end (-o :end)");
    }
    if (needs_group(args.ranges)) {
        return diagnostics.fail(ExitCode::unavailable,
                                "committed offsets are not in this version: there are no groups yet");
    }
    auto directory = cli::DataDirectory::open(*path, cli::Access::read);
    if (!directory) return diagnostics.fail(directory.error());
    return consume(args, *directory, diagnostics);
}

}  // namespace
}  // namespace mq::consume

int main(int argc, char** argv) {
    mq::consume::Args args;
    mq::cli::OptionSet options{"mq-consume", "Prints the records of topics.", "[OPTION...] TOPIC..."};
    if (const auto stop = mq::consume::parse_args(options, argc, argv, args)) return *stop;
    mq::cli::Diagnostics diagnostics{options.program()};
    diagnostics.set_verbosity(args.quiet ? -1 : args.verbose ? 1 : 0);
    return mq::cli::run_tool(diagnostics, [&] { return mq::consume::run(args, diagnostics); });
}
