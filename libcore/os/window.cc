#include "os/window.h"

#include <sys/mman.h>
#include <unistd.h>
#include <cerrno>
#include <utility>

#include "os/fault.h"

namespace mq::os {
namespace {

// Mappings begin at a page: so far in front of `position` does that of it.
std::size_t lead(FilePosition position) {
    static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return static_cast<std::size_t>(position.value() % page);
}

}  // namespace

Result<Window> Window::map(const File& file, FilePosition from, std::size_t bytes) {
    MQ_ASSIGN(const std::uint64_t size, file.size());
    if (from.value() + bytes > size)
        return fail(Errc::truncated, "map", file.path(), "the file ends before what is to be sent", size);
    const std::size_t before = lead(from);
    for (;;) {
        const Fault fault = next_fault(Call::map, file.path());
        if (fault.error != 0) errno = fault.error;
        void* const at = fault.error != 0 ? MAP_FAILED
                                          : ::mmap(nullptr, bytes + before, PROT_READ, MAP_SHARED | MAP_POPULATE,
                                                   file.fd(), static_cast<off_t>(from.value() - before));
        if (at != MAP_FAILED) return Window{from, {static_cast<const char*>(at) + before, bytes}};
        if (errno != EINTR) return fail(system_error(errno, "map", file.path()));
    }
}

Window::~Window() {
    if (bytes_.empty()) return;
    const std::size_t before = lead(begin_);
    ::munmap(const_cast<char*>(bytes_.data()) - before, bytes_.size() + before);
}

Window::Window(Window&& other) noexcept : begin_(other.begin_), bytes_(std::exchange(other.bytes_, {})) {}

Window& Window::operator=(Window&& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

}  // namespace mq::os
