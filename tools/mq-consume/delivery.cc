#include "delivery.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>

#include "cli/text.h"

namespace mq::consume {

namespace {

constexpr int kLookMs = 100;  // so soon abandon() is noticed
constexpr int kLongestWaitMs = 50;

// A handler, and not SIG_IGN, which programs that are started would inherit.
void hold_broken_pipe() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGPIPE, &action, nullptr);
}

}  // namespace

Delivery::Delivery(int fd, std::string name) : fd_(fd), name_(std::move(name)) {
    hold_broken_pipe();
    struct stat info {};
    if (::fstat(fd, &info) != 0) return;
    if (S_ISSOCK(info.st_mode)) {
        kind_ = Kind::socket;
    } else if (S_ISFIFO(info.st_mode)) {
        kind_ = Kind::pipe;
        // O_NONBLOCK on `fd` itself would be everybody's who shares it.
        own_fd_ = ::open(cli::cat("/proc/self/fd/", fd).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    }
}

Delivery::~Delivery() {
    if (own_fd_ >= 0) ::close(own_fd_);
}

// Without a descriptor of its own on a pipe it writes as much as always goes in at once when poll(2) says so.
long Delivery::write_some(ByteView bytes) {
    if (kind_ == Kind::socket) return ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (kind_ == Kind::file) return ::write(fd_, bytes.data(), bytes.size());
    if (own_fd_ >= 0) return ::write(own_fd_, bytes.data(), bytes.size());
    pollfd room{fd_, POLLOUT, 0};
    const int ready = ::poll(&room, 1, 0);
    if (ready == 0) errno = EAGAIN;
    if (ready <= 0) return -1;
    return ::write(fd_, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
}

Status Delivery::write(ByteView bytes) {
    while (!bytes.empty()) {
        if (abandoned_.load()) return fail(Errc::interrupted, "write", name_, "given up");
        const long count = write_some(bytes);
        if (count >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(count));
            written_.fetch_add(static_cast<std::uint64_t>(count));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return fail(system_error(errno, "write", name_));
        pollfd room{own_fd_ >= 0 ? own_fd_ : fd_, POLLOUT, 0};
        static_cast<void>(::poll(&room, 1, kLookMs));
    }
    return {};
}

std::uint64_t Delivery::taken() {
    // Written first, left second: what is written in between makes the difference smaller.
    const std::uint64_t written = written_.load();
    int left = 0;
    if (kind_ == Kind::pipe && ::ioctl(fd_, FIONREAD, &left) != 0) return taken_;
    // Sockets that cannot tell are taken for files.
    if (kind_ == Kind::socket && ::ioctl(fd_, SIOCOUTQ, &left) != 0) left = 0;
    const auto kept = static_cast<std::uint64_t>(std::max(left, 0));
    if (written > kept) taken_ = std::max(taken_, written - kept);
    return taken_;
}

bool Delivery::reader_gone() const {
    pollfd out{fd_, 0, 0};
    return ::poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0;
}

bool Delivery::wait_until_taken(std::uint64_t bytes, FunctionRef<bool()> gives_up) {
    for (int wait_ms = 1; taken() < bytes; wait_ms = std::min(2 * wait_ms, kLongestWaitMs)) {
        if (gives_up()) return false;
        pollfd out{fd_, 0, 0};
        if (::poll(&out, 1, wait_ms) > 0 && (out.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
            return taken() >= bytes;
    }
    return true;
}

}  // namespace mq::consume
