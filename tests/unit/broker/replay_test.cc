// What real clients said to a Kafka 2.4.2 broker, said to this one: it answers the same. Requests go in in the order
// of the recording, ids that this broker gave take the place of those that the other gave, and every answer is
// compared field by field.
#include <gtest/gtest.h>

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>

#include "base/crc32c.h"
#include "broker_fixture.h"
#include "message_walk.h"
#include "record/record.h"
#include "recorded_state.h"
#include "support/golden.h"

namespace mq::broker::test {
namespace {

using wire::ApiKey;

struct Session {
    std::string name;
    std::vector<std::string> before{};             // replayed first, on the same broker
    std::string logs_of{};                         // the session whose logs were there already
    std::map<std::string, std::int32_t> topics{};  // that its own answers do not tell of
};

std::ostream& operator<<(std::ostream& out, const Session& session) { return out << session.name; }

// All of golden/wire and golden/groups but java-transaction, which needs a coordinator of transactions.
const std::vector<Session>& sessions() {
    static const std::string group = "wire/java-console-consumer-group";
    static const std::string read_committed = "wire/java-console-consumer-read-committed";
    static const std::vector<Session> all{
        {"groups/java-inconsistent-protocols"},
        {"groups/java-range-two-members-one-leaves"},
        {"groups/java-static-membership"},
        {"groups/kcat-cooperative-sticky"},
        {"groups/kcat-two-members-one-leaves"},
        {"wire/java-configs-describe"},
        {group},
        {read_committed},
        {"wire/java-console-producer"},
        {"wire/java-console-producer-gzip-acks-all"},
        {"wire/java-delete-records", {}, read_committed},
        {"wire/java-groups-delete", {group}},
        {"wire/java-groups-delete-offsets", {group}},
        {"wire/java-groups-describe-missing"},
        {"wire/java-groups-list", {group, read_committed}},
        {"wire/java-log-dirs", {group, read_committed}, read_committed, {{"wire-auto", 1}}},
        {"wire/java-producer-perf-idempotent"},
        {"wire/java-topics-create"},
        {"wire/java-topics-delete", {group}},
        {"wire/java-topics-list"},
        {"wire/kcat-C"},
        {"wire/kcat-G"},
        {"wire/kcat-P"},
        {"wire/kcat-P-acks0"},
        {"wire/kcat-P-idempotent"},
        {"wire/kcat-P-lz4"},
        {"wire/kcat-P-unknown-partition"},
        {"wire/kcat-P-zstd"},
        {"wire/kcat-legacy-0.10-C"},
        {"wire/kcat-legacy-0.9-C"},
    };
    return all;
}

// Time, ids, places and ranges of versions: what no two brokers have in common.
const std::set<std::string, std::less<>> kNotCompared{"Host", "Port", "ClusterId", "TopicId", "LogDir"};
// Ids that one broker gives and that are said to it again: the same one here wherever it was the same one there.
const std::set<std::string, std::less<>> kIds{"MemberId", "Leader", "ProducerId", "SessionId"};

// Arrays whose order means nothing, and the field that tells their items apart.
struct Keyed {
    ApiKey api;
    std::string array;
    std::string key;
};
const std::vector<Keyed>& keyed_arrays() {
    static const std::vector<Keyed> all{{ApiKey::metadata, "Topics", "Name"},
                                        {ApiKey::metadata, "Partitions", "PartitionIndex"},
                                        {ApiKey::join_group, "Members", "MemberId"},
                                        {ApiKey::describe_groups, "Members", "MemberId"},
                                        {ApiKey::list_groups, "Groups", "GroupId"},
                                        {ApiKey::describe_log_dirs, "Topics", "Name"},
                                        {ApiKey::describe_log_dirs, "Partitions", "PartitionIndex"},
                                        {ApiKey::create_topics, "Configs", "Name"},
                                        {ApiKey::describe_configs, "Configs", "Name"}};
    return all;
}

// Where this broker, as a Kafka 3.9, answers other than 2.4.2 did. Patterns of fnmatch(3).
struct Difference {
    ApiKey api;
    const char* field;
    const char* recorded;
    const char* ours;
    const char* why;
};
constexpr const char* kFile = "what the recorded broker's file said, and this one's does not";
constexpr const char* kVersion = "a setting, or its default, of another version";
constexpr Difference kDifferences[] = {
    {ApiKey::api_versions, "*", "*", "*", "ranges of versions, and the tagged fields of 3.9"},
    {ApiKey::metadata, "*AuthorizedOperations", "0", "-2147483648",
     "KIP-430: not asked for, said as it is since 2.5"},
    {ApiKey::describe_groups, "Groups.*.AuthorizedOperations", "0", "-2147483648", "the same"},
    {ApiKey::find_coordinator, "ErrorCode", "15", "0", "MET-3: __consumer_offsets is made while the request waits"},
    {ApiKey::find_coordinator, "NodeId", "-1", "0", "the same"},
    {ApiKey::find_coordinator, "ErrorMessage", "*", "\"NONE\"", "the same"},
    {ApiKey::create_topics, "Topics.*.Configs.*", "*", "absent", kVersion},
    {ApiKey::create_topics, "Topics.*.Configs.*", "absent", "*", kVersion},
    {ApiKey::create_topics, "Topics.*.Configs.size", "26", "*", kVersion},
    {ApiKey::create_topics, "Topics.*.Configs.max.message.bytes.Value", "\"1000012\"", "\"1048588\"", "section 15"},
    {ApiKey::create_topics, "Topics.*.Configs.message.format.version.Value", "*", "\"3.0-IV1\"", kVersion},
    {ApiKey::create_topics, "Topics.*.Configs.segment.bytes.ConfigSource", "4", "5", kFile},
    {ApiKey::describe_configs, "Results.*.Configs.*", "*", "absent", kVersion},
    {ApiKey::describe_configs, "Results.*.Configs.*", "absent", "*", kVersion},
    {ApiKey::describe_configs, "Results.*.Configs.size", "192", "*", kVersion},
    {ApiKey::describe_configs, "Results.*.Configs.*.ReadOnly", "0", "1",
     "none of a broker's is changed while it runs"},
    {ApiKey::describe_configs, "Results.*.Configs.*Source", "4", "5", kFile},
    {ApiKey::describe_configs, "Results.*.Configs.*.Synonyms.size", "*", "*", kFile},
    {ApiKey::describe_configs, "Results.*.Configs.broker.id.*", "*", "*", kFile},
    {ApiKey::describe_configs, "Results.*.Configs.*listeners.*", "*", "*", kFile},
    {ApiKey::describe_configs, "Results.*.Configs.log.dir.*", "*", "null", kFile},
    {ApiKey::describe_configs, "Results.*.Configs.log.dirs.Value", "\"/*\"", "\"/*/data\"", "it has another place"},
    {ApiKey::describe_configs, "Results.*.Configs.group.initial.rebalance.delay.ms.*", "*", "*", kFile},
    {ApiKey::describe_configs, "Results.*.Configs.num.network.threads.*", "*", "*", kFile},
    {ApiKey::describe_configs, "Results.*.Configs.listener.security.protocol.map.*", "*", "*", "the order of a map"},
    {ApiKey::describe_configs, "Results.*.Configs.message.max.bytes.*", "\"1000012\"", "\"1048588\"", "section 15"},
    {ApiKey::describe_configs, "Results.*.Configs.log.message.format.version.*", "*", "\"3.0-IV1\"", kVersion},
    {ApiKey::describe_log_dirs, "*.wire-auto.*.PartitionSize", "69", "0", "no session fetched its record"},
    {ApiKey::describe_log_dirs, "*.__consumer_offsets.*.PartitionSize", "1161", "*",
     "more commits than are recorded"},
};

std::string last_part(const std::string& path) { return path.substr(path.rfind('.') + 1); }

// A member's id without what was drawn by lot: "consumer-1-".
std::string without_uuid(const std::string& id) {
    constexpr std::size_t kUuidCharacters = 36;
    return id.size() < kUuidCharacters ? id : id.substr(0, id.size() - kUuidCharacters - (id.ends_with('"') ? 1 : 0));
}

using ByPath = std::map<std::string, std::string>;

// Items of keyed arrays are called by their keys: Topics.0.Name becomes Topics.wire.Name.
ByPath by_keys(ApiKey api, const Values& values) {
    Values renamed = values;
    for (const Keyed& keyed : keyed_arrays()) {
        if (keyed.api != api) continue;
        std::map<std::string, std::string> prefixes;
        for (const auto& [path, value] : renamed) {
            const std::size_t item = path.size() - std::min(path.size(), keyed.key.size() + 1);
            if (path.substr(item) != '.' + keyed.key) continue;
            const std::size_t number = path.rfind('.', item - 1);
            if (number == path.npos || last_part(path.substr(0, number)) != keyed.array) continue;
            std::string name = keyed.key == "MemberId" ? without_uuid(value) : value;
            std::erase(name, '"');
            prefixes[path.substr(0, item) + '.'] = path.substr(0, number + 1) + name + '.';
        }
        for (auto& [path, value] : renamed) {
            for (std::size_t dot = path.find('.'); dot != path.npos; dot = path.find('.', dot + 1)) {
                const auto found = prefixes.find(path.substr(0, dot + 1));
                if (found == prefixes.end()) continue;
                path.replace(0, dot + 1, found->second);
                break;
            }
        }
    }
    return {renamed.begin(), renamed.end()};
}

class Replay : public BrokerTest, public ::testing::WithParamInterface<Session> {
protected:
    void SetUp() override {
        const Session& session = GetParam();
        RecordedState state = state_before(read_session(session.name));
        for (const std::string& earlier : session.before) add(state_before(read_session(earlier)), state);
        if (!session.logs_of.empty()) {
            RecordedState other = state_before(read_session(session.logs_of));
            state.logs = other.logs;
            state.topics.merge(other.topics);
        }
        for (const auto& topic : session.topics) state.topics.insert(topic);
        config.broker_id = state.broker_id;
        config.groups.initial_rebalance_delay_ms = 0;
        // A disk may take its time; but where settings are told it is as there.
        if (session.name != "wire/java-configs-describe") config.offsets_commit_timeout_ms = 600'000;
        // The records are of the day of the recording, and are kept for ever.
        if (!state.logs.empty()) config.topic_defaults["retention.ms"] = "-1";
        config.log_dir = dir.path() + "/data";
        std::filesystem::create_directories(config.log_dir);
        lay_out(state, config.log_dir);
        start();
        // Until groups are loaded their clients are told to try again.
        while (!broker->is_ready()) std::this_thread::yield();
    }
    static void add(RecordedState from, RecordedState& to) {
        to.topics.merge(from.topics);
        for (const auto& [id, log] : from.logs) {
            const auto [at, is_new] = to.logs.try_emplace(id, log);
            if (!is_new) at->second = log;  // as the earlier session found it
        }
    }

