#include "support/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <cstring>
#include <stdexcept>

namespace mq::test {
namespace {

constexpr int kBacklog = 16;

os::File listening(int family, const sockaddr* address, socklen_t size) {
    os::File file = os::File::adopt(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), "listener", false);
    if (!file.is_open() || ::bind(file.fd(), address, size) != 0 || ::listen(file.fd(), kBacklog) != 0)
        throw std::runtime_error(std::string{"cannot listen: "} + std::strerror(errno));
    return file;
}

// Any port.
sockaddr_in loopback() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

std::uint16_t port_of(const os::File& socket) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error("no port");
    return ntohs(address.sin_port);
}

}  // namespace

Listener::Listener() {
    const sockaddr_in address = loopback();
    file_ = listening(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    port_ = port_of(file_);
}

Listener::Listener(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error("path too long: " + path);
    std::memcpy(address.sun_path, path.data(), path.size());
    file_ = listening(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

// Bound and not listening: of those that say SO_REUSEADDR another may listen there. Who asks for any port does not
// get it, nor does who connects, as its own.
ReservedPort::ReservedPort()
    : file_(os::File::adopt(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "reserved port", false)) {
    const sockaddr_in address = loopback();
    const int on = 1;
    if (!file_.is_open() || ::setsockopt(file_.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(file_.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error(std::string{"cannot reserve a port: "} + std::strerror(errno));
    number_ = port_of(file_);
}

os::File Listener::accept() const {
    os::File connection = os::File::adopt(::accept4(file_.fd(), nullptr, nullptr, SOCK_CLOEXEC), "connection", false);
    if (!connection.is_open()) throw std::runtime_error(std::string{"accept: "} + std::strerror(errno));
    return connection;
}

void send_to(const os::File& connection, std::string_view bytes) {
    if (::send(connection.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
        throw std::runtime_error("send");
}

std::string receive_exactly(const os::File& connection, std::size_t bytes) {
    std::string received(bytes, '\0');
    if (::recv(connection.fd(), received.data(), bytes, MSG_WAITALL) != static_cast<ssize_t>(bytes))
        throw std::runtime_error("the other side hung up");
    return received;
}

}  // namespace mq::test
