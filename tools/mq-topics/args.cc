#include "args.h"

#include <algorithm>

#include "base/clock.h"
#include "cli/exit_code.h"
#include "cli/text.h"
#include "cli/times.h"
#include "cli/values.h"

namespace mq::topics {

using cli::bad_value;
using cli::Complete;
using cli::OptionSet;

Result<std::pair<std::string, std::string>> parse_setting(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == text.npos) return bad_value(text, "is not NAME=VALUE");
    return std::pair{std::string{text.substr(0, equals)}, std::string{text.substr(equals + 1)}};
}

namespace {

Status add_setting(Args& args, std::string_view text) {
    MQ_ASSIGN(auto setting, parse_setting(text));
    args.config.insert_or_assign(std::move(setting.first), std::move(setting.second));
    return {};
}

// ">1G", "<10MB".
Status parse_size_bound(Args& args, std::string_view text) {
    if (!text.starts_with('>') && !text.starts_with('<')) return bad_value(text, "begins with neither > nor <");
    MQ_ASSIGN(args.size_bytes, cli::parse_size(text.substr(1)));
    args.size_relation = text.front();
    return {};
}

// The words, Kafka's numbers for them, or a time.
Status parse_at(Args& args, std::string_view text) {
    struct Word {
        std::string_view name;
        std::string_view number;
        OffsetAt at;
    };
    static constexpr Word kWords[] = {{"latest", "-1", OffsetAt::latest},
                                      {"earliest", "-2", OffsetAt::earliest},
                                      {"max-timestamp", "-3", OffsetAt::max_timestamp},
                                      {"earliest-local", "-4", OffsetAt::earliest},
                                      {"lso", "", OffsetAt::last_stable}};
    for (const Word& word : kWords) {
        if (text != word.name && (text != word.number || text.empty())) continue;
        args.at = word.at;
        return {};
    }
    if (text == "-5" || text == "latest-tiered") return bad_value(text, "asks for tiered storage, and there is none");
    MQ_ASSIGN(args.at_timestamp, cli::parse_time(text.starts_with('@') ? text.substr(1) : text, wall_clock_ms()));
    args.at = OffsetAt::timestamp;
    return {};
}

void add_regex(OptionSet& options, Args& args) {
    options.flag("-r, --regex", args.regex, "Names are patterns (RE2) that a whole name must match.");
}
void add_internal(OptionSet& options, Args& args) {
    options.flag("--internal", args.internal, "Kafka's own topics too: __consumer_offsets, __transaction_state.");
}

void add_describing_commands(OptionSet& options, Args& args) {
    options.command("list", "[OPTION...] [TOPIC...]", "Lists topics.", [&args](OptionSet& list) {
        list.flag("--names", args.names_only, "Names only, one a line.");
        add_regex(list, args);
        add_internal(list, args);
        list.operands(args.operands, Complete::topic);
    });
    options.command(
        "describe", "[OPTION...] [TOPIC...]", "Describes topics and their partitions, all topics if none is named.",
        [&args](OptionSet& describe) {
            describe
                .value("--only", "WHICH", args.only,
                       "Only such partitions, or topics. A data directory holds one replica of each.")
                .one_of({"under-replicated", "offline", "under-min-isr", "at-min-isr", "overridden", "empty"});
            describe
                .value("--configs", "WHICH", OptionSet::Apply{[&args](std::string_view text) -> Status {
                           args.all_configs = text == "all";
                           return {};
                       }},
                       "Settings that were set (the default), or all.")
                .one_of({"overridden", "all"});
            describe.flag("--offsets", args.offsets, "Offsets and sizes of the partitions as well.");
            describe.value("--id", "ID", args.id, "Only the topic of this id.").alias("--topic-id");
            add_regex(describe, args);
            add_internal(describe, args);
            describe.operands(args.operands, Complete::topic);
        });
    options.command(
        "find", "[OPTION...]", "Lists the topics for which all that is asked holds; exits with 1 if none.",
        [&args](OptionSet& find) {
            find.flag("--empty", args.empty, "Topics without a record.");
            find.value("--idle", "DURATION", OptionSet::Apply{[&args](std::string_view text) -> Status {
                           MQ_ASSIGN(args.idle_ms, cli::parse_duration_ms(text));
                           return {};
                       }},
                       "Topics whose newest record is older: 7d, 1h30m. Empty topics are idle.");
            find.value("--size", "BOUND",
                       OptionSet::Apply{[&args](std::string_view text) { return parse_size_bound(args, text); }},
                       "Topics of more or of less than so many bytes: '>1G', '<10K'.");
            find.value("--leader", "BROKER", args.leader, "Topics led by this broker.", 0);
            find.flag("--invert", args.invert, "The other topics.");
            add_internal(find, args);
        });
    options.command(
        "offsets", "[OPTION...] [TOPIC[:PARTITIONS]...]",
        "Shows offsets of partitions; with --plain as kafka-get-offsets does, topic:partition:offset.",
        [&args](OptionSet& offsets) {
            offsets
                .value("--at", "WHEN",
                       OptionSet::Apply{[&args](std::string_view text) { return parse_at(args, text); }},
                       "Which offset: latest (the default), earliest, max-timestamp, lso (the last stable "
                       "one), or that of the first record at or after a time, the end if there is none.")
                .alias("--time")
                .suggest(Complete::choices, {"earliest", "latest", "max-timestamp", "lso"});
            offsets.value("--leader-epoch", "N", args.leader_epoch, "Where this leader epoch ends instead.", 0);
            add_regex(offsets, args);
            add_internal(offsets, args);
            offsets.operands(args.operands, Complete::topic);
        });
    options.command("usage", "[OPTION...] [TOPIC...]", "Shows how many bytes the segments of topics take.",
                    [&args](OptionSet& usage) {
                        usage
                            .value("--by", "WHAT", OptionSet::Apply{[&args](std::string_view text) -> Status {
                                       args.by_partition = text == "partition";
                                       return {};
                                   }},
                                   "A line for each topic (the default) or partition.")
                            .one_of({"topic", "partition"});
                        usage.flag("-H, --human", args.human, "Sizes with units: 1.5M.");
                        add_regex(usage, args);
                        add_internal(usage, args);
                        usage.operands(args.operands, Complete::topic);
                    });
    options.command(
        "partition-of", "[OPTION...] TOPIC [KEY...]",
        "Shows the partition to which producers send a key, by murmur2. Keys are read from standard input, a "
        "line each, if none is given.",
        [&args](OptionSet& of) { of.operands(args.operands, Complete::topic); });
}

void add_changing_commands(OptionSet& options, Args& args) {
    options.command("create", "[OPTION...] TOPIC...", "Creates topics.", [&args](OptionSet& create) {
        create.value("-p, --partitions", "N", args.partition_count, "How many partitions. One if not given.", 1);
        create.value("--rf", "N", args.replicas, "How many replicas. This version has one.", 1)
            .alias("--replication-factor");
        create
            .repeatable("-C, --config", "K=V",
                        OptionSet::Apply{[&args](std::string_view text) { return add_setting(args, text); }},
                        "A setting, for instance retention.ms=-1; see SETTINGS.")
            .alias("--topic-config");
        create
            .value("--assign", "LIST", OptionSet::Apply{[&args](std::string_view) -> Status {
                       args.assignment = true;
                       return {};
                   }},
                   "Brokers of the replicas: 1:2,2:3. This version has no cluster and exits with 69.")
            .alias("--replica-assignment");
        create.flag("--if-not-exists", args.if_not_exists, "A topic that is there already is left as it is.");
        create.flag("-n, --dry-run", args.dry_run, "Says what would be done.");
        create.operands(args.operands, Complete::topic);
    });
    options.command("delete", "[OPTION...] TOPIC...", "Deletes topics with all their records.",
                    [&args](OptionSet& remove) {
                        add_regex(remove, args);
                        add_internal(remove, args);
                        remove.flag("--if-exists", args.if_exists, "A topic that is not there is no error.");
                        cli::add_consent(remove, args, "--force");
                        remove.operands(args.operands, Complete::topic);
                    });
    options.command("partitions", "[OPTION...] TOPIC", "Adds partitions to a topic.", [&args](OptionSet& partitions) {
        partitions.value("--to", "N", args.partition_count, "How many there are to be.", 1);
        partitions.value("--add", "N", args.partitions_more, "How many more.", 1);
        partitions.value("--assign", "LIST", OptionSet::Apply{[&args](std::string_view) -> Status {
                             args.assignment = true;
                             return {};
                         }},
                         "Brokers of the replicas. This version has no cluster and exits with 69.");
        partitions.flag("-n, --dry-run", args.dry_run, "Says what would be done.");
        partitions.operands(args.operands, Complete::topic);
    });
    options.command(
        "config", "[OPTION...] VERB TOPIC [K|K=V...]",
        "Shows or changes settings of a topic. The verb is get, set, unset, or for items of a list append or "
        "subtract.",
        [&args](OptionSet& config) {
            config.flag("-a, --all", args.all_settings, "With get: settings that have their default, too.");
            config.value("--from-file", "FILE", args.from_file, "With set: a file of settings, Java properties.")
                .suggest(Complete::file)
                .alias("--add-config-file");
            config.flag("-n, --dry-run", args.dry_run, "Shows the settings as they would be.");
            config.operands(args.operands, Complete::topic);
        });
    options.command(
        "trim", "[OPTION...] [TOPIC...]", "Drops the oldest records of topics.", [&args](OptionSet& trim) {
            trim.repeatable("--before", "RANGE", OptionSet::Apply{[&args](std::string_view text) -> Status {
                                if (!args.before) args.before.emplace();
                                return args.before->add(text, wall_clock_ms());
                            }},
                            "Records below this offset or time: 42, @-7d, end, 3=100 for partition 3.");
            trim.value("--keep", "N", args.keep, "All but the last N offsets of each partition.", std::int64_t{0});
            trim.value("-p, --partition", "LIST", OptionSet::Apply{[&args](std::string_view text) -> Status {
                           MQ_ASSIGN(args.partitions, cli::parse_partition_list(text, cli::kMostPartition));
                           return {};
                       }},
                       "Only these partitions: 0,2-5.")
                .alias("--partitions");
            trim.value("--from-file", "FILE", args.from_file,
                       "What kafka-delete-records takes: JSON with partitions and offsets.")
                .suggest(Complete::file)
                .alias("--offset-json-file");
            add_regex(trim, args);
            cli::add_consent(trim, args, "--force");
            trim.operands(args.operands, Complete::topic);
        });
    options.command("compact", "[OPTION...] TOPIC...",
                    "Compacts topics whose cleanup.policy says so: the latest record of each key stays.",
                    [&args](OptionSet& compact) {
                        compact.value(
                            "-p, --partition", "LIST", OptionSet::Apply{[&args](std::string_view text) -> Status {
                                MQ_ASSIGN(args.partitions, cli::parse_partition_list(text, cli::kMostPartition));
                                return {};
                            }},
                            "Only these partitions: 0,2-5.");
                        add_regex(compact, args);
                        compact.operands(args.operands, Complete::topic);
                    });
}

void add_shared_options(OptionSet& options, Args& args) {
    options.group("Output");
    cli::add_row_style(options, args);
    options.flag("-q, --quiet", args.quiet, "Says less on stderr: errors only.");
    options.flag("-v, --verbose", args.verbose, "Says more on stderr.");
    options.value("--timeout", "DURATION", OptionSet::Apply{[&args](std::string_view text) -> Status {
                      MQ_ASSIGN(args.timeout_ms, cli::parse_duration_ms(text));
                      return {};
                  }},
                  "Gives up waiting for another process after this time, with 124.");
    add_target(options, args.target);
    add_command_config(options);
}

}  // namespace

std::optional<int> parse_args(OptionSet& options, int argc, char** argv, Args& args) {
    KafkaFlags kafka;
    add_describing_commands(options, args);
    add_changing_commands(options, args);
    options.command({}, "[OPTION...] COMMAND [OPTION...] [ARGUMENT...]", {},
                    [&](OptionSet& front) { add_kafka_spelling(front, args, kafka); });
    add_shared_options(options, args);
    if (auto stop = options.parse(argc, argv)) return stop;
    args.command = options.chosen();
    if (args.command.empty()) {
        if (const Status applied = apply_kafka_spelling(kafka, args); !applied)
            return options.usage_error(applied.error().message());
    }
    return std::nullopt;
}

}  // namespace mq::topics
