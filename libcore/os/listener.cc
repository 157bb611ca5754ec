#include "os/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "os/fault.h"
#include "os/process.h"

namespace mq::os {
namespace {

// How long a process that listens at a path, and is busy, may take to be told from one that is gone.
constexpr int kLooksAliveMs = 1000;
// How long whoever else takes or gives up such a place is waited for, and how often it is asked.
constexpr std::int64_t kAloneMs = 10'000;
constexpr int kAskAgainMs = 5;

template <typename Fn>
int invoke(Call call, const std::string& name, Fn&& fn) {
    for (;;) {
        const Fault fault = next_fault(call, name);
        if (fault.error != 0) errno = fault.error;
        const int r = fault.error != 0 ? -1 : fn();
        if (r != -1 || errno != EINTR) return r;
    }
}

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

// An address with its port, as the calls take it.
struct Address {
    sockaddr_storage bytes{};
    socklen_t size = 0;

    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes); }
    [[nodiscard]] int family() const { return bytes.ss_family; }
    void set_port(std::uint16_t port) {
        if (family() == AF_INET6) reinterpret_cast<sockaddr_in6*>(&bytes)->sin6_port = htons(port);
        if (family() == AF_INET) reinterpret_cast<sockaddr_in*>(&bytes)->sin_port = htons(port);
    }
    [[nodiscard]] std::uint16_t port() const {
        if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&bytes)->sin6_port);
        if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&bytes)->sin_port);
        return 0;
    }
    // "127.0.0.1", "::1", "unix"; who comes over IPv4 to a socket of both has an IPv4 address.
    [[nodiscard]] std::string host() const {
        std::array<char, INET6_ADDRSTRLEN> text{};
        if (family() == AF_INET) {
            ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&bytes)->sin_addr, text.data(), text.size());
            return text.data();
        }
        if (family() != AF_INET6) return "unix";
        const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(&bytes)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(&address)) {
            ::inet_ntop(AF_INET, &address.s6_addr[12], text.data(), text.size());
        } else {
            ::inet_ntop(AF_INET6, &address, text.data(), text.size());
        }
        return text.data();
    }
};

// `both`: IPv4 too, if it is the address of every interface.
Result<File> listening(Address& address, const std::string& name, bool both) {
    const int fd = invoke(Call::listen, name,
                          [&] { return ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); });
    if (fd < 0) return fail(system_error(errno, "listen", name));
    File file = File::adopt(fd, name, false);
    const int on = 1;
    const int only_its_own = both ? 0 : 1;
    if (address.family() != AF_UNIX) static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    if (address.family() == AF_INET6)
        static_cast<void>(::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_its_own, sizeof only_its_own));
    const int r = invoke(Call::listen, name,
                         [&] { return ::bind(fd, address.get(), address.size) != 0 ? -1 : ::listen(fd, SOMAXCONN); });
    if (r < 0) {
        const int told = errno;
        Error error = system_error(told, "listen", name);
        if (told == EADDRINUSE) error.code = Errc::in_use;
        return fail(std::move(error));
    }
    address.size = sizeof address.bytes;
    if (::getsockname(fd, address.get(), &address.size) != 0) return fail(system_error(errno, "listen", name));
    return file;
}

Result<std::vector<Address>> addresses_of(const std::string& host, std::uint16_t port, const std::string& name) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    const char* const node = host.empty() ? "::" : host.c_str();
    if (const int error = ::getaddrinfo(node, std::to_string(port).c_str(), &wanted, &found); error != 0) {
        if (error == EAI_SYSTEM) return fail(system_error(errno, "look up", name));
        return fail(Errc::not_found, "look up", name, ::gai_strerror(error));
    }
    const Addresses owner{found};
    std::vector<Address> all;
    for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
        std::memcpy(&all.emplace_back().bytes, a->ai_addr, a->ai_addrlen);
        all.back().size = a->ai_addrlen;
    }
    return all;
}

