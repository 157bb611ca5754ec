// Which topics there are, and what is known of one: from the slots where they know it, else from mq-topics.json, else from
// the directories that another program left.

#include <algorithm>
#include <cstring>

#include "store/directory_impl.h"

namespace mq::store {
namespace {

constexpr std::int32_t kInternalPartitions = 50;

bool is_internal(std::string_view name) { return name == "__consumer_offsets" || name == "__transaction_state"; }

Result<TopicMeta> to_meta(const Topic& topic) {
    MQ_ASSIGN(const TopicConfig config, to_topic_config(topic.config));
    TopicMeta meta;
    meta.known = 1;
    meta.partitions = topic.partitions;
    meta.replicas = topic.replicas;
    std::memcpy(meta.id.data(), topic.id.data(), std::min(topic.id.size(), meta.id.size()));
    meta.log = config.log;
    meta.retention_consumed = config.retention_consumed ? 1 : 0;
    meta.write_caching = config.write_caching ? 1 : 0;
    return meta;
}

tl::unexpected<Error> no_such_topic(std::string_view name, const std::string& path) {
    return fail(Errc::not_found, {}, std::string{name}, "no such topic in " + path);
}

}  // namespace

// Directories are looked at for `only`, or for all; a topic that is in the catalogue stays as it says there.
Status DataDirectory::Impl::add_directories(Catalogue& catalogue, std::string_view only) const {
    std::map<std::string, Topic, std::less<>> found;
    MQ_TRY(os::visit_directory(path, [&](std::string_view name, bool is_directory) {
        if (!is_directory || !name.starts_with(only)) return;
        const auto id = log::parse_partition_directory(name);
        if (!id || (!only.empty() && id->topic != only) || catalogue.topics.contains(id->topic)) return;
        Topic& topic = found[id->topic];
        topic.name = id->topic;
        topic.partitions = std::max(topic.partitions, id->partition + 1);
    }));
    for (auto& [name, topic] : found) {
        if (is_internal(name)) topic.partitions = std::max(topic.partitions, kInternalPartitions);
        const auto text = os::read_file(os::join(partition_path({name, 0}), "partition.metadata"), 4096);
        if (text) {
            if (const auto metadata = log::parse_partition_metadata(*text)) topic.id = metadata->topic_id;
        }
        catalogue.topics.emplace(name, std::move(topic));
    }
    return {};
}

Result<Catalogue> DataDirectory::Impl::read_topics(std::string_view only) const {
    MQ_ASSIGN(Catalogue catalogue, read_catalogue(file(kCatalogueFile)));
    if (only.empty() || !catalogue.topics.contains(only)) MQ_TRY(add_directories(catalogue, only));
    return catalogue;
}

Result<Topic> DataDirectory::Impl::find_topic(std::string_view name) const {
    MQ_TRY(log::check_topic_name(name));
    MQ_ASSIGN(const Catalogue catalogue, read_topics(name));
    const auto topic = catalogue.topics.find(name);
    if (topic == catalogue.topics.end()) return no_such_topic(name, path);
    return topic->second;
}

// Where the catalogue is not the one that the slots are of (somebody edited it, or changed it and died), they forget.
Status DataDirectory::Impl::follow_catalogue() {
    MQ_ASSIGN(const FileStamp now, stamp_of(file(kCatalogueFile)));
    if (shared().catalogue.read() == now) return {};
    control->for_each_slot([](shm::PartitionSlot& slot) { meta_of(slot).publish(TopicMeta{}); });
    shared().catalogue.publish(now);
    return {};
}

Result<TopicMeta> DataDirectory::Impl::find_meta(const log::TopicPartition& id) {
    const auto checked = [&](const TopicMeta& meta) -> Result<TopicMeta> {
        if (id.partition >= 0 && id.partition < meta.partitions) return meta;
        return fail(Errc::not_found, {}, id.topic,
                    "there is no partition " + std::to_string(id.partition) + ": it has " +
                        std::to_string(meta.partitions) + (meta.partitions == 1 ? " partition" : " partitions"));
    };
    if (control) {
        if (shm::PartitionSlot* slot = control->find(id.topic, id.partition)) {
            const TopicMeta meta = meta_of(*slot).read();
            MQ_ASSIGN(const FileStamp now, stamp_of(file(kCatalogueFile)));
            const bool current = shared().catalogue.read() == now;
            if (meta.known != 0 && current && shm::holds(*slot, id.topic, id.partition)) return checked(meta);
        }
    }
    if (!writable()) {
        MQ_ASSIGN(const Topic topic, find_topic(id.topic));
        MQ_ASSIGN(const TopicMeta meta, to_meta(topic));
        return checked(meta);
    }
    TopicMeta found;
    const Status looked = control->on_claimed_thread([&]() -> Status {
        MQ_ASSIGN(const shm::Guard guard, control->lock(control->header().catalogue, "the catalogue lock"));
        MQ_TRY(follow_catalogue());
        MQ_ASSIGN(const Topic topic, find_topic(id.topic));
        MQ_ASSIGN(found, to_meta(topic));
        MQ_ASSIGN(found, checked(found));
        MQ_ASSIGN(shm::PartitionSlot * slot, control->find_or_make(id.topic, id.partition, &guard));
        meta_of(*slot).publish(found);
        return {};
    });
    MQ_TRY(looked);
    return found;
}

Result<std::vector<Topic>> DataDirectory::topics() const {
    MQ_ASSIGN(Catalogue catalogue, impl_->read_topics());
    std::vector<Topic> topics;
    for (auto& [name, topic] : catalogue.topics) topics.push_back(std::move(topic));
    return topics;
}

Result<Topic> DataDirectory::topic(std::string_view name) const { return impl_->find_topic(name); }

Result<std::int32_t> DataDirectory::partitions(std::string_view topic) const {
    MQ_TRY(log::check_topic_name(topic));
    return impl_->find_meta({std::string{topic}, 0}).map([](const TopicMeta& meta) { return meta.partitions; });
}

}  // namespace mq::store
