#include "os/socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>

#include "os/fault.h"

namespace mq::os {
namespace {

using Clock = std::chrono::steady_clock;

class Deadline {
public:
    explicit Deadline(int timeout_ms) {
        if (timeout_ms >= 0) end_ = Clock::now() + std::chrono::milliseconds{timeout_ms};
    }
    // What is left in the form of poll(2).
    [[nodiscard]] int remaining_ms() const {
        if (!end_) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*end_ - Clock::now());
        return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    }

private:
    std::optional<Clock::time_point> end_;
};

template <typename Fn>
ssize_t invoke(Call call, std::string_view peer, std::size_t bytes, Fn&& fn) {
    for (;;) {
        const Fault fault = next_fault(call, peer, bytes);
        if (fault.error != 0) errno = fault.error;
        const ssize_t r = fault.error != 0 ? -1 : fn(std::min(bytes, fault.limit));
        if (r != -1 || errno != EINTR) return r;
    }
}

// Waits until `events` are there, or an error that the next call will tell.
Status wait_for(int fd, short events, const char* operation, const std::string& peer, const Deadline& deadline) {
    pollfd waited{fd, events, 0};
    const ssize_t r =
        invoke(Call::wait, peer, 0, [&](std::size_t) { return ::poll(&waited, 1, deadline.remaining_ms()); });
    if (r < 0) return fail(system_error(errno, operation, peer));
    if (r == 0) return fail(Errc::timed_out, operation, peer, "no answer in time");
    return {};
}

Result<File> connect_to(const sockaddr* address, socklen_t size, const std::string& peer, const Deadline& deadline) {
    const ssize_t fd = invoke(Call::connect, peer, 0, [&](std::size_t) {
        return ::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    });
    if (fd < 0) return fail(system_error(errno, "connect", peer));
    File file = File::adopt(static_cast<int>(fd), peer, false);
    if (invoke(Call::connect, peer, 0, [&](std::size_t) { return ::connect(file.fd(), address, size); }) < 0) {
        if (errno != EINPROGRESS) return fail(system_error(errno, "connect", peer));
        MQ_TRY(wait_for(file.fd(), POLLOUT, "connect", peer, deadline));
        int error = 0;
        socklen_t length = sizeof error;
        if (::getsockopt(file.fd(), SOL_SOCKET, SO_ERROR, &error, &length) < 0) error = errno;
        if (error != 0) return fail(system_error(error, "connect", peer));
    }
    return file;
}

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

}  // namespace

Result<Socket> Socket::connect(const std::string& host, std::uint16_t port, int timeout_ms) {
    const Deadline deadline{timeout_ms};
    const std::string service = std::to_string(port);
    const std::string peer = host + ':' + service;
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), service.c_str(), &wanted, &found); error != 0) {
        if (error == EAI_SYSTEM) return fail(system_error(errno, "look up", peer));
        return fail(Errc::not_found, "look up", peer, ::gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, FreeAddresses> addresses{found};
    Result<File> file = fail(Errc::not_found, "look up", peer, "a name without an address");
    for (const addrinfo* a = addresses.get(); a != nullptr && !file; a = a->ai_next) {
        file = connect_to(a->ai_addr, a->ai_addrlen, peer, deadline);
    }
    MQ_TRY(file);
    // Requests are written whole; waiting for more only delays the answer.
    const int on = 1;
    static_cast<void>(::setsockopt(file->fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    return Socket{std::move(*file)};
}

Result<Socket> Socket::connect(const std::string& path, int timeout_ms) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return fail(Errc::bad_argument, "connect", path, "a path too long for a socket");
    std::memcpy(address.sun_path, path.data(), path.size());
    MQ_ASSIGN(File file,
              connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, path, Deadline{timeout_ms}));
    return Socket{std::move(file)};
}

Result<std::size_t> Socket::receive_some(std::span<char> to, int timeout_ms) const {
    const Deadline deadline{timeout_ms};
    for (;;) {
        const ssize_t r = invoke(Call::read, peer(), to.size(),
                                 [&](std::size_t bytes) { return ::recv(file_.fd(), to.data(), bytes, 0); });
        if (r >= 0) return static_cast<std::size_t>(r);
        if (errno != EAGAIN) return fail(system_error(errno, "receive", peer()));
        MQ_TRY(wait_for(file_.fd(), POLLIN, "receive", peer(), deadline));
    }
}

Status Socket::send_all(ByteView bytes, int timeout_ms) const {
    const Deadline deadline{timeout_ms};
    while (!bytes.empty()) {
        const ssize_t r = invoke(Call::write, peer(), bytes.size(), [&](std::size_t size) {
            return ::send(file_.fd(), bytes.data(), size, MSG_NOSIGNAL);
        });
        if (r >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(r));
            continue;
        }
        if (errno != EAGAIN) return fail(system_error(errno, "send", peer()));
        MQ_TRY(wait_for(file_.fd(), POLLOUT, "send", peer(), deadline));
    }
    return {};
}

Socket::Moved Socket::try_receive(std::span<char> first, std::span<char> second) const {
    const ssize_t r = invoke(Call::read, peer(), first.size() + second.size(), [&](std::size_t bytes) {
        if (bytes <= first.size() || second.empty())
            return ::recv(file_.fd(), first.data(), std::min(bytes, first.size()), MSG_DONTWAIT);
        const std::array<iovec, 2> into{
            {{first.data(), first.size()}, {second.data(), std::min(second.size(), bytes - first.size())}}};
        return ::readv(file_.fd(), into.data(), into.size());
    });
    if (r >= 0) return static_cast<std::size_t>(r);
    if (errno == EAGAIN) return std::nullopt;
    return fail(system_error(errno, "receive", peer()));
}

Socket::Moved Socket::try_send(std::span<const ByteView> pieces, bool more_follows) const {
    std::array<iovec, kMostPieces> from;
    pieces = pieces.first(std::min(pieces.size(), from.size()));
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        from[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
        bytes += pieces[i].size();
    }
    const ssize_t r = invoke(Call::write, peer(), bytes, [&](std::size_t most) {
        msghdr message{};
        message.msg_iov = from.data();
        message.msg_iovlen = pieces.size();
        // Only a fault shortens it.
        for (std::size_t i = 0; i < pieces.size() && most < bytes; ++i) {
            from[i].iov_len = std::min(from[i].iov_len, most);
            most -= from[i].iov_len;
            bytes -= pieces[i].size();
        }
        return ::sendmsg(file_.fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT | (more_follows ? MSG_MORE : 0));
    });
    if (r >= 0) return static_cast<std::size_t>(r);
    if (errno == EAGAIN) return std::nullopt;
    return fail(system_error(errno, "send", peer()));
}

Socket::Moved Socket::try_send_file(const File& file, FilePosition from, std::size_t bytes) const {
    auto position = static_cast<off_t>(from.value());
    const ssize_t r = invoke(Call::write, peer(), bytes,
                             [&](std::size_t most) { return ::sendfile(file_.fd(), file.fd(), &position, most); });
    if (r > 0) return static_cast<std::size_t>(r);
    if (r == 0)
        return fail(Errc::truncated, "send", file.path(), "the file ends before what is to be sent", from.value());
    if (errno == EAGAIN) return std::nullopt;
    return fail(system_error(errno, "send", peer()));
}

}  // namespace mq::os
