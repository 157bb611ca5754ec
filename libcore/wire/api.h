// Kafka's requests by number: names, versions, headers. Source: Kafka's message schemas (branch 3.9).
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

namespace mq::wire {

enum class ApiKey : std::int16_t {
    produce = 0,
    fetch = 1,
    list_offsets = 2,
    metadata = 3,
    leader_and_isr = 4,
    stop_replica = 5,
    update_metadata = 6,
    controlled_shutdown = 7,
    offset_commit = 8,
    offset_fetch = 9,
    find_coordinator = 10,
    join_group = 11,
    heartbeat = 12,
    leave_group = 13,
    sync_group = 14,
    describe_groups = 15,
    list_groups = 16,
    sasl_handshake = 17,
    api_versions = 18,
    create_topics = 19,
    delete_topics = 20,
    delete_records = 21,
    init_producer_id = 22,
    offset_for_leader_epoch = 23,
    add_partitions_to_txn = 24,
    add_offsets_to_txn = 25,
    end_txn = 26,
    write_txn_markers = 27,
    txn_offset_commit = 28,
    describe_acls = 29,
    create_acls = 30,
    delete_acls = 31,
    describe_configs = 32,
    alter_configs = 33,
    alter_replica_log_dirs = 34,
    describe_log_dirs = 35,
    sasl_authenticate = 36,
    create_partitions = 37,
    create_delegation_token = 38,
    renew_delegation_token = 39,
    expire_delegation_token = 40,
    describe_delegation_token = 41,
    delete_groups = 42,
    elect_leaders = 43,
    incremental_alter_configs = 44,
    alter_partition_reassignments = 45,
    list_partition_reassignments = 46,
    offset_delete = 47,
    describe_client_quotas = 48,
    alter_client_quotas = 49,
    describe_user_scram_credentials = 50,
    alter_user_scram_credentials = 51,
    vote = 52,
    begin_quorum_epoch = 53,
    end_quorum_epoch = 54,
    describe_quorum = 55,
    alter_partition = 56,
    update_features = 57,
    envelope = 58,
    fetch_snapshot = 59,
    describe_cluster = 60,
    describe_producers = 61,
    broker_registration = 62,
    broker_heartbeat = 63,
    unregister_broker = 64,
    describe_transactions = 65,
    list_transactions = 66,
    allocate_producer_ids = 67,
    consumer_group_heartbeat = 68,
    consumer_group_describe = 69,
    controller_registration = 70,
    get_telemetry_subscriptions = 71,
    push_telemetry = 72,
    assign_replicas_to_dirs = 73,
    list_client_metrics_resources = 74,
    describe_topic_partitions = 75,
    share_group_heartbeat = 76,
    share_group_describe = 77,
    share_fetch = 78,
    share_acknowledge = 79,
    add_raft_voter = 80,
    remove_raft_voter = 81,
    update_raft_voter = 82,
    initialize_share_group_state = 83,
    read_share_group_state = 84,
    write_share_group_state = 85,
    delete_share_group_state = 86,
    read_share_group_state_summary = 87,
};

inline constexpr std::int16_t kNeverFlexible = std::numeric_limits<std::int16_t>::max();

// One request and its response, which share their version.
struct Api {
    ApiKey key{};
    std::string_view name;  // Kafka's: "ListOffsets"
    std::int16_t lowest = 0;
    std::int16_t highest = 0;
    std::int16_t flexible_since = kNeverFlexible;
    bool highest_is_unstable = false;  // hidden and refused unless the operator asks for it

