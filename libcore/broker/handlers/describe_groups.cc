#include "broker/authorized_operations.h"
#include "broker/coordinator.h"
#include "broker/handlers.h"
#include "broker/handlers/many_groups.h"
#include "groups/group_machine.h"
#include "wire/messages/groups.h"

namespace mq::broker {
namespace {

using Response = wire::DescribeGroupsResponse;

struct Held : InParts<Response> {
    using InParts::InParts;
    std::vector<groups::GroupSummary> groups;  // what the response has views of
};

void take(Response::Group& group, groups::GroupError error, const groups::GroupSummary& summary,
          bool with_operations) {
    group.group_id = summary.group;
    group.error_code = code_of(error);
    if (error != groups::GroupError::none) return;
    group.group_state = groups::to_string(summary.state);
    group.protocol_type = summary.protocol_type;
    group.protocol_data = summary.protocol;
    if (with_operations) group.authorized_operations = kAllOfGroup;
    for (const groups::MemberSummary& member : summary.members) {
        group.members.push_back({member.member_id, member.instance_id, member.client_id, member.client_host,
                                 member.metadata, member.assignment});
    }
}

}  // namespace

void describe_groups(Broker& broker, Call, wire::DescribeGroupsRequest request, Answer<Response> answer) {
    if (request.groups.size() > kMostGroupsAtOnce) return answer.close();
    drop_repeated(request.groups);
    const std::size_t count = request.groups.size();
    auto held = std::make_shared<Held>(count, std::move(answer));
    held->groups.resize(count);
    held->response.groups.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto done = [held, i, with_operations = request.include_authorized_operations](
                              groups::GroupError error, const groups::GroupSummary& summary) {
            held->groups[i] = summary;
            take(held->response.groups[i], error, held->groups[i], with_operations);
            held->one_is_there();
        };
        broker.coordinator().describe(request.groups[i], done);
    }
    held->one_is_there();
}

}  // namespace mq::broker
