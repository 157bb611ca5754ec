// What a broker is told to be: Kafka's server.properties, typed. properties.h reads it.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "groups/group_machine.h"
#include "offsets/topic.h"
#include "store/topic_config.h"

namespace mq::broker {

struct ListenerConfig {
    std::string name = "PLAINTEXT";
    std::string host;  // empty: every interface
    std::uint16_t port = 9092;
    std::string path;  // of a Unix socket, instead of host and port
    // advertised.listeners; without it the host and port that are listened on.
    std::optional<std::string> advertised_host;
    std::optional<std::int32_t> advertised_port;
};

// What server.properties and overrides say, by Kafka's names: of the keys that have an effect.
using SetKeys = std::map<std::string, std::string, std::less<>>;

struct BrokerConfig {
    SetKeys set;

    std::optional<std::int32_t> broker_id;  // else that of meta.properties, else 0
    std::string log_dir;
    std::vector<ListenerConfig> listeners{ListenerConfig{}};
    std::optional<std::string> rack;

    // What topics have that say nothing themselves, by the topics' names of the settings.
    store::ConfigMap topic_defaults;
    std::int32_t num_partitions = 1;
    std::int32_t default_replication_factor = 1;
    bool auto_create_topics = true;
    bool delete_topics = true;

    groups::GroupConfig groups;
    std::int64_t offsets_retention_ms = 7LL * 24 * 60 * 60 * 1000;
    std::int64_t offsets_retention_check_ms = 600'000;
    std::int32_t offsets_commit_timeout_ms = 5'000;
    std::int32_t offset_metadata_max_bytes = 4096;
    offsets::NewOffsetsTopic offsets_topic;

    std::int32_t request_max_bytes = 104'857'600;
    std::int64_t request_memory_bytes = -1;  // of all together, until they are answered; -1: a share of the memory
    std::int32_t fetch_max_bytes = 57'671'680;
    std::int32_t fetch_sessions = 1000;
    std::size_t decompressed_max_bytes = 64u << 20;  // of one batch
    std::int64_t idle_connection_ms = 600'000;
    std::int32_t max_connections = std::numeric_limits<std::int32_t>::max();
    std::int32_t max_connections_per_host = std::numeric_limits<std::int32_t>::max();
    std::int32_t network_threads = 0;  // 0: one a core

    std::int64_t start_patience_ms = 10'000;  // for whoever holds a lock that a start needs
    std::int64_t let_go_ms = 10'000;          // how long the space of what other processes delete stays taken

    std::int64_t retention_check_ms = 300'000;
    std::int64_t flush_check_ms = 1'000;
    std::int64_t checkpoint_ms = 60'000;
    bool log_cleaner = true;
    std::int64_t cleaner_backoff_ms = 15'000;

    std::optional<std::string> log_level;         // mq.log.level
    std::optional<std::string> metrics_listener;  // mq.metrics.listener: "HOST:PORT"
};

// request_memory_bytes, or where that says nothing a quarter of what the machine or the control group has.
[[nodiscard]] std::uint64_t memory_for_requests(const BrokerConfig& config);

}  // namespace mq::broker
