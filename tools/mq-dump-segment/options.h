// What mq-dump-segment was asked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/diagnostics.h"
#include "cli/option_set.h"
#include "log/check.h"
#include "mq-dump-segment/kafka_dump.h"

namespace mq::dump {

enum class Decode : unsigned char { automatic, offsets, txn, hex, utf8, json };

struct Options {
    std::vector<std::string> paths;

    bool kafka = false;
    KafkaOptions kafka_options;

    std::string undecoded;  // a decoder of Kafka's tool that nothing here stands for

    bool follow = false;
    bool records = false;
    bool no_meta = false;
    std::optional<std::string> format;
    bool json = false;
    bool plain = false;
    bool no_header = false;
    bool hex = false;
    bool summary = false;
    bool stats = false;
    std::uint64_t top = 10;
    std::optional<unsigned> check;  // bits of log::CheckPart
    std::vector<std::string> match;
    bool match_any = false;
    Decode decode = Decode::automatic;
    std::optional<std::string> decode_with;
    std::optional<std::uint64_t> count;
    std::optional<std::string> range;
    std::uint64_t max_bytes = UINT64_MAX;
    bool rebuild_index = false;
    std::optional<std::int64_t> truncate_at;
    bool yes = false;
    bool no_input = false;
    bool dry_run = false;
    bool quiet = false;
    bool verbose = false;
    MemoryLimits limits;
};

// Fills the table of `set`, which must not outlive `options`.
void add_options(cli::OptionSet& set, Options& options);

// What --kafka goes by, with what was given besides.
[[nodiscard]] KafkaOptions kafka_options(const Options& options);

// What parsing one option after another cannot see: contradictions. The text of the usage error.
[[nodiscard]] std::optional<std::string> find_contradiction(const Options& options);

}  // namespace mq::dump
