// mq-consume: prints the records of topics.

#include <algorithm>

#include "args.h"
#include "base/clock.h"
#include "cli/signals.h"
#include "cli/text.h"
#include "consumer.h"
#include "internal_record.h"
#include "local/open.h"
#include "os/file.h"

namespace mq::consume {
namespace {

using cli::cat;
using cli::ExitCode;

// What is wrong with patterns is told before anything is opened.
Status check_patterns(const Args& args) {
    MQ_TRY(TopicChoice::make(args));
    MQ_TRY(cli::Matcher::parse(args.matches, args.match_any, wall_clock_ms(), decoded_fields(args.decode)));
    return {};
}

ExitCode run(const Args& args, const cli::Diagnostics& diagnostics) {
    const auto started = std::chrono::steady_clock::now();
    if (args.not_yet)
        return diagnostics.fail(ExitCode::unavailable, cat(*args.not_yet, " is not in this version of mq-consume"));
    const auto path = cli::choose_data_directory(args.target);
    if (!path) return diagnostics.fail(path.error().code, path.error().text);
    if (args.regex || !args.matches.empty()) {
        if (const Status usable = check_patterns(args); !usable) return diagnostics.fail(usable.error());
    }
    for (const std::string& name : args.without_meaning)
        diagnostics.warning(cat(name, " means nothing for a local data directory"));
    const cli::FirstSignal signals;
    local::Patience patience;
    if (args.timeout_ms) patience.deadline = started + std::chrono::milliseconds{*args.timeout_ms};
    patience.interrupt = cli::FirstSignal::word();
    // Opening for writing makes a directory that is not there.
    const bool writes =
        (args.group.group || (args.exec && args.exec->dead_letter)) && os::exists(*path).value_or(false);
    auto directory = local::open(*path, writes ? store::Access::write : store::Access::read, diagnostics, patience);
    if (!directory) return diagnostics.fail(directory.error());
    return Consumer{args, *directory, diagnostics}.run(started);
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
