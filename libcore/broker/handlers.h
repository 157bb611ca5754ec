// One function a request, each in its own file of handlers/. Those that may wait take the request and its answer
// along; the others return it. The table of dispatch.cc says which runs where.
#pragma once

#include "broker/answer.h"
#include "broker/broker.h"
#include "broker/call.h"

namespace mq::wire {
struct ApiVersionsRequest;
struct ApiVersionsResponse;
struct AlterConfigsRequest;
struct AlterConfigsResponse;
struct AlterPartitionReassignmentsRequest;
struct AlterPartitionReassignmentsResponse;
struct AlterReplicaLogDirsRequest;
struct AlterReplicaLogDirsResponse;
struct CreateAclsRequest;
struct CreateAclsResponse;
struct DeleteAclsRequest;
struct DeleteAclsResponse;
struct DescribeAclsRequest;
struct DescribeAclsResponse;
struct DescribeClientQuotasRequest;
struct DescribeClientQuotasResponse;
struct DescribeConfigsRequest;
struct DescribeConfigsResponse;
struct DescribeLogDirsRequest;
struct DescribeLogDirsResponse;
struct DescribeUserScramCredentialsRequest;
struct DescribeUserScramCredentialsResponse;
struct ElectLeadersRequest;
struct ElectLeadersResponse;
struct IncrementalAlterConfigsRequest;
struct IncrementalAlterConfigsResponse;
struct ListPartitionReassignmentsRequest;
struct ListPartitionReassignmentsResponse;
struct CreatePartitionsRequest;
struct CreatePartitionsResponse;
struct CreateTopicsRequest;
struct CreateTopicsResponse;
struct DeleteTopicsRequest;
struct DeleteTopicsResponse;
struct DescribeClusterRequest;
struct DescribeClusterResponse;
struct DescribeTopicPartitionsRequest;
struct DescribeTopicPartitionsResponse;
struct DescribeProducersRequest;
struct DescribeProducersResponse;
struct InitProducerIdRequest;
struct InitProducerIdResponse;
struct DeleteRecordsRequest;
struct DeleteRecordsResponse;
struct FetchRequest;
struct FetchResponse;
struct ListOffsetsRequest;
struct ListOffsetsResponse;
struct MetadataRequest;
struct MetadataResponse;
struct OffsetForLeaderEpochRequest;
struct OffsetForLeaderEpochResponse;
struct ProduceRequest;
struct ProduceResponse;
struct DeleteGroupsRequest;
struct DeleteGroupsResponse;
struct DescribeGroupsRequest;
struct DescribeGroupsResponse;
struct FindCoordinatorRequest;
struct FindCoordinatorResponse;
struct HeartbeatRequest;
struct HeartbeatResponse;
struct JoinGroupRequest;
struct JoinGroupResponse;
struct LeaveGroupRequest;
struct LeaveGroupResponse;
struct ListGroupsRequest;
struct ListGroupsResponse;
struct OffsetCommitRequest;
struct OffsetCommitResponse;
struct OffsetDeleteRequest;
struct OffsetDeleteResponse;
struct OffsetFetchRequest;
struct OffsetFetchResponse;
struct SyncGroupRequest;
struct SyncGroupResponse;
}  // namespace mq::wire

