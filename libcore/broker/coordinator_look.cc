// Looking at groups: those that are joined over the network, by local processes, or by nobody.
#include "broker/coordinator_impl.h"
#include "groups/exclusion.h"
#include "groups/local_member.h"
#include "record/consumer_protocol.h"

namespace mq::broker {
namespace {

using groups::GroupError;

std::vector<record::TopicPartitions> by_topic(const std::vector<log::TopicPartition>& partitions) {
    std::vector<record::TopicPartitions> topics;
    for (const auto& [topic, partition] : partitions) {
        if (topics.empty() || topics.back().topic != topic) topics.push_back({topic, {}});
        topics.back().partitions.push_back(partition);
    }
    return topics;
}

// As if they had joined by the consumer protocol.
groups::GroupSummary summary_of(const std::string& group, const groups::GroupDescription& local) {
    groups::GroupSummary summary;
    summary.group = group;
    summary.protocol_type = "consumer";
    summary.generation = static_cast<std::int32_t>(local.generation & 0x7fff'ffff);
    const bool stable = local.state == groups::GroupState::stable;
    summary.state = local.state == groups::GroupState::empty ? groups::ClassicState::empty
                    : stable                                 ? groups::ClassicState::stable
                                                             : groups::ClassicState::preparing_rebalance;
    if (stable) summary.protocol = groups::to_string(local.assignor);
    for (const groups::MemberDescription& member : local.members) {
        groups::MemberSummary& one = summary.members.emplace_back();
        one.member_id = member.member_id;
        if (!member.instance_id.empty()) one.instance_id = member.instance_id;
        one.client_id = member.client_id;
        one.client_host = "/" + member.host;
        if (!stable) continue;
        record::ConsumerSubscription subscription;
        subscription.topics = member.topics;
        one.metadata = encode(subscription);
        record::ConsumerAssignment assignment;
        assignment.partitions = by_topic(member.owned);
        one.assignment = encode(assignment);
    }
    return summary;
}

}  // namespace

Result<groups::GroupSummary> Coordinator::Impl::describe_unjoined(const std::string& group) {
    MQ_ASSIGN(const auto local, groups::describe(parts.directory, group));
    if (!local.members.empty()) return summary_of(group, local);
    groups::GroupSummary summary;
    summary.group = group;
    MQ_ASSIGN(const auto known, parts.offsets.group(group));
    if (!known) return summary;
    summary.state = groups::ClassicState::empty;
    if (known->metadata) {
        summary.protocol_type = known->metadata->protocol_type;
        summary.generation = known->metadata->generation;
    }
    return summary;
}

void Coordinator::describe(const std::string& group, Described done) {
    Impl& my = *impl_;
    Impl::Shard& shard = my.shard_of(group);
    GroupError error = GroupError::none;
    groups::GroupSummary summary;
    {
        const std::lock_guard lock{shard.mutex};
        if (my.is_stopped) {
            error = GroupError::not_coordinator;
        } else if (!shard.is_loaded) {
            error = GroupError::coordinator_load_in_progress;
        } else if (shard.machine.is_joined(group)) {
            summary = shard.machine.describe(group);
        } else {
            groups::GroupSummary nothing;
            nothing.group = group;
            const auto answer = my.in_time(done, GroupError::coordinator_load_in_progress, nothing);
            return my.enqueue(shard, [&my, &shard, group, nothing, answer](Impl::Batch&) {
                if (answer->is_given()) return;
                if (my.is_joined(shard, group)) {
                    groups::GroupSummary now_joined;
                    {
                        const std::lock_guard again{shard.mutex};
                        now_joined = shard.machine.describe(group);
                    }
                    return my.give(*answer, GroupError::none, now_joined);
                }
                const auto found = my.describe_unjoined(group);
                if (found) return my.give(*answer, GroupError::none, *found);
                my.complain(QuietLog::Kind::offsets, "group " + group, found.error());
                my.give(*answer, commit_error_of(found.error()), nothing);
            });
        }
    }
    summary.group = group;
    done(error, summary);
}

Coordinator::Listed Coordinator::list() {
    Impl& my = *impl_;
    Listed listed;
    std::map<std::string, groups::GroupSummary> found;
    for (const auto& shard : my.shards) {
        const std::lock_guard lock{shard->mutex};
        if (!shard->is_loaded) listed.error = GroupError::coordinator_load_in_progress;
        for (const std::string& name : shard->machine.groups()) {
            if (!shard->machine.is_joined(name)) continue;
            groups::GroupSummary summary = shard->machine.describe(name);
            summary.members.clear();
            found.emplace(name, std::move(summary));
        }
    }
    const auto failed = [&](const Error& why) {
        my.complain(QuietLog::Kind::offsets, "groups cannot be listed", why);
        listed.error = commit_error_of(why);
    };
    const auto add = [&](const std::string& name) {
        if (found.contains(name)) return;
        auto summary = my.describe_unjoined(name);
        if (!summary) return failed(summary.error());
        summary->members.clear();
        if (summary->state != groups::ClassicState::dead) found.emplace(name, *std::move(summary));
    };
    if (const auto active = groups::active_groups(my.parts.directory)) {
        for (const std::string& name : *active) add(name);
    } else {
        failed(active.error());
    }
    if (const auto known = my.parts.offsets.groups()) {
        for (const offsets::Group& group : *known) {
            listed.offsets += group.partitions;
            if (found.contains(group.name)) continue;
            groups::GroupSummary empty;
            empty.group = group.name;
            empty.state = groups::ClassicState::empty;
            if (group.metadata) empty.protocol_type = group.metadata->protocol_type;
            found.emplace(group.name, std::move(empty));
        }
    } else {
        failed(known.error());
    }
    for (auto& [name, summary] : found) listed.groups.push_back(std::move(summary));
    return listed;
}

}  // namespace mq::broker
