// Incremental fetch sessions (KIP-227): what a client fetches, remembered between its requests. Rules FSS-1 to FSS-7.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "wire/messages/fetch.h"

namespace mq::broker {

// Before version 13 a topic has a name here, from then on an id.
struct FetchTopic {
    std::string name;
    Uuid id;
    auto operator<=>(const FetchTopic&) const = default;
};

// What is asked of one partition.
struct FetchPartition {
    std::shared_ptr<const FetchTopic> topic;
    wire::FetchRequest::Partition wanted;
};

// One request of a session, or of none.
struct FetchContext {
    enum class Kind : unsigned char { sessionless, full, incremental };
    Kind kind = Kind::sessionless;
    // Of the whole response, which is empty then.
    wire::ErrorCode error = wire::ErrorCode::none;
    std::int32_t session_id = 0;
    std::int32_t next_epoch = 0;
    bool by_id = false;
    bool is_follower = false;
    std::vector<FetchPartition> partitions;  // in the order in which they are read (FET-5), each once
};

// What the response to it looks like, but for its partitions.
struct FetchEnvelope {
    wire::ErrorCode error = wire::ErrorCode::none;
    std::int32_t session_id = 0;
    std::vector<bool> included;  // by FetchContext::partitions
};

// Of the request that follows one of this epoch.
[[nodiscard]] std::int32_t epoch_after(std::int32_t epoch);

// Thread-safe; time is given.
class FetchSessions {
public:
    explicit FetchSessions(std::size_t most);

    // Takes the topics out of the request.
    [[nodiscard]] FetchContext begin(wire::FetchRequest& request, std::int16_t version, std::int64_t now_ms);
    // `results`: what was found, by FetchContext::partitions; `bytes` of each: how many of records.
    [[nodiscard]] FetchEnvelope finish(const FetchContext& context,
                                       std::span<const wire::FetchResponse::Partition> results,
                                       std::span<const std::uint64_t> bytes, std::int64_t now_ms);

    [[nodiscard]] std::size_t count() const;
    [[nodiscard]] std::size_t partitions() const;  // of all sessions

private:
    struct Key {
        std::shared_ptr<const FetchTopic> topic;
        std::int32_t partition = 0;
        bool operator<(const Key& other) const {
            return std::tie(*topic, partition) < std::tie(*other.topic, other.partition);
        }
    };
    struct Cached {
        FetchPartition partition;
        std::int64_t high_watermark = -1;
        std::int64_t log_start_offset = -1;
    };
    struct Session {
        std::int32_t epoch = 1;
        bool by_id = false;
        bool is_follower = false;
        std::int64_t created_ms = 0;
        std::int64_t used_ms = 0;
        std::list<Cached> order;
        std::map<Key, std::list<Cached>::iterator> by_key;
    };
    using Sessions = std::unordered_map<std::int32_t, Session>;

    static Key key_of(const FetchPartition& partition);
    static void update(Session& session, std::vector<FetchPartition>&& partitions, const wire::FetchRequest& request);
    static bool must_respond(Cached& cached, const wire::FetchResponse::Partition& result, std::uint64_t bytes);
    std::int32_t open(const FetchContext& context, std::span<const wire::FetchResponse::Partition> results,
                      std::int64_t now_ms);
    bool make_room(bool is_follower, std::size_t size, std::int64_t now_ms);
    void close(Sessions::iterator session);

    const std::size_t most_;
    mutable std::mutex mutex_;
    Sessions sessions_;
    std::size_t partitions_ = 0;
    std::mt19937 random_;
};

}  // namespace mq::broker
