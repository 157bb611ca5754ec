// What the command line of mq-topics says, typed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_args.h"
#include "cli/range.h"
#include "cli/topic_operand.h"

namespace mq::topics {

// --at of the command offsets.
enum class OffsetAt : unsigned char { earliest, latest, max_timestamp, last_stable, timestamp };

struct Args : cli::CommandArgs {
    bool regex = false;
    bool internal = false;

    bool names_only = false;

    std::optional<std::string> only;
    bool all_configs = false;
    bool offsets = false;
    std::optional<std::string> id;

    bool empty = false;
    std::optional<std::int64_t> idle_ms;
    char size_relation = 0;  // '>' or '<'; 0: any size
    std::uint64_t size_bytes = 0;
    std::optional<std::int32_t> leader;
    bool invert = false;

    std::optional<std::int32_t> partition_count;  // create, partitions --to
    std::optional<std::int32_t> partitions_more;  // partitions --add
    std::int32_t replicas = 1;
    std::map<std::string, std::string, std::less<>> config;
    bool assignment = false;
    bool if_not_exists = false;
    bool if_exists = false;

    std::optional<std::string> from_file;
    bool all_settings = false;  // config get
    std::optional<cli::Ranges> before;
    std::optional<std::int64_t> keep;
    std::vector<std::int32_t> partitions;  // -p

    OffsetAt at = OffsetAt::latest;
    TimestampMs at_timestamp = 0;
    std::optional<std::int32_t> leader_epoch;

    bool by_partition = false;
    bool human = false;
};

// Nothing: `args` is complete. Else the status to exit with.
[[nodiscard]] std::optional<int> parse_args(cli::OptionSet& options, int argc, char** argv, Args& args);

// Kafka's flags as a front door: which command they stand for. Defined in args_kafka.cc.
struct KafkaFlags {
    bool create = false;
    bool list = false;
    bool describe = false;
    bool remove = false;
    bool alter = false;
    bool exclude_internal = false;
    std::vector<std::string> topics;
};
void add_kafka_spelling(cli::OptionSet& options, Args& args, KafkaFlags& flags);
// Errors: bad_argument, in words for a person.
[[nodiscard]] Status apply_kafka_spelling(const KafkaFlags& flags, Args& args);

// "K=V"
[[nodiscard]] Result<std::pair<std::string, std::string>> parse_setting(std::string_view text);

}  // namespace mq::topics
