#include "broker/authorized_operations.h"
#include "broker/handlers.h"
#include "wire/messages/metadata.h"

namespace mq::broker {
namespace {

enum EndpointType : std::int8_t { kBrokers = 1, kControllers = 2 };

}  // namespace

wire::DescribeClusterResponse describe_cluster(Broker& broker, const Call& call,
                                               const wire::DescribeClusterRequest& request) {
    wire::DescribeClusterResponse response;
    response.endpoint_type = request.endpoint_type;
    if (request.endpoint_type != kBrokers) {
        response.error_code = request.endpoint_type == kControllers ? wire::ErrorCode::mismatched_endpoint_type
                                                                    : wire::ErrorCode::unsupported_endpoint_type;
        response.error_message = "this is a broker's endpoint (type 1)";
        return response;
    }
    response.cluster_id = broker.cluster_id();
    response.controller_id = broker.id();
    const Endpoint& here = *call.client->endpoint;
    response.brokers = {{broker.id(), here.host, here.port, broker.config().rack}};
    if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = kAllOfCluster;
    return response;
}

}  // namespace mq::broker
