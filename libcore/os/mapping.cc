#include "os/mapping.h"

#include <sys/syscall.h>
#include <unistd.h>
#include <array>
#include <atomic>
#include <boost/interprocess/mapped_region.hpp>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <string>

#include "os/fault.h"

namespace mq::os {
namespace {

namespace bip = boost::interprocess;

// What mapped_region wants of a file, for a descriptor that is open already: file_mapping opens a name.
struct OpenFile {
    int fd;
    bip::mode_t mode;
    [[nodiscard]] bip::mapping_handle_t get_mapping_handle() const {
        return bip::ipcdetail::mapping_handle_from_file_handle(fd);
    }
    [[nodiscard]] bip::mode_t get_mode() const { return mode; }
};

// One guarded mapping. Read by the signal handler, which may run while another thread changes it: `begin` is set last
// and cleared first.
struct BusGuard {
    std::atomic<std::uintptr_t> begin{0};
    std::atomic<std::uintptr_t> end{0};
    std::atomic<int> exit_status{0};
    std::atomic<std::size_t> length{0};
    std::array<std::atomic<char>, 512> message{};
};
constexpr std::size_t kMostGuards = 16;
std::array<BusGuard, kMostGuards> guards;
std::mutex guards_mutex;
struct sigaction previous_action;

void end_process(const BusGuard& guard) {
    std::array<char, 512> words;
    const std::size_t length = guard.length.load();
    for (std::size_t i = 0; i < length; ++i) words[i] = guard.message[i].load(std::memory_order_relaxed);
    if (::write(STDERR_FILENO, words.data(), length) < 0) errno = 0;  // nobody left to tell
    ::syscall(SYS_exit_group, guard.exit_status.load());
}

void on_bus_error(int, siginfo_t* info, void*) {
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    for (const BusGuard& guard : guards) {
        const std::uintptr_t begin = guard.begin.load();
        if (begin != 0 && address >= begin && address < guard.end.load()) end_process(guard);
    }
    // Not ours: the instruction runs again and meets what was there before us.
    ::sigaction(SIGBUS, &previous_action, nullptr);
}

// Again if somebody has put another in its place.
void install_handler() {
    struct sigaction now {};
    if (::sigaction(SIGBUS, nullptr, &now) != 0) return;
    if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_bus_error) return;
    previous_action = now;
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    ::sigaction(SIGBUS, &action, nullptr);
}

void unguard(std::uintptr_t begin) {
    for (BusGuard& guard : guards)
        if (guard.begin.load() == begin) guard.begin.store(0);
}

}  // namespace

struct Mapping::Region {
    bip::mapped_region region;
};

Mapping::Mapping() = default;
Mapping::Mapping(Mapping&&) noexcept = default;

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    if (this != &other) {
        Mapping old{std::move(*this)};
        region_ = std::move(other.region_);
    }
    return *this;
}

Mapping::~Mapping() {
    if (!region_) return;
    const std::scoped_lock lock{guards_mutex};
    unguard(reinterpret_cast<std::uintptr_t>(region_->region.get_address()));
}

Result<Mapping> Mapping::map(const File& file, MapAccess access, std::size_t size_bytes) {
    for (;;) {
        const Fault fault = next_fault(Call::map, file.path());
        if (fault.error == EINTR) continue;
        if (fault.error != 0) return fail(system_error(fault.error, "map", file.path()));
        break;
    }
    const bip::mode_t mode = access == MapAccess::read_write ? bip::read_write : bip::read_only;
    try {
        Mapping mapping;
        mapping.region_ =
            std::make_unique<Region>(Region{bip::mapped_region{OpenFile{file.fd(), mode}, mode, 0, size_bytes}});
        // A hint: the pages around the first byte, 2 MiB of them, cost milliseconds.
        static_cast<void>(mapping.region_->region.advise(bip::mapped_region::advice_random));
        return mapping;
    } catch (const bip::interprocess_exception& e) {
        return fail(system_error(e.get_native_error(), "map", file.path()));
    }
}

std::span<std::byte> Mapping::bytes() const {
    if (!region_) return {};
    return {static_cast<std::byte*>(region_->region.get_address()), region_->region.get_size()};
}

void exit_on_bus_error(const Mapping& mapping, std::string_view message, int exit_status) {
    const auto bytes = mapping.bytes();
    const std::scoped_lock lock{guards_mutex};
    install_handler();
    for (BusGuard& guard : guards) {
        if (guard.begin.load() != 0) continue;
        std::size_t length = 0;
        for (const char c : message.substr(0, guard.message.size() - 1)) guard.message[length++].store(c);
        guard.message[length++].store('\n');
        guard.length.store(length);
        guard.exit_status.store(exit_status);
        guard.end.store(reinterpret_cast<std::uintptr_t>(bytes.data() + bytes.size()));
        guard.begin.store(reinterpret_cast<std::uintptr_t>(bytes.data()));
        return;
    }
}

}  // namespace mq::os
