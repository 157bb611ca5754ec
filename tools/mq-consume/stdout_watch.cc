#include "stdout_watch.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "cli/signals.h"

namespace mq::consume {

void sleep_watching_stdout(std::int64_t milliseconds) {
    constexpr std::int64_t kLongest = 500;
    pollfd out{STDOUT_FILENO, 0, 0};
    const std::int64_t limit = cli::FirstSignal::taken() != 0 ? 0 : std::min(milliseconds, kLongest);
    if (::poll(&out, 1, static_cast<int>(limit)) > 0 && (out.revents & POLLERR) != 0) cli::die_of(SIGPIPE);
}

}  // namespace mq::consume
