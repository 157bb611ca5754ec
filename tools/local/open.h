// Opening a data directory for a tool: how it waits, and what it says meanwhile.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>

#include "base/function_ref.h"
#include "cli/diagnostics.h"
#include "store/data_directory.h"

namespace mq::local {

struct Patience {
    // --timeout: when waiting for a lock ends with timed_out.
    std::optional<std::chrono::steady_clock::time_point> deadline;
    // Raised by a signal handler: waiting ends with interrupted.
    const std::atomic<std::uint32_t>* interrupt = nullptr;
};
// From now on, if --timeout was given.
[[nodiscard]] Patience patience_for(std::optional<std::int64_t> timeout_ms);

// Opens it. Whoever keeps a lock for longer than a second is named on stderr, once for each wait. `diagnostics` and
// the interrupt must outlive the directory.
[[nodiscard]] Result<store::DataDirectory> open(const std::string& path, store::Access access,
                                                const cli::Diagnostics& diagnostics, const Patience& patience = {});

// Opens it, has a command work on it, and closes it if it was opened for writing. The status of the work; that of
// closing if only that failed.
[[nodiscard]] cli::ExitCode work_in(const std::string& path, store::Access access,
                                    const cli::Diagnostics& diagnostics, const Patience& patience,
                                    FunctionRef<cli::ExitCode(store::DataDirectory&)> work);

// Warns of what a partition's recovery cut, and tells the rest with -v.
void tell(const log::RecoveryReport& report, const cli::Diagnostics& diagnostics);

}  // namespace mq::local
