// What one topic is: from its slots where they know it, else from the catalogue and the directories (PUB-8).

#include <algorithm>

#include "store/topic_changes.h"
#include "store/topic_view.h"

namespace mq::store {

Result<TopicMeta> meta_of_topic(const Topic& topic, const ConfigMap& defaults) {
    MQ_ASSIGN(const TopicConfig config, to_topic_config(topic.config, defaults));
    TopicMeta meta;
    meta.known = 1;
    meta.partitions = topic.partitions;
    meta.replicas = topic.replicas;
    topic.id.copy(meta.id.data(), meta.id.size() - 1);
    meta.log = config.log;
    // What groups have committed is no record that a group consumes.
    meta.retention_consumed = config.retention_consumed && !is_internal_topic(topic.name) ? 1 : 0;
    meta.write_caching = config.write_caching ? 1 : 0;
    return meta;
}

namespace {

// What the slot says, if it is of the mq-topics.json as it is now.
Result<std::optional<TopicMeta>> known_meta(const DataDirectory::Impl& d, const log::TopicPartition& id) {
    if (!d.control) return std::nullopt;
    shm::PartitionSlot* slot = d.control->find(id.topic, id.partition);
    if (slot == nullptr) return std::nullopt;
    const auto before = shm::holds(*slot, id.topic, id.partition);
    const TopicMeta meta = meta_of(*slot).read();
    if (!before || meta.known == 0 || slot->use_generation.load() != *before) return std::nullopt;
    MQ_ASSIGN(const FileStamp now, stamp_of(d.file(kCatalogueFile)));
    if (now != d.shared().catalogue.read()) return std::nullopt;
    return meta;
}

Status check_partition(const Topic& topic, std::int32_t partition) {
    if (partition >= 0 && partition < topic.partitions) return {};
    return fail(Errc::not_found, {}, {},
                "topic '" + topic.name + "' has no partition " + std::to_string(partition) + ", it has " +
                    std::to_string(topic.partitions));
}

// Read again if somebody replaced the catalogue meanwhile: of a topic that is being made the directories alone tell
// less than the catalogue.
template <typename Look>
auto read_steadily(const DataDirectory::Impl& d, const Look& look) -> decltype(look()) {
    constexpr int kTries = 5;
    for (int left = kTries;; --left) {
        MQ_ASSIGN(const FileStamp before, stamp_of(d.file(kCatalogueFile)));
        auto result = look();
        MQ_ASSIGN(const FileStamp after, stamp_of(d.file(kCatalogueFile)));
        if (before == after || left <= 1) return result;
    }
}

}  // namespace

Result<Topic> DataDirectory::Impl::find_topic(std::string_view name, ConfigMap* defaults) const {
    MQ_TRY(log::check_topic_name(name));
    return read_steadily(*this, [&]() -> Result<Topic> {
        MQ_ASSIGN(Catalogue catalogue, read_catalogue(file(kCatalogueFile)));
        auto topic = look_up_topic(path, catalogue, name);
        if (defaults != nullptr) *defaults = std::move(catalogue.defaults);
        return topic;
    });
}

Status DataDirectory::Impl::follow_catalogue() {
    MQ_ASSIGN(const FileStamp now, stamp_of(file(kCatalogueFile)));
    if (shared().catalogue.read() == now) return {};
    control->for_each_slot([](shm::PartitionSlot& slot) { meta_of(slot).publish(TopicMeta{}); });
    shared().catalogue.publish(now);
    return {};
}

Result<TopicMeta> DataDirectory::Impl::find_meta(const log::TopicPartition& id, bool make) {
    MQ_ASSIGN(const auto known, known_meta(*this, id));
    if (known) return *known;
    MQ_TRY(log::check_topic_name(id.topic));
    const auto without_lock = [&]() -> Result<TopicMeta> {
        ConfigMap defaults;
        MQ_ASSIGN(const Topic topic, find_topic(id.topic, &defaults));
        MQ_TRY(check_partition(topic, id.partition));
        return meta_of_topic(topic, defaults);
    };
    if (!writable()) return without_lock();
    TopicMeta meta;
    bool locked = true;
    const Status looked = control->on_claimed_thread([&]() -> Status {
        std::optional<shm::Guard> held;
        if (options.access == Access::write) {
            MQ_ASSIGN(shm::Guard taken, control->lock(control->header().catalogue, "the catalogue lock"));
            held.emplace(std::move(taken));
        } else {
            // Who only reads waits for nobody (PUB-3).
            MQ_ASSIGN(auto taken, control->try_lock(control->header().catalogue, "the catalogue lock"));
            locked = taken.has_value();
            if (!locked) return {};
            held.emplace(std::move(*taken));
        }
        const shm::Guard& guard = *held;
        MQ_TRY(follow_catalogue());
        MQ_ASSIGN(const Catalogue catalogue, read_catalogue(file(kCatalogueFile)));
        MQ_ASSIGN(const Topic topic, look_up_topic(path, catalogue, id.topic));
        MQ_TRY(check_partition(topic, id.partition));
        MQ_ASSIGN(meta, meta_of_topic(topic, catalogue.defaults));
        MQ_ASSIGN(const bool there, os::exists(partition_path(id)));
        if (!there) {
            // A slot that knows its topic stands for a partition that is there.
            if (!make || options.access == Access::read || control->header().changes_begun.load() == 0) return {};
            MQ_TRY(make_partition(path, id, topic.id));
            MQ_TRY(os::sync_directory(path));
        }
        const auto slot = control->find_or_make(id.topic, id.partition, &guard);
        // Who only reads can do so without.
        if (!slot && options.access == Access::write) return fail(slot.error());
        if (slot) meta_of(**slot).publish(meta);
        return {};
    });
    MQ_TRY(looked);
    if (!locked) return without_lock();
    return meta;
}

Result<ConfigMap> DataDirectory::topic_defaults() const {
    MQ_ASSIGN(Catalogue catalogue, read_catalogue(impl_->file(kCatalogueFile)));
    return std::move(catalogue.defaults);
}

Result<std::vector<Topic>> DataDirectory::topics(ConfigMap* defaults) const {
    MQ_ASSIGN(TopicView view, read_steadily(*impl_, [&] { return view_topics(impl_->path); }));
    if (defaults != nullptr) *defaults = std::move(view.catalogue.defaults);
    std::vector<Topic> topics;
    topics.reserve(view.catalogue.topics.size());
    for (auto& [name, topic] : view.catalogue.topics) {
        if (!topic.deleting) topics.push_back(std::move(topic));
    }
    return topics;
}

Result<Topic> DataDirectory::topic(std::string_view name) const { return impl_->find_topic(name); }

Result<TopicShape> DataDirectory::shape(std::string_view topic, std::int32_t partition) const {
    MQ_TRY(log::check_topic_name(topic));
    MQ_ASSIGN(const TopicMeta meta, impl_->find_meta({std::string{topic}, partition}, false));
    return TopicShape{meta.id.data(), meta.partitions, meta.log};
}

}  // namespace mq::store