    [[nodiscard]] constexpr bool has(std::int16_t version) const { return lowest <= version && version <= highest; }
    [[nodiscard]] constexpr bool is_flexible(std::int16_t version) const { return version >= flexible_since; }
    // Below `lowest` if there is none.
    [[nodiscard]] constexpr std::int16_t highest_stable() const {
        return static_cast<std::int16_t>(highest_is_unstable ? highest - 1 : highest);
    }
    [[nodiscard]] constexpr std::int16_t request_header_version(std::int16_t version) const {
        if (key == ApiKey::controlled_shutdown && version == 0) return 0;
        return is_flexible(version) ? 2 : 1;
    }
    // An ApiVersions response is readable by a client that does not know yet what the broker speaks.
    [[nodiscard]] constexpr std::int16_t response_header_version(std::int16_t version) const {
        return is_flexible(version) && key != ApiKey::api_versions ? 1 : 0;
    }
};

// Every request of the protocol, ascending and without gaps: the one of key k is kApis[k]. What brokers and a quorum
// of controllers ask each other has no message here yet.
inline constexpr auto kApis = std::to_array<Api>({
    {ApiKey::produce, "Produce", 0, 11, 9},
    {ApiKey::fetch, "Fetch", 0, 17, 12},
    {ApiKey::list_offsets, "ListOffsets", 0, 9, 6},
    {ApiKey::metadata, "Metadata", 0, 12, 9},
    {ApiKey::leader_and_isr, "LeaderAndIsr", 0, 7, 4},
    {ApiKey::stop_replica, "StopReplica", 0, 4, 2},
    {ApiKey::update_metadata, "UpdateMetadata", 0, 8, 6},
    {ApiKey::controlled_shutdown, "ControlledShutdown", 0, 3, 3},
    {ApiKey::offset_commit, "OffsetCommit", 0, 9, 8},
    {ApiKey::offset_fetch, "OffsetFetch", 0, 9, 6},
    {ApiKey::find_coordinator, "FindCoordinator", 0, 6, 3},
    {ApiKey::join_group, "JoinGroup", 0, 9, 6},
    {ApiKey::heartbeat, "Heartbeat", 0, 4, 4},
    {ApiKey::leave_group, "LeaveGroup", 0, 5, 4},
    {ApiKey::sync_group, "SyncGroup", 0, 5, 4},
    {ApiKey::describe_groups, "DescribeGroups", 0, 5, 5},
    {ApiKey::list_groups, "ListGroups", 0, 5, 3},
    {ApiKey::sasl_handshake, "SaslHandshake", 0, 1, kNeverFlexible},
    {ApiKey::api_versions, "ApiVersions", 0, 4, 3},
    {ApiKey::create_topics, "CreateTopics", 0, 7, 5},
    {ApiKey::delete_topics, "DeleteTopics", 0, 6, 4},
    {ApiKey::delete_records, "DeleteRecords", 0, 2, 2},
    {ApiKey::init_producer_id, "InitProducerId", 0, 5, 2},
    {ApiKey::offset_for_leader_epoch, "OffsetForLeaderEpoch", 0, 4, 4},
    {ApiKey::add_partitions_to_txn, "AddPartitionsToTxn", 0, 5, 3},
    {ApiKey::add_offsets_to_txn, "AddOffsetsToTxn", 0, 4, 3},
    {ApiKey::end_txn, "EndTxn", 0, 4, 3},
    {ApiKey::write_txn_markers, "WriteTxnMarkers", 0, 1, 1},
    {ApiKey::txn_offset_commit, "TxnOffsetCommit", 0, 4, 3},
    {ApiKey::describe_acls, "DescribeAcls", 0, 3, 2},
    {ApiKey::create_acls, "CreateAcls", 0, 3, 2},
    {ApiKey::delete_acls, "DeleteAcls", 0, 3, 2},
    {ApiKey::describe_configs, "DescribeConfigs", 0, 4, 4},
    {ApiKey::alter_configs, "AlterConfigs", 0, 2, 2},
    {ApiKey::alter_replica_log_dirs, "AlterReplicaLogDirs", 0, 2, 2},
    {ApiKey::describe_log_dirs, "DescribeLogDirs", 0, 4, 2},
    {ApiKey::sasl_authenticate, "SaslAuthenticate", 0, 2, 2},
    {ApiKey::create_partitions, "CreatePartitions", 0, 3, 2},
    {ApiKey::create_delegation_token, "CreateDelegationToken", 0, 3, 2},
    {ApiKey::renew_delegation_token, "RenewDelegationToken", 0, 2, 2},
    {ApiKey::expire_delegation_token, "ExpireDelegationToken", 0, 2, 2},
    {ApiKey::describe_delegation_token, "DescribeDelegationToken", 0, 3, 2},
    {ApiKey::delete_groups, "DeleteGroups", 0, 2, 2},
    {ApiKey::elect_leaders, "ElectLeaders", 0, 2, 2},
    {ApiKey::incremental_alter_configs, "IncrementalAlterConfigs", 0, 1, 1},
    {ApiKey::alter_partition_reassignments, "AlterPartitionReassignments", 0, 0, 0},
    {ApiKey::list_partition_reassignments, "ListPartitionReassignments", 0, 0, 0},
    {ApiKey::offset_delete, "OffsetDelete", 0, 0, kNeverFlexible},
    {ApiKey::describe_client_quotas, "DescribeClientQuotas", 0, 1, 1},
    {ApiKey::alter_client_quotas, "AlterClientQuotas", 0, 1, 1},
    {ApiKey::describe_user_scram_credentials, "DescribeUserScramCredentials", 0, 0, 0},
    {ApiKey::alter_user_scram_credentials, "AlterUserScramCredentials", 0, 0, 0},
    {ApiKey::vote, "Vote", 0, 1, 0},
    {ApiKey::begin_quorum_epoch, "BeginQuorumEpoch", 0, 1, 1},
    {ApiKey::end_quorum_epoch, "EndQuorumEpoch", 0, 1, 1},
    {ApiKey::describe_quorum, "DescribeQuorum", 0, 2, 0},
    {ApiKey::alter_partition, "AlterPartition", 0, 3, 0},
    {ApiKey::update_features, "UpdateFeatures", 0, 1, 0},
    {ApiKey::envelope, "Envelope", 0, 0, 0},
    {ApiKey::fetch_snapshot, "FetchSnapshot", 0, 1, 0},
    {ApiKey::describe_cluster, "DescribeCluster", 0, 1, 0},
    {ApiKey::describe_producers, "DescribeProducers", 0, 0, 0},
    {ApiKey::broker_registration, "BrokerRegistration", 0, 4, 0},
    {ApiKey::broker_heartbeat, "BrokerHeartbeat", 0, 1, 0},
    {ApiKey::unregister_broker, "UnregisterBroker", 0, 0, 0},
    {ApiKey::describe_transactions, "DescribeTransactions", 0, 0, 0},
    {ApiKey::list_transactions, "ListTransactions", 0, 1, 0},
    {ApiKey::allocate_producer_ids, "AllocateProducerIds", 0, 0, 0},
    {ApiKey::consumer_group_heartbeat, "ConsumerGroupHeartbeat", 0, 0, 0},
    {ApiKey::consumer_group_describe, "ConsumerGroupDescribe", 0, 0, 0},
    {ApiKey::controller_registration, "ControllerRegistration", 0, 0, 0},
    {ApiKey::get_telemetry_subscriptions, "GetTelemetrySubscriptions", 0, 0, 0},
    {ApiKey::push_telemetry, "PushTelemetry", 0, 0, 0},
    {ApiKey::assign_replicas_to_dirs, "AssignReplicasToDirs", 0, 0, 0},
    {ApiKey::list_client_metrics_resources, "ListClientMetricsResources", 0, 0, 0},
    {ApiKey::describe_topic_partitions, "DescribeTopicPartitions", 0, 0, 0},
    {ApiKey::share_group_heartbeat, "ShareGroupHeartbeat", 0, 0, 0, true},
    {ApiKey::share_group_describe, "ShareGroupDescribe", 0, 0, 0, true},
    {ApiKey::share_fetch, "ShareFetch", 0, 0, 0, true},
    {ApiKey::share_acknowledge, "ShareAcknowledge", 0, 0, 0, true},
    {ApiKey::add_raft_voter, "AddRaftVoter", 0, 0, 0},
    {ApiKey::remove_raft_voter, "RemoveRaftVoter", 0, 0, 0},
    {ApiKey::update_raft_voter, "UpdateRaftVoter", 0, 0, 0},
    {ApiKey::initialize_share_group_state, "InitializeShareGroupState", 0, 0, 0, true},
    {ApiKey::read_share_group_state, "ReadShareGroupState", 0, 0, 0, true},
    {ApiKey::write_share_group_state, "WriteShareGroupState", 0, 0, 0, true},
    {ApiKey::delete_share_group_state, "DeleteShareGroupState", 0, 0, 0, true},
    {ApiKey::read_share_group_state_summary, "ReadShareGroupStateSummary", 0, 0, 0, true},
});

// Null for a number that is no key.
[[nodiscard]] constexpr const Api* find_api(std::int16_t key) {
    return key >= 0 && static_cast<std::size_t>(key) < kApis.size() ? &kApis[static_cast<std::size_t>(key)] : nullptr;
}
[[nodiscard]] constexpr const Api& api_of(ApiKey key) { return kApis[static_cast<std::size_t>(key)]; }

}  // namespace mq::wire
