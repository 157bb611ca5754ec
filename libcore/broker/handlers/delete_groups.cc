#include "broker/coordinator.h"
#include "broker/handlers.h"
#include "broker/handlers/many_groups.h"
#include "wire/messages/groups.h"

namespace mq::broker {

void delete_groups(Broker& broker, Call, wire::DeleteGroupsRequest request,
                   Answer<wire::DeleteGroupsResponse> answer) {
    using Held = InParts<wire::DeleteGroupsResponse>;
    if (request.groups_names.size() > kMostGroupsAtOnce) return answer.close();
    drop_repeated(request.groups_names);
    const std::size_t count = request.groups_names.size();
    auto held = std::make_shared<Held>(count, std::move(answer));
    for (const std::string& name : request.groups_names)
        held->response.results.push_back({name, wire::ErrorCode::none});
    for (std::size_t i = 0; i < count; ++i) {
        broker.coordinator().remove(request.groups_names[i], [held, i](groups::GroupError error) {
            held->response.results[i].error_code = code_of(error);
            held->one_is_there();
        });
    }
    held->one_is_there();
}

}  // namespace mq::broker
