// Errors are values: what was attempted, on which file, where in it, and what the system said.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace mq {

// The closed list. tools/cli maps each to one exit status.
enum class Errc : std::uint8_t {
    bad_argument,    // the caller asked for something that cannot be: a bug, or a value from a person
    corrupt,         // bytes that violate their format or checksum
    truncated,       // the bytes end inside a unit
    too_large,       // over a limit that this process sets (batch size, decompressed size)
    unsupported,     // a version, magic or codec that this build does not know
    not_found,       // no such file, topic, offset
    already_exists,
    not_permitted,   // EACCES, EPERM, EROFS
    no_space,        // ENOSPC, EDQUOT
    no_memory,       // ENOMEM; operator new throws bad_alloc instead
    no_descriptors,  // EMFILE, ENFILE
    in_use,          // somebody else holds the lock
    poisoned,        // an earlier fsync failed: what it covered may not be on disk
    out_of_order,    // a producer's sequence does not follow
    fenced,          // a producer of an older epoch: a newer one has taken its place
    too_many,        // over a fixed number of things (slots of the control file)
    bad_configuration,  // a setting, or the place that was set, cannot work
    timed_out,       // the time that the caller gave has passed
    interrupted,     // the caller asked to stop
    io,              // every other failure of a system call
};

[[nodiscard]] std::string_view to_string(Errc code);

struct Error {
    Errc code = Errc::io;
    std::string operation;                  // "open", "read batch": what was attempted
    std::string subject;                    // the file, topic or option; empty if there is none
    int sys_errno = 0;                      // 0 if no system call failed
    std::optional<std::uint64_t> position;  // byte in `subject`
    std::string detail;                     // the rest, in words and figures

    // One line without a full stop: "FILE: OPERATION: DETAIL at byte N: No space left on device".
    [[nodiscard]] std::string message() const;
};

template <typename T>
using Result = tl::expected<T, Error>;

using Status = Result<void>;

[[nodiscard]] inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>{std::move(error)}; }

[[nodiscard]] inline tl::unexpected<Error> fail(Errc code, std::string operation, std::string subject,
                                                std::string detail = {},
                                                std::optional<std::uint64_t> position = {}) {
    return fail(Error{code, std::move(operation), std::move(subject), 0, position, std::move(detail)});
}

// The error of a failed system call: maps errno to a code.
[[nodiscard]] Error system_error(int sys_errno, std::string operation, std::string subject,
                                 std::optional<std::uint64_t> position = {});

}  // namespace mq

#define MQ_CONCAT_(a, b) a##b
#define MQ_CONCAT(a, b) MQ_CONCAT_(a, b)

// MQ_TRY(expr);           returns the error of a failed Status or Result.
#define MQ_TRY(...)                                                                        \
    do {                                                                                   \
        auto&& mq_result = (__VA_ARGS__);                                                  \
        if (!mq_result) return ::tl::unexpected<::mq::Error>{std::move(mq_result).error()}; \
    } while (false)

// MQ_ASSIGN(auto x, expr);  the same, and binds the value.
#define MQ_ASSIGN(target, ...) MQ_ASSIGN_(MQ_CONCAT(mq_result_, __LINE__), target, __VA_ARGS__)
#define MQ_ASSIGN_(tmp, target, ...)                                            \
    auto tmp = (__VA_ARGS__);                                                   \
    if (!tmp) return ::tl::unexpected<::mq::Error>{std::move(tmp).error()};     \
    target = *std::move(tmp)
