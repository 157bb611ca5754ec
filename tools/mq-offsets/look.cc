// list, describe, export.

#include <algorithm>

#include "cli/text.h"
#include "position.h"

namespace mq::offsets_tool {
namespace {

using cli::cat;

constexpr std::string_view kType = "Classic";

constexpr Field kListFields[] = {{"group"}, {"state"}, {"type"}, {"members", true, true}, {"partitions", true, true}};

// Which fields a table has: -v shows them all.
std::vector<Field> fields_for(const Args& args, std::span<const Field> fields) {
    std::vector<Field> chosen{fields.begin(), fields.end()};
    for (Field& field : chosen) {
        if (args.verbose) field.usual = true;
        // Scripts count the columns of Kafka's tool.
        if (args.kafka_spelling && field.name == "time_lag_ms") field.usual = false;
    }
    return chosen;
}

bool has_word(const std::vector<std::string>& words, std::string_view name) {
    if (words.empty()) return true;
    std::string lower{name};
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return std::ranges::find(words, lower) != words.end();
}

Result<bool> reads_topic(Session& session, const GroupView& group, const std::string& topic) {
    for (const groups::MemberDescription& member : group.members)
        if (std::ranges::find(member.topics, topic) != member.topics.end()) return true;
    MQ_ASSIGN(const auto committed, session.offsets.fetch_all(group.name));
    return std::ranges::any_of(committed, [&topic](const auto& entry) { return entry.first.topic == topic; });
}

// Runs `work` for each group of the operands; what fails is told and counted.
template <typename Work>
ExitCode for_each_group(Session& session, Rows* rows, const Work& work) {
    if (session.args.operands.empty() && !session.args.all_groups)
        return session.diagnostics.fail(ExitCode::usage, cat(session.args.command, ": which group? GROUP or --all"));
    const auto groups = choose_groups(session, session.args.operands);
    if (!groups) return session.diagnostics.fail(groups.error());
    for (const std::string& name : *groups) {
        const Status worked = [&]() -> Status {
            MQ_ASSIGN(const GroupView group, look_at(session, name));
            for (const std::string& problem : group.problems) session.diagnostics.warning(problem);
            return work(group);
        }();
        if (worked)
            ++session.done;
        else
            session.fail_item(worked.error());
    }
    return session.finish(rows);
}

constexpr Field kOffsetFields[] = {{"group"},
                                   {"topic"},
                                   {"partition", true, true},
                                   {"current_offset", true, true},
                                   {"log_end_offset", true, true},
                                   {"lag", true, true},
                                   {"time_lag_ms", true, true, "TIME-LAG"},
                                   {"consumer_id"},
                                   {"host"},
                                   {"client_id"},
                                   {"log_start_offset", false, true},
                                   {"leader_epoch", false, true},
                                   {"commit_timestamp", false, true, "COMMITTED"},
                                   {"metadata", false},
                                   {"note", false}};

std::optional<std::int64_t> value_of(const std::optional<Offset>& offset) {
    return offset ? std::optional{offset->value()} : std::nullopt;
}

void add_position(Rows& rows, const Args& args, const GroupView& group, const Position& position) {
    const auto reads = [&position](const groups::MemberDescription& member) {
        return std::ranges::find(member.owned, position.id) != member.owned.end();
    };
    const auto owner = std::ranges::find_if(group.members, reads);
    const groups::MemberDescription nobody;
    const groups::MemberDescription& member = owner == group.members.end() ? nobody : *owner;
    const auto& committed = position.committed;
    const bool has_lag = committed && position.log_end;
    rows.add({outside_cell("group", group.name), text_cell(position.id.topic), number_cell(position.id.partition),
              committed ? number_cell(committed->offset.value()) : text_cell({}),
              number_cell(value_of(position.log_end)), has_lag ? number_cell(position.lag) : text_cell({}),
              duration_cell(args.form, has_lag ? position.time_lag_ms : std::nullopt),
              outside_cell("consumer_id", member.member_id), outside_cell("host", member.host),
              outside_cell("client_id", member.client_id), number_cell(value_of(position.log_start)),
              committed && committed->leader_epoch >= 0 ? number_cell(committed->leader_epoch) : text_cell({}),
              time_cell(args.form, committed ? committed->commit_timestamp : kNoTimestamp),
              outside_cell("metadata", committed ? std::string_view{committed->metadata} : std::string_view{}),
              text_cell(position.note)});
}

ExitCode describe_offsets(Session& session) {
    const Args& args = session.args;
    const std::vector<Field> fields = fields_for(args, kOffsetFields);
    auto rows = Rows::make(fields, args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    return for_each_group(session, &*rows, [&](const GroupView& group) -> Status {
        if (args.kafka_spelling && args.form == Form::table && group.members.empty())
            session.diagnostics.summary(cat("Consumer group '", group.name, "' has no active members."));
        MQ_ASSIGN(const auto positions, positions_of(session, group, true));
        for (const Position& position : positions) {
            tell_note(session, group.name, position);
            if (!args.only_lag || position.lag > 0) add_position(*rows, args, group, position);
        }
        return {};
    });
}

constexpr Field kMemberFields[] = {{"group"},
                                   {"consumer_id"},
                                   {"host"},
                                   {"client_id"},
                                   {"partitions", true, true, "#PARTITIONS"},
                                   {"group_instance_id", false},
                                   {"pid", false, true},
                                   {"assignment", false},
                                   {"next_assignment", false},
                                   {"topics", false}};

// "a(0,1), b(2)", as Kafka's tool has it; in JSON a list of "a-0".
Cell partitions_cell(const std::vector<log::TopicPartition>& partitions) {
    Cell cell{{}, "["};
    for (std::size_t i = 0; i < partitions.size(); ++i) {
        const bool same = i > 0 && partitions[i - 1].topic == partitions[i].topic;
        if (same)
            cell.text.back() = ',';
        else
            cell.text += cat(i > 0 ? ", " : "", partitions[i].topic, '(');
        cell.text += cat(partitions[i].partition, ')');
        cell.json += cat(i > 0 ? "," : "", '"', log::partition_directory(partitions[i]), '"');
    }
    cell.json += ']';
    return cell;
}

Cell names_cell(const std::vector<std::string>& names) {
    Cell cell{{}, "["};
    for (const std::string& name : names) {
        cell.text += cat(cell.text.empty() ? "" : ",", name);
        cell.json += cat(cell.json.size() > 1 ? "," : "", text_cell(name).json);
    }
    cell.json += ']';
    return cell;
}

ExitCode describe_members(Session& session) {
    const Args& args = session.args;
    const std::vector<Field> fields = fields_for(args, kMemberFields);
    auto rows = Rows::make(fields, args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    return for_each_group(session, &*rows, [&](const GroupView& group) -> Status {
        if (group.members.empty()) session.diagnostics.summary(cat("group '", group.name, "' has no members"));
        for (const groups::MemberDescription& member : group.members) {
            rows->add({outside_cell("group", group.name), outside_cell("consumer_id", member.member_id),
                       outside_cell("host", member.host), outside_cell("client_id", member.client_id),
                       number_cell(static_cast<std::int64_t>(member.owned.size())),
                       outside_cell("group_instance_id", member.instance_id),
                       member.pid != 0 ? number_cell(member.pid) : text_cell({}), partitions_cell(member.owned),
                       partitions_cell(member.assigned), names_cell(member.topics)});
        }
        return {};
    });
}

constexpr Field kStateFields[] = {{"group"},
                                  {"assignment_strategy"},
                                  {"state"},
                                  {"members", true, true, "#MEMBERS"},
                                  {"generation", true, true},
                                  {"partitions", false, true}};

ExitCode describe_state(Session& session) {
    const std::vector<Field> fields = fields_for(session.args, kStateFields);
    auto rows = Rows::make(fields, session.args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    return for_each_group(session, &*rows, [&](const GroupView& group) -> Status {
        rows->add({outside_cell("group", group.name), text_cell(group.strategy), text_cell(group.state),
                   number_cell(static_cast<std::int64_t>(group.members.size())), number_cell(group.generation),
                   number_cell(static_cast<std::int64_t>(group.partitions))});
        return {};
    });
}

}  // namespace

ExitCode list(Session& session) {
    const Args& args = session.args;
    auto rows = Rows::make(kListFields, args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    const auto add = [&](const GroupView& group) -> Status {
        if (!has_word(args.states, group.state) || !has_word(args.types, kType)) return {};
        if (args.topic) {
            MQ_ASSIGN(const bool wanted, reads_topic(session, group, *args.topic));
            if (!wanted) return {};
        }
        if (args.names_only)
            session.out.write(group.name + '\n');
        else
            rows->add({outside_cell("group", group.name), text_cell(group.state), text_cell(kType),
                       number_cell(static_cast<std::int64_t>(group.members.size())),
                       number_cell(static_cast<std::int64_t>(group.partitions))});
        return {};
    };
    return for_each_group(session, &*rows, add);
}

ExitCode describe(Session& session) {
    switch (session.args.view) {
        case View::members:
            return describe_members(session);
        case View::state:
            return describe_state(session);
        case View::offsets:
            break;
    }
    return describe_offsets(session);
}

ExitCode export_offsets(Session& session) {
    const Args& args = session.args;
    // One group that is named: the shape without it, as Kafka's tool has it.
    const bool with_group = args.all_groups || args.regex || args.operands.size() > 1;
    return for_each_group(session, nullptr, [&](const GroupView& group) -> Status {
        MQ_ASSIGN(const auto committed, session.offsets.fetch_all(group.name));
        std::string line;
        for (const auto& [id, value] : committed) {
            line.clear();
            const cli::GroupOffset row{
                group.name, id, value.offset, value.leader_epoch, value.metadata, value.commit_timestamp};
            cli::append_offset(line, row, args.format, with_group);
            session.out.write(line);
        }
        return {};
    });
}

}  // namespace mq::offsets_tool
