#include "args.h"

#include <algorithm>
#include <cctype>

#include "base/clock.h"
#include "cli/times.h"
#include "cli/values.h"

namespace mq::offsets_tool {

using cli::Bound;
using cli::Complete;
using cli::OptionSet;
using Kind = cli::Bound::Kind;

std::vector<std::string> parse_words(std::string_view text) {
    std::vector<std::string> words;
    for (std::size_t end; !text.empty(); text.remove_prefix(std::min(text.size(), end + 1))) {
        end = std::min(text.size(), text.find(','));
        std::string& word = words.emplace_back(text.substr(0, end));
        std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::tolower(c); });
    }
    return words;
}

namespace {

void add_regex(OptionSet& options, Args& args) {
    options.flag("-r, --regex", args.regex, "Names of groups are patterns (RE2) that a whole name must match.");
}
void add_all_groups(OptionSet& options, Args& args) {
    options.flag("--all", args.all_groups, "All groups.").alias("--all-groups");
}
OptionSet::Apply words_to(std::vector<std::string>& target) {
    return [&target](std::string_view text) -> Status {
        target = parse_words(text);
        return {};
    };
}

// What all commands share that change the offsets of groups.
void add_change(OptionSet& options, Args& args) {
    options
        .value("--save-old", "FILE", args.save_old,
               "Saves what is replaced, on the disk before the change, as CSV with the group in front, or as JSON if "
               "FILE ends in .json. import takes it back. FILE must be new or empty.")
        .suggest(Complete::file);
    options
        .value("--if-current", "FILE", args.if_current,
               "Changes a group only if all that is to change stands as FILE says, else exits with 75. FILE is what "
               "export or --save-old wrote; what it does not name was not committed.")
        .suggest(Complete::file);
    options.duration("--wait-empty", "DURATION", args.wait_empty_ms,
                     "Waits so long for the members of a group to leave. Without it a group with members is refused "
                     "at once, with 75.");
    cli::add_consent(options, args, "--execute");
}

// A bound of all partitions, and which option gave it.
void set_to(Args& args, std::string_view way, const Bound& bound) {
    args.to.all.from = bound;
    args.ways.push_back(way);
}

Status add_to(Args& args, std::string_view text) {
    std::string range{text};
    // "current", as Kafka's tool has it, is "committed" elsewhere.
    constexpr std::string_view kCurrent = "current";
    if (text == kCurrent || text.ends_with("=current"))
        range.replace(range.size() - kCurrent.size(), kCurrent.size(), "committed");
    args.ways.push_back("--to");
    return args.to.add(range, wall_clock_ms());
}

void add_looking_commands(OptionSet& options, Args& args) {
    options.command("list", "[OPTION...] [GROUP...]", "Lists consumer groups.", [&args](OptionSet& list) {
        list.flag("--names", args.names_only, "Names only, one a line.");
        list.value("--state", "LIST", words_to(args.states),
                   "Only groups in one of these states: stable, empty, preparingrebalance.");
        list.value("--type", "LIST", words_to(args.types),
                   "Only groups of these protocols: classic, consumer. All groups here are classic.");
        list.value("--topic", "TOPIC", args.topic, "Only groups that committed something of this topic, or read it.")
            .suggest(Complete::topic);
        add_regex(list, args);
        list.operands(args.operands, Complete::group);
    });
    options.command(
        "describe", "[OPTION...] GROUP...", "Shows how far groups have read, or who their members are.",
        [&args](OptionSet& describe) {
            const auto view = [&args](View wanted) { return [&args, wanted] { args.view = wanted; }; };
            describe.flag("--offsets", view(View::offsets), "Offsets and lag of each partition: the default.");
            describe.flag("--members", view(View::members), "The members and what they read.");
            describe.flag("--state", view(View::state), "The state of the group.");
            describe.flag("--only-lag", args.only_lag, "Only partitions with records that the group has not read.");
            add_all_groups(describe, args);
            add_regex(describe, args);
            describe.operands(args.operands, Complete::group);
        });
    options.command("export", "[OPTION...] GROUP...",
                    "Writes the offsets of groups, as kafka-consumer-groups does: topic, partition, offset of one "
                    "group; with the name in front of several.",
                    [&args](OptionSet& exported) {
                        exported
                            .value("--format", "FORMAT", OptionSet::Apply{[&args](std::string_view text) -> Status {
                                       args.format = text == "csv"   ? cli::OffsetFormat::csv
                                                     : text == "tsv" ? cli::OffsetFormat::tsv
                                                                     : cli::OffsetFormat::json;
                                       return {};
                                   }},
                                   "csv (the default), tsv, or json with metadata and leader epochs.")
                            .one_of({"csv", "tsv", "json"});
                        add_all_groups(exported, args);
                        add_regex(exported, args);
                        exported.operands(args.operands, Complete::group);
                    });
    options.command("peek", "[OPTION...] GROUP TOPIC[:PARTITIONS]...",
                    "Shows the records around the position of a group.", [&args](OptionSet& peek) {
                        peek.value("-B", "N", args.before, "How many before it. 3 if not given.", std::int64_t{0})
                            .alias("--before");
                        peek.value("-A", "N", args.after, "How many from it on. 3 if not given.", std::int64_t{0})
                            .alias("--after");
                        peek.operands(args.operands, Complete::group);
                    });
    options.command(
        "lag", "[OPTION...] GROUP...",
        "Shows how many records groups have not read; with limits exits with 1 if one is passed.",
        [&args](OptionSet& lag) {
            lag.value("--warn", "N", args.warn, "More records than this are a warning.", std::int64_t{0});
            lag.value("--crit", "N", args.crit, "More records than this are critical.", std::int64_t{0});
            lag.value("--topic", "TOPIC", args.topic, "Only records of this topic.").suggest(Complete::topic);
            lag.flag("--nagios", args.nagios, "Prints a line for Nagios, and exits with 0, 1, 2, or 3: not known.");
            lag.flag("--prometheus", args.prometheus, "Prints Prometheus' text exposition format.");
            add_all_groups(lag, args);
            add_regex(lag, args);
            lag.operands(args.operands, Complete::group);
        });
    options.command(
        "wait", "[OPTION...] GROUP", "Waits until a group has read its topics.", [&args](OptionSet& wait) {
            wait.value("--lag", "N", args.most_lag, "So many records may be left. 0 if not given.", std::int64_t{0});
            wait.value("--topic", "TOPIC", args.topic, "Only this topic.").suggest(Complete::topic);
            wait.operands(args.operands, Complete::group);
        });
    options.command("fsck", "[OPTION...]",
                    "Holds the shared table of offsets against the log; exits with 1 if they differ.",
                    [](OptionSet&) {});
}

void add_changing_commands(OptionSet& options, Args& args) {
    options.command("reset", "[OPTION...] GROUP [TOPIC[:PARTITIONS]...]", "Moves a group to other offsets.",
                    [&args](OptionSet& reset) {
                        add_reset_targets(reset, args);
                        reset
                            .repeatable("--topic", "TOPIC[:PARTITIONS]", args.topics,
                                        "The same as an operand: numbers, numbers:0,2-5.")
                            .suggest(Complete::topic);
                        reset.flag("--all-topics", args.all_topics, "All partitions that the group has committed.");
                        reset.flag("--all-groups", args.all_groups, "All groups; the operands are topics then.");
                        add_regex(reset, args);
                        reset.flag(
                            "--allow-new", args.allow_new,
                            "Also groups that are not there, and topics that the group has committed nothing of.");
                        add_change(reset, args);
                        reset.operands(args.operands, Complete::group);
                    });
    options.command("set", "[OPTION...] GROUP TOPIC:PARTITION=OFFSET...",
                    "Sets offsets of a group, which is made if it is not there.", [&args](OptionSet& set) {
                        add_change(set, args);
                        set.operands(args.operands, Complete::group);
                    });
    options.command("import", "[OPTION...] FILE",
                    "Sets offsets to what a file of export or --save-old says; - is standard input.",
                    [&args](OptionSet& imported) {
                        imported.value("-g, --group", "GROUP", args.group, "The group, where the file names none.")
                            .suggest(Complete::group);
                        add_change(imported, args);
                        imported.operands(args.operands, Complete::file);
                    });
    options.command("copy", "[OPTION...] SOURCE GROUP [TOPIC[:PARTITIONS]...]",
                    "Gives a group the offsets of another one.", [&args](OptionSet& copy) {
                        add_change(copy, args);
                        copy.operands(args.operands, Complete::group);
                    });
    options.command("forget", "[OPTION...] GROUP TOPIC[:PARTITIONS]...",
                    "Forgets what a group has committed of topics.", [&args](OptionSet& forget) {
                        add_change(forget, args);
                        forget.operands(args.operands, Complete::group);
                    });
    options.command("delete", "[OPTION...] GROUP...", "Deletes groups, with all that they have committed.",
                    [&args](OptionSet& remove) {
                        add_all_groups(remove, args);
                        add_regex(remove, args);
                        add_change(remove, args);
                        remove.operands(args.operands, Complete::group);
                    });
    options.command("expire", "[OPTION...]",
                    "Forgets offsets of groups without members that are too old, as a Kafka broker does.",
                    [&args](OptionSet& expire) {
                        expire.value("--older-than", "DURATION", OptionSet::Apply{[&args](std::string_view text) {
                                         return cli::parse_duration_ms(text).map(
                                             [&args](std::int64_t ms) { args.older_than_ms = ms; });
                                     }},
                                     "How old they must be, 7d if not given.");
                        cli::add_consent(expire, args);
                    });
    options.command("compact", "[OPTION...]",
                    "Compacts __consumer_offsets: what was committed last of each partition stays.",
                    [](OptionSet&) {});
}

void add_shared_options(OptionSet& options, Args& args, std::string& timeout) {
    options.group("Output");
    cli::add_row_style(options, args);
    options.flag("-q, --quiet", args.quiet, "Says less on stderr: errors only.");
    options.flag("-v, --verbose", args.verbose, "Shows all fields in tables, and says more on stderr.");
    options.value("--timeout", "DURATION", timeout,
                  "Gives up waiting, for a group or for another process, after this time, with 124.");
    add_target(options, args.target);
    add_command_config(options);
}

}  // namespace

