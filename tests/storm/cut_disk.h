// A file system of its own whose power can be cut: ext4 on a loop device, shut down by ioctl without its journal.
#pragma once

#include <string>
#include <vector>

#include "support/fast_dir.h"

namespace mq::test {

// Whether this process can make one: root, and loop devices.
[[nodiscard]] bool can_cut_power();
// The mount options under test; none where it cannot.
[[nodiscard]] std::vector<std::string> cut_disk_modes();

// One a process: its mounts are seen by this process and its children only. Failures throw system_error.
class CutDisk {
public:
    explicit CutDisk(std::string options, unsigned size_mib = 64);
    ~CutDisk();
    CutDisk(const CutDisk&) = delete;
    CutDisk& operator=(const CutDisk&) = delete;

    [[nodiscard]] const std::string& path() const { return mount_point_; }
    // From now on every write fails; what was not on the disk never comes there.
    void cut() const;
    // Mounts again, as after a restart: the journal is replayed. Nobody may have anything open there.
    void restart();

private:
    void mount_it() const;

    FastDir dir_;
    std::string options_;
    std::string device_;
    std::string mount_point_;
    int loop_ = -1;
};

// Makes a control file that came through the cut look as after a restart of the machine: its boot id is another's.
void forget_boot(const std::string& data_directory);

}  // namespace mq::test
