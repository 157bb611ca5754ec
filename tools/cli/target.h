// Which data a tool works on: a local data directory, or (in versions to come) a cluster.
#pragma once

#include <optional>
#include <string>

#include "cli/exit_code.h"

namespace mq::cli {

class OptionSet;

struct Target {
    std::optional<std::string> data_directory;
    std::optional<std::string> bootstrap_servers;
    std::optional<std::string> profile;
};

// -D, -b and --profile.
void add_target(OptionSet& options, Target& target);

// -F, of tools to which the settings of Kafka's clients mean nothing yet.
void add_command_config(OptionSet& options);

struct Refusal {
    ExitCode code;
    std::string text;
};

// The directory: -D, else $MQ_DATA_DIR, else /var/lib/mq for root, else $XDG_DATA_HOME/mq, else ~/.local/share/mq.
// Refused: two targets (usage), a cluster (unavailable), a profile (configuration), no home directory
// (configuration).
[[nodiscard]] tl::expected<std::string, Refusal> choose_data_directory(const Target& target);

}  // namespace mq::cli
