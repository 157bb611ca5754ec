// mq-dump-segment: what is in the files of a log directory, whether it is right, and repair.
#include "mq-dump-segment/options.h"

namespace {

using namespace mq;
using namespace mq::dump;

constexpr std::string_view kSummary = "Show, check and repair the files of a Kafka log directory.";

int run_kafka(const Options& options, const cli::Diagnostics& words) {
    Sink out{1, "stdout"};
    Sink err{2, "stderr"};
    KafkaDump dump{options.kafka_options, out, err};
    cli::ExitCode status = cli::ExitCode::ok;
    for (const std::string& path : options.paths) {
        if (auto dumped = dump.dump(path); !dumped) {
            static_cast<void>(out.flush());
            status = words.fail(dumped.error());
        }
    }
    dump.finish();
    if (!out.status()) return cli::to_status(words.fail(out.status().error()));
    if (status == cli::ExitCode::ok && dump.found_damage()) status = cli::ExitCode::bad_data;
    return cli::to_status(status);
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    cli::OptionSet set{"mq-dump-segment", kSummary, "[OPTION...] FILE|DIRECTORY|-..."};
    add_options(set, options);
    if (const auto stop = set.parse(argc, argv)) return *stop;
    if (const auto contradiction = find_contradiction(options)) return set.usage_error(*contradiction);
    cli::Diagnostics words{"mq-dump-segment"};
    words.set_verbosity(options.quiet ? -1 : options.verbose ? 1 : 0);
    words.set_color(options.color);
    return run_kafka(options, words);
}
