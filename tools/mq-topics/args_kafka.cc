// The options of kafka-topics, as a front door to the commands: existing scripts run.
#include "args.h"
#include "cli/values.h"

namespace mq::topics {

using cli::Complete;
using cli::OptionSet;

void add_kafka_spelling(OptionSet& options, Args& args, KafkaFlags& flags) {
    const auto only = [&args](std::string_view which) { return [&args, which] { args.only = which; }; };
    options.group("Kafka's spelling, without a command");
    options.flag("--create", flags.create, "The command create.");
    options.flag("--list", flags.list, "The command list --names --internal.");
    options.flag("--describe", flags.describe, "The command describe --internal.");
    options.flag("--delete", flags.remove, "The command delete -y. The name is no pattern.");
    options.flag("--alter", flags.alter, "The command partitions --to.");
    options.repeatable("--topic", "TOPIC", flags.topics, "The topic.").suggest(Complete::topic);
    options.value("--partitions", "N", args.partition_count, "How many partitions.", 1);
    options.value("--replication-factor", "N", args.replicas, "How many replicas. This version has one.", 1);
    options.repeatable("--config", "K=V", OptionSet::Apply{[&args](std::string_view text) -> Status {
                           MQ_ASSIGN(auto setting, parse_setting(text));
                           args.config.insert_or_assign(std::move(setting.first), std::move(setting.second));
                           return {};
                       }},
                       "A setting of the topic that is created.");
    options.value("--replica-assignment", "LIST", OptionSet::Apply{[&args](std::string_view) -> Status {
                      args.assignment = true;
                      return {};
                  }},
                  "Brokers of the replicas. This version has no cluster and exits with 69.");
    options.flag("--if-not-exists", args.if_not_exists, "With --create: a topic that is there is left as it is.");
    options.flag("--if-exists", args.if_exists, "With the others: a topic that is not there is no error.");
    options.flag("--exclude-internal", flags.exclude_internal, "Without Kafka's own topics.");
    options.value("--topic-id", "ID", args.id, "With --describe: only the topic of this id.");
    options.flag("--topics-with-overrides", only("overridden"), "With --describe: only topics with settings.");
    options.flag("--under-replicated-partitions", only("under-replicated"), "With --describe: only such partitions.");
    options.flag("--unavailable-partitions", only("offline"), "With --describe: only such partitions.");
    options.flag("--under-min-isr-partitions", only("under-min-isr"), "With --describe: only such partitions.");
    options.flag("--at-min-isr-partitions", only("at-min-isr"), "With --describe: only such partitions.");
    for (const std::string_view ignored : {"--force", "--disable-rack-aware"})
        options
            .flag(
                ignored, [] {}, "Nothing to do here.")
            .hide();
    options
        .value("--partition-size-limit-per-response", "N",
               OptionSet::Apply{[](std::string_view) { return Status{}; }}, "Nothing to do here.")
        .hide();
}

Status apply_kafka_spelling(const KafkaFlags& flags, Args& args) {
    const auto refuse = [](std::string text) { return fail(Errc::bad_argument, {}, {}, std::move(text)); };
    if (flags.create + flags.list + flags.describe + flags.remove + flags.alter != 1)
        return refuse(
            "which command? list, describe, find, offsets, usage, partition-of, create, delete, partitions, "
            "config, trim or compact");
    args.kafka_spelling = true;
    args.operands = flags.topics;
    args.internal = !flags.exclude_internal;
    if (flags.list) {
        args.command = "list";
        args.names_only = args.form == cli::Form::table;
    } else if (flags.describe) {
        args.command = "describe";
    } else if (flags.topics.empty()) {
        return refuse("which topic? --topic TOPIC");
    } else if (flags.create) {
        args.command = "create";
    } else if (flags.remove) {
        args.command = "delete";
        args.yes = true;
    } else {
        args.command = "partitions";
        if (!args.partition_count) return refuse("--alter: how many? --partitions N");
        if (!args.config.empty()) return refuse("--alter: settings are changed by the command config");
    }
    return {};
}

}  // namespace mq::topics
