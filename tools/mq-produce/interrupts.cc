#include "interrupts.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace mq::produce {

namespace {

// What a signal handler may reach.
std::atomic<std::uint32_t> g_signal{0};
std::atomic<bool> g_stats{false};
std::atomic<int> g_wake_fd{-1};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void wake() {
    const int saved = errno;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(g_wake_fd.load(), &one, sizeof one);
    errno = saved;
}

extern "C" void on_end(int signal) {
    if (g_signal.exchange(static_cast<std::uint32_t>(signal)) != 0) {
        // Takes effect when the handler returns.
        std::signal(signal, SIG_DFL);
        std::raise(signal);
        return;
    }
    wake();
}

extern "C" void on_stats(int) {
    g_stats.store(true);
    wake();
}

void handle(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
}

// Pauses of other threads are cut into pieces of this: the descriptor wakes one thread only.
constexpr int kPieceMs = 50;

}  // namespace

Interrupts::Interrupts() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    g_wake_fd.store(fd_);
    handle(SIGINT, on_end);
    handle(SIGTERM, on_end);
    handle(SIGUSR1, on_stats);
}

Interrupts::~Interrupts() {
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) std::signal(signal, SIG_DFL);
    g_wake_fd.store(-1);
    if (fd_ >= 0) ::close(fd_);
}

int Interrupts::signal() { return static_cast<int>(g_signal.load()); }

const std::atomic<std::uint32_t>* Interrupts::word() { return &g_signal; }

bool Interrupts::take_stats_request() { return g_stats.load(std::memory_order_relaxed) && g_stats.exchange(false); }

void Interrupts::die_of(int signal) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
    std::_Exit(128 + signal);
}

Result<Interrupts::Wake> Interrupts::wait(int fd, int timeout_ms) const {
    pollfd waited[2] = {{fd_, POLLIN, 0}, {fd, POLLIN, 0}};
    for (;;) {
        if (signal() != 0) return Wake::signalled;
        const int ready = ::poll(waited, 2, timeout_ms);
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) return tl::unexpected{system_error(errno, "poll", "input")};
        if (waited[0].revents != 0) {
            std::uint64_t count = 0;
            [[maybe_unused]] const ssize_t got = ::read(fd_, &count, sizeof count);
            return Wake::signalled;
        }
        return ready == 0 ? Wake::timed_out : Wake::readable;
    }
}

bool Interrupts::pause(int timeout_ms) {
    for (int left = timeout_ms; left > 0 && signal() == 0; left -= kPieceMs) {
        static_cast<void>(::poll(nullptr, 0, std::min(left, kPieceMs)));
    }
    return signal() == 0;
}

}  // namespace mq::produce
