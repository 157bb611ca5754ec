// The options of kafka-consumer-groups, as a front door to the commands: existing scripts run, and destroy nothing
// that they would not have destroyed there.
#include "args.h"

namespace mq::offsets_tool {

using cli::Complete;
using cli::OptionSet;

void add_kafka_spelling(OptionSet& options, Args& args, KafkaFlags& flags) {
    options.group("Kafka's spelling, without a command");
    options.flag("--list", flags.list, "The command list --names; with --state or --type list.");
    options.flag("--describe", flags.describe, "The command describe.");
    options.flag("--reset-offsets", flags.reset,
                 "The command reset --allow-new; without --execute nothing is changed, as with -n.");
    options.flag("--delete", flags.remove, "The command delete -y.");
    options.flag("--delete-offsets", flags.forget, "The command forget -y.");
    options.repeatable("--group", "GROUP", flags.groups, "The group. The name is no pattern.")
        .suggest(Complete::group);
    options.flag("--all-groups", args.all_groups, "All groups.");
    options.repeatable("--topic", "TOPIC[:PARTITIONS]", flags.topics, "The topic, or some of its partitions.")
        .suggest(Complete::topic);
    options.flag("--all-topics", args.all_topics, "All partitions that the group has committed.");
    options.flag("--members", flags.members, "With --describe: the members and what they read.");
    options.flag("--offsets", flags.offsets, "With --describe: offsets and lag, the default.");
    options.optional_value(
        "--state", "LIST",
        [&flags](std::optional<std::string_view> text) -> Status {
            flags.state = true;
            if (text) flags.states = parse_words(*text);
            return {};
        },
        "With --describe: the state of the group. With --list: the states, or only groups in these.");
    options.optional_value(
        "--type", "LIST",
        [&args, &flags](std::optional<std::string_view> text) -> Status {
            flags.state = true;
            if (text) args.types = parse_words(*text);
            return {};
        },
        "With --list: the types, or only groups of these.");
    add_reset_targets(options, args);
    options.flag("--execute", flags.execute, "With --reset-offsets: does it.");
    options.flag("-n, --dry-run", args.dry_run, "With --reset-offsets: says what would be done.");
    options.flag("--export", flags.export_plan, "With --reset-offsets: the new offsets as CSV.");
    options.value("--save-old", "FILE", args.save_old, "With --reset-offsets or --delete: saves what is replaced.")
        .suggest(Complete::file);
}

Status apply_kafka_spelling(const KafkaFlags& flags, Args& args) {
    const auto refuse = [](std::string text) { return fail(Errc::bad_argument, {}, {}, std::move(text)); };
    if (flags.list + flags.describe + flags.reset + flags.remove + flags.forget != 1)
        return refuse(
            "which command? list, describe, reset, set, import, export, copy, forget, delete, peek, lag, wait, fsck, "
            "expire or compact");
    args.kafka_spelling = true;
    args.operands = flags.groups;
    args.topics = flags.topics;
    if (flags.list) {
        args.command = "list";
        args.states = flags.states;
        args.names_only = args.form == cli::Form::table && !flags.state;
        return {};
    }
    if (args.all_groups == !flags.groups.empty()) {
        return refuse(args.all_groups ? "--group and --all-groups: which of them?"
                                      : "which group? --group GROUP or --all-groups");
    }
    if (flags.describe) {
        if (flags.members + flags.offsets + flags.state > 1)
            return refuse("one of --members, --offsets and --state at a time");
        args.command = "describe";
        args.view = flags.members ? View::members : flags.state ? View::state : View::offsets;
        return {};
    }
    if (flags.remove) {
        if (!flags.topics.empty()) return refuse("--delete takes whole groups: of a topic it is --delete-offsets");
        args.command = "delete";
        args.yes = true;
        return {};
    }
    if (flags.forget) {
        if (flags.topics.empty()) return refuse("which topic? --topic TOPIC[:PARTITIONS]");
        if (flags.groups.size() != 1) return refuse("--delete-offsets: one --group");
        args.command = "forget";
        args.yes = true;
        return {};
    }
    if (flags.execute && args.dry_run) return refuse("--execute and --dry-run: which of them?");
    args.command = "reset";
    args.yes = flags.execute;
    args.dry_run = !flags.execute;
    args.allow_new = true;
    args.print_file = flags.export_plan;
    return {};
}

}  // namespace mq::offsets_tool
