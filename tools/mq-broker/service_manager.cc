#include "service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "cli/text.h"
#include "cli/values.h"
#include "os/process.h"

namespace mq::broker_tool {
namespace {

using cli::cat;

// How long a service manager that is behind with its notices is waited for.
constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string{} : std::string{value};
}

std::optional<std::chrono::milliseconds> watchdog() {
    const auto microseconds = cli::parse_integer<std::int64_t>(environment("WATCHDOG_USEC"), 1);
    if (!microseconds) return std::nullopt;
    // Meant for another process, from which it was inherited.
    if (const std::string pid = environment("WATCHDOG_PID"); !pid.empty() && pid != std::to_string(os::process_id()))
        return std::nullopt;
    return std::chrono::milliseconds{std::max<std::int64_t>(1, *microseconds / 2000)};
}

}  // namespace

ServiceManager::ServiceManager() : address_(environment("NOTIFY_SOCKET")), alive_every_(watchdog()) {
    if (address_.empty() || address_.size() >= sizeof(sockaddr_un::sun_path)) return;
    if (address_.front() != '/' && address_.front() != '@') return;
    if (address_.front() == '@') address_.front() = '\0';
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience));
    socket_ = os::File::adopt(fd, "NOTIFY_SOCKET", false);
}

void ServiceManager::send(std::string_view lines, Loss loss) const {
    if (!socket_.is_open()) return;
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, address_.data(), address_.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
    const int flags = MSG_NOSIGNAL | (loss == Loss::does_not_matter ? MSG_DONTWAIT : 0);
    // A signal ends the waiting; it may be the one that ends the broker, too.
    static_cast<void>(
        ::sendto(socket_.fd(), lines.data(), lines.size(), flags, reinterpret_cast<const sockaddr*>(&to), size));
}

void ServiceManager::ready(std::string_view status) const {
    send(cat("READY=1\nSTATUS=", status, '\n'), Loss::matters);
}

void ServiceManager::reloading() const {
    send(cat("RELOADING=1\nMONOTONIC_USEC=", os::monotonic_ns() / 1000, "\nSTATUS=Reading the configuration\n"),
         Loss::matters);
}

void ServiceManager::stopping() const { send("STOPPING=1\nSTATUS=Stopping\n", Loss::matters); }

void ServiceManager::status(std::string_view status) const {
    send(cat("STATUS=", status, '\n'), Loss::does_not_matter);
}

void ServiceManager::alive() const { send("WATCHDOG=1\n", Loss::does_not_matter); }

}  // namespace mq::broker_tool
