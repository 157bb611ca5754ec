#include "session.h"

#include <algorithm>
#include <atomic>
#include <set>

#include "cli/patterns.h"
#include "cli/text.h"
#include "cli/times.h"
#include "groups/exclusion.h"
#include "record/consumer_protocol.h"

namespace mq::offsets_tool {

using cli::cat;

Result<store::PartitionReader*> Session::reader(const log::TopicPartition& id) {
    auto found = readers_.find(id);
    if (found == readers_.end()) {
        MQ_ASSIGN(auto opened, directory.open_reader(id));
        found = readers_.emplace(id, std::move(opened)).first;
    }
    return found->second.get();
}

namespace {

// Members of a metadata record, as a coordinator knew them last.
void take_record(const record::GroupMetadataValue& metadata, GroupView& view) {
    view.generation = static_cast<std::uint32_t>(std::max(metadata.generation, 0));
    view.state = metadata.members.empty() ? "Empty" : "Stable";
    if (!metadata.members.empty()) view.strategy = metadata.protocol.value_or(std::string{});
    for (const record::GroupMember& member : metadata.members) {
        groups::MemberDescription& one = view.members.emplace_back();
        one.member_id = member.member_id;
        one.instance_id = member.group_instance_id.value_or(std::string{});
        one.client_id = member.client_id;
        one.host = member.client_host;
        // Of other protocols than consumer the bytes mean something else.
        if (metadata.protocol_type != "consumer") continue;
        if (!member.subscription.empty()) {
            if (const auto subscription = record::parse_consumer_subscription(member.subscription))
                one.topics = subscription->topics;
            else
                view.problems.push_back(cat("member ", one.member_id, ": ", subscription.error().message()));
        }
        if (member.assignment.empty()) continue;
        const auto assignment = record::parse_consumer_assignment(member.assignment);
        if (!assignment) {
            view.problems.push_back(cat("member ", one.member_id, ": ", assignment.error().message()));
            continue;
        }
        for (const record::TopicPartitions& topic : assignment->partitions)
            for (const std::int32_t partition : topic.partitions) one.owned.push_back({topic.topic, partition});
        std::ranges::sort(one.owned);
    }
}

}  // namespace

Result<GroupView> look_at(Session& session, const std::string& name) {
    GroupView view;
    view.name = name;
    MQ_ASSIGN(const auto known, session.offsets.group(name));
    MQ_ASSIGN(auto live, groups::describe(session.directory, name));
    if (!known && live.members.empty())
        return fail(Errc::not_found, {}, {}, cat("group '", name, "': no such group"));
    view.state = groups::to_string(live.state);
    if (known) view.partitions = known->partitions;
    if (!live.members.empty()) {
        view.strategy = groups::to_string(live.assignor);
        view.generation = live.generation;
        view.members = std::move(live.members);
    } else if (known->metadata) {
        take_record(*known->metadata, view);
    }
    // The first members that a broker has are not in the record before their first assignment is made.
    if (view.members.empty()) {
        MQ_ASSIGN(const bool networked, groups::is_networked(session.directory, name));
        if (networked) view.state = groups::to_string(groups::GroupState::rebalancing);
    }
    return view;
}

Result<std::vector<std::string>> choose_groups(Session& session, const std::vector<std::string>& names) {
    const Args& args = session.args;
    if (!args.all_groups && !args.regex) return names;
    MQ_ASSIGN(const cli::Patterns patterns,
              cli::Patterns::make(args.regex ? std::span<const std::string>{names} : std::span<const std::string>{}));
    std::set<std::string> found;
    MQ_ASSIGN(const auto known, session.offsets.groups());
    for (const offsets::Group& group : known) found.insert(group.name);
    MQ_ASSIGN(const auto active, groups::active_groups(session.directory));
    found.insert(active.begin(), active.end());
    std::vector<std::string> chosen;
    std::ranges::copy_if(found, std::back_inserter(chosen),
                         [&patterns](const std::string& name) { return patterns.match(name); });
    return chosen;
}

Status check_partition(Session& session, const log::TopicPartition& id) {
    MQ_ASSIGN(const store::TopicShape shape, session.directory.shape(id.topic));
    if (id.partition < shape.partitions) return {};
    return fail(Errc::not_found, {}, {},
                cat("topic '", id.topic, "' has no partition ", id.partition, ", it has ", shape.partitions));
}

Result<std::vector<log::TopicPartition>> choose_partitions(Session& session,
                                                           const std::vector<std::string>& operands) {
    std::set<log::TopicPartition> chosen;
    for (const std::string& operand : operands) {
        MQ_ASSIGN(const cli::TopicOperand wanted, cli::parse_topic_operand(operand));
        MQ_ASSIGN(const store::TopicShape shape, session.directory.shape(wanted.topic));
        for (const std::int32_t partition : wanted.partitions) {
            MQ_TRY(check_partition(session, {wanted.topic, partition}));
            chosen.insert({wanted.topic, partition});
        }
        for (std::int32_t p = 0; p < shape.partitions && wanted.partitions.empty(); ++p)
            chosen.insert({wanted.topic, p});
    }
    return std::vector<log::TopicPartition>(chosen.begin(), chosen.end());
}

std::string duration_text(std::int64_t ms) {
    struct Unit {
        std::string_view name;
        std::int64_t ms;
    };
    static constexpr Unit kUnits[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
    for (std::size_t i = 0; i + 1 < std::size(kUnits); ++i) {
        if (ms < kUnits[i].ms) continue;
        const std::int64_t rest = ms % kUnits[i].ms / kUnits[i + 1].ms;
        // Nobody needs the milliseconds of a duration that has seconds.
        const bool whole = rest == 0 || kUnits[i + 1].ms == 1;
        const std::string first = cat(ms / kUnits[i].ms, kUnits[i].name);
        return whole ? first : cat(first, rest, kUnits[i + 1].name);
    }
    return cat(ms, "ms");
}

Cell outside_cell(std::string_view name, std::string_view text) {
    return text.empty() ? text_cell({}) : cli::bytes_cell(name, text);
}

Cell duration_cell(Form form, std::optional<std::int64_t> ms) {
    Cell cell = number_cell(ms);
    if (form == Form::table && ms) cell.text = duration_text(*ms);
    return cell;
}

Cell time_cell(Form form, TimestampMs time) {
    if (time == kNoTimestamp) return text_cell({});
    Cell cell = number_cell(time);
    if (form == Form::table) {
        cell.text.clear();
        cli::append_iso_time(cell.text, time);
    }
    return cell;
}

CommitWatch::CommitWatch(Session& session, std::string_view group) {
    const auto shape = session.directory.shape(offsets::kOffsetsTopic);
    if (!shape) return;
    const auto reader =
        session.reader({std::string{offsets::kOffsetsTopic}, record::partition_for_id(group, shape->partitions)});
    if (reader) reader_ = *reader;
}

void CommitWatch::arm() {
    if (reader_ == nullptr) return;
    if (const auto bounds = reader_->bounds()) reader_->seek(bounds->log_end);
}

Status CommitWatch::wait(std::int64_t timeout_ms) {
    constexpr std::int64_t kLongest = 500;
    // Nobody raises it: it is there to be slept on where nothing else is.
    static const std::atomic<std::uint32_t> never{0};
    store::PartitionReader* const readers[] = {reader_};
    const std::span<store::PartitionReader* const> all{readers, reader_ == nullptr ? 0u : 1u};
    MQ_TRY(store::Waiter{&never}.wait(all, static_cast<int>(std::clamp<std::int64_t>(timeout_ms, 0, kLongest))));
    return {};
}

}  // namespace mq::offsets_tool
