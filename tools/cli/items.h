// How a command that works through items came out.
#pragma once

#include <cstddef>

#include "cli/diagnostics.h"
#include "cli/output.h"
#include "cli/rows.h"

namespace mq::cli {

// Of items, one after another: those that failed were told.
struct Items {
    const Diagnostics& diagnostics;
    Output& out;
    std::size_t done = 0;
    std::size_t failed = 0;
    ExitCode first_failure = ExitCode::ok;

    void fail_item(const Error& error);
    // ok; the failure, if nothing succeeded beside it; else no.
    [[nodiscard]] ExitCode status() const;
    // The same, after everything was printed.
    [[nodiscard]] ExitCode finish(Rows* rows = nullptr);
};

}  // namespace mq::cli
