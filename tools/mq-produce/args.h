// What the command line of mq-produce says, typed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/framing.h"
#include "cli/option_set.h"
#include "cli/target.h"
#include "field_parser.h"
#include "partitioner.h"
#include "record/batch.h"
#include "record/record.h"

namespace mq::produce {

// When what was appended is made durable.
enum class Sync : unsigned char {
    none,   // never asked for
    batch,  // before a batch counts as accepted
    end     // a second after its first byte was appended, and before the tool exits
};

// What happens to a record that is malformed or too large.
enum class OnError : unsigned char { stop, skip, file };

enum class Report : unsigned char { none, json, format };

// Records that come from no input.
enum class Generate : unsigned char { no, random, sequence, file };

// Kafka's default of max.message.bytes, which holds for the batch that a record makes.
inline constexpr std::uint64_t kDefaultMaxRecordBytes = 1'048'588;
// What fits into memory, and into the 32 bits of a length.
inline constexpr std::uint64_t kLargestMaxRecordBytes = std::uint64_t{1} << 30;
inline constexpr std::int64_t kForever = -1;

struct Header {
    std::string key;
    std::optional<std::string> value;  // absent: null
};

struct Args {
    cli::Target target;
    std::string topic;
    std::vector<std::string> files;  // "-" is stdin; never empty after parsing

    cli::Framing framing = cli::Framing::delimiter;
    std::string delimiter = "\n";
    bool json = false;
    std::optional<std::string> format;
    FieldOptions fields;
    std::optional<std::string> key;
    bool key_from_filename = false;
    std::vector<Header> headers;
    std::optional<TimestampMs> timestamp;  // absent: of the input, else now
    bool timestamp_now = false;            // now, whatever the input says
    bool skip_empty = false;
    std::optional<std::uint64_t> count;
    std::uint64_t repeat = 1;
    std::optional<std::uint64_t> max_record_bytes;  // beside the topic's own limit
    OnError on_error = OnError::stop;
    std::string error_file;

    Generate generate = Generate::no;
    std::uint64_t generate_bytes = 0;  // random
    std::string generate_file;
    std::optional<std::uint64_t> repeating_keys;
    double rate_records = 0;  // a second; 0: as fast as it goes
    double rate_bytes = 0;
    std::optional<double> replay_speed;

    std::optional<std::int32_t> partition;
    Partitioner partitioner = Partitioner::murmur2;
    std::int32_t create_partitions = 1;
    bool create = true;

    record::Codec codec = record::Codec::none;
    std::optional<int> level;
    Sync sync = Sync::end;
    std::int64_t linger_ms = 0;
    std::optional<std::uint64_t> batch_bytes;
    std::int64_t delivery_timeout_ms = 0;  // how long a full disk is waited for; kForever
    std::optional<std::int64_t> timeout_ms;
    std::string checkpoint;
    bool verify = false;

    Report report = Report::none;
    std::string report_format;
    std::optional<int> ack_fd;
    bool tee = false;
    bool progress = false;
    bool dry_run = false;
    bool quiet = false;
    bool verbose = false;

    std::vector<std::string> warnings;  // about settings without a meaning here
};

// Nothing: `args` is complete. Else the status to exit with.
[[nodiscard]] std::optional<int> parse_args(cli::OptionSet& options, int argc, char** argv, Args& args);

}  // namespace mq::produce
