// The sessions that were recorded between a Kafka 2.4.2 broker and its clients, asked again of the machine: it has to
// answer as the broker did. The broker's random ids are given to the machine as it asks for them.
#include <gtest/gtest.h>

#include <charconv>
#include <map>
#include <queue>

#include "base/bytes.h"
#include "groups/group_machine.h"
#include "support/golden.h"

namespace mq::groups {
namespace {

constexpr int kOffsetCommit = 8;
constexpr int kJoinGroup = 11;
constexpr int kHeartbeat = 12;
constexpr int kLeaveGroup = 13;
constexpr int kSyncGroup = 14;

struct Frame {
    std::int64_t time_ms = 0;
    int connection = 0;
    bool is_request = false;
    int api = -1;
    int version = 0;
    int correlation = 0;
    std::string client_id;
    std::string bytes;
};

// The value after "name": in a line of the recorder, which never has quotes inside of strings.
std::string field(const std::string& line, const std::string& name) {
    const std::size_t at = line.find("\"" + name + "\": ");
    if (at == std::string::npos) return {};
    const std::size_t begin = at + name.size() + 4;
    if (line[begin] == '"') return line.substr(begin + 1, line.find('"', begin + 1) - begin - 1);
    return line.substr(begin, line.find_first_of(",}", begin) - begin);
}

std::vector<Frame> frames_of(const std::string& name) {
    std::vector<Frame> frames;
    std::string text = test::read_golden("groups/" + name);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        if (field(line, "hex").empty()) continue;
        Frame frame;
        frame.time_ms = std::stoll(field(line, "time_ms"));
        frame.connection = std::stoi(field(line, "conn"));
        frame.is_request = field(line, "dir") == "request";
        frame.api = std::stoi(field(line, "api_key"));
        frame.version = std::stoi(field(line, "api_version"));
        frame.correlation = std::stoi(field(line, "correlation_id"));
        frame.client_id = field(line, "client_id");
        const std::string hex = field(line, "hex");
        for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
            unsigned byte = 0;
            std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
            frame.bytes.push_back(static_cast<char>(byte));
        }
        const bool ours = frame.api == kOffsetCommit || (frame.api >= kJoinGroup && frame.api <= kSyncGroup);
        if (ours) frames.push_back(std::move(frame));
    }
    return frames;
}

// Kafka's wire primitives, as far as these messages have them: wire versions that are flexible use compact forms.
class Reader {
public:
    Reader(const Frame& frame)
        : cursor_(frame.bytes), flexible_(frame.version >= first_flexible(frame.api)), version(frame.version) {
        cursor_.be<std::int32_t>();  // api and version of a request, correlation id of a response
        if (frame.is_request) {
            cursor_.be<std::int32_t>();
            cursor_.take(cursor_.be<std::int16_t>());
        }
        tags();
    }
    std::int16_t int16() { return cursor_.be<std::int16_t>(); }
    std::int32_t int32() { return cursor_.be<std::int32_t>(); }
    std::string text() { return maybe_text().value_or(""); }
    std::optional<std::string> maybe_text() {
        const auto bytes = cursor_.take_nullable(flexible_ ? compact() : cursor_.be<std::int16_t>());
        return bytes ? std::optional<std::string>{*bytes} : std::nullopt;
    }
    std::string bytes() { return std::string{cursor_.take(flexible_ ? compact() : cursor_.be<std::int32_t>())}; }
    std::int64_t count() { return flexible_ ? compact() : cursor_.be<std::int32_t>(); }
    void tags() {
        if (!flexible_) return;
        for (std::int64_t left = compact() + 1; left > 0; --left) {
            compact();
            cursor_.take(compact() + 1);
        }
    }
    ~Reader() { EXPECT_TRUE(cursor_.ok()); }

private:
    static int first_flexible(int api) { return api == kJoinGroup ? 6 : api == kOffsetCommit ? 8 : 4; }
    // Unsigned, one more than what it stands for.
    std::int64_t compact() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 35; shift += 7) {
            const auto byte = static_cast<unsigned char>(cursor_.be<char>());
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) break;
        }
        return static_cast<std::int64_t>(value) - 1;
    }
    ByteCursor cursor_;
    bool flexible_;

public:
    int version;
};

JoinRequest join_request(const Frame& frame) {
    Reader in{frame};
    JoinRequest request;
    request.client_id = frame.client_id;
    request.group = in.text();
    request.session_timeout_ms = in.int32();
    if (in.version >= 1) request.rebalance_timeout_ms = in.int32();
    request.member_id = in.text();
    if (in.version >= 5) request.instance_id = in.maybe_text();
    request.protocol_type = in.text();
    for (std::int64_t left = in.count(); left > 0; --left) {
        JoinProtocol protocol;
        protocol.name = in.text();
        protocol.metadata = in.bytes();
        in.tags();
        request.protocols.push_back(std::move(protocol));
    }
    request.takes_member_id = in.version >= 4;
    request.can_skip_assignment = in.version >= 9;
    return request;
}

