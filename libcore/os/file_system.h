// What kind of file system a file lies on.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "os/file.h"

namespace mq::os {

struct FileSystem {
    std::uint64_t magic = 0;  // statfs(2): f_type
    std::string name;         // "ext4", "nfs"; as hexadecimal where it is not known: "0xcafe4a11"
    // Its memory mappings and positional writes are one for all processes of this machine (CONCURRENCY DIR-8).
    bool coherent = false;
    // A file opened for reading only may be replaced by a copy when somebody opens it for writing.
    bool copies_up = false;
    std::uint64_t total_bytes = 0;
    std::uint64_t usable_bytes = 0;  // to this user
};

[[nodiscard]] Result<FileSystem> file_system(const std::string& path);

// Asks a copy-on-write file system to overwrite the still empty file in place. A hint.
void overwrite_in_place(const File& file);

}  // namespace mq::os
