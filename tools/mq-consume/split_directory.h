// --split-dir: one file for each record.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace mq::consume {

// What `name` becomes as the name of a file in a directory, whatever it holds: a '/' or a control byte is _, so is a
// dot at its start; an empty name is _. A longer one than a file may have is cut, and `unique` put behind it.
[[nodiscard]] std::string safe_file_name(std::string_view name, std::string_view unique);

// Makes files that are complete from the moment on that they have their name; one of the same name is replaced, and a
// symbolic link too. Not thread-safe.
class SplitDirectory {
public:
    // Makes the directory if it is missing. `durable`: each file is on stable storage before its name is.
    [[nodiscard]] static Result<SplitDirectory> open(std::string path, bool durable);

    // Returns the path of the file.
    [[nodiscard]] Result<std::string> write(std::string_view safe_name, ByteView content) const;
    // Makes the names durable.
    [[nodiscard]] Status sync() const;

private:
    std::string path_;
    std::string temporary_;
    bool durable_ = false;
};

}  // namespace mq::consume
