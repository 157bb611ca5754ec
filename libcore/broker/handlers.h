// One function a request, each in its own file of handlers/. Those that may wait take the request and its answer
// along; the others return it. The table of dispatch.cc says which runs where.
#pragma once

#include "broker/answer.h"
#include "broker/broker.h"
#include "broker/call.h"

namespace mq::wire {
struct ApiVersionsRequest;
struct ApiVersionsResponse;
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
struct MetadataRequest;
struct MetadataResponse;
struct ProduceRequest;
struct ProduceResponse;
}  // namespace mq::wire

namespace mq::broker {

[[nodiscard]] wire::ApiVersionsResponse api_versions(Broker& broker, const Call& call,
                                                     const wire::ApiVersionsRequest& request);
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
void produce(Broker& broker, Call call, wire::ProduceRequest request, Answer<wire::ProduceResponse> answer);
void metadata(Broker& broker, Call call, wire::MetadataRequest request, Answer<wire::MetadataResponse> answer);

}  // namespace mq::broker