// A place in a directory is looked at and taken, or given up, by one alone: between the two nobody else comes.
// flock(2), as a directory cannot be opened for writing.
Result<File> alone_at(const std::string& path) {
    const std::string directory = parent_directory(path);
    const int fd =
        invoke(Call::open, directory, [&] { return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (fd < 0) return fail(system_error(errno, "listen", path));
    File lock = File::adopt(fd, directory, false);
    const std::int64_t until_ms = monotonic_ms() + kAloneMs;
    while (invoke(Call::lock, directory, [&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) != 0) {
        if (errno != EWOULDBLOCK) return fail(system_error(errno, "listen", path));
        if (monotonic_ms() > until_ms)
            return fail(Errc::timed_out, "listen", path, "somebody holds a lock of the directory it is in");
        static_cast<void>(::poll(nullptr, 0, kAskAgainMs));
    }
    return lock;
}

bool is_socket(const std::string& path) {
    struct stat st {};
    return ::lstat(path.c_str(), &st) == 0 && S_ISSOCK(st.st_mode);
}

}  // namespace

Result<std::vector<Listener>> Listener::on(const std::string& host, std::uint16_t port) {
    const std::string shown = host.empty() ? "*" : host.find(':') != std::string::npos ? '[' + host + ']' : host;
    const std::string name = shown + ':' + std::to_string(port);
    MQ_ASSIGN(auto addresses, addresses_of(host, port, name));
    const bool is_every_interface = host.empty() || host == "::";
    std::vector<Listener> listeners;
    Error last{Errc::not_found, "look up", name, 0, {}, "a name without an address"};
    for (Address& address : addresses) {
        if (!listeners.empty()) address.set_port(listeners.front().port());
        auto file = listening(address, name, is_every_interface);
        if (!file && file.error().sys_errno == EAFNOSUPPORT && host.empty()) return on("0.0.0.0", port);
        if (file) {
            const std::uint16_t bound = address.port();
            listeners.push_back(Listener{*std::move(file), shown + ':' + std::to_string(bound), bound});
            continue;
        }
        last = std::move(file).error();
        // A port that was free at one address may be somebody's at the next: then it is another port, as the ones
        // that were taken are held meanwhile.
        if (last.code == Errc::in_use && port == 0 && !listeners.empty()) return on(host, port);
        // Of a name with several addresses this machine may lack one (IPv6), but none may be somebody else's.
        if (last.sys_errno != EADDRNOTAVAIL && last.sys_errno != EAFNOSUPPORT) return fail(std::move(last));
    }
    if (listeners.empty()) return fail(std::move(last));
    return listeners;
}

Result<Listener> Listener::at(const std::string& path) {
    Address address;
    auto* const unix_address = reinterpret_cast<sockaddr_un*>(&address.bytes);
    unix_address->sun_family = AF_UNIX;
    address.size = sizeof *unix_address;
    if (path.empty() || path.size() >= sizeof unix_address->sun_path)
        return fail(Errc::bad_argument, "listen", path, "a path of 1 to 107 bytes is wanted for a socket");
    std::memcpy(unix_address->sun_path, path.data(), path.size());
    MQ_ASSIGN(const File lock, alone_at(path));
    Address unbound = address;
    auto file = listening(unbound, path, false);
    if (!file && file.error().code == Errc::in_use) {
        if (!is_socket(path))
            return fail(Errc::already_exists, "listen", path, "something else than a socket is there");
        const auto other = Socket::connect(path, kLooksAliveMs);
        if (other || other.error().sys_errno != ECONNREFUSED) return fail(file.error());
        MQ_TRY(remove_file(path));
        unbound = address;
        file = listening(unbound, path, false);
    }
    MQ_TRY(file);
    MQ_ASSIGN(const FileInfo info, file_info(path));
    Listener listener{*std::move(file), path, 0};
    listener.inode_ = info.inode;
    return listener;
}

Result<std::optional<Listener::Arrival>> Listener::accept() const {
    Address address;
    address.size = sizeof address.bytes;
    const int fd = invoke(Call::accept, name(), [&] {
        return ::accept4(file_.fd(), address.get(), &address.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    });
    if (fd < 0) {
        // What is wrong with a connection that has not been accepted is that connection's matter.
        for (const int gone : {EAGAIN, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
                               EOPNOTSUPP, ENETUNREACH, EPERM}) {
            if (errno == gone) return std::nullopt;
        }
        return fail(system_error(errno, "accept", name()));
    }
    // Until it is somebody's: what follows may find no memory.
    struct Closing {
        int fd;
        ~Closing() {
            if (fd >= 0) ::close(fd);
        }
    } closing{fd};
    Arrival arrival;
    arrival.host = address.host();
    const int on = 1;
    if (port_ != 0) static_cast<void>(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    const std::string shown = arrival.host.find(':') != std::string::npos ? '[' + arrival.host + ']' : arrival.host;
    std::string peer = port_ == 0 ? name() : shown + ':' + std::to_string(address.port());
    arrival.socket = Socket::adopt(File::adopt(std::exchange(closing.fd, -1), std::move(peer), false));
    return arrival;
}

void Listener::close() {
    if (!file_.is_open()) return;
    if (port_ == 0) {
        const auto lock = alone_at(name_);
        // Another may have put its own there, once ours was removed.
        if (const auto info = file_info(name_); info && info->inode == inode_) static_cast<void>(remove_file(name_));
    }
    static_cast<void>(file_.close());
}

}  // namespace mq::os
