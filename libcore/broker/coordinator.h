// The coordinator of this broker's groups: section 8 of Kafka's semantics, over what processes of this machine commit
// and join as well.
//
// The groups are spread over shards, one for each partition of __consumer_offsets. A shard has a state machine
// (groups/group_machine.h) for the groups that have members over the network; of all others the log is the truth, and
// is asked when somebody wants to know. What touches the log is done by the shard's queue on a worker, one piece
// after another, so that a lock that somebody holds stops one shard, one worker, and no connection.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "groups/group_messages.h"
#include "offsets/offset_store.h"
#include "wire/error_code.h"

namespace mq::broker {

struct BrokerConfig;
class Complaints;
class EventLog;
class Topics;
class Wakeups;
class WorkerPool;

// They are the same numbers.
[[nodiscard]] constexpr wire::ErrorCode code_of(groups::GroupError error) {
    return static_cast<wire::ErrorCode>(static_cast<std::int16_t>(error));
}
// Of one request: each takes more memory than the bytes that name it. Nobody asks for so many; the connection is
// closed.
inline constexpr std::size_t kMostGroupsAtOnce = 100'000;

// What the log's error means to who commits (OFF-8).
[[nodiscard]] groups::GroupError commit_error_of(const Error& error);

// Thread-safe. Answers are given at once or later, from any thread, with no lock held; never after stop() has
// returned.
class Coordinator {
public:
    struct Parts {
        const BrokerConfig& config;
        EventLog& log;
        Complaints& complaints;
        store::DataDirectory& directory;
        offsets::OffsetStore& offsets;
        Topics& topics;
        WorkerPool& workers;
        Wakeups& wakeups;
    };
    explicit Coordinator(Parts parts);
    ~Coordinator();

    // Begins to read the groups, and every offsets_retention_check_ms to forget what is too old (OFF-14), behind it.
    // Errors: of the catalogue.
    [[nodiscard]] Status start();
    [[nodiscard]] bool is_ready() const;
    // Who is held back is told to look for another coordinator; what is to be written is written when it returns, as
    // far as the directory waits for locks.
    // Before wake-ups and workers are stopped.
    void stop();

    using Joined = std::function<void(const groups::JoinAnswer&)>;
    void join(const groups::JoinRequest& request, Joined done);
    using Synced = std::function<void(const groups::SyncAnswer&)>;
    void sync(const groups::SyncRequest& request, Synced done);
    [[nodiscard]] groups::GroupError heartbeat(const groups::HeartbeatRequest& request);
    using Left = std::function<void(const groups::LeaveAnswer&)>;
    void leave(const groups::LeaveRequest& request, Left done);

    using Done = std::function<void(groups::GroupError)>;
    // The views must live as long as `done`. Empty: only whether they could be committed. Answered when they are on
    // stable storage (P2), unless __consumer_offsets has write.caching.
    void commit(const groups::CommitRequest& request, std::vector<offsets::Commit> offsets, Done done);
    // Everything that the group has committed, after the commits that came before; `unstable`, if it is asked for:
    // what waits for the end of a transaction (OFF-12).
    struct FetchedOffsets {
        offsets::GroupOffsets committed;
        std::set<log::TopicPartition> unstable;
    };
    using Fetched = std::function<void(groups::GroupError, const FetchedOffsets&)>;
    void fetch(const std::string& group, bool require_stable, Fetched done);
    using OffsetsDeleted = std::function<void(const groups::OffsetDeleteAnswer&)>;
    void delete_offsets(const std::string& group, std::vector<log::TopicPartition> ids, OffsetsDeleted done);

    using Described = std::function<void(groups::GroupError, const groups::GroupSummary&)>;
    void describe(const std::string& group, Described done);
    void remove(const std::string& group, Done done);
    struct Listed {
        groups::GroupError error = groups::GroupError::none;
        std::vector<groups::GroupSummary> groups;  // members are left out
        std::size_t offsets = 0;                   // that they have, all together
    };
    // On a worker. The error of the groups that are not read yet, with those that are.
    [[nodiscard]] Listed list();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mq::broker
