#include "broker/coordinator.h"
#include "broker/handlers.h"
#include "wire/messages/groups.h"

namespace mq::broker {
namespace {

wire::JoinGroupResponse to_response(const groups::JoinAnswer& answer, std::int16_t version) {
    wire::JoinGroupResponse response;
    response.error_code = code_of(answer.error);
    response.generation_id = answer.generation;
    response.protocol_type = answer.protocol_type;
    response.protocol_name = answer.protocol;
    // JOI-18
    if (!answer.protocol && version < 7) response.protocol_name = "";
    response.leader = answer.leader;
    response.skip_assignment = answer.skip_assignment && version >= 9;
    response.member_id = answer.member_id;
    for (const groups::JoinedMember& member : answer.members)
        response.members.push_back({member.member_id, member.instance_id, member.metadata});
    return response;
}

}  // namespace

void join_group(Broker& broker, Call call, wire::JoinGroupRequest request, Answer<wire::JoinGroupResponse> answer) {
    groups::JoinRequest join;
    join.group = std::move(request.group_id);
    join.member_id = std::move(request.member_id);
    join.instance_id = std::move(request.group_instance_id);
    join.client_id = call.client_id();
    join.client_host = "/" + call.client->host;
    join.session_timeout_ms = request.session_timeout_ms;
    // JOI-1
    join.rebalance_timeout_ms = call.version() >= 1 ? request.rebalance_timeout_ms : request.session_timeout_ms;
    join.protocol_type = std::move(request.protocol_type);
    for (const auto& protocol : request.protocols)
        join.protocols.push_back({protocol.name, std::string{protocol.metadata}});
    join.takes_member_id = call.version() >= 4;
    join.can_skip_assignment = call.version() >= 9;
    auto held = std::make_shared<Answer<wire::JoinGroupResponse>>(std::move(answer));
    broker.coordinator().join(
        join, [held](const groups::JoinAnswer& joined) { (*held)(to_response(joined, held->version())); });
}

}  // namespace mq::broker
