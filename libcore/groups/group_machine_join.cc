// JoinGroup, and the phase of a rebalance in which all members are waited for.
#include <algorithm>

#include "base/assert.h"
#include "groups/group_machine.h"
#include "groups/group_part.h"

namespace mq::groups {
namespace {

// What begins with the name of a client still fits into a string of the protocol and of the log.
std::string new_member_id(std::string_view name, const std::string& suffix) {
    constexpr std::size_t kLongest = 32'767;
    std::size_t size = std::min(name.size(), kLongest - 1 - suffix.size());
    // No character of UTF-8 is cut.
    while (size > 0 && size < name.size() && (static_cast<unsigned char>(name[size]) & 0xc0) == 0x80) --size;
    return std::string{name.substr(0, size)} + "-" + suffix;
}

std::int32_t rebalance_timeout_of(const JoinRequest& request) {
    return request.rebalance_timeout_ms < 0 ? request.session_timeout_ms : request.rebalance_timeout_ms;
}

}  // namespace

void GroupMachine::join(Token token, const JoinRequest& request, Now now) {
    now = at(now);
    outputs_.touched.push_back(request.group);
    JoinAnswer refusal;
    refusal.member_id = request.member_id;
    refusal.error = check_group(request.group, false);
    GroupPart* group = nullptr;
    if (refusal.error == GroupError::none) {
        const bool fits = request.session_timeout_ms >= config_.min_session_timeout_ms &&
                          request.session_timeout_ms <= config_.max_session_timeout_ms;
        if (!fits) refusal.error = GroupError::invalid_session_timeout;
    }
    if (refusal.error == GroupError::none) {
        group = find(request.group);
        if (group == nullptr && request.member_id.empty()) group = &create(request.group);
        refusal.error = group == nullptr ? GroupError::unknown_member_id : join_group(*group, token, request, now);
    }
    if (refusal.error == GroupError::member_id_required) {
        // JOI-5: join_anew gave it out last.
        MQ_ASSERT(!outputs_.joins.empty());
    } else if (refusal.error != GroupError::none) {
        outputs_.joins.push_back({token, std::move(refusal)});
    }
    if (group == nullptr) return;
    if (group->state == ClassicState::preparing_rebalance) try_complete_join(*group, now);
    forget_if_void(*group);
}

GroupError GroupMachine::join_group(GroupPart& group, Token token, const JoinRequest& request, Now now) {
    // JOI-4. In a join phase those count who came to it, so that of too many the last ones have to go.
    const MemberPart* known = group.find(request.member_id);
    if (known == nullptr && request.instance_id && group.statics.count(*request.instance_id) != 0) {
        known = group.find(group.statics.at(*request.instance_id));
    }
    std::size_t others = 0;
    if (group.state == ClassicState::preparing_rebalance) {
        if (known == nullptr || !known->held_join) others = group.awaiting_join;
    } else if (group.state != ClassicState::empty && known == nullptr) {
        others = group.members.size();
    }
    if (others >= static_cast<std::size_t>(std::max(config_.max_group_size, 1))) {
        if (known != nullptr) remove_member(group, known->member_id, now);
        group.pending.erase(request.member_id);
        return GroupError::group_max_size_reached;
    }
    if (!group.supports(request.protocol_type, request.protocols)) return GroupError::inconsistent_group_protocol;
    return request.member_id.empty() ? join_anew(group, token, request, now) : join_again(group, token, request, now);
}

GroupError GroupMachine::join_anew(GroupPart& group, Token token, const JoinRequest& request, Now now) {
    std::string member_id = new_member_id(request.instance_id.value_or(request.client_id), random_suffix_());
    if (request.instance_id && group.statics.count(*request.instance_id) != 0) {
        replace_static(group, token, request, std::move(member_id), now);
        return GroupError::none;
    }
    if (!request.instance_id && request.takes_member_id) {
        const std::int64_t end_ms = now.monotonic_ms + request.session_timeout_ms;
        group.pending.add(member_id, end_ms);
        wake_at(group, end_ms);
        JoinAnswer answer;
        answer.error = GroupError::member_id_required;
        answer.member_id = std::move(member_id);
        outputs_.joins.push_back({token, std::move(answer)});
        return GroupError::member_id_required;
    }
    add_member(group, token, request, std::move(member_id), now);
    return GroupError::none;
}

GroupError GroupMachine::join_again(GroupPart& group, Token token, const JoinRequest& request, Now now) {
    if (group.pending.has(request.member_id)) {
        // Static members are never given a pending id.
        if (request.instance_id) return GroupError::unknown_member_id;
        add_member(group, token, request, request.member_id, now);
        return GroupError::none;
    }
    const GroupError unfit = group.check_member(request.member_id, request.instance_id);
    if (unfit != GroupError::none) return unfit;
    MemberPart& member = *group.find(request.member_id);
    const bool is_leader = group.leader == request.member_id;
    // JOI-8 to JOI-10
    const bool forces = group.state == ClassicState::stable && is_leader;
    if (group.state == ClassicState::preparing_rebalance || forces || member.protocols != request.protocols) {
        update_member(group, member, token, request, now);
    } else {
        outputs_.joins.push_back({token, group.join_answer(member, is_leader)});
    }
    return GroupError::none;
}

void GroupMachine::add_member(GroupPart& group, Token token, const JoinRequest& request, std::string member_id,
                              Now now) {
    if (group.state == ClassicState::preparing_rebalance && group.generation == 0) group.prolong = true;
    if (group.members.empty()) group.protocol_type = request.protocol_type;
    MemberPart member;
    member.member_id = std::move(member_id);
    member.instance_id = request.instance_id;
    member.client_id = request.client_id;
    member.client_host = request.client_host;
    member.session_timeout_ms = request.session_timeout_ms;
    member.rebalance_timeout_ms = rebalance_timeout_of(request);
    member.protocols = request.protocols;
    member.is_new = true;
    MemberPart& added = group.add(std::move(member));
    group.hold_join(added, token);
    start_session(group, added, kNewMemberJoinMs, now);
    prepare_rebalance(group, now);
}

void GroupMachine::update_member(GroupPart& group, MemberPart& member, Token token, const JoinRequest& request,
                                 Now now) {
    // The client has given up its request before; whoever still waits is to join again.
    answer_held(group, member, GroupError::rebalance_in_progress);
    group.set_protocols(member, request.protocols);
    member.session_timeout_ms = request.session_timeout_ms;
    member.rebalance_timeout_ms = rebalance_timeout_of(request);
    group.hold_join(member, token);
    prepare_rebalance(group, now);
}

// STA-1, STA-3, STA-4
void GroupMachine::replace_static(GroupPart& group, Token token, const JoinRequest& request, std::string member_id,
                                  Now now) {
    const std::string old_id = group.statics.at(*request.instance_id);
    PendingWrite pending;
    pending.what = PendingWrite::What::replacement;
    pending.leader_before = group.leader.value_or("");
    answer_held(group, *group.find(old_id), GroupError::fenced_instance_id);
    pending.before = *group.find(old_id);

    MemberPart& member = group.rename(old_id, member_id);
    group.set_protocols(member, request.protocols);
    member.client_id = request.client_id;
    member.client_host = request.client_host;
    member.session_timeout_ms = request.session_timeout_ms;
    member.rebalance_timeout_ms = rebalance_timeout_of(request);
    group.hold_join(member, token);
    start_session(group, member, member.is_new ? kNewMemberJoinMs : member.session_timeout_ms, now);
    if (group.state == ClassicState::stable && group.protocol == group.choose_protocol()) {
        pending.member_id = std::move(member_id);
        pending.token = token;
        pending.can_skip_assignment = request.can_skip_assignment;
        write(group, std::move(pending));
    } else {
        prepare_rebalance(group, now);
    }
}

void GroupMachine::finish_replacement(GroupPart& group, const PendingWrite& write, GroupError error, Now now) {
    MemberPart* member = group.find(write.member_id);
    // Otherwise a rebalance, or the next one with that instance id, answers.
    if (group.state != ClassicState::stable || member == nullptr || member->held_join != write.token) return;
    JoinAnswer answer = group.join_answer(*member, false);
    if (error != GroupError::none) {
        answer.error = error;
        answer.member_id.clear();
        answer.leader = write.leader_before;
        answer_join(group, *member, std::move(answer));
        MemberPart& old = group.rename(write.member_id, write.before.member_id);
        group.set_protocols(old, write.before.protocols);
        old.session_timeout_ms = write.before.session_timeout_ms;
        old.rebalance_timeout_ms = write.before.rebalance_timeout_ms;
        old.client_id = write.before.client_id;
        old.client_host = write.before.client_host;
        start_session(group, old, old.session_timeout_ms, now);
        return;
    }
    if (!write.can_skip_assignment) {
        // It must not take itself for the leader: its assignment would reach nobody in a stable group.
        answer.leader = write.leader_before;
    } else if (group.leader == write.member_id) {
        answer.skip_assignment = true;
        answer.members = group.joined_members();
    }
    answer_join(group, *member, std::move(answer));
    start_session(group, *member, member->session_timeout_ms, now);
}

// ---- the join phase

void GroupMachine::prepare_rebalance(GroupPart& group, Now now) {
    if (group.state == ClassicState::preparing_rebalance) return;
    if (group.state == ClassicState::completing_rebalance) {
        for (auto& [id, member] : group.members) member.assignment.clear();
        answer_syncs(group, GroupError::rebalance_in_progress, now);
    }
    group.sync_end_ms = kNever;
    group.initial_delay = group.state == ClassicState::empty;
    std::int64_t wait_ms = group.rebalance_timeout_ms();
    if (group.initial_delay) {
        // JOI-11
        group.prolong = false;
        group.delay_ms = std::max(config_.initial_rebalance_delay_ms, 0);
        group.delay_left_ms = std::max<std::int64_t>(wait_ms - group.delay_ms, 0);
        wait_ms = group.delay_ms;
    }
    group.join_end_ms = now.monotonic_ms + wait_ms;
    wake_at(group, group.join_end_ms);
    enter(group, ClassicState::preparing_rebalance, now);
}

void GroupMachine::end_initial_delay(GroupPart& group, Now now) {
    if (!group.prolong || group.delay_left_ms == 0) return complete_join(group, now);
    group.prolong = false;
    const std::int64_t step_ms =
        std::min<std::int64_t>(std::max(config_.initial_rebalance_delay_ms, 0), group.delay_left_ms);
    group.delay_left_ms = std::max<std::int64_t>(group.delay_left_ms - group.delay_ms, 0);
    group.delay_ms = step_ms;
    group.join_end_ms = now.monotonic_ms + step_ms;
    wake_at(group, group.join_end_ms);
}

void GroupMachine::try_complete_join(GroupPart& group, Now now) {
    if (!group.initial_delay && group.all_joined()) complete_join(group, now);
}

// JOI-13, JOI-14
void GroupMachine::complete_join(GroupPart& group, Now now) {
    std::vector<std::string> gone;
    for (const auto& [id, member] : group.members) {
        if (!member.held_join && !member.instance_id) gone.push_back(id);
    }
    for (const std::string& id : gone) group.erase(id);
    group.initial_delay = false;
    if (!group.members.empty() && !group.elect_joined_leader()) {
        // Only static members, none of which came: their sessions decide.
        group.join_end_ms = now.monotonic_ms + group.rebalance_timeout_ms();
        wake_at(group, group.join_end_ms);
        return;
    }
    group.join_end_ms = kNever;
    ++group.generation;
    if (group.members.empty()) {
        group.protocol.reset();
        group.read_subscriptions();
        enter(group, ClassicState::empty, now);
        write(group, {});
        return;
    }
    group.protocol = group.choose_protocol();
    group.read_subscriptions();
    enter(group, ClassicState::completing_rebalance, now);
    for (auto& [id, member] : group.members) {
        answer_join(group, member, group.join_answer(member, group.leader == id));
        start_session(group, member, member.session_timeout_ms, now);
        member.is_new = false;
        member.owes_sync = true;
    }
    group.sync_end_ms = now.monotonic_ms + group.rebalance_timeout_ms();
    wake_at(group, group.sync_end_ms);
}

}  // namespace mq::groups
