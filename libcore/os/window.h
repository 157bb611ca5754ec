// A stretch of a file in memory, to be sent from there.
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "os/file.h"

namespace mq::os {

// Its bytes are for system calls only: where the file has become shorter they fail with EFAULT, while reading them
// here would be SIGBUS. Sent over the loopback interface from here, large stretches cost both sides half of what
// sendfile(2) does, which hands them over page by page. Unmaps on destruction. Not thread-safe.
class Window {
public:
    Window() = default;
    ~Window();
    Window(Window&& other) noexcept;
    Window& operator=(Window&& other) noexcept;

    // Brings what is in the page cache into reach at once. Errors: truncated (the file ends before `from` + `bytes`).
    [[nodiscard]] static Result<Window> map(const File& file, FilePosition from, std::size_t bytes);

    [[nodiscard]] FilePosition begin() const { return begin_; }
    [[nodiscard]] ByteView bytes() const { return bytes_; }

private:
    Window(FilePosition begin, ByteView bytes) : begin_(begin), bytes_(bytes) {}

    FilePosition begin_{0};
    ByteView bytes_;
};

}  // namespace mq::os
