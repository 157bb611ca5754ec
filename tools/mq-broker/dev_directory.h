// The data directory of --dev: gone when the broker is, however that ends.
#pragma once

#include <string>

#include "base/error.h"
#include "os/file.h"

namespace mq::broker_tool {

// DIRECTORY/mq-dev-XXXXXX with a lock and the data. Who was killed leaves his behind; the next one with --dev finds
// its lock free and removes it.
class DevDirectory {
public:
    // In $TMPDIR, else /tmp.
    [[nodiscard]] static Result<DevDirectory> make();
    DevDirectory(DevDirectory&& other) noexcept = default;
    DevDirectory& operator=(DevDirectory&&) = delete;
    ~DevDirectory();

    [[nodiscard]] std::string data() const { return os::join(path_, "data"); }
    // Of this user, in the same place. What cannot be removed stays.
    void remove_those_of_the_dead() const;

private:
    DevDirectory(std::string path, os::File lock) : path_(std::move(path)), lock_(std::move(lock)) {}

    std::string path_;
    os::File lock_;  // closed: moved away
};

}  // namespace mq::broker_tool
