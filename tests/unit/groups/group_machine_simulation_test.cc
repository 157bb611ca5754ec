// RELIABILITY row 26 in small: members that join, sync, commit, leave, crash and fall silent at random, against a
// coordinator whose writes take their time and sometimes fail and which is restarted from its records, in one thread
// on a simulated clock. A seed gives the same run every time.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "group_machine_fixture.h"
#include "support/scale.h"

namespace mq::groups {
namespace {

constexpr std::int32_t kSessionMs = 6'000;
constexpr std::int32_t kRebalanceMs = 10'000;

class Simulation {
public:
    explicit Simulation(std::uint64_t seed) : random_(seed) { start(); }

    void run() {
        const std::size_t clients = 1 + pick(6);
        for (std::size_t i = 0; i < clients; ++i) {
            Client client;
            client.name = "c" + std::to_string(i);
            if (pick(3) == 0) client.instance = "i" + std::to_string(i);
            clients_.push_back(client);
        }
        for (int step = 0; step < 200 && !testing::Test::HasFailure(); ++step) {
            act(clients_[pick(clients_.size())]);
            if (pick(60) == 0) restart();
            pass(static_cast<std::int64_t>(pick(pick(10) == 0 ? 9'000 : 700)));
        }
        quiet();
    }
    // What happened, in words that do not depend on addresses or time of day.
    std::string history;

private:
    struct Client {
        std::string name;
        std::optional<std::string> instance;
        std::string member_id;
        std::int32_t generation = kNoGeneration;
        bool wants = false;    // to be a member
        bool in_sync = false;  // has its assignment
        bool silent = false;   // until it acts again
        std::optional<Token> waits;
        std::vector<std::string> leads;  // members to give partitions to
        std::string metadata = "v0";
    };
    struct Asked {
        std::size_t client;
        bool join;
        std::int64_t at_ms;
    };

    std::size_t pick(std::size_t below) { return std::uniform_int_distribution<std::size_t>{0, below - 1}(random_); }
    Now now() const { return {clock_ms_, 1'700'000'000'000 + clock_ms_}; }
    void note(const std::string& what) { history += std::to_string(clock_ms_) + " " + what + "\n"; }

    void start() {
        GroupConfig config;
        config.initial_rebalance_delay_ms = 500;
        machine_ = std::make_unique<GroupMachine>(config, [this] { return std::to_string(++ids_); });
        if (stored_) machine_->load("g", *stored_);
        machine_->loaded(now());
    }
    // Connections break: nobody is answered any more, and the clients ask again.
    void restart() {
        note("restart");
        machine_->resign();
        take();
        EXPECT_TRUE(asked_.empty()) << "not answered when the coordinator went";
        writing_.clear();
        start();
        // What was not written has not been: only a generation that is on disk is known to all.
        highest_ = std::max(stored_ ? stored_->generation : 0, 0);
        assigned_.clear();
    }

    void act(Client& client) {
        client.silent = false;
        switch (pick(10)) {
            case 0:
                leave(client);
                break;
            case 1:
                // Dies: its requests are forgotten by it, not by the coordinator.
                note(client.name + " dies");
                client.wants = false;
                forget(client);
                break;
            case 2:
                client.silent = true;
                break;
            case 3:
                client.metadata = "v" + std::to_string(pick(3));
                client.wants = true;
                if (!client.waits) join(client);
                break;
            case 4:
                if (client.generation >= 0) commit(client);
                break;
            default:
                client.wants = true;
                move(client);
        }
    }
    void forget(Client& client) {
        client.member_id.clear();
        client.generation = kNoGeneration;
        client.in_sync = false;
        client.waits.reset();
        client.leads.clear();
    }
    void move(Client& client) {
        if (client.waits || client.silent || !client.wants) return;
        if (client.generation < 0) {
            join(client);
        } else if (!client.in_sync) {
            sync(client);
        } else {
            hear(client, machine_->heartbeat({"g", client.generation, client.member_id, client.instance}, now()));
            take();
        }
    }
    void join(Client& client) {
        JoinRequest request;
        request.group = "g";
        request.member_id = client.member_id;
        request.instance_id = client.instance;
        request.client_id = client.name;
        request.session_timeout_ms = kSessionMs;
        request.rebalance_timeout_ms = kRebalanceMs;
        request.protocol_type = "consumer";
        request.protocols = {{"range", client.metadata}};
        request.can_skip_assignment = pick(2) == 0;
        client.generation = kNoGeneration;
        client.in_sync = false;
        client.waits = ask(client, true);
        machine_->join(*client.waits, request, now());
        take();
    }
    void sync(Client& client) {
        SyncRequest request{"g", client.generation, client.member_id, client.instance, {}, {}, {}};
        for (const std::string& id : client.leads) {
            request.assignments.push_back({id, std::to_string(client.generation) + " by " + client.member_id});
        }
        client.waits = ask(client, false);
        machine_->sync(*client.waits, request, now());
        take();
    }
    void commit(Client& client) {
        hear(client,
             machine_->check_commit({"g", client.generation, client.member_id, client.instance, false}, now()));
        take();
    }
    void leave(Client& client) {
        client.wants = false;
        if (!client.member_id.empty()) {
            note(client.name + " leaves");
            const LeaveAnswer answer = machine_->leave({"g", {{client.member_id, client.instance}}}, now());
            ASSERT_EQ(answer.members.size(), 1U);
        }
        forget(client);
        take();
    }
    void hear(Client& client, GroupError error) {
        switch (error) {
            case GroupError::none:
                return;
            case GroupError::rebalance_in_progress:
                client.generation = kNoGeneration;
                client.in_sync = false;
                return;
            case GroupError::fenced_instance_id:
            case GroupError::unknown_member_id:
            case GroupError::illegal_generation:
                forget(client);
                return;
            default:
                client.generation = kNoGeneration;
                client.in_sync = false;
        }
    }

    Token ask(Client& client, bool join) {
        const Token token = ++tokens_;
        asked_[token] = {static_cast<std::size_t>(&client - clients_.data()), join, clock_ms_};
        return token;
    }
    const Asked answered(Token token) {
        EXPECT_EQ(asked_.count(token), 1U) << "a token that nobody waits for, or answered twice: " << token;
        const Asked asked = asked_[token];
        asked_.erase(token);
        return asked;
    }

    void take() {
        const GroupOutputs outputs = machine_->take_outputs();
        for (const JoinReply& reply : outputs.joins) on_join(reply);
        for (const SyncReply& reply : outputs.syncs) on_sync(reply);
        for (const GroupWrite& write : outputs.writes) {
            // In their order, as appends to one log are.
            const std::int64_t before = writing_.empty() ? clock_ms_ : writing_.back().second;
            writing_.emplace_back(write, before + 1 + static_cast<std::int64_t>(pick(40)));
        }
    }
    void on_join(const JoinReply& reply) {
        const Asked asked = answered(reply.token);
        EXPECT_TRUE(asked.join);
        Client& client = clients_[asked.client];
        const JoinAnswer& answer = reply.answer;
        note("join " + client.name + " " + std::to_string(static_cast<int>(answer.error)) + " " +
             std::to_string(answer.generation) + " " + answer.member_id);
        if (answer.error == GroupError::none) {
            EXPECT_GE(answer.generation, highest_) << "a generation went back";
            highest_ = std::max(highest_, answer.generation);
            EXPECT_FALSE(answer.member_id.empty());
        }
        if (client.waits != reply.token) return;  // it died, or has left, since
        client.waits.reset();
        if (answer.error == GroupError::member_id_required) {
            client.member_id = answer.member_id;
        } else if (answer.error == GroupError::none) {
            client.member_id = answer.member_id;
            client.generation = answer.generation;
            client.leads.clear();
            if (answer.leader == answer.member_id && !answer.skip_assignment) {
                EXPECT_FALSE(answer.members.empty());
                for (const JoinedMember& member : answer.members) client.leads.push_back(member.member_id);
            } else if (answer.leader != answer.member_id) {
                EXPECT_TRUE(answer.members.empty());
            }
        } else {
            hear(client, answer.error);
        }
    }
    void on_sync(const SyncReply& reply) {
        const Asked asked = answered(reply.token);
        EXPECT_FALSE(asked.join);
        Client& client = clients_[asked.client];
        const SyncAnswer& answer = reply.answer;
        note("sync " + client.name + " " + std::to_string(static_cast<int>(answer.error)) + " " + answer.assignment);
        if (answer.error == GroupError::none && !answer.assignment.empty()) {
            // The leader writes which generation it is for: one leader's word in a generation, and no other's.
            const auto [at, first] = assigned_.emplace(std::stoi(answer.assignment), answer.assignment);
            EXPECT_EQ(at->second, answer.assignment) << "two assignments in a generation";
        }
        if (client.waits != reply.token) return;
        client.waits.reset();
        if (answer.error == GroupError::none) {
            client.in_sync = true;
        } else {
            hear(client, answer.error);
        }
    }

    // Time goes by in steps: writes end, the machine is called when it asks to be, clients that live heartbeat.
    void pass(std::int64_t ms) {
        const std::int64_t end_ms = clock_ms_ + ms;
        while (!testing::Test::HasFailure()) {
            std::int64_t next = std::min(end_ms, next_beat_ms_);
            for (const auto& [write, at_ms] : writing_) next = std::min(next, at_ms);
            if (machine_->next_wakeup_ms()) next = std::min(next, *machine_->next_wakeup_ms());
            clock_ms_ = std::max(clock_ms_, next);
            while (!writing_.empty() && writing_.front().second <= clock_ms_) {
                const GroupWrite write = writing_.front().first;
                writing_.erase(writing_.begin());
                const bool fails = !quiet_ && pick(12) == 0;
                if (!fails) stored_ = write.value;
                machine_->written(write.id, fails ? GroupError::not_enough_replicas : GroupError::none, now());
                take();
            }
            if (machine_->next_wakeup_ms() && *machine_->next_wakeup_ms() <= clock_ms_) {
                machine_->due(now());
                take();
                ASSERT_LE(++calls_, 1'000'000) << "the machine wants to be called for ever";
            }
            if (clock_ms_ >= next_beat_ms_) {
                next_beat_ms_ = clock_ms_ + 1'000;
                for (Client& client : clients_) move(client);
            }
            check();
            if (clock_ms_ >= end_ms) break;
        }
    }
    void check() {
        // Nobody is held longer than the phases can take.
        for (const auto& [token, asked] : asked_) {
            ASSERT_LE(clock_ms_ - asked.at_ms, 300'000)
                << (asked.join ? "join " : "sync ") << token << " is forgotten";
        }
        const GroupSummary summary = machine_->describe("g");
        std::set<std::string> instances;
        for (const MemberSummary& member : summary.members) {
            const bool first = !member.instance_id || instances.insert(*member.instance_id).second;
            EXPECT_TRUE(first) << "two of an instance";
        }
        EXPECT_FALSE(summary.state == ClassicState::empty && !summary.members.empty());
        EXPECT_FALSE(summary.state == ClassicState::stable && summary.members.empty());
    }

    // No faults any more, nobody leaves: all who want to be members become so, and stay.
    void quiet() {
        quiet_ = true;
        bool anybody = false;
        for (Client& client : clients_) {
            client.silent = false;
            anybody = anybody || client.wants;
        }
        pass(400'000);
        EXPECT_TRUE(asked_.empty()) << asked_.size() << " are not answered";
        const GroupSummary summary = machine_->describe("g");
        if (!anybody) {
            EXPECT_TRUE(summary.members.empty());
            return;
        }
        EXPECT_EQ(summary.state, ClassicState::stable);
        std::set<std::string> members, wanted;
        for (const MemberSummary& member : summary.members) members.insert(member.member_id);
        for (const Client& client : clients_) {
            if (!client.wants) continue;
            wanted.insert(client.member_id);
            EXPECT_EQ(client.generation, summary.generation) << client.name;
            EXPECT_TRUE(client.in_sync) << client.name;
        }
        EXPECT_EQ(members, wanted);
        const std::int32_t generation = summary.generation;
        pass(60'000);
        EXPECT_EQ(machine_->describe("g").generation, generation) << "no rest";
    }

    std::mt19937_64 random_;
    std::unique_ptr<GroupMachine> machine_;
    std::vector<Client> clients_;
    std::int64_t clock_ms_ = 1;
    std::int64_t next_beat_ms_ = 0;
    int ids_ = 0;
    int calls_ = 0;
    bool quiet_ = false;
    Token tokens_ = 0;
    std::map<Token, Asked> asked_;
    std::vector<std::pair<GroupWrite, std::int64_t>> writing_;  // and when each is done
    std::optional<record::GroupMetadataValue> stored_;
    std::int32_t highest_ = 0;
    std::map<std::int32_t, std::string> assigned_;
};

TEST(GroupMachineSimulation, Row26_RandomMembersAlwaysComeToRest) {
    const std::uint64_t first = test::test_seed(), count = test::test_scale(2'000, 100'000);
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        Simulation simulation{seed};
        simulation.run();
        ASSERT_FALSE(HasFailure()) << "seed " << seed << " (MQ_TEST_SEED)\n" << simulation.history;
    }
}

TEST(GroupMachineSimulation, Row26_ASeedGivesTheSameRun) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Simulation a{seed}, b{seed};
        a.run();
        b.run();
        EXPECT_EQ(a.history, b.history);
    }
}

}  // namespace
}  // namespace mq::groups
