#include "broker/coordinator.h"
#include "broker/handlers.h"
#include "wire/messages/groups.h"

namespace mq::broker {

wire::HeartbeatResponse heartbeat(Broker& broker, const Call&, const wire::HeartbeatRequest& request) {
    const groups::GroupError error = broker.coordinator().heartbeat(
        {request.group_id, request.generation_id, request.member_id, request.group_instance_id});
    return {.error_code = code_of(error)};
}

}  // namespace mq::broker
