// A fresh directory for one test.
#pragma once

#include <string>
#include <string_view>

namespace mq::test {

// Made under $TMPDIR, or under the build tree if that is not set; removed with all it holds at the end, also
// where a test took permissions away. Throws runtime_error if it cannot be made.
class TempDir {
public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    // Path of `name` in it: dir / "00000000000000000000.log".
    [[nodiscard]] std::string operator/(std::string_view name) const;

private:
    std::string path_;
};

// Copies a directory with all below it; `to` must not exist.
void copy_tree(const std::string& from, const std::string& to);

// Makes or replaces a file. Throws runtime_error.
void spill(const std::string& path, std::string_view content);

}  // namespace mq::test