void add_reset_targets(OptionSet& options, Args& args) {
    const auto to = [&args](std::string_view way, Bound bound) {
        return [&args, way, bound] { set_to(args, way, bound); };
    };
    options
        .repeatable(
            "--to", "RANGE", OptionSet::Apply{[&args](std::string_view text) { return add_to(args, text); }},
            "Where to: earliest, latest, current, 42, +5 from the start, -5 from the end, a time (@2023-11-14, "
            "@-1h), 3=latest for partition 3.")
        .suggest(Complete::choices, {"earliest", "latest", "current"});
    options.flag("--to-earliest", to("--to-earliest", {Kind::from_start, 0}), "The start of the log.");
    options.flag("--to-latest", to("--to-latest", {Kind::from_end, 0}), "The end of the log.");
    options.flag("--to-current", to("--to-current", {Kind::committed, 0}),
                 "Where the group is: for --save-old, or to commit it anew.");
    options.value("--to-offset", "N", OptionSet::Apply{[&args](std::string_view text) -> Status {
                      MQ_ASSIGN(const std::int64_t offset, cli::parse_integer<std::int64_t>(text, 0));
                      set_to(args, "--to-offset", {Kind::offset, offset});
                      return {};
                  }},
                  "This offset.");
    options.value("--to-datetime", "TIME", OptionSet::Apply{[&args](std::string_view text) -> Status {
                      MQ_ASSIGN(const TimestampMs time, cli::parse_time(text, wall_clock_ms()));
                      set_to(args, "--to-datetime", {Kind::timestamp, time});
                      return {};
                  }},
                  "The first record at or after a time: 2023-11-14T22:13:20.000.");
    options.value("--by-duration", "DURATION", OptionSet::Apply{[&args](std::string_view text) -> Status {
                      MQ_ASSIGN(const std::int64_t ms, cli::parse_duration_ms(text));
                      set_to(args, "--by-duration", {Kind::timestamp, wall_clock_ms() - ms});
                      return {};
                  }},
                  "The first record of so long ago: P1DT2H, 26h.");
    options.value("--shift-by", "N", OptionSet::Apply{[&args](std::string_view text) -> Status {
                      MQ_ASSIGN(args.shift_by, cli::parse_integer<std::int64_t>(text));
                      args.ways.push_back("--shift-by");
                      return {};
                  }},
                  "So many records on from where the group is, or back: -10.");
    options
        .value("--from-file", "FILE", OptionSet::Apply{[&args](std::string_view text) -> Status {
                   args.from_file = std::string{text};
                   args.ways.push_back("--from-file");
                   return {};
               }},
               "What a file of export says of the group.")
        .suggest(Complete::file);
}

