// The exit statuses that all tools share; the table stands in mq(7).
#pragma once

#include "base/error.h"

namespace mq::cli {

enum class ExitCode : int {
    ok = 0,
    no = 1,              // done, and the answer that was asked for is no, or some items failed
    usage = 64,          // options, arguments
    bad_data = 65,       // damage, a version that this build does not know, over a limit
    not_found = 66,      // no such topic, partition, file
    unavailable = 69,    // no broker to talk to, or a service that this build does not have
    bug = 70,            // an invariant of ours does not hold
    cannot_create = 73,  // the name is taken
    io = 74,             // failed system calls: no space, no memory, no descriptors
    try_again = 75,      // the directory or the group is in use
    protocol = 76,
    not_permitted = 77,
    configuration = 78,
    timeout = 124,  // --timeout ended it
};

[[nodiscard]] constexpr int to_status(ExitCode code) { return static_cast<int>(code); }

[[nodiscard]] constexpr ExitCode exit_code_for(Errc code) {
    switch (code) {
        case Errc::bad_argument:
            return ExitCode::usage;
        case Errc::corrupt:
        case Errc::truncated:
        case Errc::too_large:
        case Errc::unsupported:
        case Errc::out_of_order:
        case Errc::fenced:
            return ExitCode::bad_data;
        case Errc::not_found:
            return ExitCode::not_found;
        case Errc::already_exists:
        case Errc::too_many:
            return ExitCode::cannot_create;
        case Errc::not_permitted:
            return ExitCode::not_permitted;
        case Errc::in_use:
            return ExitCode::try_again;
        case Errc::bad_configuration:
            return ExitCode::configuration;
        case Errc::timed_out:
            return ExitCode::timeout;
        case Errc::interrupted:  // the tool dies of the signal; this is for where it cannot
        case Errc::no_space:
        case Errc::no_memory:
        case Errc::no_descriptors:
        case Errc::poisoned:
        case Errc::io:
            return ExitCode::io;
    }
    return ExitCode::bug;
}

}  // namespace mq::cli
