#include "broker/topic_making.h"

#include <algorithm>

namespace mq::broker {
namespace {

char without_dot(char c) { return c == '.' ? '_' : c; }

bool collide(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, without_dot, without_dot);
}

}  // namespace

std::optional<Refusal> refuse_name(const TopicPicture& picture, std::string_view name) {
    if (const Status legal = log::check_topic_name(name); !legal)
        return Refusal{wire::ErrorCode::invalid_topic_exception, legal.error().detail};
    if (name.find_first_of("._") == name.npos) return std::nullopt;
    for (const TopicInfo& other : picture.all()) {
        if (other.name == name || !collide(other.name, name)) continue;
        return Refusal{wire::ErrorCode::invalid_topic_exception,
                       "topic '" + std::string{name} + "' and the existing '" + other.name +
                           "' would share the names of their metrics: '.' and '_' count as the same there"};
    }
    return std::nullopt;
}

store::NewTopic default_topic(const BrokerConfig& config, std::string_view name) {
    if (store::is_internal_topic(name)) {
        // That of transactions is made like the other one, but has no settings of the broker's.
        const bool is_offsets = name == offsets::kOffsetsTopic;
        store::NewTopic topic = offsets::to_new_topic(is_offsets ? config.offsets_topic : offsets::NewOffsetsTopic{});
        topic.name = name;
        return topic;
    }
    store::NewTopic topic;
    topic.name = name;
    topic.partitions = config.num_partitions;
    return topic;
}

std::optional<Refusal> refuse_replicas(const Broker& broker, std::string_view where,
                                       std::span<const std::int32_t> broker_ids) {
    using wire::ErrorCode;
    const std::string subject{where};
    if (broker_ids.empty())
        return Refusal{ErrorCode::invalid_replica_assignment, subject + ": no replica is assigned"};
    for (const std::int32_t id : broker_ids) {
        if (id != broker.id()) {
            return Refusal{ErrorCode::invalid_replica_assignment,
                           subject + ": there is no broker " + std::to_string(id)};
        }
    }
    if (broker_ids.size() > 1)
        return Refusal{ErrorCode::invalid_replica_assignment, subject + ": a broker stands twice"};
    return std::nullopt;
}

int patience_of(std::int32_t timeout_ms) {
    constexpr int kLeastMs = 100;
    constexpr int kMostMs = 30'000;
    constexpr int kWhoDoesNotWaitMs = 5'000;
    return timeout_ms <= 0 ? kWhoDoesNotWaitMs : std::clamp(timeout_ms, kLeastMs, kMostMs);
}

Refusal refusal_of(const Error& error) {
    using wire::ErrorCode;
    ErrorCode code = error_code_of(error);
    if (error.code == Errc::bad_argument) code = ErrorCode::invalid_config;
    if (error.code == Errc::too_many) code = ErrorCode::policy_violation;
    return {code, error.message()};
}

}  // namespace mq::broker
