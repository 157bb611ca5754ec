// The table of options, from which the pages and completions are made.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "args.h"
#include "settings.h"

namespace mq::produce {

// What the table of options fills beside `args`.
struct Collected {
    std::vector<std::string> operands;
    std::optional<std::string> topic;
    std::optional<std::string> key_file;
    Settings settings;
    std::vector<std::string> setting_files;
    std::vector<std::string_view> given;  // options that beat settings
    bool sync_without_value = false;
};

// Both must outlive the parsing.
void add_options(cli::OptionSet& options, Args& args, Collected& more);

}  // namespace mq::produce