JoinAnswer join_answer(const Frame& frame) {
    Reader in{frame};
    JoinAnswer answer;
    in.int32();
    answer.error = GroupError{in.int16()};
    answer.generation = in.int32();
    answer.protocol = in.text();
    answer.leader = in.text();
    answer.member_id = in.text();
    for (std::int64_t left = in.count(); left > 0; --left) {
        JoinedMember member;
        member.member_id = in.text();
        if (in.version >= 5) member.instance_id = in.maybe_text();
        member.metadata = in.bytes();
        in.tags();
        answer.members.push_back(std::move(member));
    }
    return answer;
}

SyncRequest sync_request(const Frame& frame) {
    Reader in{frame};
    SyncRequest request;
    request.group = in.text();
    request.generation = in.int32();
    request.member_id = in.text();
    request.instance_id = in.maybe_text();
    for (std::int64_t left = in.count(); left > 0; --left) {
        MemberAssignment one;
        one.member_id = in.text();
        one.assignment = in.bytes();
        in.tags();
        request.assignments.push_back(std::move(one));
    }
    return request;
}

class Replay {
public:
    explicit Replay(const std::string& name)
        : frames_(frames_of(name)), machine_(config(), [this] {
              EXPECT_FALSE(suffixes_.empty()) << "an id that the broker did not make";
              const std::string next = suffixes_.empty() ? "none" : suffixes_.front();
              if (!suffixes_.empty()) suffixes_.pop();
              return next;
          }) {}

    int run() {
        machine_.loaded({frames_.front().time_ms, frames_.front().time_ms});
        for (std::size_t i = 0; i < frames_.size(); ++i) {
            const Frame& frame = frames_[i];
            SCOPED_TRACE("frame " + std::to_string(i) + ", api " + std::to_string(frame.api));
            go_to(frame.time_ms);
            if (frame.is_request) {
                ask(frame, i);
            } else {
                compare(frame);
            }
        }
        return compared_;
    }
    std::string group;

    ClassicState state() const { return machine_.describe(group).state; }

private:
    // The recorded broker did not wait for a first rebalance.
    static GroupConfig config() {
        GroupConfig config;
        config.initial_rebalance_delay_ms = 0;
        return config;
    }
    using Key = std::pair<int, int>;  // connection, correlation id
    static Key key(const Frame& frame) { return {frame.connection, frame.correlation}; }
    static Token token(const Frame& frame) {
        return static_cast<Token>(frame.connection) << 32 | static_cast<Token>(frame.correlation);
    }

    void go_to(std::int64_t time_ms) {
        now_ = {time_ms, time_ms};
        if (machine_.next_wakeup_ms() && *machine_.next_wakeup_ms() <= time_ms) machine_.due(now_);
        take();
    }
    void take() {
        GroupOutputs outputs = machine_.take_outputs();
        for (JoinReply& reply : outputs.joins) EXPECT_TRUE(joins_.emplace(reply.token, reply.answer).second);
        for (SyncReply& reply : outputs.syncs) EXPECT_TRUE(syncs_.emplace(reply.token, reply.answer).second);
        for (const GroupWrite& write : outputs.writes) machine_.written(write.id, GroupError::none, now_);
        if (!outputs.writes.empty()) take();
    }

    const Frame& answer_of(const Frame& request, std::size_t from) const {
        for (std::size_t i = from; i < frames_.size(); ++i) {
            if (!frames_[i].is_request && key(frames_[i]) == key(request)) return frames_[i];
        }
        throw std::runtime_error("no answer was recorded");
    }

    void ask(const Frame& frame, std::size_t at) {
        switch (frame.api) {
            case kJoinGroup: {
                const JoinRequest request = join_request(frame);
                group = request.group;
                const std::string made = join_answer(answer_of(frame, at)).member_id;
                // PREFIX-UUID, and a UUID has 36 characters.
                if (request.member_id.empty() && made.size() > 36) suffixes_.push(made.substr(made.size() - 36));
                machine_.join(token(frame), request, now_);
                break;
            }
            case kSyncGroup:
                machine_.sync(token(frame), sync_request(frame), now_);
                break;
            case kHeartbeat: {
                Reader in{frame};
                HeartbeatRequest request{in.text(), in.int32(), in.text(), in.maybe_text()};
                in.tags();
                values_[key(frame)] = {machine_.heartbeat(request, now_)};
                break;
            }
            case kLeaveGroup: {
                Reader in{frame};
                LeaveRequest request{in.text(), {}};
                if (in.version < 3) request.members.push_back({in.text(), {}});
                for (std::int64_t left = in.version < 3 ? 0 : in.count(); left > 0; --left) {
                    LeavingMember one;
                    one.member_id = in.text();
                    one.instance_id = in.maybe_text();
                    in.tags();
                    request.members.push_back(std::move(one));
                }
                const LeaveAnswer answer = machine_.leave(request, now_);
                values_[key(frame)] = {answer.error};
                if (in.version < 3) values_[key(frame)] = {answer.members.at(0)};
                if (in.version >= 3) {
                    for (const GroupError error : answer.members) values_[key(frame)].push_back(error);
                }
                break;
            }
            case kOffsetCommit: {
                Reader in{frame};
                CommitRequest request{in.text(), in.int32(), in.text(), {}, false};
                if (in.version >= 7) request.instance_id = in.maybe_text();
                values_[key(frame)] = {machine_.check_commit(request, now_)};
                break;
            }
        }
        take();
    }

