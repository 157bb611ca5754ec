// What the command line of mq-consume says, typed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/format.h"
#include "cli/option_set.h"
#include "cli/range.h"
#include "cli/target.h"
#include "log/log_reader.h"

namespace mq::consume {

enum class Json : unsigned char { no, encoded, inlined };

struct Args {
    cli::Target target;
    std::vector<std::string> topics;
    std::vector<std::int32_t> partitions;  // empty: all
    cli::Ranges ranges;
    bool exit_at_end = false;
    bool follow = false;
    std::optional<std::uint64_t> count;
    log::Isolation isolation = log::Isolation::read_uncommitted;
    bool control_records = false;

    std::string delimiter = "\n";
    std::optional<std::string> key_delimiter;
    std::string null_text;
    std::optional<cli::Format> format;
    Json json = Json::no;
    bool meta = false;

    bool quiet = false;
    bool verbose = false;
};

// Nothing: `args` is complete. Else the status to exit with.
[[nodiscard]] std::optional<int> parse_args(cli::OptionSet& options, int argc, char** argv, Args& args);

}  // namespace mq::consume