    void play(const std::string& name) {
        waiting_.clear();
        left_out_.clear();
        for (const RecordedFrame& frame : read_session(name)) {
            if (frame.left_out > 0) {
                left_out_[frame.connection] += frame.left_out;
                continue;
            }
            const Walk* const walk = find_walk(frame.key, frame.is_request);
            if (walk == nullptr) continue;  // between brokers
            const std::string where = name + " frame " + std::to_string(frame.number) + ", " +
                                      std::string{wire::api_of(frame.key).name} + " v" +
                                      std::to_string(frame.version);
            SCOPED_TRACE(where);
            const auto exchange = std::pair{frame.connection, frame.correlation_id};
            if (frame.is_request) {
                waiting_[exchange] = {send_payload(edited(*walk, frame)), frame.key};
            } else {
                compare(*walk, frame, mailbox->take(waiting_.extract(exchange).mapped().first));
            }
        }
        // Produce with acks 0 is not answered. What else has no answer waited when its client went away.
        for (const auto& [exchange, sent] : waiting_) {
            if (sent.second != ApiKey::produce) continue;
            EXPECT_EQ(mailbox->take(sent.first).kind, Reply::Kind::nothing);
        }
    }

private:
    std::string edited(const Walk& walk, const RecordedFrame& frame) {
        const auto request = wire::parse_request(frame.payload).value();
        Edits edits;
        edits.text = [&](const char* name, std::string& value) {
            if (!kIds.contains(std::string_view{name})) return;
            const std::string mine = translated('"' + value + '"');
            value = mine.substr(1, mine.size() - 2);
        };
        edits.number = [&](const char* name, std::int64_t& value) {
            if (kIds.contains(std::string_view{name})) value = std::stoll(translated(std::to_string(value)));
            // Nothing comes while they wait.
            if (name == std::string_view{"MaxWaitMs"}) value = std::min<std::int64_t>(value, 20);
            // Members are not gone because a disk or this thread takes its time.
            if (name == std::string_view{"SessionTimeoutMs"}) value = 600'000;
            if (name == std::string_view{"SessionEpoch"} && value > 0) value -= left_out_[frame.connection];
        };
        edits.records = [&](const char*, NullableBytes& value) {
            if (!value) return;
            held_.push_back(with_our_producer(std::string{*value}));
            value = held_.back();
        };
        const auto body = walk.edited(request.body, frame.version, edits);
        EXPECT_TRUE(body) << (body ? "" : body.error().message());
        std::string out;
        wire::FrameWriter writer{out};
        EXPECT_TRUE(writer.put(request.header));
        out += body.value();
        EXPECT_TRUE(writer.finish({}));
        return out.substr(wire::kLengthBytes);
    }
    std::string with_our_producer(std::string batch) {
        auto header = record::parse_batch_header(batch);
        if (!header || header->magic != record::kMagicV2 || header->producer_id < 0) return batch;
        header->producer_id = std::stoll(translated(std::to_string(header->producer_id)));
        record::store_batch_header(batch.data(), *header);
        header->crc = record::batch_checksum(batch);
        record::store_batch_header(batch.data(), *header);
        return batch;
    }
    std::string translated(const std::string& id) const {
        const auto found = ids_.find(id);
        return found == ids_.end() ? id : found->second;
    }

