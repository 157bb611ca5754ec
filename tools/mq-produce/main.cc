// mq-produce: lines of files and stdin become records of a topic.

#include <csignal>

#include "args.h"
#include "cli/diagnostics.h"
#include "cli/local_partition.h"
#include "cli/signals.h"
#include "cli/text.h"
#include "input.h"
#include "producer.h"

namespace mq::produce {
namespace {

using cli::cat;
using cli::ExitCode;

// The partitions to spread records over: all that the topic has, or the one of --partition. Makes the topic if it is
// missing.
Result<std::vector<std::int32_t>> choose_partitions(const Args& args, cli::DataDirectory& directory) {
    MQ_ASSIGN(const std::vector<std::int32_t> found, directory.partitions(args.topic));
    std::int32_t count = found.empty() ? args.create_partitions : found.back() + 1;
    if (found.empty() && !args.create)
        return fail(Errc::not_found, {}, {}, cat("no such topic in ", directory.path()));
    if (args.partition && *args.partition >= count) {
        return fail(Errc::not_found, {}, {},
                    cat("there is no partition ", *args.partition, ": it has ", cli::counted(count, "partition")));
    }
    if (found.size() < static_cast<std::size_t>(count)) MQ_TRY(directory.create_topic(args.topic, count));
    if (args.partition) return std::vector{*args.partition};
    std::vector<std::int32_t> all(static_cast<std::size_t>(count));
    for (std::int32_t i = 0; i < count; ++i) all[static_cast<std::size_t>(i)] = i;
    return all;
}

std::string summary(const Args& args, const Producer& producer) {
    const std::string_view ending = args.dry_run ? "not appended" : args.sync == Sync::none ? "written" : "flushed";
    return cat(cli::counted(producer.accepted_records(), "record"), ", ", cli::counted(producer.bytes(), "byte"),
               ", ", cli::counted(producer.partitions_used(), "partition"), ", ", ending);
}

ExitCode explain(const cli::Diagnostics& diagnostics, const Args& args, Error error, const Producer* producer) {
    if (error.subject == args.topic) error.subject = error.operation = {};
    std::string accepted;
    if (producer != nullptr && !args.dry_run) {
        const std::string last = producer->last_accepted();
        accepted = last.empty() ? " (nothing was accepted)" : cat(" (", last, " was the last accepted)");
    }
    return diagnostics.fail(cli::exit_code_for(error.code),
                            cat("topic '", args.topic, "': ", error.message(), accepted));
}

ExitCode produce(const Args& args, cli::DataDirectory* directory, const std::vector<std::int32_t>& partitions,
                 const cli::Diagnostics& diagnostics) {
    cli::Signals signals;
    Producer producer{args, directory, partitions, diagnostics};
    Input input{args, producer, signals};

    const Result<InputEnd> end = input.run();
    if (!end) {
        // What was read before is sent if that is still possible; the first error is the one that counts.
        static_cast<void>(producer.finish());
        return explain(diagnostics, args, end.error(), &producer);
    }
    if (const Status finished = producer.finish(); !finished) {
        return explain(diagnostics, args, finished.error(), &producer);
    }
    if (*end == InputEnd::interrupted) {
        const int signal = signals.take();
        const std::string left =
            input.left_out_bytes() == 0
                ? ""
                : cat("; an unfinished record of ", cli::counted(input.left_out_bytes(), "byte"), " was left out");
        const std::string last = producer.last_accepted();
        diagnostics.summary(
            cat("interrupted: ", last.empty() ? "nothing was accepted" : cat(last, " was the last accepted"), left));
        cli::Signals::die_of(signal);
    }
    diagnostics.summary(summary(args, producer));
    return ExitCode::ok;
}

ExitCode run(const Args& args, const cli::Diagnostics& diagnostics) {
    const auto path = cli::choose_data_directory(args.target);
    if (!path) return diagnostics.fail(path.error().code, path.error().text);
    if (const Status legal = log::check_topic_name(args.topic); !legal) {
        return explain(diagnostics, args, legal.error(), nullptr);
    }
    if (const Status readable = check_files(args); !readable) return diagnostics.fail(readable.error());
    if (args.dry_run) return produce(args, nullptr, {args.partition.value_or(0)}, diagnostics);

    auto directory = cli::DataDirectory::open(*path, cli::Access::write);
    if (!directory) return diagnostics.fail(directory.error());
    const auto partitions = choose_partitions(args, *directory);
    if (!partitions) return explain(diagnostics, args, partitions.error(), nullptr);
    return produce(args, &*directory, *partitions, diagnostics);
}

}  // namespace
}  // namespace mq::produce

int main(int argc, char** argv) {
    mq::produce::Args args;
    mq::cli::OptionSet options{"mq-produce", "Appends lines of files, or of stdin, to a topic as records.",
                               "[OPTION...] TOPIC [FILE...]"};
    if (const auto stop = mq::produce::parse_args(options, argc, argv, args)) return *stop;
    mq::cli::Diagnostics diagnostics{options.program()};
    diagnostics.set_verbosity(args.quiet ? -1 : args.verbose ? 1 : 0);
    return mq::cli::run_tool(diagnostics, [&] { return mq::produce::run(args, diagnostics); });
}
