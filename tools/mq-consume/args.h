// What the command line of mq-consume says, typed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/format.h"
#include "cli/framing.h"
#include "cli/option_set.h"
#include "cli/range.h"
#include "cli/target.h"
#include "exec_options.h"
#include "groups/assignor.h"
#include "log/log_reader.h"

namespace mq::consume {

enum class Json : unsigned char { no, encoded, inlined };
enum class Decode : unsigned char { raw, offsets, transactions };
enum class Buffering : unsigned char {
    automatic,  // leaves when there is nothing more to read, and a few times a second
    line,       // after each record
    block       // when much has gathered, and at the end
};

struct Expectation {
    std::uint64_t count = 0;
    bool or_more = false;
};

// What --property asks Kafka's own formatter for; the names and the order of the parts are its.
// Source: org.apache.kafka.tools.consumer.DefaultMessageFormatter, release 3.9.
struct KafkaForm {
    bool timestamp = false;
    bool partition = false;
    bool offset = false;
    bool epoch = false;
    bool headers = false;
    bool key = false;
    bool value = true;
    std::string key_separator = "\t";
    std::string line_separator = "\n";
    std::string headers_separator = ",";
    std::string null_literal = "null";
};

enum class CommitPolicy : unsigned char {
    after_output,  // what the next program has taken, or what was done with, soon after
    never,
    interval,
    at_exit
};

struct GroupArgs {
    std::optional<std::string> group;
    std::string instance_id;
    groups::Assignor assignor = groups::Assignor::cooperative_sticky;
    CommitPolicy commit = CommitPolicy::after_output;
    std::int64_t commit_interval_ms = 0;
    bool commit_given = false;
    bool assignor_given = false;
};

struct Args {
    cli::Target target;

    // What to read.
    std::vector<std::string> topics;
    bool regex = false;
    std::vector<std::int32_t> partitions;  // empty: all
    cli::Ranges ranges;
    std::optional<std::uint64_t> tail;  // of all partitions together
    std::optional<std::uint64_t> tail_per_partition;
    std::vector<std::string> matches;
    bool match_any = false;
    log::Isolation isolation = log::Isolation::read_uncommitted;
    bool control_records = false;
    bool merge = false;  // by timestamp
    std::int64_t merge_window_ms = 1000;
    std::optional<std::string> checkpoint;
    std::optional<std::string> get;  // the latest record of this key
    bool latest_per_key = false;

    // As whom, and what becomes of the records.
    GroupArgs group;
    std::optional<ExecOptions> exec;
    std::optional<int> ack_fd;

    // When to end.
    bool exit_at_end = false;
    bool follow = false;
    std::optional<std::uint64_t> count;
    std::optional<std::uint64_t> count_per_partition;
    std::optional<std::int64_t> idle_timeout_ms;
    std::optional<std::int64_t> timeout_ms;
    std::optional<Expectation> expect;

    // How to print.
    std::string delimiter = "\n";
    std::optional<std::string> key_delimiter;
    std::optional<std::string> header_delimiter;
    std::string null_text;
    bool escape = false;
    std::optional<cli::Format> format;
    std::optional<KafkaForm> kafka_form;
    Json json = Json::no;
    bool meta = false;
    cli::Framing framing = cli::Framing::delimiter;
    std::optional<std::string> split_directory;
    std::optional<cli::Format> split_name;
    Decode decode = Decode::raw;
    bool count_only = false;
    std::optional<double> replay_speed;
    Buffering buffering = Buffering::automatic;

    bool skip_damage = false;

    bool stats = false;
    std::optional<int> events_fd;
    bool quiet = false;
    bool verbose = false;

    std::vector<std::string> without_meaning;  // options that only a cluster gives a meaning
    std::optional<std::string> not_yet;        // an option that this version does not have

    [[nodiscard]] bool ends_at_end() const { return (exit_at_end || count_only || latest_per_key || get) && !follow; }
    // A group that partitions are shared in; without it one that only remembers where it was.
    [[nodiscard]] bool joins() const { return group.group && partitions.empty(); }
};

// Nothing: `args` is complete. Else the status to exit with.
[[nodiscard]] std::optional<int> parse_args(cli::OptionSet& options, int argc, char** argv, Args& args);

// The rows of the table, by what they are about.
void add_printing(cli::OptionSet& options, Args& args);
// Groups, what they commit, and commands that records are given to.
void add_group(cli::OptionSet& options, Args& args);
void add_commands(cli::OptionSet& options, Args& args);
// What of these cannot go together, or with the rest; empty if all can.
[[nodiscard]] std::string group_contradiction(const Args& args);
// Kafka's own spellings, and what only a cluster gives a meaning.
void add_kafka_spellings(cli::OptionSet& options, Args& args);

}  // namespace mq::consume