    void compare(const Walk& walk, const RecordedFrame& frame, const Reply& reply) {
        ASSERT_EQ(reply.kind, Reply::Kind::frame) << log.lines();
        const std::string bytes = bytes_of(reply).substr(wire::kLengthBytes);
        const auto mine = wire::parse_response(bytes, frame.key, frame.version);
        const auto theirs = wire::parse_response(frame.payload, frame.key, frame.version);
        ASSERT_TRUE(mine && theirs);
        EXPECT_EQ(mine->header.correlation_id, theirs->header.correlation_id);
        const auto our_values = walk.values(mine->body, frame.version);
        ASSERT_TRUE(our_values) << our_values.error().message();
        const ByPath ours = by_keys(frame.key, *our_values);
        const ByPath recorded = by_keys(frame.key, walk.values(theirs->body, frame.version).value());
        std::string differences;
        std::set<std::string> paths;
        for (const auto& entry : ours) paths.insert(entry.first);
        for (const auto& entry : recorded) paths.insert(entry.first);
        for (const std::string& path : paths) {
            const auto a = recorded.find(path);
            const auto b = ours.find(path);
            const std::string there = a == recorded.end() ? "absent" : a->second;
            const std::string here = b == ours.end() ? "absent" : b->second;
            if (!is_same(frame, path, there, here))
                differences += path + " was " + there.substr(0, 300) + ", is " + here.substr(0, 300) + '\n';
        }
        EXPECT_EQ(differences, "");
    }
    bool is_same(const RecordedFrame& frame, const std::string& path, const std::string& there,
                 const std::string& here) {
        const std::string field = last_part(path);
        if (kNotCompared.contains(field)) return true;
        if (kIds.contains(field) && is_given(field, there) && is_given(field, here)) {
            if (without_uuid(there) != without_uuid(here) && there.front() == '"') return false;
            return ids_.emplace(there, here).first->second == here;
        }
        if (field == "Records" && frame.version < 4 && frame.key == ApiKey::fetch) return same_messages(there, here);
        if (there == here) return true;
        return std::ranges::any_of(kDifferences, [&](const Difference& known) {
            return known.api == frame.key && fnmatch(known.field, path.c_str(), 0) == 0 &&
                   fnmatch(known.recorded, there.c_str(), 0) == 0 && fnmatch(known.ours, here.c_str(), 0) == 0;
        });
    }
    static bool is_given(const std::string& field, const std::string& id) {
        return id != "\"\"" && id != "-1" && id != "absent" && (id != "0" || field == "ProducerId");
    }

