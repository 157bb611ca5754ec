// A program that a test talks to line by line while it runs.
#pragma once

#include <sys/types.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/child.h"
#include "support/temp_dir.h"

namespace mq::test {

// Not thread-safe. It is killed at the end.
class PipedTool {
public:
    explicit PipedTool(std::vector<std::string> argv);
    ~PipedTool();
    PipedTool(const PipedTool&) = delete;
    PipedTool& operator=(const PipedTool&) = delete;

    // What it does not take any more, since it ended, is dropped.
    void write(std::string_view text);
    // Whether read_line() would not wait; nothing for `ms`: false.
    [[nodiscard]] bool has_line(int ms);
    // Nothing: it ended.
    [[nodiscard]] std::optional<std::string> read_line();
    void kill();
    // What it said on stderr.
    [[nodiscard]] std::string words() const;

private:
    [[nodiscard]] bool fill(int ms);  // false: nothing came

    TempDir dir_;
    int in_ = -1;
    int out_ = -1;
    std::unique_ptr<Child> child_;
    std::string read_;
    std::size_t taken_ = 0;
    bool ended_ = false;
};

}  // namespace mq::test
