#include "cli/signals.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <new>
#include <system_error>

namespace mq::cli {

namespace {

std::atomic<std::uint32_t> signal_taken{0};
constexpr int kTaken[] = {SIGINT, SIGTERM};
volatile std::sig_atomic_t is_ours[std::size(kTaken)];
int event = -1;
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

extern "C" void take_signal(int number) {
    const int before = errno;
    signal_taken.store(static_cast<std::uint32_t>(number));
    // The next one, whichever of the two, does what it does by default, or is ignored still.
    for (std::size_t i = 0; i < std::size(kTaken); ++i)
        if (is_ours[i]) std::signal(kTaken[i], SIG_DFL);
    const std::uint64_t one = 1;
    static_cast<void>(!::write(event, &one, sizeof one));
    errno = before;
}

}  // namespace

FirstSignal::FirstSignal() {
    event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct sigaction action {};
    action.sa_handler = take_signal;
    sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < std::size(kTaken); ++i) {
        struct sigaction before {};
        // nohup and background jobs of a shell without job control ignore it on purpose.
        if (::sigaction(kTaken[i], nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
        is_ours[i] = 1;
        ::sigaction(kTaken[i], &action, nullptr);
    }
}

int FirstSignal::fd() { return event; }

int FirstSignal::taken() { return static_cast<int>(signal_taken.load()); }

const std::atomic<std::uint32_t>* FirstSignal::word() { return &signal_taken; }

std::thread start_without_signals(std::function<void()> run) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread;
    try {
        thread = std::thread{std::move(run)};
    } catch (const std::system_error&) {
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw std::bad_alloc{};
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

void die_of(int signal) {
    std::signal(signal, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
    std::raise(signal);
    std::_Exit(128 + signal);
}

}  // namespace mq::cli
