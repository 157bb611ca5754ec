// What the tool does, one function for each kind of answer. Each prints, explains errors on stderr, and returns the
// status.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "mq-dump-segment/inputs.h"
#include "mq-dump-segment/options.h"
#include "mq-dump-segment/rows.h"
#include "mq-dump-segment/sink.h"
#include "mq-dump-segment/unit_source.h"

namespace mq::dump {

struct Context {
    const Options& options;
    const cli::Diagnostics& words;
    Sink& out;
    const std::atomic<std::uint32_t>* stop = nullptr;  // the signal that has come, where one is waited for

    [[nodiscard]] bool stopped() const { return stop != nullptr && stop->load() != 0; }
    // Words on stderr come after what was printed so far.
    cli::ExitCode fail(const Error& error) const {
        static_cast<void>(out.flush());
        return words.fail(error);
    }
};

[[nodiscard]] cli::ExitCode print_as_kafka(const Context& context);
[[nodiscard]] cli::ExitCode print_files(const Context& context);  // batches, records, entries
[[nodiscard]] cli::ExitCode follow_logs(const Context& context);
[[nodiscard]] cli::ExitCode print_hex(const Context& context);
[[nodiscard]] cli::ExitCode print_summary(const Context& context);
[[nodiscard]] cli::ExitCode print_stats(const Context& context);
[[nodiscard]] cli::ExitCode check_files(const Context& context);
[[nodiscard]] cli::ExitCode rebuild_indexes(const Context& context);
[[nodiscard]] cli::ExitCode truncate_log(const Context& context);

// In the style that was asked for.
[[nodiscard]] Rows make_rows(const Context& context);

// What every operand stands for, one after another; the worst status of all. Operands that stand for nothing are
// told.
using VisitOperand = std::function<cli::ExitCode(const std::string& path, const std::vector<Input>& inputs)>;
[[nodiscard]] cli::ExitCode for_each_operand(const Context& context, const VisitOperand& visit);

// A file that `operand`, a directory, held when it was listed is gone: whoever uses the directory took it away.
[[nodiscard]] inline bool is_gone(const Error& error, const std::string& operand, const Input& input) {
    return error.code == Errc::not_found && input.path != operand;
}

// Says, if it is so, that the end of a .log was left out because a running process has not finished it.
void tell_in_flight(const Context& context, const std::string& path, const UnitSource& units);
void tell_in_flight(const Context& context, const std::string& path, std::uint64_t position, std::uint64_t bytes);

// The status of several items: an error counts more than a "no".
[[nodiscard]] inline cli::ExitCode worse(cli::ExitCode a, cli::ExitCode b) {
    return static_cast<int>(a) >= static_cast<int>(b) ? a : b;
}

}  // namespace mq::dump
