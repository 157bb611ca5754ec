// The list of all messages, for what goes through them: tests, fuzz targets. Includes every header of messages/.
#pragma once

#include <type_traits>

#include "wire/messages/acls.h"
#include "wire/messages/authentication.h"
#include "wire/messages/cluster.h"
#include "wire/messages/configs.h"
#include "wire/messages/consumer_groups.h"
#include "wire/messages/controller.h"
#include "wire/messages/fetch.h"
#include "wire/messages/groups.h"
#include "wire/messages/metadata.h"
#include "wire/messages/offsets.h"
#include "wire/messages/placement.h"
#include "wire/messages/produce.h"
#include "wire/messages/share_groups.h"
#include "wire/messages/telemetry.h"
#include "wire/messages/tokens.h"
#include "wire/messages/topics.h"
#include "wire/messages/transactions.h"
#include "wire/messages/versions.h"

namespace mq::wire {

template <Request... T>
struct RequestList {
    // Calls f(std::type_identity<T>{}) for each, in this order.
    static void each(auto f) { (f(std::type_identity<T>{}), ...); }
    // The same for the one of this key; false if there is none.
    static bool find(ApiKey key, auto f) { return ((T::kApi == key && (f(std::type_identity<T>{}), true)) || ...); }
};

using AllRequests = RequestList<
    ProduceRequest, FetchRequest, ListOffsetsRequest, OffsetForLeaderEpochRequest, OffsetCommitRequest,
    OffsetFetchRequest, OffsetDeleteRequest, DeleteRecordsRequest, MetadataRequest, DescribeClusterRequest,
    DescribeTopicPartitionsRequest, DescribeProducersRequest, CreateTopicsRequest, DeleteTopicsRequest,
    CreatePartitionsRequest, FindCoordinatorRequest, JoinGroupRequest, SyncGroupRequest, HeartbeatRequest,
    LeaveGroupRequest, ListGroupsRequest, DescribeGroupsRequest, DeleteGroupsRequest, ConsumerGroupHeartbeatRequest,
    ConsumerGroupDescribeRequest, ShareGroupHeartbeatRequest, ShareGroupDescribeRequest, ShareFetchRequest,
    ShareAcknowledgeRequest, InitProducerIdRequest, AddPartitionsToTxnRequest, AddOffsetsToTxnRequest, EndTxnRequest,
    WriteTxnMarkersRequest, TxnOffsetCommitRequest, DescribeTransactionsRequest, ListTransactionsRequest,
    DescribeConfigsRequest, AlterConfigsRequest, IncrementalAlterConfigsRequest, DescribeClientQuotasRequest,
    AlterClientQuotasRequest, DescribeAclsRequest, CreateAclsRequest, DeleteAclsRequest, SaslHandshakeRequest,
    SaslAuthenticateRequest, DescribeUserScramCredentialsRequest, AlterUserScramCredentialsRequest,
    CreateDelegationTokenRequest, RenewDelegationTokenRequest, ExpireDelegationTokenRequest,
    DescribeDelegationTokenRequest, AlterReplicaLogDirsRequest, DescribeLogDirsRequest, ElectLeadersRequest,
    AlterPartitionReassignmentsRequest, ListPartitionReassignmentsRequest, DescribeQuorumRequest,
    UpdateFeaturesRequest, UnregisterBrokerRequest, AddRaftVoterRequest, RemoveRaftVoterRequest,
    GetTelemetrySubscriptionsRequest, PushTelemetryRequest, ListClientMetricsResourcesRequest, LeaderAndIsrRequest,
    StopReplicaRequest, UpdateMetadataRequest, ControlledShutdownRequest, ApiVersionsRequest>;

}  // namespace mq::wire
