// What systemd is told: the datagrams of sd_notify(3), without its library.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "os/file.h"

namespace mq::broker_tool {

// Does nothing where nobody listens. Not thread-safe.
class ServiceManager {
public:
    // From $NOTIFY_SOCKET (a path, or @NAME in the abstract name space), $WATCHDOG_USEC and $WATCHDOG_PID.
    ServiceManager();

    void ready(std::string_view status) const;  // after the start, and after reloading
    void reloading() const;
    void stopping() const;
    void status(std::string_view status) const;
    void alive() const;

    // How often alive() is to be called: twice as often as is asked for.
    [[nodiscard]] std::optional<std::chrono::milliseconds> alive_every() const { return alive_every_; }

private:
    // What matters waits a few seconds for room: systemd kills a service whose READY=1 it did not get.
    enum class Loss : unsigned char { matters, does_not_matter };
    void send(std::string_view lines, Loss loss) const;

    std::string address_;  // as in sockaddr_un: a leading NUL for an abstract name
    os::File socket_;
    std::optional<std::chrono::milliseconds> alive_every_;
};

}  // namespace mq::broker_tool
