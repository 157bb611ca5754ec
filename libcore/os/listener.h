// The side of stream sockets that is connected to: TCP and Unix.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "os/socket.h"

namespace mq::os {

// Listens as long as it lives, and never blocks. Not thread-safe.
class Listener {
public:
    // All addresses of `host`, a name or an address; empty: every interface, over IPv6 and IPv4. Port 0: a free one,
    // the same for all. Errors: not_found (no such name), in_use (somebody listens there), not_permitted (a port
    // below 1024), io (an address that this machine has not).
    [[nodiscard]] static Result<std::vector<Listener>> on(const std::string& host, std::uint16_t port);
    // A Unix socket, of the permissions that the umask leaves, which goes away with the listener. What a process that
    // was killed left behind is replaced. Errors: in_use (somebody listens there), already_exists (it is no socket),
    // bad_argument (a path of over 107 bytes), timed_out (somebody holds a flock(2) of the directory).
    [[nodiscard]] static Result<Listener> at(const std::string& path);
    ~Listener() { close(); }
    Listener(Listener&&) noexcept = default;
    Listener& operator=(Listener&&) = delete;

    // "HOST:PORT", or the path.
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }  // 0: a Unix socket
    [[nodiscard]] int fd() const { return file_.fd(); }

    struct Arrival {
        Socket socket;     // does not block, and sends small pieces at once
        std::string host;  // the address of the other side; "unix"
    };
    // nullopt: nobody is there, or somebody who has gone again. Errors: no_descriptors, no_memory, io.
    [[nodiscard]] Result<std::optional<Arrival>> accept() const;
    void close();

private:
    Listener(File file, std::string name, std::uint16_t port)
        : file_(std::move(file)), name_(std::move(name)), port_(port) {}

    File file_;
    std::string name_;
    std::uint16_t port_ = 0;
    std::uint64_t inode_ = 0;  // of a Unix socket
};

}  // namespace mq::os
