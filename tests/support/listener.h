// The other end of a connection: a socket that listens on a port of the loopback interface, or at a path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "os/file.h"

namespace mq::test {

// Every failure throws runtime_error. Connections wait in the kernel's queue until they are accepted.
class Listener {
public:
    Listener();                                  // a free port of 127.0.0.1
    explicit Listener(const std::string& path);  // a Unix socket

    [[nodiscard]] std::uint16_t port() const { return port_; }
    // The next connection; blocks until there is one.
    [[nodiscard]] os::File accept() const;

private:
    os::File file_;
    std::uint16_t port_ = 0;
};

// A port of the loopback interface that is given to nobody else while it lives. Nobody listens at it either, until
// a program does that is told to, which may come and go.
class ReservedPort {
public:
    ReservedPort();

    [[nodiscard]] std::uint16_t number() const { return number_; }

private:
    os::File file_;
    std::uint16_t number_ = 0;
};

// Whole messages over what accept() returned; receive_exactly throws if the other side hangs up before.
void send_to(const os::File& connection, std::string_view bytes);
[[nodiscard]] std::string receive_exactly(const os::File& connection, std::size_t bytes);

}  // namespace mq::test
