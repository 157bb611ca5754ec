// reset, set, import, copy, forget, delete.

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "cli/text.h"
#include "cli/times.h"
#include "plan.h"

namespace mq::offsets_tool {
namespace {

using cli::cat;
using Kind = cli::Bound::Kind;

ExitCode refuse(Session& session, std::string_view why) {
    return session.diagnostics.fail(ExitCode::usage, cat(session.args.command, ": ", why));
}

tl::unexpected<Error> no_group(const std::string& group) {
    return fail(Errc::not_found, {}, {}, cat("group '", group, "': no such group"));
}

Result<bool> is_there(Session& session, const std::string& group) {
    MQ_ASSIGN(const auto known, session.offsets.group(group));
    if (known) return true;
    MQ_ASSIGN(const auto live, groups::describe(session.directory, group));
    return !live.members.empty();
}

std::vector<std::string> rest_of(const std::vector<std::string>& operands, std::size_t first) {
    return {operands.begin() + static_cast<std::ptrdiff_t>(std::min(first, operands.size())), operands.end()};
}

// ---- reset

// Why the command line makes no sense; empty if it does.
std::string check_reset(const Args& args) {
    std::set<std::string_view> ways{args.ways.begin(), args.ways.end()};
    if (ways.empty()) return "where to? --to RANGE, --shift-by N or --from-file FILE";
    if (ways.size() > 1) {
        std::string all;
        for (const std::string_view way : ways) all += cat(all.empty() ? "" : ", ", way);
        return cat("which of them? ", all);
    }
    const auto has_end = [](const cli::Range& range) { return range.until.has_value(); };
    if (has_end(args.to.all) ||
        std::ranges::any_of(args.to.by_partition, [&](const auto& entry) { return has_end(entry.second); }))
        return "--to: one place, not a range with an end";
    return {};
}

// A time that has not come yet means the end of the log, which is not what everybody expects.
void tell_future(Session& session) {
    const auto tell = [&session](const cli::Range& range) {
        if (!range.from || range.from->kind != Kind::timestamp || range.from->value <= wall_clock_ms()) return;
        std::string time;
        cli::append_iso_time(time, range.from->value);
        session.diagnostics.warning(cat(time, " lies in the future: it means the end of the log"));
    };
    tell(session.args.to.all);
    for (const auto& [partition, range] : session.args.to.by_partition) tell(range);
}

// What --shift-by means for one partition. Errors: bad_argument, nothing was committed there.
Result<cli::Bound> shifted(const std::optional<offsets::Committed>& old, const log::TopicPartition& id,
                           std::int64_t by) {
    if (!old) {
        return fail(Errc::bad_argument, {}, {},
                    cat("--shift-by: the group has committed nothing of ", log::partition_directory(id)));
    }
    std::int64_t wanted = 0;
    if (__builtin_add_overflow(old->offset.value(), by, &wanted)) wanted = std::numeric_limits<std::int64_t>::max();
    return cli::Bound{Kind::offset, wanted};
}

// The partitions that a reset is about.
Result<std::vector<log::TopicPartition>> scope_of(Session& session, const std::string& group,
                                                  const std::vector<std::string>& topics,
                                                  const offsets::GroupOffsets& committed) {
    if (session.args.all_topics) {
        std::vector<log::TopicPartition> all;
        for (const auto& [id, value] : committed) all.push_back(id);
        return all;
    }
    MQ_ASSIGN(auto chosen, choose_partitions(session, topics));
    if (session.args.allow_new) return chosen;
    for (const log::TopicPartition& id : chosen) {
        const auto same = [&id](const auto& entry) { return entry.first.topic == id.topic; };
        if (!std::ranges::any_of(committed, same)) {
            return fail(Errc::not_found, {}, {},
                        cat("group '", group, "' has committed nothing of topic '", id.topic, "': give --allow-new"));
        }
    }
    return chosen;
}

Result<Plan> plan_reset(Session& session, const std::string& group, const std::vector<std::string>& topics) {
    const Args& args = session.args;
    Plan plan{group, {}, false, {}};
    if (!args.allow_new) {
        MQ_ASSIGN(const bool there, is_there(session, group));
        if (!there) return no_group(group);
    }
    MQ_ASSIGN(const auto committed, session.offsets.fetch_all(group));
    MQ_ASSIGN(const auto scope, scope_of(session, group, topics, committed));
    for (const log::TopicPartition& id : scope) {
        const auto old = committed_of(committed, id);
        Destination destination{id, {}};
        if (args.shift_by) {
            MQ_ASSIGN(destination.to, shifted(old, id, *args.shift_by));
        } else {
            const cli::Range range = args.to.of_partition(id.partition);
            if (!range.from) continue;  // only other partitions were named
            destination.to = *range.from;
        }
        MQ_TRY(add_destination(session, destination, old, plan));
    }
    return plan;
}

// ---- import, and reset --from-file

Result<Plan> plan_rows(Session& session, const std::string& group, const std::vector<cli::GroupOffset>& rows) {
    Plan plan{group, {}, false, {}};
    MQ_ASSIGN(const auto committed, session.offsets.fetch_all(group));
    for (const cli::GroupOffset& row : rows) {
        if (!row.group.empty() && row.group != group) continue;
        const auto old = committed_of(committed, row.id);
        if (!row.offset) {
            if (old) plan.changes.push_back({row.id, old, std::nullopt});
            continue;
        }
        MQ_TRY(check_partition(session, row.id));
        offsets::Committed wanted;
        wanted.offset = *row.offset;
        wanted.leader_epoch = row.leader_epoch;
        wanted.metadata = row.metadata;
        MQ_TRY(add_commit(session, row.id, std::move(wanted), old, plan));
    }
    return plan;
}

// "TOPIC:P=OFFSET"
Result<Destination> parse_assignment(std::string_view text) {
    const std::size_t equals = text.find('=');
    const std::size_t colon = text.substr(0, equals).rfind(':');
    if (equals == text.npos || colon == text.npos) return cli::bad_value(text, "is not TOPIC:PARTITION=OFFSET");
    MQ_ASSIGN(const std::int32_t partition,
              cli::parse_integer<std::int32_t>(text.substr(colon + 1, equals - colon - 1), 0, cli::kMostPartition));
    MQ_ASSIGN(const cli::Range range, cli::parse_range(text.substr(equals + 1), wall_clock_ms()));
    if (!range.from || range.until) return cli::bad_value(text.substr(equals + 1), "is a range and no offset");
    return Destination{{std::string{text.substr(0, colon)}, partition}, *range.from};
}

}  // namespace

ExitCode reset(Session& session) {
    const Args& args = session.args;
    if (const std::string problem = check_reset(args); !problem.empty()) return refuse(session, problem);
    // Of Kafka's spelling the operands are groups; elsewhere the first is one, unless all are meant.
    const std::size_t names = args.kafka_spelling ? args.operands.size() : args.all_groups ? 0 : 1;
    if (names > args.operands.size()) return refuse(session, "which group? GROUP or --all-groups");
    const std::vector<std::string> named{args.operands.begin(),
                                         args.operands.begin() + static_cast<std::ptrdiff_t>(names)};
    std::vector<std::string> topics = rest_of(args.operands, names);
    topics.insert(topics.end(), args.topics.begin(), args.topics.end());
    const auto groups = choose_groups(session, named);
    if (!groups) return session.diagnostics.fail(groups.error());
    if (args.from_file) {
        if (!topics.empty() || args.all_topics) return refuse(session, "--from-file names the topics");
        const auto rows = cli::read_offset_file(*args.from_file);
        if (!rows) return session.diagnostics.fail(rows.error());
        return change_groups(session, *groups,
                             [&](const std::string& group) { return plan_rows(session, group, *rows); });
    }
    if (topics.empty() && !args.all_topics) return refuse(session, "which topic? TOPIC[:PARTITIONS] or --all-topics");
    if (!topics.empty() && args.all_topics) return refuse(session, "TOPIC and --all-topics: which of them?");
    tell_future(session);
    return change_groups(session, *groups,
                         [&](const std::string& group) { return plan_reset(session, group, topics); });
}

ExitCode set(Session& session) {
    const auto& operands = session.args.operands;
    if (operands.size() < 2) return refuse(session, "GROUP TOPIC:PARTITION=OFFSET...");
    std::map<log::TopicPartition, cli::Bound> wanted;
    for (const std::string& text : rest_of(operands, 1)) {
        auto destination = parse_assignment(text);
        if (!destination) return refuse(session, destination.error().message());
        wanted.insert_or_assign(std::move(destination->id), destination->to);
    }
    return change_groups(session, {operands.front()}, [&](const std::string& group) -> Result<Plan> {
        Plan plan{group, {}, false, {}};
        MQ_ASSIGN(const auto committed, session.offsets.fetch_all(group));
        for (const auto& [id, to] : wanted) {
            MQ_TRY(check_partition(session, id));
            MQ_TRY(add_destination(session, {id, to}, committed_of(committed, id), plan));
        }
        return plan;
    });
}

ExitCode import_offsets(Session& session) {
    const Args& args = session.args;
    if (args.operands.size() != 1) return refuse(session, "which file? FILE or -");
    const auto rows = cli::read_offset_file(args.operands.front());
    if (!rows) return session.diagnostics.fail(rows.error());
    std::set<std::string> groups;
    for (const cli::GroupOffset& row : *rows) {
        if (row.group.empty() && !args.group)
            return refuse(session, cat(args.operands.front(), " names no group: give --group GROUP"));
        groups.insert(row.group.empty() ? *args.group : row.group);
    }
    // Of a file of several, one.
    if (args.group) std::erase_if(groups, [&](const std::string& group) { return group != *args.group; });
    if (groups.empty() && !rows->empty()) return session.diagnostics.fail(no_group(*args.group).value());
    return change_groups(session, {groups.begin(), groups.end()},
                         [&](const std::string& group) { return plan_rows(session, group, *rows); });
}

ExitCode copy(Session& session) {
    const auto& operands = session.args.operands;
    if (operands.size() < 2) return refuse(session, "SOURCE GROUP [TOPIC[:PARTITIONS]...]");
    if (operands[0] == operands[1]) return refuse(session, "a group cannot be copied to itself");
    const std::string& source = operands[0];
    return change_groups(session, {operands[1]}, [&](const std::string& group) -> Result<Plan> {
        MQ_ASSIGN(const bool there, is_there(session, source));
        if (!there) return no_group(source);
        Plan plan{group, {}, false, {}};
        MQ_ASSIGN(const auto wanted, session.offsets.fetch_all(source));
        MQ_ASSIGN(const auto committed, session.offsets.fetch_all(group));
        MQ_ASSIGN(const auto only, choose_partitions(session, rest_of(operands, 2)));
        for (const auto& [id, commit] : wanted) {
            if (operands.size() > 2 && !std::ranges::binary_search(only, id)) continue;
            MQ_TRY(add_commit(session, id, commit, committed_of(committed, id), plan));
        }
        return plan;
    });
}

ExitCode forget(Session& session) {
    const Args& args = session.args;
    std::vector<std::string> topics = rest_of(args.operands, 1);
    topics.insert(topics.end(), args.topics.begin(), args.topics.end());
    if (args.operands.empty() || topics.empty()) return refuse(session, "GROUP TOPIC[:PARTITIONS]...");
    return change_groups(session, {args.operands.front()}, [&](const std::string& group) -> Result<Plan> {
        MQ_ASSIGN(const bool there, is_there(session, group));
        if (!there) return no_group(group);
        Plan plan{group, {}, false, {}};
        MQ_ASSIGN(const auto committed, session.offsets.fetch_all(group));
        std::set<log::TopicPartition> seen;
        for (const std::string& text : topics) {
            // The topic need not be there any more.
            MQ_ASSIGN(const cli::TopicOperand wanted, cli::parse_topic_operand(text));
            const auto is_meant = [&wanted](const log::TopicPartition& id) {
                return id.topic == wanted.topic &&
                       (wanted.partitions.empty() || std::ranges::binary_search(wanted.partitions, id.partition));
            };
            std::size_t found = 0;
            for (const auto& [id, commit] : committed) {
                if (!is_meant(id)) continue;
                ++found;
                if (seen.insert(id).second) plan.changes.push_back({id, commit, std::nullopt});
            }
            if (found == 0 || found < wanted.partitions.size())
                return fail(Errc::not_found, {}, {},
                            cat("group '", group, "' has not committed all of '", text, "'"));
        }
        return plan;
    });
}

ExitCode remove(Session& session) {
    const Args& args = session.args;
    if (args.operands.empty() && !args.all_groups) return refuse(session, "which group? GROUP or --all");
    const auto groups = choose_groups(session, args.operands);
    if (!groups) return session.diagnostics.fail(groups.error());
    return change_groups(session, *groups, [&](const std::string& group) -> Result<Plan> {
        MQ_ASSIGN(const bool there, is_there(session, group));
        if (!there) return no_group(group);
        Plan plan{group, {}, true, {}};
        MQ_ASSIGN(const auto committed, session.offsets.fetch_all(group));
        for (const auto& [id, commit] : committed) plan.changes.push_back({id, commit, std::nullopt});
        return plan;
    });
}

}  // namespace mq::offsets_tool
