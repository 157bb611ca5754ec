#include "fixture.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>
#include <stdexcept>

#include "os/file.h"

namespace mq::shm {
namespace {

bool put(const char* path, const std::string& text) {
    const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::close(fd);
    return written;
}

}  // namespace

bool under_lock(ControlFile& file, SharedLock& lock, const std::function<void(Guard&)>& work) {
    return file
        .on_claimed_thread([&]() -> Status {
            MQ_ASSIGN(Guard guard, file.lock(lock, "the lock of a test"));
            work(guard);
            return {};
        })
        .has_value();
}

bool unshare_spaces(int flags) {
    const auto user = ::geteuid();
    const auto group = ::getegid();
    if (user != 0) {
        if (::unshare(CLONE_NEWUSER) != 0 || !put("/proc/self/setgroups", "deny") ||
            !put("/proc/self/uid_map", "0 " + std::to_string(user) + " 1") ||
            !put("/proc/self/gid_map", "0 " + std::to_string(group) + " 1"))
            return false;
    }
    if (::unshare(flags) != 0) return false;
    // What is mounted from here on stays in here.
    return (flags & CLONE_NEWNS) == 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

bool become_nobody() {
    constexpr unsigned kNobody = 65534;
    if (::geteuid() != 0) return false;
    return ::setgroups(0, nullptr) == 0 && ::setresgid(kNobody, kNobody, kNobody) == 0 &&
           ::setresuid(kNobody, kNobody, kNobody) == 0;
}

void overwrite(const std::string& path, std::size_t position, std::string_view bytes) {
    const auto file = os::File::open(path, os::OpenMode::read_write);
    if (!file || !file->write_at(bytes, FilePosition{position})) throw std::runtime_error{"overwrite " + path};
}

std::string bytes_of(const std::string& path, std::size_t position, std::size_t size) {
    std::string bytes(size, '\0');
    const auto file = os::File::open(path, os::OpenMode::read);
    if (!file || !file->read_at(bytes, FilePosition{position})) throw std::runtime_error{"read " + path};
    return bytes;
}

}  // namespace mq::shm
