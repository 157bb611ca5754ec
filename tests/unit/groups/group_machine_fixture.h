// A machine with a clock that stands still unless it is told, member ids that can be foreseen, and answers by token.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "groups/group_machine.h"
#include "record/consumer_protocol.h"

namespace mq::groups {

inline std::string subscription_to(std::vector<std::string> topics) {
    record::ConsumerSubscription subscription;
    subscription.topics = std::move(topics);
    return encode(subscription);
}

class GroupMachineTest : public testing::Test {
protected:
    static constexpr std::int64_t kStartMs = 1'000;
    static constexpr TimestampMs kStartWallMs = 1'700'000'000'000;

    explicit GroupMachineTest(GroupConfig config = {})
        : machine(config, [this] { return "id" + std::to_string(++ids); }) {}

    // Most tests are about a coordinator that has read its log.
    void SetUp() override { machine.loaded(now); }

    Token join(const JoinRequest& request) {
        machine.join(++tokens, request, now);
        take();
        return tokens;
    }
    Token sync(const SyncRequest& request) {
        machine.sync(++tokens, request, now);
        take();
        return tokens;
    }
    GroupError beat(const std::string& member, std::int32_t generation,
                    const std::optional<std::string>& instance = {}, const std::string& group = "g") {
        const GroupError error = machine.heartbeat({group, generation, member, instance}, now);
        take();
        return error;
    }
    LeaveAnswer leave(const std::vector<LeavingMember>& members, const std::string& group = "g") {
        LeaveAnswer answer = machine.leave({group, members}, now);
        take();
        return answer;
    }
    // Calls the machine whenever it wants to be, until `ms` have passed.
    void pass(std::int64_t ms) {
        const Now end{now.monotonic_ms + ms, now.wall_ms + ms};
        while (machine.next_wakeup_ms() && *machine.next_wakeup_ms() <= end.monotonic_ms) {
            const std::int64_t step = std::max<std::int64_t>(*machine.next_wakeup_ms() - now.monotonic_ms, 0);
            now = {now.monotonic_ms + step, now.wall_ms + step};
            machine.due(now);
            take();
        }
        now = end;
    }
    void take() {
        GroupOutputs outputs = machine.take_outputs();
        for (JoinReply& reply : outputs.joins) {
            EXPECT_TRUE(joins.emplace(reply.token, std::move(reply.answer)).second) << "answered twice";
        }
        for (SyncReply& reply : outputs.syncs) {
            EXPECT_TRUE(syncs.emplace(reply.token, std::move(reply.answer)).second) << "answered twice";
        }
        for (GroupWrite& write : outputs.writes) {
            writes.push_back(write);
            if (!hold_writes) machine.written(write.id, GroupError::none, now);
        }
        if (!outputs.writes.empty() && !hold_writes) take();
    }
    bool answered_join(Token token) const { return joins.count(token) != 0; }
    bool answered_sync(Token token) const { return syncs.count(token) != 0; }
    GroupError join_error(Token token) const { return joins.at(token).error; }
    GroupError sync_error(Token token) const { return syncs.at(token).error; }
    std::string state(const std::string& group = "g") const {
        return std::string{to_string(machine.describe(group).state)};
    }

    static JoinRequest request(const std::string& member_id = "", const std::string& client_id = "c") {
        JoinRequest request;
        request.group = "g";
        request.member_id = member_id;
        request.client_id = client_id;
        request.client_host = "/127.0.0.1";
        request.session_timeout_ms = 10'000;
        request.rebalance_timeout_ms = 60'000;
        request.protocol_type = "consumer";
        request.protocols = {{"range", subscription_to({"t"})}};
        request.takes_member_id = false;
        return request;
    }
    static JoinRequest static_request(const std::string& instance, const std::string& member_id = "") {
        JoinRequest all = request(member_id);
        all.instance_id = instance;
        return all;
    }
    // Members c-id1, c-id2, ...: joined, synced, Stable; c-id1 leads. Member k has the assignment "for c-idk".
    std::vector<std::string> stable_group(int members, const JoinRequest& like = request()) {
        std::vector<Token> waiting;
        for (int i = 0; i < members; ++i) waiting.push_back(join(like));
        pass(3'000 * (members + 1));
        std::vector<std::string> names;
        for (const Token token : waiting) {
            EXPECT_EQ(join_error(token), GroupError::none);
            names.push_back(joins.at(token).member_id);
        }
        sync_all(names, joins.at(waiting[0]).generation);
        EXPECT_EQ(state(), "Stable");
        return names;
    }
    std::vector<Token> sync_all(const std::vector<std::string>& names, std::int32_t generation) {
        std::vector<Token> waiting;
        for (const std::string& name : names) {
            SyncRequest one{"g", generation, name, {}, {}, {}, {}};
            for (const std::string& each : names) one.assignments.push_back({each, "for " + each});
            waiting.push_back(sync(one));
        }
        return waiting;
    }

    Now now{kStartMs, kStartWallMs};
    int ids = 0;
    GroupMachine machine;
    Token tokens = 0;
    bool hold_writes = false;
    std::map<Token, JoinAnswer> joins;
    std::map<Token, SyncAnswer> syncs;
    std::vector<GroupWrite> writes;
};

}  // namespace mq::groups
