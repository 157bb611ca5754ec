// What the tests of the control file share.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "shm/control_file.h"

namespace mq::shm {

[[nodiscard]] inline ControlFile::Options writing() {
    ControlFile::Options options;
    options.access = Access::write;
    return options;
}
[[nodiscard]] inline std::shared_ptr<ControlFile> open_to_write(const std::string& directory) {
    return ControlFile::open(directory, writing()).value();
}
[[nodiscard]] inline std::string control_path(const std::string& directory) {
    return directory + "/" + std::string{kControlFileName};
}

// Runs `work` on a claimed thread with the lock held; false if that failed.
bool under_lock(ControlFile& file, SharedLock& lock, const std::function<void(Guard&)>& work);

// The calling process, a forked child, gets name spaces of its own, in which its next child is pid 1.
// Flags: CLONE_NEWPID, CLONE_NEWNS; a user name space besides where it is not root. False if the kernel refuses.
[[nodiscard]] bool unshare_spaces(int flags);
// From here on the process has no rights but those of everybody. False: it is not root.
[[nodiscard]] bool become_nobody();

// Overwrites bytes of a file.
void overwrite(const std::string& path, std::size_t position, std::string_view bytes);
// Reads its header field that lies at `position`, of the file as it is.
[[nodiscard]] std::string bytes_of(const std::string& path, std::size_t position, std::size_t size);

}  // namespace mq::shm
