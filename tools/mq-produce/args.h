// What the command line of mq-produce says, typed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/option_set.h"
#include "cli/target.h"
#include "record/batch.h"
#include "record/record.h"

namespace mq::produce {

// When what was appended is made durable.
enum class Sync : unsigned char {
    none,   // never asked for
    batch,  // before a batch counts as accepted
    end     // a second after its first byte was appended, and before the tool exits
};

// Kafka's default of max.message.bytes, which holds for the batch that a record makes.
inline constexpr std::uint64_t kDefaultMaxRecordBytes = 1'048'588;

struct Header {
    std::string key;
    std::optional<std::string> value;  // absent: null
};

struct Args {
    cli::Target target;
    std::string topic;
    std::vector<std::string> files;  // "-" is stdin; never empty after parsing

    std::string delimiter = "\n";
    std::optional<std::string> key_delimiter;
    std::optional<std::string> key;
    std::vector<Header> headers;
    bool empty_is_null = false;
    bool skip_empty = false;
    std::optional<TimestampMs> timestamp;  // absent: now
    std::uint64_t max_record_bytes = kDefaultMaxRecordBytes;

    std::optional<std::int32_t> partition;
    std::int32_t create_partitions = 1;
    bool create = true;
    record::Codec codec = record::Codec::none;
    std::optional<int> level;
    Sync sync = Sync::end;

    bool report_json = false;
    bool dry_run = false;
    bool quiet = false;
    bool verbose = false;
};

// Nothing: `args` is complete. Else the status to exit with.
[[nodiscard]] std::optional<int> parse_args(cli::OptionSet& options, int argc, char** argv, Args& args);

}  // namespace mq::produce
