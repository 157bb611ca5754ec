#include "stop.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace mq::consume {

namespace {

std::atomic<std::uint32_t> raised{0};
std::atomic<int> signal_taken{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void take_signal(int number) {
    signal_taken.store(number);
    raised.store(1);
    // The next one, whichever of the two, does what it does by default.
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
}

}  // namespace

StopSignals::StopSignals() {
    struct sigaction action {};
    action.sa_handler = take_signal;
    sigemptyset(&action.sa_mask);
    for (const int number : {SIGINT, SIGTERM}) {
        struct sigaction before {};
        // nohup and background jobs of a shell without job control ignore it on purpose.
        if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
        ::sigaction(number, &action, nullptr);
    }
}

const std::atomic<std::uint32_t>* StopSignals::word() { return &raised; }

int StopSignals::taken() { return signal_taken.load(); }

void sleep_watching_stdout(std::int64_t milliseconds) {
    constexpr std::int64_t kLongest = 500;
    pollfd out{STDOUT_FILENO, 0, 0};
    const std::int64_t limit = raised.load() != 0 ? 0 : std::min(milliseconds, kLongest);
    if (::poll(&out, 1, static_cast<int>(limit)) <= 0 || (out.revents & POLLERR) == 0) return;
    std::signal(SIGPIPE, SIG_DFL);
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigprocmask(SIG_UNBLOCK, &pipe_only, nullptr);
    std::raise(SIGPIPE);
}

}  // namespace mq::consume
