// Memory of a file, shared by all processes that map it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"
#include "os/file.h"

namespace mq::os {

enum class MapAccess : bool { read_only, read_write };

// The first `size_bytes` of a file. The pages must be allocated before they are touched: reading a hole of a full
// file system is SIGBUS. For small things far apart: nothing is read ahead. Unmaps on destruction.
class Mapping {
public:
    Mapping();
    ~Mapping();
    Mapping(Mapping&&) noexcept;
    Mapping& operator=(Mapping&&) noexcept;

    [[nodiscard]] static Result<Mapping> map(const File& file, MapAccess access, std::size_t size_bytes);

    [[nodiscard]] std::span<std::byte> bytes() const;

private:
    struct Region;  // Boost.Interprocess
    std::unique_ptr<Region> region_;
};

// From now on a SIGBUS inside `mapping` ends the process with `exit_status` after `message` was written to stderr;
// any other SIGBUS stays what it was. Nothing can be done about it where it happens: the page does not exist. Guarded
// until the Mapping is destroyed. At most 16 at a time; more are not guarded. Thread-safe.
void exit_on_bus_error(const Mapping& mapping, std::string_view message, int exit_status);

}  // namespace mq::os
