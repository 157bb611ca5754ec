// What the command line of mq-offsets says, typed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_args.h"
#include "cli/offset_file.h"
#include "cli/range.h"

namespace mq::offsets_tool {

// What describe shows of a group.
enum class View : unsigned char { offsets, members, state };

struct Args : cli::CommandArgs {
    bool regex = false;
    bool all_groups = false;
    bool all_topics = false;

    bool names_only = false;
    std::vector<std::string> states;  // lower case
    std::vector<std::string> types;
    std::optional<std::string> topic;

    View view = View::offsets;
    bool only_lag = false;

    // Where reset goes: --to and its relatives. `ways` names those that were given.
    cli::Ranges to;
    std::optional<std::int64_t> shift_by;
    std::optional<std::string> from_file;
    std::vector<std::string_view> ways;
    std::vector<std::string> topics;  // --topic, beside the operands
    bool allow_new = false;
    bool print_file = false;  // Kafka's --reset-offsets --export: the new offsets as a file

    std::optional<std::string> save_old;
    std::optional<std::string> if_current;
    std::int64_t wait_empty_ms = 0;

    cli::OffsetFormat format = cli::OffsetFormat::csv;
    std::optional<std::string> group;  // of import: for files that name none

    std::optional<std::int64_t> warn;
    std::optional<std::int64_t> crit;
    bool nagios = false;
    bool prometheus = false;
    std::int64_t most_lag = 0;  // wait --lag

    std::int64_t before = 3;
    std::int64_t after = 3;

    std::optional<std::int64_t> older_than_ms;
};

// Nothing: `args` is complete. Else the status to exit with.
[[nodiscard]] std::optional<int> parse_args(cli::OptionSet& options, int argc, char** argv, Args& args);

// --to and Kafka's spellings of it, shared by the command reset and Kafka's flag --reset-offsets.
void add_reset_targets(cli::OptionSet& options, Args& args);

// Kafka's flags as a front door: which command they stand for. Defined in args_kafka.cc.
struct KafkaFlags {
    bool list = false;
    bool describe = false;
    bool reset = false;
    bool remove = false;
    bool forget = false;
    bool execute = false;
    bool members = false;
    bool offsets = false;
    bool state = false;
    bool export_plan = false;
    std::vector<std::string> states;
    std::vector<std::string> groups;
    std::vector<std::string> topics;
};
void add_kafka_spelling(cli::OptionSet& options, Args& args, KafkaFlags& flags);
// Errors: bad_argument, in words for a person.
[[nodiscard]] Status apply_kafka_spelling(const KafkaFlags& flags, Args& args);

// "stable,empty" -> stable empty, in lower case.
[[nodiscard]] std::vector<std::string> parse_words(std::string_view text);

}  // namespace mq::offsets_tool
