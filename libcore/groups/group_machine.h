// The coordinator of Kafka's classic consumer groups as a state machine: no I/O, no clock, no threads.
// Source of the rules: kafka.coordinator.group.GroupCoordinator and GroupMetadata as of 3.9; a rule's id (JOI-5)
// stands where it is kept.
//
// One machine holds the groups of one partition of __consumer_offsets. Every input gives the time; what it leads to
// is taken with take_outputs(): answers to requests that were held back, and records to be written. The caller
// reports each write with written(), and calls due() when next_wakeup_ms() has come. The same inputs give the same
// outputs.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/strong_int.h"
#include "groups/group_messages.h"
#include "record/internal_topics.h"

namespace mq::groups {

// "Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead".
[[nodiscard]] std::string_view to_string(ClassicState state);

// What member ids end in: 36 random characters in the shape of a UUID, as Kafka's.
[[nodiscard]] std::string random_member_suffix();

// What a failed append means to the members of a group: SYN-4 for its metadata, OFF-8 for its offsets.
[[nodiscard]] GroupError error_of_group_append(GroupError append);
[[nodiscard]] GroupError error_of_offset_append(GroupError append);

struct GroupConfig {
    std::int32_t min_session_timeout_ms = 6'000;
    std::int32_t max_session_timeout_ms = 1'800'000;
    std::int32_t initial_rebalance_delay_ms = 3'000;
    std::int32_t max_group_size = std::numeric_limits<std::int32_t>::max();
};

// All waiting is measured by the monotonic clock. The wall clock, which may jump, only dates what is stored.
struct Now {
    std::int64_t monotonic_ms = 0;
    TimestampMs wall_ms = 0;
};

// By it the caller finds whom to answer. Used once.
using Token = std::uint64_t;

struct JoinReply {
    Token token = 0;
    JoinAnswer answer;
};
struct SyncReply {
    Token token = 0;
    SyncAnswer answer;
};
struct GroupWrite {
    std::uint64_t id = 0;
    std::string group;
    record::GroupMetadataValue value;
    bool is_awaited = false;  // an answer depends on it
};
struct GroupOutputs {
    std::vector<JoinReply> joins;
    std::vector<SyncReply> syncs;
    std::vector<GroupWrite> writes;    // to be appended in this order
    std::vector<std::string> touched;  // groups that may have members, or have none any more; again and again
};

// When an offset was stored, and with which explicit end (kNoTimestamp: none).
struct OffsetTimes {
    TimestampMs committed_ms = kNoTimestamp;
    TimestampMs expires_ms = kNoTimestamp;
};

struct GroupPart;   // one group; see group_part.h
struct MemberPart;  // one member

// Not thread-safe.
class GroupMachine {
public:
    // `random_suffix` gives what member ids end in: another one every time, a UUID as a rule.
    GroupMachine(GroupConfig config, std::function<std::string()> random_suffix);
    ~GroupMachine();
    GroupMachine(const GroupMachine&) = delete;
    GroupMachine& operator=(const GroupMachine&) = delete;

    // ---- from the log, before loaded(); until then members are told to wait (GRP-4)

    // The record of a group as it was written last; null: it was removed.
    void load(std::string_view group, const std::optional<record::GroupMetadataValue>& value);
    // The log has offsets of the group.
    void load_offsets_of(std::string_view group);
    // What others have made of a group, by the log. At any time; changes nothing of a group that is joined here, and
    // members of the record count as gone.
    void renew(std::string_view group, const std::optional<record::GroupMetadataValue>& value, bool has_offsets);
    // Sessions of the members that were read begin now.
    void loaded(Now now);
    // Another broker leads the partition: everybody who waits is told to look for it.
    void resign();

    // ---- requests: answered in take_outputs(), at once or later

    void join(Token token, const JoinRequest& request, Now now);
    void sync(Token token, const SyncRequest& request, Now now);
    // ---- requests: answered by the value

    [[nodiscard]] GroupError heartbeat(const HeartbeatRequest& request, Now now);
    [[nodiscard]] LeaveAnswer leave(const LeaveRequest& request, Now now);
    // Whether the offsets may be stored (OFF-2 to OFF-5). An unknown group comes into being by it.
    [[nodiscard]] GroupError check_commit(const CommitRequest& request, Now now);
    // OFF-16. The offsets of a topic whose answer is none may be removed.
    [[nodiscard]] OffsetDeleteAnswer check_offset_delete(std::string_view group,
                                                         std::span<const std::string> topics) const;

