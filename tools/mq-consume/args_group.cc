// The options of groups, and of commands that records are given to.
#include <algorithm>

#include "args.h"
#include "cli/text.h"
#include "cli/values.h"

namespace mq::consume {

using cli::Complete;
using cli::OptionSet;

namespace {

Status parse_commit(std::string_view text, GroupArgs& group) {
    constexpr std::string_view kInterval = "interval:";
    group.commit_given = true;
    if (text == "after-output") {
        group.commit = CommitPolicy::after_output;
    } else if (text == "never") {
        group.commit = CommitPolicy::never;
    } else if (text == "exit") {
        group.commit = CommitPolicy::at_exit;
    } else if (text.starts_with(kInterval)) {
        group.commit = CommitPolicy::interval;
        MQ_ASSIGN(group.commit_interval_ms, cli::parse_duration_ms(text.substr(kInterval.size())));
    } else {
        return cli::bad_value(text, "is none of after-output, interval:DUR, exit, never");
    }
    return {};
}

ExecOptions& exec_of(Args& args) {
    if (!args.exec) args.exec.emplace();
    return *args.exec;
}

OptionSet::Apply into_command(Args& args, bool batch) {
    return [&args, batch](std::string_view text) -> Status {
        if (text.empty()) return cli::bad_value(text, "is no command");
        if (args.exec && !args.exec->command.empty())
            return cli::bad_value(text, "is a second command: one of --exec and --exec-batch can be given");
        exec_of(args).command = text;
        args.exec->batch = batch;
        return {};
    };
}

void add_batches(OptionSet& options, Args& args) {
    options.value("--exec-batch", "CMD", into_command(args, true),
                  "Runs CMD for many records, which stand on its standard input as they would be printed.");
    options.value("--exec-batch-records", "N", OptionSet::Apply{[&](std::string_view text) -> Status {
                      MQ_ASSIGN(exec_of(args).batch_records, cli::parse_integer<std::uint64_t>(text, 1));
                      return {};
                  }},
                  "So many records at most to one command of --exec-batch; as many as fit if not given.");
    options.value("--exec-batch-bytes", "SIZE", OptionSet::Apply{[&](std::string_view text) -> Status {
                      MQ_ASSIGN(exec_of(args).batch_bytes, cli::parse_size(text));
                      if (args.exec->batch_bytes == 0) return cli::bad_value(text, "is too little");
                      return {};
                  }},
                  "A command of --exec-batch gets no more once it has so much: 4M if not given.");
}

bool is_committed(const std::optional<cli::Bound>& bound) {
    return bound && bound->kind == cli::Bound::Kind::committed;
}

template <typename Predicate>
bool any_range(const cli::Ranges& ranges, Predicate predicate) {
    return predicate(ranges.all) ||
           std::ranges::any_of(ranges.by_partition, [&](const auto& entry) { return predicate(entry.second); });
}

std::string exec_contradiction(const Args& args) {
    const ExecOptions& exec = *args.exec;
    if (exec.command.empty()) return "a command is missing: --exec CMD or --exec-batch CMD";
    if (args.ack_fd) return "with --exec the command's status says what is done: --ack-fd has no place";
    if (args.count_only || args.merge || args.replay_speed || args.tail || args.checkpoint || args.get)
        return "--exec goes with none of --count-only, --merge, --replay, --tail, --checkpoint and --get";
    if (args.framing == cli::Framing::kbatch || args.split_directory || args.buffering != Buffering::automatic)
        return "--exec goes with none of --framing kbatch, --split-dir, --line-buffered and --block-buffered";
    const bool formed = args.format || args.kafka_form || args.json != Json::no || args.meta || args.key_delimiter ||
                        args.header_delimiter || args.escape || args.framing != cli::Framing::delimiter;
    if (!exec.batch && formed) return "--exec gives each command the bare value: forms are for --exec-batch";
    return {};
}

}  // namespace

void add_group(OptionSet& options, Args& args) {
    GroupArgs& group = args.group;
    options.group("Groups");
    options
        .value("-g, --group", "GROUP", group.group,
               "Shares the partitions with the other members of GROUP, goes on where the group has committed, and "
               "commits. With --partition those are read, nothing is joined, and members must not be there.")
        .suggest(Complete::group);
    options
        .value("--commit", "WHEN", OptionSet::Apply{[&](std::string_view text) { return parse_commit(text, group); }},
               "after-output, the default: what the next program has taken, or what --exec and --ack-fd say is done; "
               "interval:DUR: the same, once in so long; exit: at the end, and when a partition goes; never.")
        .suggest(Complete::choices, {"after-output", "interval:5s", "exit", "never"});
    options.value("--group-instance-id", "ID", group.instance_id,
                  "Who this member is, over restarts too: a second one of that name is refused.");
    options
        .value("--assignor", "NAME", OptionSet::Apply{[&](std::string_view text) -> Status {
                   group.assignor = *groups::parse_assignor(text);
                   group.assignor_given = true;
                   return {};
               }},
               "How the group shares: cooperative-sticky if not given. All members must say the same.")
        .one_of({"cooperative-sticky", "sticky", "range", "roundrobin"});
}

void add_commands(OptionSet& options, Args& args) {
    options.group("Commands");
    options
        .value("--exec", "CMD", into_command(args, false),
               "Runs CMD for each record, its value on standard input and the rest in the environment. The record is "
               "done when CMD exits with 0. See COMMANDS.")
        .alias("--exec-each");
    add_batches(options, args);
    options.value("--exec-jobs", "N", OptionSet::Apply{[&](std::string_view text) -> Status {
                      MQ_ASSIGN(exec_of(args).jobs, cli::parse_integer<std::uint32_t>(text, 1, kMostExecJobs));
                      return {};
                  }},
                  "So many commands at a time: 1 if not given.");
    options.flag(
        "--keep-order", [&] { exec_of(args).keep_order = true; },
        "What commands print is passed on in the order of offsets of each partition, not in that of their ends.");
    options.value("--exec-retries", "N", OptionSet::Apply{[&](std::string_view text) -> Status {
                      MQ_ASSIGN(exec_of(args).retries, cli::parse_integer<std::uint32_t>(text));
                      return {};
                  }},
                  "A command that fails is run again so often: 0 if not given.");
    options.value("--exec-backoff", "DUR", OptionSet::Apply{[&](std::string_view text) -> Status {
                      MQ_ASSIGN(exec_of(args).backoff_ms, cli::parse_duration_ms(text));
                      return {};
                  }},
                  "How long before the first repetition, twice as long before each further one: 1s if not given.");
    options
        .value("--dead-letter", "TOPIC", OptionSet::Apply{[&](std::string_view text) -> Status {
                   exec_of(args).dead_letter = text;
                   return {};
               }},
               "Where a record goes whose command keeps failing; it is done then. Made if it is missing.")
        .suggest(Complete::topic);
    options
        .value(
            "--on-exec-failure", "WHAT", OptionSet::Apply{[&](std::string_view text) -> Status {
                exec_of(args).on_failure = text == "skip" ? OnExecFailure::skip : OnExecFailure::stop;
                return {};
            }},
            "When a command keeps failing: stop, the default, with status 1 and nothing committed past it, or skip "
            "the record; then the status is 1 at the end.")
        .one_of({"stop", "skip"});
    options.value("--ack-fd", "N", OptionSet::Apply{[&](std::string_view text) -> Status {
                      MQ_ASSIGN(args.ack_fd, cli::parse_integer<int>(text, 0));
                      return {};
                  }},
                  "Commits what another program says is done, a line of TOPIC PARTITION OFFSET each, read from "
                  "descriptor N: that record, and all before it.");
}

std::string group_contradiction(const Args& args) {
    const GroupArgs& group = args.group;
    if (args.exec) {
        if (std::string problem = exec_contradiction(args); !problem.empty()) return problem;
    }
    if (!group.group) {
        if (group.commit_given || group.assignor_given || !group.instance_id.empty() || args.ack_fd)
            return "--commit, --assignor, --group-instance-id and --ack-fd need a group: -g GROUP";
        const bool committed = any_range(args.ranges, [](const cli::Range& range) {
            return is_committed(range.from) || is_committed(range.until);
        });
        if (committed) return "-o committed needs a group: -g GROUP";
        return {};
    }
    if (group.group->empty()) return "a group has a name: -g GROUP";
    if (any_range(args.ranges, [](const cli::Range& range) { return is_committed(range.until); }))
        return "where the group has come to is where it goes on: -o :committed would be nothing";
    if (args.merge || args.replay_speed || args.tail || args.tail_per_partition || args.checkpoint ||
        args.count_only || args.get || args.latest_per_key)
        return "-g goes with none of --merge, --replay, --tail, --checkpoint, --count-only, --get and "
               "--latest-per-key";
    if (!args.joins() && (!group.instance_id.empty() || group.assignor_given))
        return "with --partition nothing is joined: --group-instance-id and --assignor have no place";
    if (args.buffering == Buffering::block && group.commit == CommitPolicy::after_output && !args.exec)
        return "--block-buffered keeps back what would be committed: --commit exit or interval:DUR go with it";
    return {};
}

}  // namespace mq::consume
