// Words for people, on stderr: one line each, "mq-produce: topic 'x': No space left on device".
#pragma once

#include <new>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/exit_code.h"

namespace mq::cli {

enum class ColorWhen : unsigned char { automatic, always, never };

// --color, then NO_COLOR, FORCE_COLOR, TERM=dumb, then whether `fd` is a terminal.
[[nodiscard]] bool use_color(ColorWhen when, int fd);
// What --color says, of every Diagnostics that is made after it.
void choose_color(ColorWhen when);

// Every line is one write(2), so that lines of several processes do not mix. Control bytes are shown as \xHH. A
// stderr that cannot be written to is no error: nobody is there to be told.
class Diagnostics {
public:
    explicit Diagnostics(std::string_view program);

    // Negative: errors only; 0: warnings and summaries; positive: details.
    void set_verbosity(int level) { verbosity_ = level; }
    [[nodiscard]] int verbosity() const { return verbosity_; }
    void set_color(ColorWhen when);

    void error(std::string_view text) const;
    void warning(std::string_view text) const;  // silenced by -q
    void summary(std::string_view text) const;  // silenced by -q
    void detail(std::string_view text) const;   // needs -v

    // Prints the error and returns the status that stands for it.
    ExitCode fail(const Error& error) const;
    ExitCode fail(ExitCode code, std::string_view text) const;

private:
    void line(std::string_view color, std::string_view label, std::string_view text) const;

    std::string program_;
    int verbosity_ = 0;
    bool color_ = false;
};

// The status of a tool's body, an ExitCode. Memory that is not to be had becomes a message and 74.
template <typename Body>
[[nodiscard]] int run_tool(const Diagnostics& diagnostics, const Body& body) {
    try {
        return to_status(body());
    } catch (const std::bad_alloc&) {
        return to_status(diagnostics.fail(ExitCode::io, "out of memory"));
    }
}

}  // namespace mq::cli
