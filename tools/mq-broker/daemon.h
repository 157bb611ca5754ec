// The life of a broker: start, tell that it runs, wait for signals, stop.
#pragma once

#include "args.h"
#include "cli/diagnostics.h"
#include "settings.h"

namespace mq::broker_tool {

struct Ending {
    cli::ExitCode code = cli::ExitCode::ok;
    int signal = 0;  // to die of, after a clean stop
};

// Serves until it is told to end.
[[nodiscard]] Ending serve(const Args& args, Settings settings, const cli::Diagnostics& diagnostics);

}  // namespace mq::broker_tool
