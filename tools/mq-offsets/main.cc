// mq-offsets: shows, moves, saves and restores what consumer groups have committed.

#include <algorithm>

#include "cli/text.h"
#include "local/open.h"
#include "os/file.h"
#include "session.h"

namespace mq::offsets_tool {
namespace {

using cli::cat;

struct CommandRow {
    std::string_view name;
    store::Access access;
    Command run;
};

constexpr CommandRow kCommands[] = {
    {"list", store::Access::read, list},        {"describe", store::Access::read, describe},
    {"peek", store::Access::read, peek},        {"export", store::Access::read, export_offsets},
    {"lag", store::Access::read, lag},          {"wait", store::Access::read, wait},
    {"fsck", store::Access::read, fsck},        {"reset", store::Access::write, reset},
    {"set", store::Access::write, set},         {"import", store::Access::write, import_offsets},
    {"copy", store::Access::write, copy},       {"forget", store::Access::write, forget},
    {"delete", store::Access::write, remove},   {"expire", store::Access::write, expire},
    {"compact", store::Access::write, compact},
};

ExitCode run_in(const Args& args, const cli::Diagnostics& diagnostics, const std::string& path) {
    const CommandRow& command = *std::ranges::find(kCommands, args.command, &CommandRow::name);
    const store::Access access = args.dry_run ? store::Access::read : command.access;
    // Nothing is made by one that only works on what others have made.
    const auto there = os::exists(path);
    if (there && !*there) return diagnostics.fail(ExitCode::not_found, cat(path, ": no such data directory"));
    return local::work_in(path, access, diagnostics, local::patience_for(args.timeout_ms),
                          [&](store::DataDirectory& directory) {
                              cli::Output out;
                              Session session{args, diagnostics, directory, out};
                              return command.run(session);
                          });
}

ExitCode run(const Args& args, const cli::Diagnostics& diagnostics) {
    const auto path = cli::choose_data_directory(args.target);
    const ExitCode code =
        path ? run_in(args, diagnostics, *path) : diagnostics.fail(path.error().code, path.error().text);
    // To Nagios whatever went wrong is "unknown", and its own statuses are below.
    constexpr int kUnknown = 3;
    return args.nagios && to_status(code) > kUnknown ? static_cast<ExitCode>(kUnknown) : code;
}

}  // namespace
}  // namespace mq::offsets_tool

int main(int argc, char** argv) {
    using namespace mq;
    cli::OptionSet options{"mq-offsets", "Shows, moves, saves and restores the offsets of consumer groups.",
                           "[OPTION...] COMMAND [OPTION...] [ARGUMENT...]"};
    return cli::run_command<offsets_tool::Args>(options, argc, argv, offsets_tool::parse_args, offsets_tool::run);
}
