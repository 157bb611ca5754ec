#include "local/open.h"

#include "cli/text.h"
#include "groups/consumed.h"
#include "shm/control_file.h"

namespace mq::local {

using cli::cat;

Patience patience_for(std::optional<std::int64_t> timeout_ms) {
    Patience patience;
    if (timeout_ms) patience.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{*timeout_ms};
    return patience;
}

Result<store::DataDirectory> open(const std::string& path, store::Access access, const cli::Diagnostics& diagnostics,
                                  const Patience& patience) {
    store::OpenOptions options;
    options.access = access;
    options.bus_error_exit_status = cli::to_status(cli::ExitCode::io);
    // The hook is called ten times a second for as long as one lock is waited for; the time starts anew with each.
    options.on_wait = [&diagnostics, patience, last = std::chrono::milliseconds::max()](
                          const shm::Holder& holder, std::chrono::milliseconds waited) mutable -> Status {
        if (waited < last) {
            diagnostics.warning(cat("waiting for ", holder.what, ", which ", shm::describe(holder), " holds"));
        }
        last = waited;
        if (patience.interrupt != nullptr && patience.interrupt->load() != 0)
            return fail(Errc::interrupted, {}, holder.what, "interrupted while waiting for it");
        if (patience.deadline && std::chrono::steady_clock::now() >= *patience.deadline)
            return fail(Errc::timed_out, {}, holder.what, "--timeout passed while waiting for it");
        return {};
    };
    options.consumed_below = [path](const log::TopicPartition& id) -> Result<std::optional<Offset>> {
        MQ_ASSIGN(auto directory, store::DataDirectory::open(path, {}));
        offsets::OffsetStore offsets{directory};
        return groups::consumed_below(directory, offsets, id);
    };
    return store::DataDirectory::open(path, options);
}

cli::ExitCode work_in(const std::string& path, store::Access access, const cli::Diagnostics& diagnostics,
                      const Patience& patience, FunctionRef<cli::ExitCode(store::DataDirectory&)> work) {
    auto directory = open(path, access, diagnostics, patience);
    if (!directory) return diagnostics.fail(directory.error());
    const cli::ExitCode code = work(*directory);
    if (access == store::Access::read) return code;
    if (const Status closed = directory->close(); !closed && code == cli::ExitCode::ok)
        return diagnostics.fail(closed.error());
    return code;
}

void tell(const log::RecoveryReport& report, const cli::Diagnostics& diagnostics) {
    for (const auto& cut : report.cuts) diagnostics.warning(log::describe(cut));
    for (const auto& note : report.notes) diagnostics.detail(note);
    if (!report.trouble.empty()) diagnostics.warning(report.trouble);
}

}  // namespace mq::local
