// Which topics there are, as one consistent picture that many requests share.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "store/data_directory.h"
#include "store/topic_config.h"
#include "wire/error_code.h"

namespace mq::broker {

struct TopicInfo {
    std::string name;
    Uuid id;
    std::int32_t partitions = 0;
    std::int32_t replicas = 1;
    store::ConfigMap set;       // what was set for the topic itself
    store::TopicConfig config;  // what counts
    [[nodiscard]] bool is_internal() const { return store::is_internal_topic(name); }
};

class TopicPicture {
public:
    TopicPicture(std::vector<TopicInfo> topics, store::ConfigMap defaults);  // by name
    // nullptr: there is none.
    [[nodiscard]] const TopicInfo* find(std::string_view name) const;
    [[nodiscard]] const TopicInfo* find(const Uuid& id) const;
    [[nodiscard]] const std::vector<TopicInfo>& all() const { return topics_; }
    // What they have that say nothing themselves, where it is not Kafka's default.
    [[nodiscard]] const store::ConfigMap& defaults() const { return defaults_; }

private:
    store::ConfigMap defaults_;
    std::vector<TopicInfo> topics_;
    std::map<Uuid, const TopicInfo*> by_id_;
};

// Thread-safe.
class Topics {
public:
    explicit Topics(store::DataDirectory& directory) : directory_(directory) {}

    // As it is now; made anew only after a change, by whomever.
    [[nodiscard]] Result<std::shared_ptr<const TopicPicture>> picture();

private:
    store::DataDirectory& directory_;
    std::mutex mutex_;
    std::uint32_t generation_ = 0;
    std::shared_ptr<const TopicPicture> picture_;
};

// What an error of the layers below is called on the wire.
[[nodiscard]] wire::ErrorCode error_code_of(const Error& error);

}  // namespace mq::broker
