// SyncGroup, Heartbeat, LeaveGroup, and how members go.
#include "base/assert.h"
#include "groups/group_machine.h"
#include "groups/group_part.h"

namespace mq::groups {

void GroupMachine::sync(Token token, const SyncRequest& request, Now now) {
    now = at(now);
    GroupError error = check_group(request.group, false);
    // GRP-4: so that the member joins again once the group is read.
    if (error == GroupError::coordinator_load_in_progress) error = GroupError::rebalance_in_progress;
    GroupPart* group = error == GroupError::none ? find(request.group) : nullptr;
    if (error == GroupError::none && group == nullptr) error = GroupError::unknown_member_id;
    if (error == GroupError::none) error = group->check_member(request.member_id, request.instance_id);
    if (error == GroupError::none) {
        const bool other_protocol = (request.protocol_type && request.protocol_type != group->protocol_type) ||
                                    (request.protocol && request.protocol != group->protocol);
        if (request.generation != group->generation) {
            error = GroupError::illegal_generation;
        } else if (other_protocol) {
            error = GroupError::inconsistent_group_protocol;
        } else if (group->state == ClassicState::preparing_rebalance) {
            error = GroupError::rebalance_in_progress;
        }
    }
    if (error == GroupError::none) {
        sync_group(*group, token, request, now);
    } else {
        SyncAnswer refusal;
        refusal.error = error;
        outputs_.syncs.push_back({token, std::move(refusal)});
    }
}

// The member is one of the group, which is CompletingRebalance or Stable.
void GroupMachine::sync_group(GroupPart& group, Token token, const SyncRequest& request, Now now) {
    MemberPart& member = *group.find(request.member_id);
    member.owes_sync = false;
    if (group.state == ClassicState::stable) {
        outputs_.syncs.push_back({token, group.sync_answer(member)});
        start_session(group, member, member.session_timeout_ms, now);
        return;
    }
    // The client has given up its request before.
    SyncAnswer superseded;
    superseded.error = GroupError::rebalance_in_progress;
    answer_sync(member, std::move(superseded));
    member.held_sync = token;
    if (group.leader != request.member_id) return;
    PendingWrite pending;
    pending.what = PendingWrite::What::assignment;
    for (const MemberAssignment& one : request.assignments) {
        if (group.has(one.member_id)) pending.assignments[one.member_id] = one.assignment;
    }
    write(group, std::move(pending));
}

void GroupMachine::finish_assignment(GroupPart& group, const PendingWrite& write, GroupError error, Now now) {
    if (group.state != ClassicState::completing_rebalance) return;
    if (error != GroupError::none) {
        // SYN-4
        for (auto& [id, member] : group.members) member.assignment.clear();
        answer_syncs(group, error, now);
        prepare_rebalance(group, now);
        return;
    }
    for (auto& [id, member] : group.members) {
        const auto given = write.assignments.find(id);
        member.assignment = given == write.assignments.end() ? std::string{} : given->second;
    }
    enter(group, ClassicState::stable, now);
    answer_syncs(group, GroupError::none, now);
}

void GroupMachine::answer_syncs(GroupPart& group, GroupError error, Now now) {
    for (auto& [id, member] : group.members) {
        if (!member.held_sync) continue;
        SyncAnswer answer;
        answer.error = error;
        answer_sync(member, error == GroupError::none ? group.sync_answer(member) : std::move(answer));
        start_session(group, member, member.session_timeout_ms, now);
    }
}

GroupError GroupMachine::heartbeat(const HeartbeatRequest& request, Now now) {
    now = at(now);
    const GroupError unfit = check_group(request.group, false);
    if (unfit == GroupError::coordinator_load_in_progress) return GroupError::none;
    if (unfit != GroupError::none) return unfit;
    GroupPart* group = find(request.group);
    if (group == nullptr) return GroupError::unknown_member_id;
    const GroupError unknown = group->check_member(request.member_id, request.instance_id);
    if (unknown != GroupError::none) return unknown;
    if (request.generation != group->generation) return GroupError::illegal_generation;
    MemberPart& member = *group->find(request.member_id);
    // A join that is held has its own end (JOI-17).
    if (!member.held_join) start_session(*group, member, member.session_timeout_ms, now);
    return group->state == ClassicState::preparing_rebalance ? GroupError::rebalance_in_progress : GroupError::none;
}

LeaveAnswer GroupMachine::leave(const LeaveRequest& request, Now now) {
    now = at(now);
    outputs_.touched.push_back(request.group);
    LeaveAnswer answer;
    answer.error = check_group(request.group, false);
    if (answer.error != GroupError::none) return answer;
    GroupPart* group = find(request.group);
    for (const LeavingMember& leaving : request.members) {
        answer.members.push_back(group == nullptr ? GroupError::unknown_member_id : leave_one(*group, leaving, now));
    }
    if (group != nullptr) forget_if_void(*group);
    return answer;
}

GroupError GroupMachine::leave_one(GroupPart& group, const LeavingMember& leaving, Now now) {
    std::string member_id = leaving.member_id;
    if (member_id.empty() && leaving.instance_id) {
        // LEV-2: an administrator removes whoever has the instance id.
        const auto found = group.statics.find(*leaving.instance_id);
        if (found == group.statics.end()) return GroupError::unknown_member_id;
        member_id = found->second;
    } else if (group.pending.has(member_id)) {
        drop_pending(group, member_id, now);
        return GroupError::none;
    }
    const GroupError unfit = group.check_member(member_id, leaving.instance_id);
    if (unfit == GroupError::none) remove_member(group, member_id, now);
    return unfit;
}

void GroupMachine::drop_pending(GroupPart& group, const std::string& member_id, Now now) {
    group.pending.erase(member_id);
    if (group.state == ClassicState::preparing_rebalance) try_complete_join(group, now);
}

void GroupMachine::remove_member(GroupPart& group, const std::string& member_id, Now now) {
    // By value: the id may be a part of what is erased.
    const std::string id = member_id;
    MemberPart* member = group.find(id);
    if (member == nullptr) return;
    answer_held(group, *member, GroupError::unknown_member_id);
    group.erase(id);
    if (group.state == ClassicState::preparing_rebalance) {
        try_complete_join(group, now);
        return;
    }
    prepare_rebalance(group, now);
    // With nobody left there is nobody to wait for.
    try_complete_join(group, now);
}

}  // namespace mq::groups
