#include "broker/coordinator.h"
#include "broker/handlers.h"
#include "broker/topics.h"
#include "wire/messages/offsets.h"

namespace mq::broker {

void offset_delete(Broker& broker, Call, wire::OffsetDeleteRequest request,
                   Answer<wire::OffsetDeleteResponse> answer) {
    using Response = wire::OffsetDeleteResponse;
    struct Held {
        Response response;
        Answer<Response> answer;
    };
    auto held = std::make_shared<Held>(Held{Response{}, std::move(answer)});
    const auto picture = broker.topics().picture();
    if (!picture) {
        held->response.error_code = error_code_of(picture.error());
        return held->answer(held->response);
    }
    std::vector<log::TopicPartition> ids;
    for (const auto& topic : request.topics) {
        const TopicInfo* known = (*picture)->find(topic.name);
        auto& answered = held->response.topics.emplace_back();
        answered.name = topic.name;
        for (const auto& [index] : topic.partitions) {
            const bool is_there = known != nullptr && index >= 0 && index < known->partitions;
            answered.partitions.push_back(
                {index, is_there ? wire::ErrorCode::none : wire::ErrorCode::unknown_topic_or_partition});
            if (is_there) ids.push_back({topic.name, index});
        }
    }
    broker.coordinator().delete_offsets(request.group_id, ids, [held](const groups::OffsetDeleteAnswer& deleted) {
        held->response.error_code = code_of(deleted.error);
        if (deleted.error != groups::GroupError::none) held->response.topics.clear();
        auto next = deleted.topics.begin();
        for (auto& topic : held->response.topics) {
            for (auto& partition : topic.partitions) {
                if (partition.error_code == wire::ErrorCode::none) partition.error_code = code_of(*next++);
            }
        }
        held->answer(held->response);
    });
}

}  // namespace mq::broker
