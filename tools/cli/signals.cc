#include "cli/signals.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace mq::cli {

namespace {

sigset_t both() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

}  // namespace

Signals::Signals() {
    const sigset_t set = both();
    sigprocmask(SIG_BLOCK, &set, nullptr);
    fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    // Without a descriptor for it the signals act as usual.
    if (fd_ < 0) sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

Signals::~Signals() {
    if (fd_ >= 0) ::close(fd_);
    const sigset_t set = both();
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

int Signals::take() {
    signalfd_siginfo info;
    if (taken_ == 0 && fd_ >= 0 && ::read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        taken_ = static_cast<int>(info.ssi_signo);
        const sigset_t set = both();
        sigprocmask(SIG_UNBLOCK, &set, nullptr);
    }
    return taken_;
}

void Signals::die_of(int signal) {
    std::signal(signal, SIG_DFL);
    const sigset_t set = both();
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
    std::raise(signal);
    std::_Exit(128 + signal);
}

Result<Wait> wait_readable(int fd, const Signals& signals, int timeout_ms) {
    pollfd waited[2] = {{fd, POLLIN, 0}, {signals.fd(), POLLIN, 0}};
    for (;;) {
        const int ready = ::poll(waited, 2, timeout_ms);
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) return tl::unexpected{system_error(errno, "poll", "input")};
        if (waited[1].revents != 0) return Wait::interrupted;
        return ready == 0 ? Wait::timed_out : Wait::readable;
    }
}

}  // namespace mq::cli
