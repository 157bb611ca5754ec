#include "os/file_system.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <array>
#include <cerrno>
#include <cstdio>

#include "os/fault.h"

namespace mq::os {
namespace {

struct Known {
    std::uint64_t magic;
    const char* name;
    bool coherent;
};
// Source: linux/magic.h, and for zfs, xfs' neighbours and cluster file systems their own headers.
constexpr std::array kKnown{
    Known{0xEF53, "ext4", true},       Known{0x58465342, "xfs", true},
    Known{0x9123683E, "btrfs", true},  Known{0xF2F52010, "f2fs", true},
    Known{0x2FC12FC1, "zfs", true},    Known{0x01021994, "tmpfs", true},
    Known{0x858458F6, "ramfs", true},  Known{0x794C7630, "overlayfs", true},
    Known{0x6969, "nfs", false},       Known{0x517B, "smb", false},
    Known{0xFF534D42, "cifs", false},  Known{0xFE534D42, "smb2", false},
    Known{0x01021997, "9p", false},    Known{0x65735546, "fuse or virtiofs", false},
    Known{0x00C36400, "ceph", false},  Known{0x5346414F, "afs", false},
    Known{0x73757245, "coda", false},  Known{0x0BD00BD0, "lustre", false},
    Known{0x47504653, "gpfs", false},  Known{0x01161970, "gfs2", false},
    Known{0x7461636F, "ocfs2", false}, Known{0xF15F, "ecryptfs", false},
    Known{0x4D44, "vfat", false},      Known{0x2011BAB0, "exfat", false},
    Known{0x7366746E, "ntfs", false},  Known{0x73717368, "squashfs", false},
    Known{0x9660, "iso9660", false},   Known{0x9FA0, "proc", false},
    Known{0x62656572, "sysfs", false},
};
constexpr std::uint64_t kOverlay = 0x794C7630;

}  // namespace

Result<FileSystem> file_system(const std::string& path) {
    struct statfs st {};
    for (;;) {
        const Fault fault = next_fault(Call::stat, path);
        if (fault.error == EINTR) continue;
        if (fault.error != 0) return fail(system_error(fault.error, "statfs", path));
        if (::statfs(path.c_str(), &st) == 0) break;
        if (errno != EINTR) return fail(system_error(errno, "statfs", path));
    }
    // f_type is signed, and 32 bits wide in some programs: 0xF2F52010 comes back as a negative number there.
    FileSystem found;
    found.magic = static_cast<std::uint32_t>(st.f_type);
    found.copies_up = found.magic == kOverlay;
    found.total_bytes = static_cast<std::uint64_t>(st.f_blocks) * static_cast<std::uint64_t>(st.f_bsize);
    found.usable_bytes = static_cast<std::uint64_t>(st.f_bavail) * static_cast<std::uint64_t>(st.f_bsize);
    for (const Known& known : kKnown)
        if (known.magic == found.magic) {
            found.name = known.name;
            found.coherent = known.coherent;
            return found;
        }
    char hex[32];
    std::snprintf(hex, sizeof hex, "0x%08llx", static_cast<unsigned long long>(found.magic));
    found.name = hex;
    return found;
}

void overwrite_in_place(const File& file) {
    int flags = 0;
    if (::ioctl(file.fd(), FS_IOC_GETFLAGS, &flags) != 0 || (flags & FS_NOCOW_FL) != 0) return;
    flags |= FS_NOCOW_FL;
    static_cast<void>(::ioctl(file.fd(), FS_IOC_SETFLAGS, &flags));
}

}  // namespace mq::os
