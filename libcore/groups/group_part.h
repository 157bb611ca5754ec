// One group and its members, as the machine keeps them. Internal to group_machine_*.cc.
#pragma once

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "groups/group_machine.h"

namespace mq::groups {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
// How long a new member's JoinGroup is held at most (JOI-17).
inline constexpr std::int64_t kNewMemberJoinMs = 300'000;

struct MemberPart {
    std::string member_id;
    std::optional<std::string> instance_id;
    std::string client_id;
    std::string client_host;
    std::int32_t session_timeout_ms = 0;
    std::int32_t rebalance_timeout_ms = 0;
    std::vector<JoinProtocol> protocols;
    std::string assignment;
    std::uint64_t order = 0;  // of joining the group
    std::optional<Token> held_join;
    std::optional<Token> held_sync;
    bool is_new = false;     // the first join phase that it takes part in is not over
    bool owes_sync = false;  // was told of a generation, and has not asked for its assignment
    std::int64_t session_end_ms = kNever;

    [[nodiscard]] const std::string& metadata(const std::optional<std::string>& protocol) const;
};

// Member ids that were given out, and not come back with.
class PendingIds {
public:
    // Of a group. Whoever takes more of them takes the oldest away from the others.
    static constexpr std::size_t kMost = 10'000;

    void add(const std::string& id, std::int64_t end_ms);
    // False: it is none of them.
    bool erase(const std::string& id);
    [[nodiscard]] bool has(const std::string& id) const { return ends_.contains(id); }
    [[nodiscard]] bool empty() const { return ends_.empty(); }
    // When the first of them is dropped.
    [[nodiscard]] std::int64_t next_end_ms() const { return by_end_.empty() ? kNever : by_end_.begin()->first; }
    [[nodiscard]] std::vector<std::string> ended(std::int64_t now_ms) const;

private:
    using Ends = std::map<std::string, std::int64_t>;
    void erase(Ends::iterator found);

    Ends ends_;
    std::set<std::pair<std::int64_t, const std::string*>> by_end_;  // the keys of the other
};

struct GroupPart {
    explicit GroupPart(std::string its_name) : name(std::move(its_name)) {}

    [[nodiscard]] MemberPart* find(const std::string& member_id);
    [[nodiscard]] bool has(const std::string& member_id) const { return members.count(member_id) != 0; }
    // Whether it is a member, and the one that its instance id stands for.
    [[nodiscard]] GroupError check_member(const std::string& member_id,
                                          const std::optional<std::string>& instance_id) const;
    MemberPart& add(MemberPart member);
    void erase(const std::string& member_id);
    MemberPart& rename(const std::string& member_id, const std::string& new_id);
    void set_protocols(MemberPart& member, std::vector<JoinProtocol> protocols);

    // JOI-3
    [[nodiscard]] bool supports(const std::string& type, const std::vector<JoinProtocol>& protocols) const;
    // JOI-15. Of as many votes the protocol that the earlier member likes.
    [[nodiscard]] std::string choose_protocol() const;
    [[nodiscard]] bool all_joined() const;
    void hold_join(MemberPart& member, Token token);
    // Nobody waits for it any more.
    void end_join(MemberPart& member);
    [[nodiscard]] std::int64_t rebalance_timeout_ms() const;
    // A leader that did not rejoin gives way to the earliest who did (JOI-13). False: nobody did.
    bool elect_joined_leader();

    [[nodiscard]] JoinAnswer join_answer(const MemberPart& member, bool with_members) const;
    [[nodiscard]] SyncAnswer sync_answer(const MemberPart& member) const;
    [[nodiscard]] std::vector<JoinedMember> joined_members() const;
    [[nodiscard]] record::GroupMetadataValue to_record() const;
    // What the members subscribe to, if all of them say so in Kafka's own protocol; null: not known.
    void read_subscriptions();

    std::string name;
    ClassicState state = ClassicState::empty;
    TimestampMs state_since_ms = kNoTimestamp;  // wall clock; kNoTimestamp: an old record did not say
    std::optional<std::int64_t> entered_ms;     // monotonic; null: before the restart
    bool has_lost_members = false;              // it is empty since some time after state_since_ms
    std::int32_t generation = 0;
    std::optional<std::string> protocol_type;
    std::optional<std::string> protocol;
    std::optional<std::string> leader;
    std::map<std::string, MemberPart> members;
    std::map<std::string, std::string> statics;  // instance id -> member id
    PendingIds pending;
    std::map<std::string, std::size_t> supporters;  // protocol -> members that have it
    std::optional<std::set<std::string, std::less<>>> subscribed;
    std::size_t awaiting_join = 0;  // members with a join that is held
    std::uint64_t next_order = 0;
    bool has_offsets = false;  // as far as this machine knows

    std::int64_t join_end_ms = kNever;  // of PreparingRebalance
    bool initial_delay = false;         // that end is not to be reached early (JOI-11)
    bool prolong = false;               // a new member came meanwhile
    std::int64_t delay_ms = 0;          // the step that is running
    std::int64_t delay_left_ms = 0;     // after it
    std::int64_t sync_end_ms = kNever;  // SYN-5
    std::int64_t wake_ms = kNever;      // its entry in the machine's wake-ups
};

// A write that has been asked for, and what depends on it.
struct GroupMachine::PendingWrite {
    enum class What : unsigned char { emptied, assignment, replacement };
    What what = What::emptied;
    std::string group;
    std::int32_t generation = 0;
    std::map<std::string, std::string> assignments;  // by member id
    // replacement
    MemberPart before;  // what it takes back if it fails
    std::string member_id;
    Token token = 0;
    std::string leader_before;
    bool can_skip_assignment = false;
};

}  // namespace mq::groups
