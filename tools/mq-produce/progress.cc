#include "progress.h"

#include <unistd.h>

#include "cli/text.h"

namespace mq::produce {

using cli::cat;

namespace {

constexpr std::chrono::seconds kInterval{1};
constexpr std::uint64_t kMostTold = 10;
constexpr std::string_view kEraseLine = "\r\x1b[K";

void print(std::string_view text) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

// "12.3": one digit behind the point is enough for people.
std::string tenths(double value) {
    const auto scaled = static_cast<std::uint64_t>(value * 10 + 0.5);
    return cat(scaled / 10, '.', scaled % 10);
}

}  // namespace

Progress::Progress(bool wanted, const Appender& appender, const cli::Diagnostics& diagnostics)
    : appender_(&appender),
      diagnostics_(&diagnostics),
      is_shown_(wanted && ::isatty(STDERR_FILENO) == 1),
      next_(start_ + kInterval) {}

std::string Progress::text(std::uint64_t read_records) const {
    const double seconds = std::max(std::chrono::duration<double>(Clock::now() - start_).count(), 1e-3);
    const std::uint64_t records = appender_->accepted_records();
    const std::uint64_t bytes = appender_->accepted_bytes();
    return cat(cli::counted(records, "record"), ", ", cli::counted(bytes, "byte"), " accepted, ",
               read_records - records, " on their way, ", tenths(seconds), " s, ",
               tenths(static_cast<double>(records) / seconds), " records/s, ",
               tenths(static_cast<double>(bytes) / seconds / (1 << 20)), " MiB/s");
}

void Progress::tick(std::uint64_t read_records, bool asked) {
    if (asked) {
        clear();
        print(cat("mq-produce: ", text(read_records), '\n'));
    }
    if (!is_shown_ || Clock::now() < next_) return;
    next_ = Clock::now() + kInterval;
    print(cat(kEraseLine, text(read_records)));
    on_screen_ = true;
}

std::optional<Clock::time_point> Progress::due() const {
    if (!is_shown_) return std::nullopt;
    return next_;
}

void Progress::passed_over(const Error& error) {
    ++passed_over_;
    if (passed_over_ <= kMostTold) diagnostics_->warning(cat("passed over: ", error.message()));
    if (passed_over_ == kMostTold) diagnostics_->warning("more of these are counted only");
}

void Progress::clear() {
    if (std::exchange(on_screen_, false)) print(kEraseLine);
}

}  // namespace mq::produce
