#include <set>

#include "broker/coordinator.h"
#include "broker/handlers.h"
#include "broker/handlers/many_groups.h"
#include "wire/messages/offsets.h"

namespace mq::broker {
namespace {

using Request = wire::OffsetFetchRequest;
using Response = wire::OffsetFetchResponse;

using Offsets = Coordinator::FetchedOffsets;

// OFF-11: without a stored offset -1, and no error. OFF-12: where one waits for the end of its transaction an error.
Response::Partition to_partition(const Offsets& offsets, const log::TopicPartition& id) {
    Response::Partition partition;
    partition.partition_index = id.partition;
    const auto found = offsets.committed.find(id);
    const bool is_unstable = offsets.unstable.contains(id);
    const offsets::Committed* committed = is_unstable || found == offsets.committed.end() ? nullptr : &found->second;
    if (is_unstable) partition.error_code = wire::ErrorCode::unstable_offset_commit;
    partition.committed_offset = committed != nullptr ? committed->offset.value() : -1;
    partition.committed_leader_epoch = committed != nullptr ? committed->leader_epoch : -1;
    partition.metadata = committed != nullptr ? committed->metadata : std::string{};
    return partition;
}

std::vector<Response::Topic> all_of(const Offsets& offsets) {
    std::vector<Response::Topic> topics;
    for (const auto& [id, committed] : offsets.committed) {
        if (topics.empty() || topics.back().name != id.topic) topics.push_back({id.topic, {}});
        topics.back().partitions.push_back(to_partition(offsets, id));
    }
    return topics;
}

std::vector<Response::Topic> those_of(const Offsets& offsets, const std::vector<Request::Topic>& wanted) {
    std::vector<Response::Topic> topics;
    std::set<log::TopicPartition> told;
    for (const Request::Topic& topic : wanted) {
        auto& answered = topics.emplace_back(Response::Topic{topic.name, {}});
        for (const std::int32_t index : topic.partition_indexes) {
            const auto [id, is_first] = told.insert({topic.name, index});
            if (is_first) answered.partitions.push_back(to_partition(offsets, *id));
        }
    }
    return topics;
}

struct Held : InParts<Response> {
    using InParts::InParts;
    Request request;
};

// Before version 8 there is one group; before version 2 its error has no place but in each partition.
void take_single(Held& held, groups::GroupError error, std::vector<Response::Topic> topics) {
    held.response.error_code = code_of(error);
    held.response.topics = std::move(topics);
    if (held.answer.version() >= 2) {
        if (error != groups::GroupError::none) held.response.topics.clear();
        return;
    }
    for (auto& topic : held.response.topics) {
        for (auto& partition : topic.partitions) partition.error_code = code_of(error);
    }
}

}  // namespace

void offset_fetch(Broker& broker, Call call, Request request, Answer<Response> answer) {
    if (request.groups.size() > kMostGroupsAtOnce) return answer.close();
    drop_repeated(request.groups, &Request::Group::group_id);
    const std::size_t count = call.version() < 8 ? 1 : request.groups.size();
    auto held = std::make_shared<Held>(count, std::move(answer));
    held->request = std::move(request);
    const auto choose = [](const std::optional<std::vector<Request::Topic>>& wanted, const Offsets& offsets) {
        return wanted ? those_of(offsets, *wanted) : all_of(offsets);
    };
    if (call.version() < 8) {
        broker.coordinator().fetch(held->request.group_id, held->request.require_stable,
                                   [held, choose](groups::GroupError error, const Offsets& offsets) {
                                       take_single(*held, error, choose(held->request.topics, offsets));
                                       held->one_is_there();
                                   });
        return held->one_is_there();
    }
    const auto& groups = held->request.groups;
    held->response.groups.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        broker.coordinator().fetch(groups[i].group_id, held->request.require_stable,
                                   [held, choose, i](groups::GroupError error, const Offsets& offsets) {
                                       auto& group = held->response.groups[i];
                                       group.group_id = held->request.groups[i].group_id;
                                       group.error_code = code_of(error);
                                       if (error == groups::GroupError::none)
                                           group.topics = choose(held->request.groups[i].topics, offsets);
                                       held->one_is_there();
                                   });
    }
    held->one_is_there();
}

}  // namespace mq::broker
