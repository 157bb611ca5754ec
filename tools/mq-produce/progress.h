// What has been sent so far: a line on a terminal every second, and whenever SIGUSR1 asks.
#pragma once

#include <chrono>
#include <optional>

#include "appender.h"
#include "cli/diagnostics.h"

namespace mq::produce {

// For the thread that reads.
class Progress {
public:
    // `wanted`: --progress; shown if stderr is a terminal.
    Progress(bool wanted, const Appender& appender, const cli::Diagnostics& diagnostics);

    // Prints what is due, or was asked for.
    void tick(std::uint64_t read_records, bool asked);
    [[nodiscard]] std::optional<Clock::time_point> due() const;
    // A record was passed over; said of the first ones.
    void passed_over(const Error& error);
    // Takes the line off the terminal.
    void clear();

private:
    [[nodiscard]] std::string text(std::uint64_t read_records) const;

    const Appender* appender_;
    const cli::Diagnostics* diagnostics_;
    std::uint64_t passed_over_ = 0;
    bool is_shown_ = false;
    bool on_screen_ = false;
    Clock::time_point start_ = Clock::now();
    Clock::time_point next_ = Clock::now();
};

}  // namespace mq::produce
