#include "broker/topics.h"

#include <algorithm>

namespace mq::broker {

TopicPicture::TopicPicture(std::vector<TopicInfo> topics, store::ConfigMap defaults)
    : defaults_(std::move(defaults)), topics_(std::move(topics)) {
    for (const TopicInfo& topic : topics_) by_id_.emplace(topic.id, &topic);
}

const TopicInfo* TopicPicture::find(std::string_view name) const {
    const auto at = std::ranges::lower_bound(topics_, name, {}, &TopicInfo::name);
    return at != topics_.end() && at->name == name ? &*at : nullptr;
}

const TopicInfo* TopicPicture::find(const Uuid& id) const {
    const auto at = by_id_.find(id);
    return at == by_id_.end() ? nullptr : at->second;
}

Result<std::shared_ptr<const TopicPicture>> Topics::picture() {
    const std::lock_guard lock{mutex_};
    // Asked for first: what changes while the topics are read shows the next time.
    const std::uint32_t generation = directory_.catalogue_generation();
    if (picture_ && generation == generation_) return picture_;
    store::ConfigMap defaults;
    MQ_ASSIGN(auto topics, directory_.topics(&defaults));
    std::vector<TopicInfo> infos;
    infos.reserve(topics.size());
    for (store::Topic& topic : topics) {
        MQ_ASSIGN(auto config, store::to_topic_config(topic.config, defaults));
        const auto id = parse_uuid(topic.id);
        infos.push_back({std::move(topic.name), id.value_or(Uuid{}), topic.partitions, topic.replicas,
                         std::move(topic.config), std::move(config)});
    }
    std::ranges::sort(infos, {}, &TopicInfo::name);
    picture_ = std::make_shared<const TopicPicture>(std::move(infos), std::move(defaults));
    generation_ = generation;
    return picture_;
}

wire::ErrorCode error_code_of(const Error& error) {
    using wire::ErrorCode;
    switch (error.code) {
        case Errc::corrupt:
        case Errc::truncated:
            return ErrorCode::corrupt_message;
        case Errc::too_large:
            return ErrorCode::message_too_large;
        case Errc::not_found:
            return ErrorCode::unknown_topic_or_partition;
        case Errc::already_exists:
            return ErrorCode::topic_already_exists;
        case Errc::out_of_order:
            return ErrorCode::out_of_order_sequence_number;
        case Errc::fenced:
            return ErrorCode::invalid_producer_epoch;
        case Errc::timed_out:
            return ErrorCode::request_timed_out;
        case Errc::bad_argument:
        case Errc::unsupported:
            return ErrorCode::invalid_request;
        case Errc::not_permitted:
        case Errc::no_space:
        case Errc::no_memory:
        case Errc::no_descriptors:
        case Errc::in_use:
        case Errc::poisoned:
        case Errc::too_many:
        case Errc::bad_configuration:
        case Errc::interrupted:
        case Errc::io:
            return ErrorCode::kafka_storage_error;
    }
    return ErrorCode::unknown_server_error;
}

}  // namespace mq::broker