    void compare(const Frame& frame) {
        ++compared_;
        switch (frame.api) {
            case kJoinGroup: {
                const JoinAnswer expected = join_answer(frame);
                const JoinAnswer& answer = joins_.at(token(frame));
                EXPECT_EQ(answer.error, expected.error);
                EXPECT_EQ(answer.generation, expected.generation);
                EXPECT_EQ(answer.protocol.value_or(""), expected.protocol);
                EXPECT_EQ(answer.leader, expected.leader);
                EXPECT_EQ(answer.member_id, expected.member_id);
                const auto by_id = [](std::vector<JoinedMember> all) {
                    std::sort(all.begin(), all.end(),
                              [](const auto& a, const auto& b) { return a.member_id < b.member_id; });
                    return all;
                };
                EXPECT_EQ(by_id(answer.members), by_id(expected.members));
                break;
            }
            case kSyncGroup: {
                Reader in{frame};
                in.int32();
                EXPECT_EQ(syncs_.at(token(frame)).error, GroupError{in.int16()});
                EXPECT_EQ(syncs_.at(token(frame)).assignment, in.bytes());
                break;
            }
            case kHeartbeat: {
                Reader in{frame};
                in.int32();
                EXPECT_EQ(values_.at(key(frame)), std::vector<GroupError>{GroupError{in.int16()}});
                break;
            }
            case kLeaveGroup: {
                Reader in{frame};
                in.int32();
                std::vector<GroupError> expected{GroupError{in.int16()}};
                for (std::int64_t left = in.version < 3 ? 0 : in.count(); left > 0; --left) {
                    in.text();
                    in.maybe_text();
                    expected.push_back(GroupError{in.int16()});
                    in.tags();
                }
                EXPECT_EQ(values_.at(key(frame)), expected);
                break;
            }
            case kOffsetCommit: {
                Reader in{frame};
                in.int32();
                for (std::int64_t topics = in.count(); topics > 0; --topics) {
                    in.text();
                    for (std::int64_t left = in.count(); left > 0; --left) {
                        in.int32();
                        EXPECT_EQ(values_.at(key(frame)), std::vector<GroupError>{GroupError{in.int16()}});
                        in.tags();
                    }
                    in.tags();
                }
                break;
            }
        }
    }

    std::vector<Frame> frames_;
    std::queue<std::string> suffixes_;
    GroupMachine machine_;
    Now now_;
    int compared_ = 0;
    std::map<Token, JoinAnswer> joins_;
    std::map<Token, SyncAnswer> syncs_;
    std::map<Key, std::vector<GroupError>> values_;
};

TEST(GroupMachineGolden, JavaRangeTwoMembersOneLeaves) {
    Replay replay{"java-range-two-members-one-leaves.jsonl"};
    EXPECT_EQ(replay.run(), 17);
    EXPECT_EQ(replay.state(), ClassicState::empty);
}

TEST(GroupMachineGolden, JavaInconsistentProtocolsJOI3) {
    Replay replay{"java-inconsistent-protocols.jsonl"};
    EXPECT_EQ(replay.run(), 7);
    EXPECT_EQ(replay.state(), ClassicState::empty);
}

// Both static members closed without a LeaveGroup (LEV-3), so that their group is as it was.
TEST(GroupMachineGolden, JavaStaticMembershipSTA1STA3) {
    Replay replay{"java-static-membership.jsonl"};
    EXPECT_EQ(replay.run(), 27);
    EXPECT_EQ(replay.state(), ClassicState::stable);
}

TEST(GroupMachineGolden, KcatTwoMembersOneLeaves) {
    Replay replay{"kcat-two-members-one-leaves.jsonl"};
    EXPECT_EQ(replay.run(), 29);
    EXPECT_EQ(replay.state(), ClassicState::empty);
}

TEST(GroupMachineGolden, KcatCooperativeSticky) {
    Replay replay{"kcat-cooperative-sticky.jsonl"};
    EXPECT_EQ(replay.run(), 39);
    EXPECT_EQ(replay.state(), ClassicState::empty);
}

}  // namespace
}  // namespace mq::groups