std::optional<int> parse_args(OptionSet& options, int argc, char** argv, Args& args) {
    KafkaFlags kafka;
    std::string timeout;
    add_looking_commands(options, args);
    add_changing_commands(options, args);
    options.command({}, "[OPTION...] COMMAND [OPTION...] [ARGUMENT...]", {},
                    [&](OptionSet& front) { add_kafka_spelling(front, args, kafka); });
    add_shared_options(options, args, timeout);
    if (auto stop = options.parse(argc, argv)) return stop;
    args.command = options.chosen();
    if (args.command.empty()) {
        if (const Status applied = apply_kafka_spelling(kafka, args); !applied)
            return options.usage_error(applied.error().message());
    }
    if (args.nagios && args.prometheus) return options.usage_error("--nagios and --prometheus: which of them?");
    if (args.command == "list" && args.operands.empty()) args.all_groups = true;
    if (!timeout.empty()) {
        // Kafka's tool counts milliseconds.
        const auto plain = cli::parse_integer<std::int64_t>(timeout, 0);
        const auto parsed = args.kafka_spelling && plain ? plain : cli::parse_duration_ms(timeout);
        if (!parsed) return options.usage_error("--timeout: " + parsed.error().message());
        args.timeout_ms = *parsed;
    }
    return std::nullopt;
}

}  // namespace mq::offsets_tool
