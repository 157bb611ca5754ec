// mq-dump-segment: what is in the files of a log directory, whether it is right, and repair.
#include <algorithm>

#include "cli/text.h"
#include "mq-dump-segment/commands.h"

namespace {

using namespace mq;
using namespace mq::dump;

cli::ExitCode run(const Context& context) {
    const Options& options = context.options;
    if (options.follow) return follow_logs(context);
    if (options.kafka) return print_as_kafka(context);
    if (options.check) return check_files(context);
    if (options.rebuild_index) return rebuild_indexes(context);
    if (options.truncate_at) return truncate_log(context);
    if (options.summary) return print_summary(context);
    if (options.stats) return print_stats(context);
    if (options.hex) return print_hex(context);
    return print_files(context);
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    cli::OptionSet set{"mq-dump-segment", "Show, check and repair the files of a Kafka log directory.",
                       "[OPTION...] FILE|DIRECTORY|-..."};
    add_options(set, options);
    if (const auto stop = set.parse(argc, argv)) return *stop;
    if (const auto contradiction = find_contradiction(options)) return set.usage_error(*contradiction);

    // Who raises the one limit wants such batches read, whatever memory that takes.
    options.limits.decompressed_bytes =
        std::max<std::size_t>(options.limits.decompressed_bytes, options.limits.unit_bytes);

    cli::Diagnostics words{"mq-dump-segment"};
    words.set_verbosity(options.quiet ? -1 : options.verbose ? 1 : 0);
    if (!options.undecoded.empty())
        words.warning(cli::cat(options.undecoded,
                               ": such records are not decoded here; --decode-with CMD runs a program that does"));
    Sink out{1, "stdout"};
    const cli::ExitCode status = run({options, words, out});
    if (const Status flushed = out.flush(); !flushed) return cli::to_status(words.fail(flushed.error()));
    return cli::to_status(status);
}
