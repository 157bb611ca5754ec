#include "storm/own_world.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>
#include <cerrno>
#include <system_error>

#include "support/temp_dir.h"

namespace mq::test {
namespace {

int checked(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

void make_mounts_private() { checked(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount private"); }

int judged(const std::function<void()>& body) {
    try {
        body();
    } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
    }
    return testing::Test::HasFailure() ? 1 : 0;
}

}  // namespace

ChildEnd in_own_world(const std::function<void()>& body, std::chrono::milliseconds deadline) {
    if (geteuid() == 0) {
        return run_in_child(
            [&] {
                checked(unshare(CLONE_NEWNS), "unshare");
                make_mounts_private();
                return judged(body);
            },
            deadline);
    }
    const std::string uid = std::to_string(geteuid());
    const std::string gid = std::to_string(getegid());
    return run_in_child(
        [&] {
            checked(unshare(CLONE_NEWUSER | CLONE_NEWPID), "unshare");
            spill("/proc/self/setgroups", "deny");
            spill("/proc/self/uid_map", "0 " + uid + " 1");
            spill("/proc/self/gid_map", "0 " + gid + " 1");
            // Only its children live in the new PID name space.
            const ChildEnd end = run_in_child(
                [&] {
                    checked(unshare(CLONE_NEWNS), "unshare");
                    make_mounts_private();
                    checked(mount("proc", "/proc", "proc", 0, nullptr), "mount proc");
                    return judged(body);
                },
                deadline);
            return end == exited_with(0) ? 0 : 1;
        },
        deadline);
}

Child fork_as_process_one(const std::function<int()>& body) {
    const int own = checked(open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC), "own name space");
    checked(unshare(CLONE_NEWPID), "unshare");
    Child child = Child::fork([&] {
        checked(unshare(CLONE_NEWNS), "unshare");
        make_mounts_private();
        checked(mount("proc", "/proc", "proc", 0, nullptr), "mount proc");
        return body();
    });
    checked(setns(own, CLONE_NEWPID), "setns");
    close(own);
    return child;
}

void bind_over(const std::string& from, const std::string& to) {
    checked(mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr), "bind");
}

void mount_small_disk(const std::string& at, unsigned kib) {
    const std::string size = "size=" + std::to_string(kib) + "k";
    checked(mount("none", at.c_str(), "tmpfs", 0, size.c_str()), "mount tmpfs");
}

}  // namespace mq::test
