// mq-produce: lines of files and stdin become records of a topic.

#include "args.h"
#include "cli/diagnostics.h"
#include "cli/template.h"
#include "cli/text.h"
#include "input.h"
#include "interrupts.h"
#include "local/open.h"
#include "producer.h"
#include "session.h"

namespace mq::produce {
namespace {

using cli::cat;
using cli::ExitCode;

ExitCode explain(const cli::Diagnostics& diagnostics, const Args& args, Error error, const Appender* appender) {
    if (error.subject == args.topic) error.subject = error.operation = {};
    std::string accepted;
    if (appender != nullptr && !args.dry_run) {
        const std::string last = appender->last_accepted();
        accepted = last.empty() ? " (nothing was accepted)" : cat(" (", last, " was the last accepted)");
    }
    return diagnostics.fail(cli::exit_code_for(error.code),
                            cat("topic '", args.topic, "': ", error.message(), accepted));
}

std::string summary(const Args& args, const Appender& appender, std::uint64_t skipped) {
    const std::string_view ending = args.dry_run ? "not appended" : args.sync == Sync::none ? "written" : "flushed";
    return cat(cli::counted(appender.accepted_records(), "record"), ", ",
               cli::counted(appender.accepted_bytes(), "byte"), ", ",
               cli::counted(appender.partitions_used(), "partition"), ", ", ending,
               skipped == 0 ? "" : cat("; ", cli::counted(skipped, "record"), " passed over"));
}

// What a signal, or --timeout, left undone.
std::string unfinished(const Producer& producer, const Appender& appender, const Input& input) {
    const std::string last = appender.last_accepted();
    const std::uint64_t unacknowledged = producer.records() - appender.accepted_records();
    return cat(last.empty() ? "nothing was accepted" : cat(last, " was the last accepted"),
               unacknowledged == 0 ? "" : cat("; ", cli::counted(unacknowledged, "record"), " not acknowledged"),
               input.left_out_bytes() == 0 ? ""
                                           : cat("; an unfinished record of ",
                                                 cli::counted(input.left_out_bytes(), "byte"), " was left out"));
}

// A signal that came while the last records were on their way ends it as one that came while reading.
ExitCode end_by_signal(const cli::Diagnostics& diagnostics, const Producer& producer, const Appender& appender,
                       const Input& input) {
    diagnostics.summary(cat("interrupted: ", unfinished(producer, appender, input)));
    Interrupts::die_of(Interrupts::signal());
}

ExitCode produce(const Args& args, AppendSetup append_setup, const ProducerSetup& producer_setup,
                 InputSetup input_setup, const cli::Diagnostics& diagnostics, const Interrupts& interrupts) {
    append_setup.args = &args;
    append_setup.partitions = producer_setup.partitions;
    append_setup.limit_bytes = producer_setup.topic_limit_bytes;
    append_setup.diagnostics = &diagnostics;
    append_setup.deadline = input_setup.deadline;
    store::DataDirectory* const directory = append_setup.directory;
    auto reporter = Reporter::make(args);
    if (!reporter) return diagnostics.fail(ExitCode::usage, cat("--report: ", reporter.error().message()));
    append_setup.reporter = reporter->get();

    Appender appender{std::move(append_setup)};
    Handover handover{appender};
    Producer producer{args, producer_setup, handover};
    Progress progress{args.progress, appender, diagnostics};
    Input input{args, input_setup, producer, handover, interrupts, progress};

    const Result<InputEnd> end = input.run();
    progress.clear();
    // What was read before an error is sent if that is still possible; the first error is the one that counts.
    const bool is_whole = end && input_setup.has_checkpoint;
    Status finished = producer.send(is_whole ? std::optional{input.mark()} : std::nullopt);
    Status flushed = handover.finish(args.sync != Sync::none);
    if (finished) finished = std::move(flushed);
    if (!end && end.error().code != Errc::interrupted) return explain(diagnostics, args, end.error(), &appender);
    const bool is_interrupted = Interrupts::signal() != 0 && (!end || *end == InputEnd::interrupted || !finished);
    if (is_interrupted && (finished || finished.error().code == Errc::interrupted))
        return end_by_signal(diagnostics, producer, appender, input);
    if (!finished) return explain(diagnostics, args, finished.error(), &appender);
    if (*end == InputEnd::timed_out) {
        return diagnostics.fail(ExitCode::timeout, cat("--timeout: ", unfinished(producer, appender, input)));
    }
    // Without it nothing is lost but time at the next start.
    if (directory != nullptr && args.sync != Sync::none) {
        if (const Status closed = directory->close(); !closed)
            return explain(diagnostics, args, closed.error(), &appender);
    }
    diagnostics.summary(summary(args, appender, input.skipped()));
    return input.skipped() == 0 ? ExitCode::ok : ExitCode::no;
}

ExitCode run(const Args& args, const cli::Diagnostics& diagnostics) {
    for (const std::string& warning : args.warnings) diagnostics.warning(warning);
    const auto path = cli::choose_data_directory(args.target);
    if (!path) return diagnostics.fail(path.error().code, path.error().text);
    if (const Status legal = log::check_topic_name(args.topic); !legal)
        return explain(diagnostics, args, legal.error(), nullptr);
    if (args.format) {
        const auto form = cli::InputTemplate::parse(*args.format);
        if (!form) return diagnostics.fail(ExitCode::usage, cat("--format: ", form.error().message()));
    }
    if (const Status readable = check_files(args); !readable) return diagnostics.fail(readable.error());

    const Interrupts interrupts;
    InputSetup input;
    if (args.timeout_ms) input.deadline = Clock::now() + std::chrono::milliseconds{*args.timeout_ms};
    if (args.dry_run) {
        const auto setup = imagine_topic(args, *path);
        if (!setup) return explain(diagnostics, args, setup.error(), nullptr);
        return produce(args, {}, *setup, input, diagnostics, interrupts);
    }

    auto directory = local::open(*path, store::Access::write, diagnostics, {input.deadline, Interrupts::word()});
    if (!directory) return diagnostics.fail(directory.error());
    auto setup = prepare_topic(args, *directory);
    if (!setup) return explain(diagnostics, args, setup.error(), nullptr);
    AppendSetup append;
    append.directory = &*directory;
    std::optional<Checkpoint> checkpoint;
    if (!args.checkpoint.empty()) {
        auto opened = Checkpoint::open(args.checkpoint);
        if (!opened) return diagnostics.fail(opened.error());
        checkpoint.emplace(*std::move(opened));
        auto state = resume(args, *directory, *checkpoint, *setup);
        if (!state) return diagnostics.fail(state.error());
        input.has_checkpoint = true;
        if (checkpoint->found()) input.from = state->mark;
        append.checkpoint = &*checkpoint;
        append.checkpoint_state = *std::move(state);
    }
    return produce(args, std::move(append), *setup, input, diagnostics, interrupts);
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
