// Reading groups from the log and giving them up; what depends on membership in the life of offsets; looking.
#include <algorithm>

#include "groups/group_machine.h"
#include "groups/group_part.h"

namespace mq::groups {

// ---- the log

void GroupMachine::load(std::string_view group, const std::optional<record::GroupMetadataValue>& value) {
    const GroupPart* before = find(group);
    const bool has_offsets = before != nullptr && before->has_offsets;
    groups_.erase(std::string{group});
    if (has_offsets) load_offsets_of(group);
    if (!value) return;
    GroupPart& part = create(group);
    part.generation = std::max(value->generation, 0);
    if (!value->protocol_type.empty()) part.protocol_type = value->protocol_type;
    part.state_since_ms = value->current_state_timestamp;
    for (const record::GroupMember& read : value->members) {
        MemberPart member;
        member.member_id = read.member_id;
        member.instance_id = read.group_instance_id;
        member.client_id = read.client_id;
        member.client_host = read.client_host;
        member.session_timeout_ms = read.session_timeout_ms;
        member.rebalance_timeout_ms =
            read.rebalance_timeout_ms < 0 ? read.session_timeout_ms : read.rebalance_timeout_ms;
        member.assignment = read.assignment;
        if (value->protocol) member.protocols.push_back({*value->protocol, read.subscription});
        // A record that names an id or an instance twice was not written by a coordinator: the first counts.
        const bool twice =
            part.has(read.member_id) || (read.group_instance_id && part.statics.count(*read.group_instance_id) != 0);
        if (!twice) part.add(std::move(member));
    }
    if (part.members.empty()) {
        part.read_subscriptions();
        return;
    }
    part.state = ClassicState::stable;
    part.protocol = value->protocol;
    if (value->leader && part.has(*value->leader)) part.leader = value->leader;
    part.read_subscriptions();
}

void GroupMachine::load_offsets_of(std::string_view group) { create(group).has_offsets = true; }

void GroupMachine::renew(std::string_view group, const std::optional<record::GroupMetadataValue>& value,
                         bool has_offsets) {
    if (is_joined(group)) return;
    TimestampMs since_ms = kNoTimestamp;
    std::optional<std::int64_t> entered_ms;
    if (const GroupPart* known = find(group)) {
        since_ms = known->state_since_ms;
        entered_ms = known->entered_ms;
        wakeups_.erase({known->wake_ms, known->name});
        groups_.erase(known->name);
    }
    if (has_offsets) load_offsets_of(group);
    if (!value) return;
    record::GroupMetadataValue empty = *value;
    empty.members.clear();
    load(group, empty);
    GroupPart& part = *find(group);
    part.has_lost_members = !value->members.empty();
    // Still the record that this machine wrote: it knows better how long ago that was.
    if (part.state_since_ms == since_ms) part.entered_ms = entered_ms;
}

void GroupMachine::loaded(Now now) {
    now = at(now);
    phase_ = Phase::active;
    for (auto& [name, group] : groups_) {
        for (auto& [id, member] : group->members) start_session(*group, member, member.session_timeout_ms, now);
        const auto most = static_cast<std::size_t>(std::max(config_.max_group_size, 1));
        if (group->members.size() > most) prepare_rebalance(*group, now);
    }
}

void GroupMachine::resign() {
    phase_ = Phase::resigned;
    for (auto& [name, group] : groups_) {
        outputs_.touched.push_back(name);
        for (auto& [id, member] : group->members) answer_held(*group, member, GroupError::not_coordinator);
    }
    groups_.clear();
    wakeups_.clear();
    writes_.clear();
    outputs_.writes.clear();
}

// ---- offsets

GroupError GroupMachine::check_commit(const CommitRequest& request, Now now) {
    now = at(now);
    const GroupError unfit = check_group(request.group, !request.transactional);
    if (unfit != GroupError::none) return unfit;
    GroupPart* group = find(request.group);
    if (group == nullptr) {
        // OFF-2
        if (request.generation >= 0) return GroupError::illegal_generation;
        create(request.group).has_offsets = true;
        return GroupError::none;
    }
    const bool names_member = request.generation >= 0 || !request.member_id.empty() || request.instance_id;
    if (group->state == ClassicState::empty && request.generation < 0) {
        // OFF-3
    } else if (names_member) {
        // OFF-4, OFF-5
        const GroupError unknown = group->check_member(request.member_id, request.instance_id);
        if (unknown != GroupError::none) return unknown;
        if (request.generation != group->generation) return GroupError::illegal_generation;
        if (group->state == ClassicState::completing_rebalance && !request.transactional) {
            return GroupError::rebalance_in_progress;
        }
        MemberPart& member = *group->find(request.member_id);
        if (!member.held_join && !request.transactional) {
            start_session(*group, member, member.session_timeout_ms, now);
        }
    } else if (!request.transactional) {
        return GroupError::unknown_member_id;
    }
    group->has_offsets = true;
    return GroupError::none;
}

OffsetDeleteAnswer GroupMachine::check_offset_delete(std::string_view group,
                                                     std::span<const std::string> topics) const {
    OffsetDeleteAnswer answer;
    answer.error = check_group(group, false);
    if (answer.error != GroupError::none) return answer;
    const GroupPart* part = find(group);
    if (part == nullptr) {
        answer.error = GroupError::group_id_not_found;
        return answer;
    }
    const bool empty = part->state == ClassicState::empty;
    if (!empty && part->protocol_type != "consumer") {
        answer.error = GroupError::non_empty_group;
        return answer;
    }
    for (const std::string& topic : topics) {
        // What the members subscribe to may be unknown: then perhaps to this topic.
        const bool read = !empty && (!part->subscribed || part->subscribed->count(topic) != 0);
        answer.topics.push_back(read ? GroupError::group_subscribed_to_topic : GroupError::none);
    }
    return answer;
}

bool GroupMachine::offset_expired(std::string_view group, std::string_view topic, OffsetTimes times,
                                  std::int64_t retention_ms, Now now) const {
    const GroupPart* part = find(group);
    if (part == nullptr) return false;
    TimestampMs since_ms = times.committed_ms;
    bool is_old = true;
    if (part->protocol_type) {
        if (part->state == ClassicState::empty) {
            if (part->state_since_ms != kNoTimestamp)
                since_ms = part->has_lost_members ? std::max(since_ms, part->state_since_ms) : part->state_since_ms;
            if (part->entered_ms) is_old = *part->entered_ms <= now.monotonic_ms - retention_ms;
        } else {
            const bool knows =
                part->protocol_type == "consumer" && part->state == ClassicState::stable && part->subscribed;
            if (!knows || part->subscribed->count(topic) != 0) return false;
        }
    }
    if (times.expires_ms != kNoTimestamp) return now.wall_ms >= times.expires_ms;
    return is_old && since_ms <= now.wall_ms - retention_ms;
}

// ---- looking

bool GroupMachine::is_joined(std::string_view group) const {
    const GroupPart* part = find(group);
    return part != nullptr &&
           (part->state != ClassicState::empty || !part->members.empty() || !part->pending.empty());
}

GroupSummary GroupMachine::describe(std::string_view group) const {
    GroupSummary summary;
    summary.group = group;
    const GroupPart* part = find(group);
    if (part == nullptr) return summary;
    const bool stable = part->state == ClassicState::stable;
    summary.state = part->state;
    summary.protocol_type = part->protocol_type.value_or("");
    summary.generation = part->generation;
    if (stable) summary.protocol = part->protocol.value_or("");
    for (const auto& [id, member] : part->members) {
        summary.members.push_back({id, member.instance_id, member.client_id, member.client_host,
                                   stable ? member.metadata(part->protocol) : "", stable ? member.assignment : ""});
    }
    return summary;
}

std::vector<std::string> GroupMachine::groups() const {
    std::vector<std::string> names;
    for (const auto& [name, group] : groups_) names.push_back(name);
    return names;
}

}  // namespace mq::groups
