#include "storm/cut_disk.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "os/file.h"
#include "shm/layout.h"
#include "support/child.h"

namespace mq::test {
namespace {

constexpr unsigned long kShutdown = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t kWithoutJournal = 2;

int checked(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

}  // namespace

bool can_cut_power() { return geteuid() == 0 && access("/dev/loop-control", R_OK | W_OK) == 0; }

std::vector<std::string> cut_disk_modes() {
    if (!can_cut_power()) return {};
    return {"data=ordered", "data=writeback", "nodelalloc"};
}

CutDisk::CutDisk(std::string options, unsigned size_mib) : options_(std::move(options)), mount_point_(dir_ / "m") {
    checked(unshare(CLONE_NEWNS), "unshare");
    checked(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount private");
    const std::string image = dir_ / "image";
    const int file = checked(open(image.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "image");
    checked(ftruncate(file, off_t{size_mib} << 20), "image size");
    const auto made = run_program({{"mkfs.ext4", "-q", "-F", "-J", "size=4", "-E", "lazy_itable_init=0", image}});
    if (made.end != exited_with(0)) throw std::runtime_error("mkfs.ext4: " + made.err);
    const int control = checked(open("/dev/loop-control", O_RDWR | O_CLOEXEC), "loop-control");
    for (int attempt = 0;; ++attempt) {  // another may take the same number
        const int number = checked(ioctl(control, LOOP_CTL_GET_FREE), "free loop device");
        device_ = "/dev/loop" + std::to_string(number);
        loop_ = checked(open(device_.c_str(), O_RDWR | O_CLOEXEC), "loop device");
        loop_config config{};
        config.fd = static_cast<std::uint32_t>(file);
        config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
        if (ioctl(loop_, LOOP_CONFIGURE, &config) == 0) break;
        if (errno != EBUSY || attempt == 100) checked(-1, "loop configure");
        close(loop_);
    }
    close(control);
    close(file);
    checked(mkdir(mount_point_.c_str(), 0755), "mount point");
    mount_it();
}

CutDisk::~CutDisk() {
    umount2(mount_point_.c_str(), MNT_DETACH);
    close(loop_);  // the last one: the device is free again
}

void CutDisk::mount_it() const {
    checked(mount(device_.c_str(), mount_point_.c_str(), "ext4", MS_NOATIME, options_.c_str()), "mount");
}

void CutDisk::cut() const {
    const int fd = checked(open(mount_point_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open mount");
    checked(ioctl(fd, kShutdown, &kWithoutJournal), "shutdown");
    close(fd);
}

void CutDisk::restart() {
    checked(umount(mount_point_.c_str()), "umount");
    try {
        mount_it();
    } catch (const std::system_error& refused) {
        // A wrong checksum, once in some hundred thousand cuts: unlike a machine without power the kernel goes on
        // after the shutdown. What a machine that starts does about it is done, and told, should something be missing
        // then.
        if (refused.code().value() != EBADMSG) throw;
        const auto checked_disk = run_program({{"e2fsck", "-f", "-y", device_}});
        std::fprintf(stderr, "%s\n%s%s", refused.what(), checked_disk.out.c_str(), checked_disk.err.c_str());
        mount_it();
    }
}

void forget_boot(const std::string& data_directory) {
    const int fd = open((data_directory + "/.mq-control").c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    char boot[40] = "00000000-0000-4000-8000-00000000dead";
    char magic[8];
    const auto at = static_cast<off_t>(offsetof(shm::Header, boot_id));
    if (pread(fd, magic, sizeof magic, 0) == sizeof magic && magic[0] != 0)
        checked(static_cast<int>(pwrite(fd, boot, sizeof boot, at)), "boot id");
    close(fd);
}

}  // namespace mq::test
