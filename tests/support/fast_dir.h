// A TempDir in memory where the system has one: who kills processes needs no disk.
#pragma once

#include <unistd.h>
#include <cstdlib>
#include <memory>

#include "support/temp_dir.h"

namespace mq::test {

class FastDir {
public:
    [[nodiscard]] const std::string& path() const { return dir_->path(); }
    [[nodiscard]] std::string operator/(std::string_view name) const { return *dir_ / name; }

private:
    static std::unique_ptr<TempDir> make() {
        const bool in_memory = std::getenv("TMPDIR") == nullptr && access("/dev/shm", W_OK) == 0;
        if (in_memory) setenv("TMPDIR", "/dev/shm", 1);
        auto dir = std::make_unique<TempDir>();
        if (in_memory) unsetenv("TMPDIR");
        return dir;
    }
    std::unique_ptr<TempDir> dir_ = make();
};

}  // namespace mq::test
