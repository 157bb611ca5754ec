// What all commands work with: the directory, where they print, and how they came out.
#pragma once

#include <string>
#include <vector>

#include "args.h"
#include "cells.h"
#include "cli/items.h"
#include "store/data_directory.h"

namespace mq::topics {

using cli::Cell;
using cli::Field;
using cli::flag_cell;
using cli::Form;
using cli::number_cell;
using cli::Rows;
using cli::text_cell;

struct Session : cli::Items {
    const Args& args;
    store::DataDirectory& directory;

    Session(const Args& given, const cli::Diagnostics& words, store::DataDirectory& opened, cli::Output& printed)
        : Items{words, printed}, args(given), directory(opened) {}
};

// The topics of the operands, as names or with -r as patterns; all if there are none. Without --internal Kafka's own
// are left out, unless one is named. A name that is no topic fails as an item.
[[nodiscard]] Result<std::vector<store::Topic>> choose_topics(Session& session);

// Of meta.properties; 0 if it says nothing.
[[nodiscard]] std::int32_t broker_id(const store::DataDirectory& directory);

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
