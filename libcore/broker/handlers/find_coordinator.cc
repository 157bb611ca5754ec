#include "broker/handlers.h"
#include "wire/messages/groups.h"

namespace mq::broker {
namespace {

using Found = wire::FindCoordinatorResponse::Coordinator;

constexpr std::int8_t kGroup = 0;
constexpr std::int8_t kTransaction = 1;

// Of one broker: itself. GRP-2 does not arise, __consumer_offsets needs no leader and is made when it is written to.
Found find(const Broker& broker, const Call& call, std::int8_t key_type, const std::string& key) {
    Found found;
    found.key = key;
    found.error_message = "";
    // That there are no transactions says InitProducerId: of errors that come here kafkajs tells nothing but that
    // nobody was found.
    if (key_type == kGroup || key_type == kTransaction) {
        found.node_id = broker.id();
        found.host = call.client->endpoint->host;
        found.port = call.client->endpoint->port;
        return found;
    }
    found.node_id = -1;
    found.port = -1;
    found.error_code = wire::ErrorCode::invalid_request;
    found.error_message = "There is no coordinator of type " + std::to_string(key_type);
    return found;
}

}  // namespace

wire::FindCoordinatorResponse find_coordinator(Broker& broker, const Call& call,
                                               const wire::FindCoordinatorRequest& request) {
    wire::FindCoordinatorResponse response;
    if (call.version() >= 4) {
        for (const std::string& key : request.coordinator_keys)
            response.coordinators.push_back(find(broker, call, request.key_type, key));
        return response;
    }
    const Found found = find(broker, call, request.key_type, request.key);
    response.error_code = found.error_code;
    // Kafka names the error here, that there is none as well.
    response.error_message = found.error_code == wire::ErrorCode::none ? "NONE" : found.error_message;
    response.node_id = found.node_id;
    response.host = found.host;
    response.port = found.port;
    return response;
}

}  // namespace mq::broker
