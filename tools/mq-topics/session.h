// What all commands work with: the directory, where they print, and how they came out.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "args.h"
#include "cli/diagnostics.h"
#include "cli/output.h"
#include "rows.h"
#include "store/data_directory.h"

namespace mq::topics {

struct Session {
    const Args& args;
    const cli::Diagnostics& diagnostics;
    store::DataDirectory& directory;
    cli::Output& out;

    // Of items, one after another: those that failed were told.
    std::size_t done = 0;
    std::size_t failed = 0;
    cli::ExitCode first_failure = cli::ExitCode::ok;

    void fail_item(const Error& error);
    // ok; the failure, if nothing succeeded beside it; else no.
    [[nodiscard]] cli::ExitCode status() const;
    // The same, after everything was printed.
    [[nodiscard]] cli::ExitCode finish(Rows* rows = nullptr);
};

// The topics of the operands, as names or with -r as patterns; all if there are none. Without --internal Kafka's own
// are left out, unless one is named. A name that is no topic fails as an item.
[[nodiscard]] Result<std::vector<store::Topic>> choose_topics(Session& session);

// Of meta.properties; 0 if it says nothing.
[[nodiscard]] std::int32_t broker_id(const store::DataDirectory& directory);

// Whether to go on with what `plan` says, a line for each thing that would be lost. nullopt: yes; else the status to
// exit with: --dry-run (the plan goes to stdout), nobody to ask, or the answer was no.
[[nodiscard]] std::optional<cli::ExitCode> confirm(Session& session, std::string_view question,
                                                   const std::vector<std::string>& plan);

// create --dry-run. `directory` is nullptr where there is none yet.
[[nodiscard]] cli::ExitCode plan_creation(const Args& args, const cli::Diagnostics& diagnostics,
                                          const store::DataDirectory* directory);

using Command = cli::ExitCode (*)(Session& session);
[[nodiscard]] cli::ExitCode list(Session& session);
[[nodiscard]] cli::ExitCode describe(Session& session);
[[nodiscard]] cli::ExitCode find(Session& session);
[[nodiscard]] cli::ExitCode create(Session& session);
[[nodiscard]] cli::ExitCode remove(Session& session);
[[nodiscard]] cli::ExitCode partitions(Session& session);
[[nodiscard]] cli::ExitCode config(Session& session);
[[nodiscard]] cli::ExitCode trim(Session& session);
[[nodiscard]] cli::ExitCode compact(Session& session);
[[nodiscard]] cli::ExitCode offsets(Session& session);
[[nodiscard]] cli::ExitCode usage(Session& session);
[[nodiscard]] cli::ExitCode partition_of(Session& session);

}  // namespace mq::topics
