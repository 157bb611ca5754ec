#include "broker/coordinator.h"
#include "broker/handlers.h"
#include "wire/messages/groups.h"

namespace mq::broker {

void leave_group(Broker& broker, Call call, wire::LeaveGroupRequest request,
                 Answer<wire::LeaveGroupResponse> answer) {
    groups::LeaveRequest leave;
    leave.group = std::move(request.group_id);
    if (call.version() < 3) {
        leave.members.push_back({std::move(request.member_id), {}});
    } else {
        for (const auto& member : request.members)
            leave.members.push_back({member.member_id, member.group_instance_id});
    }
    struct Held {
        Answer<wire::LeaveGroupResponse> answer;
        std::vector<groups::LeavingMember> members;
    };
    auto held = std::make_shared<Held>(Held{std::move(answer), leave.members});
    broker.coordinator().leave(leave, [held](const groups::LeaveAnswer& left) {
        wire::LeaveGroupResponse response;
        response.error_code = code_of(left.error);
        if (left.error == groups::GroupError::none && held->answer.version() < 3) {
            response.error_code = code_of(left.members.at(0));
        } else if (left.error == groups::GroupError::none) {
            for (std::size_t i = 0; i < left.members.size(); ++i) {
                const groups::LeavingMember& member = held->members[i];
                response.members.push_back({member.member_id, member.instance_id, code_of(left.members[i])});
            }
        }
        held->answer(response);
    });
}

}  // namespace mq::broker
