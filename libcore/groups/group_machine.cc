#include "groups/group_machine.h"

#include <algorithm>

#include "base/assert.h"
#include "groups/group_part.h"

namespace mq::groups {

std::string_view to_string(ClassicState state) {
    switch (state) {
        case ClassicState::empty:
            return "Empty";
        case ClassicState::preparing_rebalance:
            return "PreparingRebalance";
        case ClassicState::completing_rebalance:
            return "CompletingRebalance";
        case ClassicState::stable:
            return "Stable";
        case ClassicState::dead:
            break;
    }
    return "Dead";
}

GroupMachine::GroupMachine(GroupConfig config, std::function<std::string()> random_suffix)
    : config_(config), random_suffix_(std::move(random_suffix)) {}

GroupMachine::~GroupMachine() = default;

// ---- groups

// GRP-3 and GRP-4, in Kafka's order.
GroupError GroupMachine::check_group(std::string_view group, bool may_be_empty) const {
    if (group.empty() && !may_be_empty) return GroupError::invalid_group_id;
    if (phase_ == Phase::loading) return GroupError::coordinator_load_in_progress;
    if (phase_ == Phase::resigned) return GroupError::not_coordinator;
    return GroupError::none;
}

GroupPart* GroupMachine::find(std::string_view group) const {
    const auto found = groups_.find(group);
    return found == groups_.end() ? nullptr : found->second.get();
}

GroupPart& GroupMachine::create(std::string_view group) {
    std::string name{group};
    auto& place = groups_[name];
    if (!place) place = std::make_unique<GroupPart>(std::move(name));
    return *place;
}

void GroupMachine::forget_if_void(GroupPart& group) {
    if (group.state != ClassicState::empty || group.generation != 0 || group.has_offsets) return;
    if (!group.members.empty() || !group.pending.empty()) return;
    wakeups_.erase({group.wake_ms, group.name});
    groups_.erase(group.name);
}

void GroupMachine::enter(GroupPart& group, ClassicState state, Now now) {
    using enum ClassicState;
    const ClassicState from = group.state;
    const bool legal =
        (state == preparing_rebalance && (from == empty || from == stable || from == completing_rebalance)) ||
        ((state == completing_rebalance || state == empty) && from == preparing_rebalance) ||
        (state == stable && from == completing_rebalance);
    MQ_ASSERT(legal);
    group.state = state;
    group.state_since_ms = now.wall_ms;
    group.entered_ms = now.monotonic_ms;
    group.has_lost_members = false;
}

// ---- time

// The monotonic clock does not go back; one that does is held.
Now GroupMachine::at(Now now) {
    latest_ms_ = std::max(latest_ms_, now.monotonic_ms);
    now.monotonic_ms = latest_ms_;
    return now;
}

void GroupMachine::wake_at(GroupPart& group, std::int64_t at_ms) {
    if (at_ms >= group.wake_ms) return;
    wakeups_.erase({group.wake_ms, group.name});
    group.wake_ms = at_ms;
    wakeups_.insert({at_ms, group.name});
}

void GroupMachine::start_session(GroupPart& group, MemberPart& member, std::int64_t timeout_ms, Now now) {
    member.session_end_ms = now.monotonic_ms + timeout_ms;
    wake_at(group, member.session_end_ms);
}

std::optional<std::int64_t> GroupMachine::next_wakeup_ms() const {
    if (wakeups_.empty()) return std::nullopt;
    return wakeups_.begin()->first;
}

void GroupMachine::due(Now now) {
    now = at(now);
    // Each group once: what its timers set anew waits for the next call.
    std::vector<std::string> names;
    for (const auto& [at_ms, name] : wakeups_) {
        if (at_ms > now.monotonic_ms) break;
        names.push_back(name);
    }
    for (const std::string& name : names) {
        GroupPart& group = *find(name);
        wakeups_.erase({group.wake_ms, name});
        group.wake_ms = kNever;
        outputs_.touched.push_back(name);
        fire(group, now);
        wake_at(group, std::min(group.join_end_ms, group.sync_end_ms));
        wake_at(group, group.pending.next_end_ms());
        for (const auto& [id, member] : group.members) wake_at(group, member.session_end_ms);
        forget_if_void(group);
    }
}

void GroupMachine::fire(GroupPart& group, Now now) {
    if (group.join_end_ms <= now.monotonic_ms) {
        if (group.initial_delay) {
            end_initial_delay(group, now);
        } else {
            complete_join(group, now);
        }
    }
    if (group.sync_end_ms <= now.monotonic_ms) {
        // SYN-5
        group.sync_end_ms = kNever;
        std::vector<std::string> late;
        for (const auto& [id, member] : group.members) {
            if (member.owes_sync) late.push_back(id);
        }
        for (const std::string& id : late) remove_member(group, id, now);
    }
    for (const std::string& id : group.pending.ended(now.monotonic_ms)) drop_pending(group, id, now);
    std::vector<std::string> over;
    for (auto& [id, member] : group.members) {
        if (member.session_end_ms > now.monotonic_ms) continue;
        // Who is held back cannot heartbeat; its session begins again with the answer. A new member's join is the
        // exception: nobody else would notice that it is gone (JOI-17).
        member.session_end_ms = kNever;
        const bool waits = member.held_sync || (member.held_join && !member.is_new);
        if (!waits) over.push_back(id);
    }
    for (const std::string& id : over) remove_member(group, id, now);
}

// ---- answers and writes

void GroupMachine::answer_join(GroupPart& group, MemberPart& member, JoinAnswer answer) {
    if (!member.held_join) return;
    outputs_.joins.push_back({*member.held_join, std::move(answer)});
    group.end_join(member);
}

void GroupMachine::answer_sync(MemberPart& member, SyncAnswer answer) {
    if (!member.held_sync) return;
    outputs_.syncs.push_back({*member.held_sync, std::move(answer)});
    member.held_sync.reset();
}

void GroupMachine::answer_held(GroupPart& group, MemberPart& member, GroupError error) {
    JoinAnswer join;
    join.error = error;
    join.member_id = error == GroupError::fenced_instance_id ? member.member_id : "";
    answer_join(group, member, std::move(join));
    SyncAnswer sync;
    sync.error = error;
    answer_sync(member, std::move(sync));
}

GroupOutputs GroupMachine::take_outputs() { return std::exchange(outputs_, {}); }

void GroupMachine::write(GroupPart& group, PendingWrite pending) {
    record::GroupMetadataValue value = group.to_record();
    for (record::GroupMember& member : value.members) {
        const auto given = pending.assignments.find(member.member_id);
        if (pending.what == PendingWrite::What::assignment) {
            member.assignment = given == pending.assignments.end() ? std::string{} : given->second;
        }
    }
    pending.group = group.name;
    pending.generation = group.generation;
    const std::uint64_t id = next_write_++;
    const bool is_awaited = pending.what != PendingWrite::What::emptied;
    writes_.emplace(id, std::make_unique<PendingWrite>(std::move(pending)));
    outputs_.writes.push_back({id, group.name, std::move(value), is_awaited});
}

void GroupMachine::written(std::uint64_t id, GroupError append_error, Now now) {
    now = at(now);
    const auto found = writes_.find(id);
    if (found == writes_.end()) return;
    const std::unique_ptr<PendingWrite> pending = std::move(found->second);
    writes_.erase(found);
    GroupPart* group = find(pending->group);
    // The group may have gone on, or away, since.
    if (group == nullptr || group->generation != pending->generation) return;
    const GroupError error = error_of_group_append(append_error);
    if (pending->what == PendingWrite::What::assignment) finish_assignment(*group, *pending, error, now);
    if (pending->what == PendingWrite::What::replacement) finish_replacement(*group, *pending, error, now);
}

GroupError error_of_group_append(GroupError append) {
    const GroupError error = error_of_offset_append(append);
    if (append == GroupError::request_timed_out) return GroupError::rebalance_in_progress;
    return error == GroupError::invalid_commit_offset_size ? GroupError::unknown_server_error : error;
}

GroupError error_of_offset_append(GroupError append) {
    switch (append) {
        case GroupError::unknown_topic_or_partition:
        case GroupError::not_enough_replicas:
        case GroupError::not_enough_replicas_after_append:
            return GroupError::coordinator_not_available;
        case GroupError::not_leader_or_follower:
        case GroupError::kafka_storage_error:
            return GroupError::not_coordinator;
        case GroupError::message_too_large:
        case GroupError::record_list_too_large:
        case GroupError::invalid_fetch_size:
            return GroupError::invalid_commit_offset_size;
        case GroupError::network_exception:
            return GroupError::coordinator_load_in_progress;
        default:
            return append;
    }
}

}  // namespace mq::groups
