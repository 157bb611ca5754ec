// What the command lines of the tools that have commands have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/consent.h"
#include "cli/diagnostics.h"
#include "cli/option_set.h"
#include "cli/rows.h"
#include "cli/target.h"

namespace mq::cli {

struct CommandArgs : RowStyle, Consent {
    std::string command;  // "list"; of Kafka's spelling too
    bool kafka_spelling = false;
    std::vector<std::string> operands;
    Target target;
    bool quiet = false;
    bool verbose = false;
    std::optional<std::int64_t> timeout_ms;
};

// main() of such a tool: `parse(options, argc, argv, args)` tells the status to exit with, or nothing; then
// `run(args, diagnostics)` does.
template <typename Args, typename Parse, typename Run>
[[nodiscard]] int run_command(OptionSet& options, int argc, char** argv, const Parse& parse, const Run& run) {
    Args args;
    if (const auto stop = parse(options, argc, argv, args)) return *stop;
    Diagnostics diagnostics{options.program()};
    diagnostics.set_verbosity(args.quiet ? -1 : args.verbose ? 1 : 0);
    return run_tool(diagnostics, [&] { return run(args, diagnostics); });
}

}  // namespace mq::cli
