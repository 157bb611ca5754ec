#include "http_listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <new>
#include <thread>
#include <vector>

#include "cli/signals.h"
#include "cli/text.h"
#include "http_request.h"
#include "os/file.h"
#include "os/process.h"

namespace mq::broker_tool {
namespace {

constexpr std::size_t kMostConnections = 32;
// For a whole exchange, however slowly the client goes about it.
constexpr std::int64_t kDeadlineMs = 10'000;
constexpr std::int64_t kPauseMs = 200;

struct Connection {
    os::File socket;
    std::int64_t deadline_ms = 0;
    std::string received{};
    std::string answer{};
    std::size_t sent = 0;
    bool done = false;
};

void send_on(Connection& connection) {
    while (connection.sent < connection.answer.size()) {
        const ssize_t sent = ::send(connection.socket.fd(), connection.answer.data() + connection.sent,
                                    connection.answer.size() - connection.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (sent < 0) {
            connection.done = true;
            return;
        }
        connection.sent += static_cast<std::size_t>(sent);
    }
    // What the client still says is read until it closes: closed before, it might lose the end of the answer.
    ::shutdown(connection.socket.fd(), SHUT_WR);
}

void receive(Connection& connection, const HttpListener::Pages& pages) {
    char bytes[kMostRequestBytes];
    const ssize_t got = ::recv(connection.socket.fd(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (got <= 0) {
        connection.done = true;
        return;
    }
    if (!connection.answer.empty()) return;
    connection.received.append(bytes, static_cast<std::size_t>(got));
    if (const auto request = parse_http_request(connection.received)) {
        connection.answer = answer_http(*request, pages);
        send_on(connection);
    }
}

Result<os::File> listen_at(const addrinfo& address, const std::string& name) {
    os::File socket = os::File::adopt(
        ::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol), name,
        false);
    if (!socket.is_open()) return fail(system_error(errno, "listen", name));
    const int on = 1;
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(socket.fd(), address.ai_addr, address.ai_addrlen) == 0 &&
        ::listen(socket.fd(), static_cast<int>(kMostConnections)) == 0)
        return socket;
    if (errno == EADDRINUSE)
        return fail(Errc::in_use, "listen", name,
                    "another program listens there: choose another port with --metrics");
    return fail(system_error(errno, "listen", name));
}

Result<os::File> listen_at(const broker::ListenerConfig& address) {
    const std::string port = std::to_string(address.port);
    const std::string name = cli::cat(address.host, ':', port);
    addrinfo hints{};
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    // Without a host: IPv6's any address, which takes IPv4 as well.
    hints.ai_family = AF_UNSPEC;
    addrinfo* found = nullptr;
    const char* host = address.host.empty() ? nullptr : address.host.c_str();
    if (const int error = ::getaddrinfo(host, port.c_str(), &hints, &found); error != 0)
        return fail(Errc::bad_configuration, "listen", name, ::gai_strerror(error));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all{found, &::freeaddrinfo};
    const addrinfo* chosen = found;
    for (const addrinfo* each = found; host == nullptr && each != nullptr; each = each->ai_next)
        if (each->ai_family == AF_INET6) chosen = each;
    auto socket = listen_at(*chosen, name);
    if (!socket && chosen != found) socket = listen_at(*found, name);
    return socket;
}

std::string name_of(const os::File& socket, const std::string& host) {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    std::uint16_t port = 0;
    if (::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&own), &size) == 0) {
        port = own.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&own)->sin6_port
                                         : reinterpret_cast<sockaddr_in*>(&own)->sin_port;
    }
    const bool is_v6 = host.find(':') != std::string::npos;
    return cli::cat(is_v6 ? "[" : "", host, is_v6 ? "]:" : ":", ntohs(port));
}

}  // namespace

struct HttpListener::Impl {
    os::File listening;
    os::File end;  // readable: the thread ends
    std::string address;
    Pages pages;
    std::list<Connection> connections{};  // the oldest first
    bool is_paused = false;               // it accepts nobody for a moment: a descriptor, or memory, is lacking
    std::thread thread{};

    void run() {
        for (;;) {
            try {
                if (!wait()) return;
            } catch (const std::bad_alloc&) {
                // Whoever it struck, and whatever they hold.
                connections.clear();
                is_paused = true;
            }
            const std::int64_t now = os::monotonic_ms();
            connections.remove_if([&](const Connection& each) { return each.done || each.deadline_ms <= now; });
        }
    }

    // False: it is to end.
    bool wait() {
        std::vector<pollfd> events{{end.fd(), POLLIN, 0}, {is_paused ? -1 : listening.fd(), POLLIN, 0}};
        std::int64_t until = os::monotonic_ms() + (is_paused ? kPauseMs : kDeadlineMs);
        is_paused = false;
        for (const Connection& each : connections) {
            const bool sends = each.sent < each.answer.size();
            events.push_back({each.socket.fd(), static_cast<short>(sends ? POLLOUT : POLLIN), 0});
            until = std::min(until, each.deadline_ms);
        }
        const auto timeout = static_cast<int>(std::max<std::int64_t>(0, until - os::monotonic_ms()));
        if (::poll(events.data(), events.size(), timeout) <= 0) return true;
        if (events[0].revents != 0) return false;
        auto event = events.begin() + 2;
        for (Connection& each : connections) {
            if ((event->revents & POLLOUT) != 0) send_on(each);
            if ((event->revents & (POLLIN | POLLHUP | POLLERR)) != 0) receive(each, pages);
            ++event;
        }
        if (events[1].revents != 0) accept();
        return true;
    }

    void accept() {
        const int fd = ::accept4(listening.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        // Without one to accept it with a connection stays in the queue, and the socket readable.
        if (fd < 0) {
            is_paused = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
            return;
        }
        // Who has had the most time makes room.
        if (connections.size() >= kMostConnections) connections.pop_front();
        connections.push_back(
            {os::File::adopt(fd, "client of the metrics", false), os::monotonic_ms() + kDeadlineMs});
    }
};

Result<std::unique_ptr<HttpListener>> HttpListener::open(const broker::ListenerConfig& address, Pages pages) {
    MQ_ASSIGN(os::File listening, listen_at(address));
    os::File end = os::File::adopt(::eventfd(0, EFD_CLOEXEC), "end", false);
    if (!end.is_open()) return fail(system_error(errno, "eventfd", {}));
    std::string name = name_of(listening, address.host);
    auto impl =
        std::unique_ptr<Impl>(new Impl{std::move(listening), std::move(end), std::move(name), std::move(pages)});
    impl->thread = cli::start_without_signals([running = impl.get()] { running->run(); });
    return std::unique_ptr<HttpListener>(new HttpListener{std::move(impl)});
}

HttpListener::HttpListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpListener::~HttpListener() {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(impl_->end.fd(), &one, sizeof one));
    impl_->thread.join();
}

const std::string& HttpListener::address() const { return impl_->address; }

}  // namespace mq::broker_tool
