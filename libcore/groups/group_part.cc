#include "groups/group_part.h"

#include <algorithm>

#include "base/assert.h"
#include "record/consumer_protocol.h"

namespace mq::groups {

const std::string& MemberPart::metadata(const std::optional<std::string>& protocol) const {
    static const std::string kNone;
    for (const JoinProtocol& one : protocols) {
        if (protocol && one.name == *protocol) return one.metadata;
    }
    return kNone;
}

void PendingIds::add(const std::string& id, std::int64_t end_ms) {
    if (ends_.size() >= kMost) erase(ends_.find(*by_end_.begin()->second));
    const auto added = ends_.emplace(id, end_ms).first;
    by_end_.emplace(added->second, &added->first);
}

bool PendingIds::erase(const std::string& id) {
    const auto found = ends_.find(id);
    if (found == ends_.end()) return false;
    erase(found);
    return true;
}

void PendingIds::erase(Ends::iterator found) {
    by_end_.erase({found->second, &found->first});
    ends_.erase(found);
}

std::vector<std::string> PendingIds::ended(std::int64_t now_ms) const {
    std::vector<std::string> ids;
    for (const auto& [end_ms, id] : by_end_) {
        if (end_ms > now_ms) break;
        ids.push_back(*id);
    }
    return ids;
}

MemberPart* GroupPart::find(const std::string& member_id) {
    const auto found = members.find(member_id);
    return found == members.end() ? nullptr : &found->second;
}

GroupError GroupPart::check_member(const std::string& member_id,
                                   const std::optional<std::string>& instance_id) const {
    if (instance_id) {
        const auto known = statics.find(*instance_id);
        if (known == statics.end()) return GroupError::unknown_member_id;
        if (known->second != member_id) return GroupError::fenced_instance_id;
    }
    return has(member_id) ? GroupError::none : GroupError::unknown_member_id;
}

MemberPart& GroupPart::add(MemberPart member) {
    pending.erase(member.member_id);
    if (member.instance_id) statics[*member.instance_id] = member.member_id;
    if (!leader) leader = member.member_id;
    member.order = next_order++;
    std::vector<JoinProtocol> protocols = std::move(member.protocols);
    member.protocols.clear();
    const std::string id = member.member_id;
    MemberPart& added = members.insert_or_assign(id, std::move(member)).first->second;
    set_protocols(added, std::move(protocols));
    return added;
}

void GroupPart::erase(const std::string& member_id) {
    const auto found = members.find(member_id);
    if (found == members.end()) return;
    MQ_ASSERT(!found->second.held_join && !found->second.held_sync);
    set_protocols(found->second, {});
    if (found->second.instance_id) statics.erase(*found->second.instance_id);
    members.erase(found);
    if (leader != member_id) return;
    leader.reset();
    const auto first = std::min_element(members.begin(), members.end(),
                                        [](const auto& a, const auto& b) { return a.second.order < b.second.order; });
    if (first != members.end()) leader = first->first;
}

MemberPart& GroupPart::rename(const std::string& member_id, const std::string& new_id) {
    auto node = members.extract(member_id);
    MQ_ASSERT(!node.empty());
    node.key() = new_id;
    node.mapped().member_id = new_id;
    if (node.mapped().instance_id) statics[*node.mapped().instance_id] = new_id;
    if (leader == member_id) leader = new_id;
    return members.insert(std::move(node)).position->second;
}

void GroupPart::set_protocols(MemberPart& member, std::vector<JoinProtocol> protocols) {
    for (const JoinProtocol& one : member.protocols) {
        const auto count = supporters.find(one.name);
        if (--count->second == 0) supporters.erase(count);
    }
    // A name given twice counts once, as the first says.
    std::set<std::string> seen;
    std::erase_if(protocols, [&](const JoinProtocol& one) { return !seen.insert(one.name).second; });
    member.protocols = std::move(protocols);
    for (const JoinProtocol& one : member.protocols) ++supporters[one.name];
}

bool GroupPart::supports(const std::string& type, const std::vector<JoinProtocol>& protocols) const {
    if (type.empty() || protocols.empty()) return false;
    if (state == ClassicState::empty || members.empty()) return true;
    if (protocol_type != type) return false;
    return std::any_of(protocols.begin(), protocols.end(), [&](const JoinProtocol& one) {
        const auto count = supporters.find(one.name);
        return count != supporters.end() && count->second == members.size();
    });
}

std::string GroupPart::choose_protocol() const {
    std::vector<const MemberPart*> voters;
    for (const auto& [id, member] : members) voters.push_back(&member);
    std::sort(voters.begin(), voters.end(), [](auto* a, auto* b) { return a->order < b->order; });
    std::map<std::string, std::size_t> votes;
    std::vector<std::string> in_order;
    for (const MemberPart* voter : voters) {
        for (const JoinProtocol& one : voter->protocols) {
            if (supporters.at(one.name) != members.size()) continue;
            if (++votes[one.name] == 1) in_order.push_back(one.name);
            break;
        }
    }
    if (in_order.empty()) return {};
    return *std::max_element(in_order.begin(), in_order.end(),
                             [&](const std::string& a, const std::string& b) { return votes[a] < votes[b]; });
}

void GroupPart::hold_join(MemberPart& member, Token token) {
    MQ_ASSERT(!member.held_join);
    member.held_join = token;
    ++awaiting_join;
}

void GroupPart::end_join(MemberPart& member) {
    MQ_ASSERT(member.held_join);
    member.held_join.reset();
    --awaiting_join;
}

bool GroupPart::all_joined() const { return pending.empty() && awaiting_join == members.size(); }

std::int64_t GroupPart::rebalance_timeout_ms() const {
    // At least one: a phase that is put off must not be due again at once.
    std::int64_t longest = 1;
    for (const auto& [id, member] : members) longest = std::max<std::int64_t>(longest, member.rebalance_timeout_ms);
    return longest;
}

bool GroupPart::elect_joined_leader() {
    const auto current = leader ? members.find(*leader) : members.end();
    if (current != members.end() && current->second.held_join) return true;
    const MemberPart* first = nullptr;
    for (const auto& [id, member] : members) {
        if (member.held_join && (first == nullptr || member.order < first->order)) first = &member;
    }
    if (first == nullptr) return false;
    leader = first->member_id;
    return true;
}

std::vector<JoinedMember> GroupPart::joined_members() const {
    std::vector<JoinedMember> all;
    all.reserve(members.size());
    for (const auto& [id, member] : members) all.push_back({id, member.instance_id, member.metadata(protocol)});
    return all;
}

JoinAnswer GroupPart::join_answer(const MemberPart& member, bool with_members) const {
    JoinAnswer answer;
    answer.generation = generation;
    answer.protocol_type = protocol_type;
    answer.protocol = protocol;
    answer.leader = leader.value_or("");
    answer.member_id = member.member_id;
    if (with_members) answer.members = joined_members();
    return answer;
}

SyncAnswer GroupPart::sync_answer(const MemberPart& member) const {
    return {GroupError::none, protocol_type, protocol, member.assignment};
}

record::GroupMetadataValue GroupPart::to_record() const {
    record::GroupMetadataValue value;
    value.protocol_type = protocol_type.value_or("");
    value.generation = generation;
    value.protocol = protocol;
    value.leader = leader;
    value.current_state_timestamp = state_since_ms;
    for (const auto& [id, member] : members) {
        value.members.push_back({id, member.instance_id, member.client_id, member.client_host,
                                 member.rebalance_timeout_ms, member.session_timeout_ms, member.metadata(protocol),
                                 member.assignment});
    }
    return value;
}

void GroupPart::read_subscriptions() {
    subscribed.reset();
    if (protocol_type != "consumer") return;
    std::set<std::string, std::less<>> topics;
    for (const auto& [id, member] : members) {
        auto subscription = record::parse_consumer_subscription(member.metadata(protocol));
        if (!subscription) return;
        topics.insert(subscription->topics.begin(), subscription->topics.end());
    }
    subscribed = std::move(topics);
}

}  // namespace mq::groups
