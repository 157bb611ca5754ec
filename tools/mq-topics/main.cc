// mq-topics: creates, lists, changes and deletes topics of a data directory.

#include <algorithm>

#include "cli/text.h"
#include "local/open.h"
#include "os/file.h"
#include "session.h"

namespace mq::topics {
namespace {

using cli::cat;
using cli::ExitCode;

struct CommandRow {
    std::string_view name;
    store::Access access;
    Command run;
};

constexpr CommandRow kCommands[] = {
    {"list", store::Access::read, list},
    {"describe", store::Access::read, describe},
    {"find", store::Access::read, find},
    {"offsets", store::Access::read, offsets},
    {"usage", store::Access::read, usage},
    {"partition-of", store::Access::read, partition_of},
    {"create", store::Access::write, create},
    {"delete", store::Access::write, remove},
    {"partitions", store::Access::write, partitions},
    {"config", store::Access::write, config},
    {"trim", store::Access::write, trim},
    {"compact", store::Access::write, compact},
};

// Nothing is made for one that only looks, or that has nothing to work on.
store::Access access_of(const CommandRow& command, const Args& args) {
    const bool only_looks = command.name == "config" && !args.operands.empty() && args.operands.front() == "get";
    return only_looks || args.dry_run ? store::Access::read : command.access;
}

ExitCode run(const Args& args, const cli::Diagnostics& diagnostics) {
    const auto path = cli::choose_data_directory(args.target);
    if (!path) return diagnostics.fail(path.error().code, path.error().text);
    if (args.assignment || args.replicas > 1) {
        return diagnostics.fail(ExitCode::unavailable,
                                "this version has no cluster: a topic has one replica, in the data directory");
    }
    const CommandRow& command = *std::ranges::find(kCommands, args.command, &CommandRow::name);
    const store::Access access = access_of(command, args);
    const auto there = os::exists(*path);
    if (there && !*there && command.name == "create" && args.dry_run && !args.operands.empty())
        return plan_creation(args, diagnostics, nullptr);
    if (there && !*there && access == store::Access::write && command.name != "create")
        return diagnostics.fail(ExitCode::not_found, cat(*path, ": no such data directory"));
    return local::work_in(*path, access, diagnostics, local::patience_for(args.timeout_ms),
                          [&](store::DataDirectory& directory) {
                              cli::Output out;
                              Session session{args, diagnostics, directory, out};
                              return command.run(session);
                          });
}

}  // namespace
}  // namespace mq::topics

int main(int argc, char** argv) {
    using namespace mq;
    cli::OptionSet options{"mq-topics", "Creates, lists, changes and deletes topics.",
                           "[OPTION...] COMMAND [OPTION...] [ARGUMENT...]"};
    return cli::run_command<topics::Args>(options, argc, argv, topics::parse_args, topics::run);
}