namespace mq::broker {

[[nodiscard]] wire::ApiVersionsResponse api_versions(Broker& broker, const Call& call,
                                                     const wire::ApiVersionsRequest& request);
[[nodiscard]] wire::AlterConfigsResponse alter_configs(Broker& broker, const Call& call,
                                                       const wire::AlterConfigsRequest& request);
[[nodiscard]] wire::AlterPartitionReassignmentsResponse alter_partition_reassignments(
    Broker& broker, const Call& call, const wire::AlterPartitionReassignmentsRequest& request);
[[nodiscard]] wire::AlterReplicaLogDirsResponse alter_replica_log_dirs(
    Broker& broker, const Call& call, const wire::AlterReplicaLogDirsRequest& request);
[[nodiscard]] wire::CreateAclsResponse create_acls(Broker& broker, const Call& call,
                                                   const wire::CreateAclsRequest& request);
[[nodiscard]] wire::DeleteAclsResponse delete_acls(Broker& broker, const Call& call,
                                                   const wire::DeleteAclsRequest& request);
[[nodiscard]] wire::DescribeAclsResponse describe_acls(Broker& broker, const Call& call,
                                                       const wire::DescribeAclsRequest& request);
[[nodiscard]] wire::DescribeClientQuotasResponse describe_client_quotas(
    Broker& broker, const Call& call, const wire::DescribeClientQuotasRequest& request);
[[nodiscard]] wire::DescribeConfigsResponse describe_configs(Broker& broker, const Call& call,
                                                             const wire::DescribeConfigsRequest& request);
[[nodiscard]] wire::DescribeLogDirsResponse describe_log_dirs(Broker& broker, const Call& call,
                                                              const wire::DescribeLogDirsRequest& request);
[[nodiscard]] wire::DescribeUserScramCredentialsResponse describe_user_scram_credentials(
    Broker& broker, const Call& call, const wire::DescribeUserScramCredentialsRequest& request);
[[nodiscard]] wire::ElectLeadersResponse elect_leaders(Broker& broker, const Call& call,
                                                       const wire::ElectLeadersRequest& request);
[[nodiscard]] wire::IncrementalAlterConfigsResponse incremental_alter_configs(
    Broker& broker, const Call& call, const wire::IncrementalAlterConfigsRequest& request);
[[nodiscard]] wire::ListPartitionReassignmentsResponse list_partition_reassignments(
    Broker& broker, const Call& call, const wire::ListPartitionReassignmentsRequest& request);
[[nodiscard]] wire::CreatePartitionsResponse create_partitions(Broker& broker, const Call& call,
                                                               const wire::CreatePartitionsRequest& request);
[[nodiscard]] wire::CreateTopicsResponse create_topics(Broker& broker, const Call& call,
                                                       const wire::CreateTopicsRequest& request);
[[nodiscard]] wire::DeleteTopicsResponse delete_topics(Broker& broker, const Call& call,
                                                       const wire::DeleteTopicsRequest& request);
[[nodiscard]] wire::DescribeClusterResponse describe_cluster(Broker& broker, const Call& call,
                                                             const wire::DescribeClusterRequest& request);
[[nodiscard]] wire::DescribeTopicPartitionsResponse describe_topic_partitions(
    Broker& broker, const Call& call, const wire::DescribeTopicPartitionsRequest& request);
[[nodiscard]] wire::DescribeProducersResponse describe_producers(Broker& broker, const Call& call,
                                                                 const wire::DescribeProducersRequest& request);
[[nodiscard]] wire::InitProducerIdResponse init_producer_id(Broker& broker, const Call& call,
                                                            const wire::InitProducerIdRequest& request);
[[nodiscard]] wire::DeleteRecordsResponse delete_records(Broker& broker, const Call& call,
                                                         const wire::DeleteRecordsRequest& request);
void fetch(Broker& broker, Call call, wire::FetchRequest request, Answer<wire::FetchResponse> answer);
[[nodiscard]] wire::ListOffsetsResponse list_offsets(Broker& broker, const Call& call,
                                                     const wire::ListOffsetsRequest& request);
[[nodiscard]] wire::OffsetForLeaderEpochResponse offset_for_leader_epoch(
    Broker& broker, const Call& call, const wire::OffsetForLeaderEpochRequest& request);
void produce(Broker& broker, Call call, wire::ProduceRequest request, Answer<wire::ProduceResponse> answer);
void metadata(Broker& broker, Call call, wire::MetadataRequest request, Answer<wire::MetadataResponse> answer);
[[nodiscard]] wire::FindCoordinatorResponse find_coordinator(Broker& broker, const Call& call,
                                                             const wire::FindCoordinatorRequest& request);
[[nodiscard]] wire::HeartbeatResponse heartbeat(Broker& broker, const Call& call,
                                                const wire::HeartbeatRequest& request);
[[nodiscard]] wire::ListGroupsResponse list_groups(Broker& broker, const Call& call,
                                                   const wire::ListGroupsRequest& request);
void delete_groups(Broker& broker, Call call, wire::DeleteGroupsRequest request,
                   Answer<wire::DeleteGroupsResponse> answer);
void describe_groups(Broker& broker, Call call, wire::DescribeGroupsRequest request,
                     Answer<wire::DescribeGroupsResponse> answer);
void join_group(Broker& broker, Call call, wire::JoinGroupRequest request, Answer<wire::JoinGroupResponse> answer);
void leave_group(Broker& broker, Call call, wire::LeaveGroupRequest request, Answer<wire::LeaveGroupResponse> answer);
void offset_commit(Broker& broker, Call call, wire::OffsetCommitRequest request,
                   Answer<wire::OffsetCommitResponse> answer);
void offset_delete(Broker& broker, Call call, wire::OffsetDeleteRequest request,
                   Answer<wire::OffsetDeleteResponse> answer);
void offset_fetch(Broker& broker, Call call, wire::OffsetFetchRequest request,
                  Answer<wire::OffsetFetchResponse> answer);
void sync_group(Broker& broker, Call call, wire::SyncGroupRequest request, Answer<wire::SyncGroupResponse> answer);

}  // namespace mq::broker
