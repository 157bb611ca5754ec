// create, delete, partitions.

#include <algorithm>

#include "cli/text.h"
#include "offsets/offset_store.h"
#include "session.h"

namespace mq::topics {
namespace {

using cli::cat;
using cli::counted;
using cli::ExitCode;

ExitCode which_topic(Session& session) {
    return session.diagnostics.fail(ExitCode::usage, cat(session.args.command, ": which topic?"));
}

// What create_topic would refuse, found without making anything. nullptr: there is no directory yet.
Status check_new_topic(const Args& args, const store::NewTopic& wanted, const store::DataDirectory* directory) {
    MQ_TRY(log::check_topic_name(wanted.name));
    for (const auto& [key, value] : wanted.config) MQ_TRY(store::check_config(key, value));
    MQ_TRY(store::to_topic_config(wanted.config));
    if (directory == nullptr) return {};
    const auto there = directory->topic(wanted.name);
    if (there && !args.if_not_exists)
        return fail(Errc::already_exists, {}, {}, cat("topic '", wanted.name, "': it exists already"));
    if (!there && there.error().code != Errc::not_found) return fail(there.error());
    return {};
}

store::NewTopic new_topic(const Args& args, const std::string& name) {
    return {name, args.partition_count.value_or(1), args.replicas, args.config};
}

// "topic 'numbers': 3 partitions, 12 records, 345 bytes"
std::string what_is_lost(Session& session, const store::Topic& topic) {
    std::int64_t records = 0;
    std::uint64_t size_bytes = 0;
    for (std::int32_t partition = 0; partition < topic.partitions; ++partition) {
        const auto reader = session.directory.open_reader({topic.name, partition});
        if (!reader) continue;
        if (const auto bounds = (*reader)->bounds()) records += bounds->log_end - bounds->log_start;
        if (const auto size = (*reader)->size_bytes()) size_bytes += *size;
    }
    return cat("delete topic '", topic.name, "': ", counted(topic.partitions, "partition"), ", ",
               counted(records, "record"), ", ", counted(size_bytes, "byte"));
}

// What groups have committed of a topic goes with it: a topic that is made anew begins at 0, and a group that went on
// where it was would skip records. Before: death in between leaves groups that read again. After: for commits of
// those who read meanwhile.
Status delete_with_offsets(Session& session, const std::string& name) {
    const bool has_offsets = name != offsets::kOffsetsTopic;
    offsets::OffsetStore committed{session.directory};
    if (has_offsets) {
        MQ_TRY(committed.forget_topic(name));
        MQ_TRY(committed.flush());
    }
    MQ_TRY(session.directory.delete_topic(name));
    if (has_offsets) {
        MQ_TRY(committed.forget_topic(name));
        MQ_TRY(committed.flush());
    }
    return {};
}

}  // namespace

ExitCode plan_creation(const Args& args, const cli::Diagnostics& diagnostics, const store::DataDirectory* directory) {
    cli::Output out;
    ExitCode code = ExitCode::ok;
    for (const std::string& name : args.operands) {
        const store::NewTopic wanted = new_topic(args, name);
        if (const Status possible = check_new_topic(args, wanted, directory); !possible) {
            code = diagnostics.fail(possible.error());
            continue;
        }
        out.write(cat("create topic '", name, "': ", counted(wanted.partitions, "partition"),
                      wanted.config.empty() ? "" : cat(", ", config_text(wanted.config)), '\n'));
    }
    if (const Status flushed = out.flush(); !flushed) return diagnostics.fail(flushed.error());
    return code;
}

ExitCode create(Session& session) {
    const Args& args = session.args;
    if (args.operands.empty()) return which_topic(session);
    if (args.dry_run) return plan_creation(args, session.diagnostics, &session.directory);
    for (const std::string& name : args.operands) {
        const store::NewTopic wanted = new_topic(args, name);
        const auto made = session.directory.create_topic(wanted);
        if (!made && !(made.error().code == Errc::already_exists && args.if_not_exists)) {
            session.fail_item(made.error());
            continue;
        }
        ++session.done;
        if (args.kafka_spelling && made) session.out.write(cat("Created topic ", name, ".\n"));
        if (!args.kafka_spelling) {
            session.diagnostics.summary(
                made ? cat("topic '", name, "': created with ", counted(made->partitions, "partition"))
                     : cat("topic '", name, "': it exists already"));
        }
    }
    return session.finish();
}

ExitCode remove(Session& session) {
    const Args& args = session.args;
    if (args.operands.empty()) return which_topic(session);
    const auto topics = choose_topics(session);
    if (!topics) return session.diagnostics.fail(topics.error());
    if (!topics->empty()) {
        std::vector<std::string> plan;
        for (const store::Topic& topic : *topics)
            if (!args.yes || args.dry_run) plan.push_back(what_is_lost(session, topic));
        if (const auto stop = cli::confirm(session, session.args, "Delete?", plan)) return *stop;
    }
    for (const store::Topic& topic : *topics) {
        if (const Status deleted = delete_with_offsets(session, topic.name); !deleted) {
            session.fail_item(deleted.error());
            continue;
        }
        ++session.done;
        if (!args.kafka_spelling) session.diagnostics.summary(cat("topic '", topic.name, "': deleted"));
    }
    return session.finish();
}

ExitCode partitions(Session& session) {
    const Args& args = session.args;
    if (args.operands.size() != 1) return which_topic(session);
    if (args.partition_count.has_value() == args.partitions_more.has_value())
        return session.diagnostics.fail(ExitCode::usage, "partitions: how many? --to N or --add N");
    const std::string& name = args.operands.front();
    const auto topic = session.directory.topic(name);
    if (!topic) {
        if (topic.error().code == Errc::not_found && args.if_exists) return session.finish();
        return session.diagnostics.fail(topic.error());
    }
    const std::int64_t wanted = args.partition_count ? std::int64_t{*args.partition_count}
                                                     : std::int64_t{topic->partitions} + *args.partitions_more;
    const auto count =
        static_cast<std::int32_t>(std::min<std::int64_t>(wanted, std::numeric_limits<std::int32_t>::max()));
    if (count < topic->partitions) {
        return session.diagnostics.fail(ExitCode::usage, cat("topic '", name, "': it has ", topic->partitions,
                                                             " partitions, and cannot have fewer"));
    }
    if (count > topic->partitions)
        session.diagnostics.warning("keys go to other partitions than before: their order across the change is lost");
    if (args.dry_run) {
        session.out.write(
            cat("topic '", name, "': from ", counted(topic->partitions, "partition"), " to ", count, '\n'));
        return session.finish();
    }
    const auto changed = session.directory.set_partitions(name, count);
    if (!changed) return session.diagnostics.fail(changed.error());
    if (!args.kafka_spelling)
        session.diagnostics.summary(cat("topic '", name, "': ", counted(changed->partitions, "partition")));
    return session.finish();
}

}  // namespace mq::topics
