#include <atomic>

#include "broker/authorized_operations.h"
#include "broker/coordinator.h"
#include "broker/handlers.h"
#include "groups/group_machine.h"
#include "wire/messages/groups.h"

namespace mq::broker {
namespace {

using Response = wire::DescribeGroupsResponse;

struct Held {
    std::vector<groups::GroupSummary> groups;  // what the response has views of
    std::vector<groups::GroupError> errors;
    bool with_operations = false;
    std::atomic<std::size_t> missing{1};
    Answer<Response> answer;

    // The last one answers.
    void one_is_there() {
        if (missing.fetch_sub(1) == 1) answer(to_response());
    }
    [[nodiscard]] Response to_response() const {
        Response response;
        for (std::size_t i = 0; i < groups.size(); ++i) {
            const groups::GroupSummary& summary = groups[i];
            Response::Group& group = response.groups.emplace_back();
            group.group_id = summary.group;
            group.error_code = code_of(errors[i]);
            if (errors[i] == groups::GroupError::none) {
                group.group_state = groups::to_string(summary.state);
                group.protocol_type = summary.protocol_type;
                group.protocol_data = summary.protocol;
                if (with_operations) group.authorized_operations = kAllOfGroup;
            }
            for (const groups::MemberSummary& member : summary.members) {
                group.members.push_back({member.member_id, member.instance_id, member.client_id, member.client_host,
                                         member.metadata, member.assignment});
            }
        }
        return response;
    }
};

}  // namespace

void describe_groups(Broker& broker, Call, wire::DescribeGroupsRequest request, Answer<Response> answer) {
    const std::size_t count = request.groups.size();
    if (count > kMostGroupsAtOnce) return answer.close();
    auto held = std::make_shared<Held>();
    held->groups.resize(count);
    held->errors.resize(count);
    held->with_operations = request.include_authorized_operations;
    held->missing += count;
    held->answer = std::move(answer);
    for (std::size_t i = 0; i < count; ++i) {
        broker.coordinator().describe(request.groups[i],
                                      [held, i](groups::GroupError error, const groups::GroupSummary& summary) {
                                          held->errors[i] = error;
                                          held->groups[i] = summary;
                                          held->one_is_there();
                                      });
    }
    held->one_is_there();
}

}  // namespace mq::broker
