#include "broker/coordinator.h"
#include "broker/handlers.h"
#include "wire/messages/groups.h"

namespace mq::broker {

void sync_group(Broker& broker, Call, wire::SyncGroupRequest request, Answer<wire::SyncGroupResponse> answer) {
    groups::SyncRequest sync;
    sync.group = std::move(request.group_id);
    sync.generation = request.generation_id;
    sync.member_id = std::move(request.member_id);
    sync.instance_id = std::move(request.group_instance_id);
    sync.protocol_type = std::move(request.protocol_type);
    sync.protocol = std::move(request.protocol_name);
    for (auto& one : request.assignments)
        sync.assignments.push_back({std::move(one.member_id), std::string{one.assignment}});
    auto held = std::make_shared<Answer<wire::SyncGroupResponse>>(std::move(answer));
    broker.coordinator().sync(sync, [held](const groups::SyncAnswer& synced) {
        wire::SyncGroupResponse response;
        response.error_code = code_of(synced.error);
        response.protocol_type = synced.protocol_type;
        response.protocol_name = synced.protocol;
        response.assignment = synced.assignment;
        (*held)(response);
    });
}

}  // namespace mq::broker
