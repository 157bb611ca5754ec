#include "os/watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <array>
#include <cerrno>

#include "os/fault.h"

namespace mq::os {
namespace {

constexpr std::uint32_t kChanges =
    IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;

template <typename Fn>
int invoke(Call call, std::string_view path, Fn&& fn) {
    for (;;) {
        const Fault fault = next_fault(call, path);
        if (fault.error != 0) errno = fault.error;
        const int r = fault.error != 0 ? -1 : fn();
        if (r != -1 || errno != EINTR) return r;
    }
}

}  // namespace

Result<Watch> Watch::create() {
    const int fd = invoke(Call::watch, "", [] { return ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK); });
    if (fd < 0) return fail(system_error(errno, "watch", ""));
    Watch watch;
    watch.queue_ = File::adopt(fd, "inotify", false);
    return watch;
}

Status Watch::add(const std::string& path) {
    if (invoke(Call::watch, path, [&] { return ::inotify_add_watch(queue_.fd(), path.c_str(), kChanges); }) < 0)
        return fail(system_error(errno, "watch", path));
    return {};
}

Result<Woken> Watch::wait(int timeout_ms, int interrupt_fd, int output_fd) const {
    std::array<pollfd, 3> waited{{{queue_.fd(), POLLIN, 0}, {interrupt_fd, POLLIN, 0}, {output_fd, 0, 0}}};
    if (invoke(Call::wait, "", [&] { return ::poll(waited.data(), waited.size(), timeout_ms); }) < 0)
        return fail(system_error(errno, "poll", ""));
    if (waited[1].revents != 0) return Woken::interrupted;
    if ((waited[2].revents & POLLERR) != 0) return Woken::output_closed;
    if (waited[0].revents == 0) return Woken::timed_out;
    // What is told is of no interest, and an overflow of the queue is a change too.
    std::array<char, 4096> events;
    while (::read(queue_.fd(), events.data(), events.size()) > 0) {
    }
    return Woken::changed;
}

}  // namespace mq::os