    // Old formats are made from new ones as they are asked for: in how large pieces, how they are compressed, and
    // what fills up the end, is the broker's affair. The records are not.
    static bool same_messages(const std::string& there, const std::string& here) {
        const std::vector<std::string> a = messages(there), b = messages(here);
        if (a.empty() != b.empty()) return false;
        return std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())),
                          b.begin());
    }
    static std::vector<std::string> messages(const std::string& hex) {
        std::string bytes;
        for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
            bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
        std::vector<std::string> found;
        record::RecordReader reader;
        for (std::string_view rest = bytes;;) {
            const auto header = record::parse_batch_header(rest);
            if (!header || header->size_bytes > rest.size()) return found;
            if (reader.open(rest.substr(0, header->size_bytes))) {
                for (record::RecordView record; reader.next(record);) {
                    found.push_back(std::to_string(record.offset.value()) + ' ' +
                                    std::string{record.key.value_or("(null)")} + ' ' +
                                    std::string{record.value.value_or("(null)")} + " magic " +
                                    std::to_string(record.magic));
                }
            }
            rest.remove_prefix(header->size_bytes);
        }
    }

    std::map<std::pair<int, std::int32_t>, std::pair<std::uint64_t, ApiKey>> waiting_;
    std::map<int, int> left_out_;             // by connection
    std::map<std::string, std::string> ids_;  // theirs to ours
    std::list<std::string> held_;
};

TEST_P(Replay, AnswersAsTheRecordedBrokerDid) {
    for (const std::string& earlier : GetParam().before) play(earlier);
    play(GetParam().name);
}

std::string name_of(const ::testing::TestParamInfo<Session>& info) {
    std::string name = info.param.name;
    for (char& c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
    }
    return name;
}
INSTANTIATE_TEST_SUITE_P(Golden, Replay, ::testing::ValuesIn(sessions()), name_of);

TEST(ReplayTable, NamesEverySessionThatNeedsNoTransactions) {
    std::vector<std::string> named{"wire/java-transaction"};
    for (const Session& session : sessions()) named.push_back(session.name);
    std::ranges::sort(named);
    EXPECT_EQ(named, mq::test::recorded_sessions());
}

}  // namespace
}  // namespace mq::broker::test
