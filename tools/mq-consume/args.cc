#include "args.h"

#include "base/clock.h"
#include "cli/exit_code.h"
#include "cli/match.h"
#include "cli/text.h"
#include "cli/values.h"

namespace mq::consume {

using cli::Complete;
using cli::OptionSet;

namespace {

OptionSet::Apply into_duration(std::optional<std::int64_t>& target_ms) {
    return [&target_ms](std::string_view text) -> Status {
        MQ_ASSIGN(target_ms, cli::parse_duration_ms(text));
        return {};
    };
}

void add_reading(OptionSet& options, Args& args) {
    options.group("What to read");
    options.repeatable("-t, --topic", "TOPIC", args.topics, "A topic, beside those named as operands.")
        .suggest(Complete::topic);
    options.flag("-r, --regex", args.regex,
                 "Topics are patterns (RE2) that a whole name must match. Topics that come while following are read "
                 "too.");
    options
        .value("-p, --partition", "LIST", OptionSet::Apply{[&](std::string_view text) -> Status {
                   MQ_ASSIGN(args.partitions, cli::parse_partition_list(text, 100'000));
                   return {};
               }},
               "Only these partitions: 0,2-5. All if not given, also those that come while following.")
        .alias("--partitions");
    options
        .repeatable(
            "-o, --offset", "RANGE",
            OptionSet::Apply{[&](std::string_view text) { return args.ranges.add(text, wall_clock_ms()); }},
            "Where to read: start, end, 42, -10, 100:200, @2023-11-14, @-1h:, 3=start; see RANGES. From the start if "
            "not given.")
        .suggest(Complete::choices, {"start", "end"});
    options.flag(
        "--from-beginning", [&] { args.ranges.all.from = cli::Bound{}; }, "The same as -o start.");
    options.value("--tail", "N", args.tail,
                  "Begins with the last N records of all partitions together, in the order of their timestamps.",
                  std::uint64_t{0});
    options.value("--tail-per-partition", "N", args.tail_per_partition,
                  "Begins with the last N records of each partition.", std::uint64_t{0});
    options.repeatable("-m, --match", "EXPR", args.matches,
                       "Prints only records of which this is true: 'key~RE', 'value=TEXT', 'header.NAME=V', 'ts>T', "
                       "'size>N'; see MATCHES. Of several all must hold.");
    options.flag("--match-any", args.match_any, "One of several --match is enough.");
    options
        .value("--isolation", "LEVEL", OptionSet::Apply{[&](std::string_view text) -> Status {
                   args.isolation = text.ends_with("uncommitted") ? log::Isolation::read_uncommitted
                                                                  : log::Isolation::read_committed;
                   return {};
               }},
               "Whether records of open and aborted transactions are read (uncommitted, the default) or not.")
        .one_of({"committed", "uncommitted", "read_committed", "read_uncommitted"})
        .alias("--isolation-level");
    options.flag("--control-records", args.control_records, "Prints the markers of transactions too.");
    options
        .value("--merge", "ORDER", OptionSet::Apply{[&](std::string_view) -> Status {
                   args.merge = true;
                   return {};
               }},
               "Prints the records of all partitions in the order of their timestamps, not one partition after "
               "another.")
        .one_of({"timestamp"});
    options.duration("--merge-window", "DUR", args.merge_window_ms,
                     "How long, while following, --merge waits for older records of other partitions: 1s if not "
                     "given.");
    options
        .value("--checkpoint", "FILE", args.checkpoint,
               "Keeps in FILE how far was printed, and goes on there the next time. A record may be printed twice, "
               "none is left out.")
        .suggest(Complete::file);
    options.value("--get", "KEY", args.get,
                  "Prints the latest record of KEY and exits; with 1 if there is none. It is looked for in the "
                  "partition that Kafka's hash puts KEY in, or in those of --partition, from the end on.");
    options.flag("--latest-per-key", args.latest_per_key,
                 "Prints of each key the last record, as if the log were compacted, and exits: not those that a null "
                 "value deletes, and none without a key. Reads twice, and needs 24 to 72 bytes of memory a key.");
    options
        .value("--on-error", "WHAT", OptionSet::Apply{[&](std::string_view text) -> Status {
                   args.skip_damage = text == "skip";
                   return {};
               }},
               "At damage: stop, the default, or skip to what can be read again, telling how much that was; then the "
               "exit status is 1.")
        .one_of({"stop", "skip"});
}

void add_ending(OptionSet& options, Args& args) {
    options.group("When to end");
    options.flag(
        "-e, --exit", args.exit_at_end,
        "Exits at the end as it was when reading began; in a group at that of each partition that came here.");
    options.flag("--follow", args.follow, "Goes on with what is appended later: the default. Wins over --exit.");
    options.value("-c, --count", "N", args.count, "Exits after N records.", std::uint64_t{0}).alias("--max-messages");
    options.value("--count-per-partition", "N", args.count_per_partition, "At most N records of each partition.",
                  std::uint64_t{1});
    options.value("--idle-timeout", "DUR", into_duration(args.idle_timeout_ms),
                  "Exits when nothing has come for so long.");
    options.value("--timeout", "DUR", into_duration(args.timeout_ms), "Gives up after so long, with status 124.");
    options.value("--expect", "N", OptionSet::Apply{[&](std::string_view text) -> Status {
                      Expectation expected;
                      expected.or_more = text.ends_with('+');
                      if (expected.or_more) text.remove_suffix(1);
                      MQ_ASSIGN(expected.count, cli::parse_integer<std::uint64_t>(text));
                      args.expect = expected;
                      return {};
                  }},
                  "Exits with 1 unless exactly N records were printed; with N+ unless at least so many.");
}

// What cannot go together; empty if all can.
std::string contradiction(const Args& args) {
    const bool kbatch = args.framing == cli::Framing::kbatch;
    const int forms = args.format.has_value() + args.kafka_form.has_value() + (args.json != Json::no) +
                      (args.meta && args.json == Json::no) + kbatch + args.count_only;
    const bool counts_in_json = args.count_only && args.json == Json::encoded && forms == 2;
    if (forms > 1 && !counts_in_json)
        return "only one of --format, --json, --meta, --property, --framing kbatch and --count-only can be the form";
    const bool text = forms == 0 && args.decode == Decode::raw;
    if (!text && (args.key_delimiter || args.header_delimiter || args.escape))
        return "-K, --header-delimiter and --escape are for records as text";
    if (args.decode != Decode::raw && forms - (args.json == Json::encoded) > 0) return "--decode prints JSON";
    if (kbatch && (!args.matches.empty() || args.merge || args.replay_speed || args.split_directory))
        return "--framing kbatch goes with none of --match, --merge, --replay and --split-dir";
    if (args.count_only && (args.merge || args.replay_speed || args.split_directory || args.checkpoint))
        return "--count-only goes with none of --merge, --replay, --split-dir and --checkpoint";
    if (args.split_directory && args.framing != cli::Framing::delimiter)
        return "--split-dir and --framing are two ways to part records";
    if (args.split_name && !args.split_directory) return "--name names the files of --split-dir";
    if (args.tail && args.tail_per_partition) return "only one of --tail and --tail-per-partition can be given";
    if ((args.tail || args.tail_per_partition) && (args.ranges.all.from || !args.ranges.by_partition.empty()))
        return "--tail says where to begin: -o has no place";
    if (args.match_any && args.matches.empty()) return "--match-any needs --match";
    if ((args.get || args.latest_per_key) && (args.tail || args.tail_per_partition || args.checkpoint || kbatch))
        return "--get and --latest-per-key go with none of --tail, --checkpoint and --framing kbatch";
    if ((args.get || args.latest_per_key) && args.follow) return "--get and --latest-per-key end at the end";
    if (args.get && (args.latest_per_key || args.regex || args.topics.size() != 1 || !args.matches.empty()))
        return "--get looks for one key in one topic: it goes with none of --latest-per-key, --regex and --match";
    return group_contradiction(args);
}

}  // namespace

std::optional<int> parse_args(OptionSet& options, int argc, char** argv, Args& args) {
    add_reading(options, args);
    add_ending(options, args);
    add_group(options, args);
    add_commands(options, args);
    add_printing(options, args);
    options.group("Messages");
    options.flag("-q, --quiet", args.quiet, "Says less on stderr: errors only.");
    options.flag("-v, --verbose", args.verbose, "Says more on stderr: what was read from where.");
    options.flag("--stats", args.stats, "Says at the end how much was read, and how fast.");
    options.value("--events-fd", "N", OptionSet::Apply{[&](std::string_view text) -> Status {
                      MQ_ASSIGN(args.events_fd, cli::parse_integer<int>(text, 1));
                      return {};
                  }},
                  "Writes a line of JSON to descriptor N when reading starts, has caught up, ends; see EVENTS.");
    add_kafka_spellings(options, args);
    add_target(options, args.target);
    options.operands(args.topics, Complete::topic);

    if (auto stop = options.parse(argc, argv)) return stop;
    if (args.not_yet) return std::nullopt;
    if (args.topics.empty()) return options.usage_error("which topic? mq-consume TOPIC...");
    if (const std::string problem = contradiction(args); !problem.empty()) return options.usage_error(problem);
    return std::nullopt;
}

}  // namespace mq::consume
