#include <atomic>

#include "broker/coordinator.h"
#include "broker/handlers.h"
#include "wire/messages/groups.h"

namespace mq::broker {

void delete_groups(Broker& broker, Call, wire::DeleteGroupsRequest request,
                   Answer<wire::DeleteGroupsResponse> answer) {
    struct Held {
        wire::DeleteGroupsResponse response{};
        std::atomic<std::size_t> missing{1};
        Answer<wire::DeleteGroupsResponse> answer;

        // The last one answers.
        void one_is_there() {
            if (missing.fetch_sub(1) == 1) answer(response);
        }
    };
    const std::size_t count = request.groups_names.size();
    if (count > kMostGroupsAtOnce) return answer.close();
    auto held = std::make_shared<Held>();
    held->missing += count;
    held->answer = std::move(answer);
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