    // ---- events

    // The append of a GroupWrite is done, or failed with that error of the log.
    void written(std::uint64_t id, GroupError append_error, Now now);
    void due(Now now);

    [[nodiscard]] GroupOutputs take_outputs();
    // On the monotonic clock; null: nothing is waited for. May be early, never late.
    [[nodiscard]] std::optional<std::int64_t> next_wakeup_ms() const;

    // ---- looking

    // It has members, or somebody was given an id to join with.
    [[nodiscard]] bool is_joined(std::string_view group) const;
    // A group that does not exist is Dead.
    [[nodiscard]] GroupSummary describe(std::string_view group) const;
    // Names, in their order.
    [[nodiscard]] std::vector<std::string> groups() const;
    // OFF-14: whether an offset of that topic has outlived its retention. The age of a group that became Empty before
    // our eyes is measured by the monotonic clock too, so that a jump of the other one removes nothing early.
    [[nodiscard]] bool offset_expired(std::string_view group, std::string_view topic, OffsetTimes times,
                                      std::int64_t retention_ms, Now now) const;

private:
    enum class Phase : unsigned char { loading, active, resigned };
    struct PendingWrite;
    using Groups = std::map<std::string, std::unique_ptr<GroupPart>, std::less<>>;

    [[nodiscard]] GroupError check_group(std::string_view group, bool may_be_empty) const;
    [[nodiscard]] GroupPart* find(std::string_view group) const;
    GroupPart& create(std::string_view group);
    // Of a group that came to nothing no trace is kept.
    void forget_if_void(GroupPart& group);
    [[nodiscard]] Now at(Now now);

    // join
    [[nodiscard]] GroupError join_group(GroupPart& group, Token token, const JoinRequest& request, Now now);
    [[nodiscard]] GroupError join_anew(GroupPart& group, Token token, const JoinRequest& request, Now now);
    [[nodiscard]] GroupError join_again(GroupPart& group, Token token, const JoinRequest& request, Now now);
    void add_member(GroupPart& group, Token token, const JoinRequest& request, std::string member_id, Now now);
    void update_member(GroupPart& group, MemberPart& member, Token token, const JoinRequest& request, Now now);
    void replace_static(GroupPart& group, Token token, const JoinRequest& request, std::string member_id, Now now);
    void finish_replacement(GroupPart& group, const PendingWrite& write, GroupError error, Now now);
    // rebalance
    void prepare_rebalance(GroupPart& group, Now now);
    void try_complete_join(GroupPart& group, Now now);
    void complete_join(GroupPart& group, Now now);
    void end_initial_delay(GroupPart& group, Now now);
    void enter(GroupPart& group, ClassicState state, Now now);
    void write(GroupPart& group, PendingWrite pending);
    // sync
    void sync_group(GroupPart& group, Token token, const SyncRequest& request, Now now);
    void finish_assignment(GroupPart& group, const PendingWrite& write, GroupError error, Now now);
    void answer_syncs(GroupPart& group, GroupError error, Now now);
    // members
    [[nodiscard]] GroupError leave_one(GroupPart& group, const LeavingMember& leaving, Now now);
    void remove_member(GroupPart& group, const std::string& member_id, Now now);
    void drop_pending(GroupPart& group, const std::string& member_id, Now now);
    void answer_join(GroupPart& group, MemberPart& member, JoinAnswer answer);
    void answer_sync(MemberPart& member, SyncAnswer answer);
    void answer_held(GroupPart& group, MemberPart& member, GroupError error);
    // time
    void start_session(GroupPart& group, MemberPart& member, std::int64_t timeout_ms, Now now);
    void wake_at(GroupPart& group, std::int64_t at_ms);
    void fire(GroupPart& group, Now now);

    GroupConfig config_;
    std::function<std::string()> random_suffix_;
    Phase phase_ = Phase::loading;
    std::int64_t latest_ms_ = std::numeric_limits<std::int64_t>::min();
    Groups groups_;
    std::set<std::pair<std::int64_t, std::string>> wakeups_;  // of each group the earliest that may be due
    std::map<std::uint64_t, std::unique_ptr<PendingWrite>> writes_;
    std::uint64_t next_write_ = 1;
    GroupOutputs outputs_;
};

}  // namespace mq::groups
