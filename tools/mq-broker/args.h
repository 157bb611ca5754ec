// What the command line of mq-broker says, typed.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/option_set.h"

namespace mq::broker_tool {

enum class LogFormat : unsigned char { text, json };

struct Args {
    std::vector<std::string> operands;  // server.properties
    std::vector<std::pair<std::string, std::string>> overrides;
    std::optional<std::string> data_directory;
    std::vector<std::string> listen;  // "HOST:PORT", "unix:PATH"
    bool dev = false;
    bool until_eof = false;
    bool check_config = false;
    bool print_config = false;
    LogFormat log_format = LogFormat::text;
    std::optional<std::string> log_level;
    std::optional<std::string> log_file;
    std::optional<std::string> metrics;  // "HOST:PORT"
};

// Nothing: `args` is complete. Else the status to exit with.
[[nodiscard]] std::optional<int> parse_args(cli::OptionSet& options, int argc, char** argv, Args& args);

}  // namespace mq::broker_tool
