// Changes of topics. mq-topics.json is replaced first, directories and slots follow it. It alone makes no topic (see
// view_topics), and a topic marked in it as being deleted is none: after a death at any instruction there is the
// whole topic or none.

#include <algorithm>

#include "os/kill_point.h"
#include "store/topic_changes.h"

namespace mq::store {
namespace {

tl::unexpected<Error> refuse(Errc code, std::string_view topic, const std::string& why) {
    return fail(code, {}, {}, "topic '" + std::string{topic} + "': " + why);
}

Status check_partition_count(std::string_view topic, std::int32_t partitions) {
    if (partitions < 1)
        return refuse(Errc::bad_argument, topic, std::to_string(partitions) + " partitions: it needs at least one");
    if (partitions > kMaxPartitions) {
        return refuse(Errc::too_many, topic,
                      std::to_string(partitions) + " partitions, at most " + std::to_string(kMaxPartitions));
    }
    return {};
}

}  // namespace

Result<Topic*> TopicTransaction::find(std::string_view name) {
    const auto entry = view.catalogue.topics.find(name);
    if (entry == view.catalogue.topics.end() || entry->second.deleting)
        return fail(Errc::not_found, {}, {}, "there is no topic '" + std::string{name} + "'");
    return &entry->second;
}

Status TopicTransaction::write() {
    // What only directories told of stands in the catalogue from now on.
    for (auto& [name, topic] : view.catalogue.topics) {
        if (topic.id.empty()) topic.id = random_id();
    }
    MQ_TRY(write_catalogue(directory.file(kCatalogueFile), view.catalogue));
    MQ_KILLPOINT("topics.after_catalogue");
    return {};
}

Status TopicTransaction::publish(const Topic& topic) {
    MQ_TRY(publish_slots(topic));
    return announce();
}

Status TopicTransaction::publish_all() {
    for (const auto& [name, topic] : view.catalogue.topics) MQ_TRY(publish_slots(topic));
    return announce();
}

Status TopicTransaction::publish_slots(const Topic& topic) {
    TopicMeta meta;
    if (!topic.deleting) {
        MQ_ASSIGN(meta, meta_of_topic(topic, view.catalogue.defaults));
    }
    for (std::int32_t partition = 0; partition < topic.partitions; ++partition) {
        if (shm::PartitionSlot* slot = directory.control->find(topic.name, partition)) meta_of(*slot).publish(meta);
    }
    return {};
}

// Only now: until the slots count for the new file, who finds another stamp reads it.
Status TopicTransaction::announce() {
    MQ_ASSIGN(const FileStamp written, stamp_of(directory.file(kCatalogueFile)));
    MQ_KILLPOINT("topics.before_publish");
    directory.shared().catalogue.publish(written);
    shm::wake_catalogue(directory.control->header());
    return {};
}

Status TopicTransaction::make_slots(const Topic& topic, std::int32_t first) {
    for (std::int32_t partition = first; partition < topic.partitions; ++partition) {
        const auto slot = directory.control->find_or_make(topic.name, partition, &catalogue_lock);
        if (slot) continue;
        retire_slots(topic, first);
        return fail(slot.error());
    }
    return {};
}

void TopicTransaction::retire_slots(const Topic& topic, std::int32_t first) {
    for (std::int32_t partition = first; partition < topic.partitions; ++partition) {
        shm::PartitionSlot* slot = directory.control->find(topic.name, partition);
        if (slot == nullptr) continue;
        // Nobody has heard of the partition; if somebody is in it all the same, the slot stays.
        const auto held = directory.control->try_lock(slot->append, topic.name);
        if (held && *held) directory.control->retire(*slot, catalogue_lock);
    }
}

Status TopicTransaction::make_directories(const Topic& topic, std::int32_t first) {
    const Status made = [&]() -> Status {
        for (std::int32_t partition = topic.partitions - 1; partition >= first; --partition) {
            MQ_TRY(make_partition(directory.path, {topic.name, partition}, topic.id));
            MQ_KILLPOINT("topics.after_directory");
        }
        return os::sync_directory(directory.path);
    }();
    if (made) return {};
    for (std::int32_t partition = first; partition < topic.partitions; ++partition)
        static_cast<void>(os::remove_directory_tree(directory.partition_path({topic.name, partition})));
    return made;
}

Status change_topics(DataDirectory::Impl& directory, std::optional<std::string_view> name,
                     const std::function<Status(TopicTransaction&)>& change, bool* ended) {
    if (name) MQ_TRY(log::check_topic_name(*name));
    MQ_TRY(directory.begin_changes());
    std::set<std::string, std::less<>> tried;
    std::vector<std::string> leftovers;
    for (;;) {
        std::vector<Topic> unfinished;
        const Status done = directory.control->on_claimed_thread([&]() -> Status {
            MQ_ASSIGN(const shm::Guard guard,
                      directory.control->lock(directory.control->header().catalogue, "the catalogue lock"));
            MQ_TRY(directory.follow_catalogue());
            TopicTransaction transaction{directory, guard, {}};
            MQ_ASSIGN(transaction.view, view_topics(directory.path));
            leftovers = transaction.view.leftovers;
            for (const auto& [other, topic] : transaction.view.catalogue.topics) {
                if (topic.deleting && (other == name || !tried.contains(other))) unfinished.push_back(topic);
            }
            return unfinished.empty() ? change(transaction) : Status{};
        });
        MQ_TRY(done);
        if (unfinished.empty()) break;
        for (const Topic& topic : unfinished) {
            tried.insert(topic.name);
            const auto wait = topic.name == name ? WaitForWriters::yes : WaitForWriters::no;
            const Status finished = finish_deletion(directory, topic, wait);
            if (topic.name != name) continue;
            MQ_TRY(finished);
            if (ended != nullptr) *ended = true;
        }
    }
    remove_put_aside(directory.path, leftovers);
    return {};
}

Result<Topic> DataDirectory::create_topic(const NewTopic& wanted) {
    MQ_TRY(log::check_topic_name(wanted.name));
    MQ_TRY(check_partition_count(wanted.name, wanted.partitions));
    if (wanted.replicas < 1 || wanted.replicas > kMaxReplicas)
        return refuse(Errc::bad_argument, wanted.name,
                      std::to_string(wanted.replicas) + " replicas are not possible");
    Topic topic{wanted.name, random_id(), wanted.partitions, wanted.replicas, {}};
    for (const auto& [key, value] : wanted.config) {
        MQ_ASSIGN(topic.config[key], check_config(key, value));
    }
    MQ_TRY(to_topic_config(topic.config));
    const Status created = change_topics(*impl_, wanted.name, [&](TopicTransaction& transaction) -> Status {
        MQ_TRY(meta_of_topic(topic, transaction.view.catalogue.defaults));
        if (transaction.find(topic.name)) return refuse(Errc::already_exists, topic.name, "it exists already");
        // A group takes one partition of fifty: of Kafka's own topics each is made when it is first needed.
        const std::int32_t first = is_internal_topic(topic.name) ? topic.partitions : 0;
        MQ_TRY(transaction.make_slots(topic, first));
        transaction.view.catalogue.topics.insert_or_assign(topic.name, topic);
        Status made = transaction.write();
        if (made) made = transaction.make_directories(topic, first);
        if (made) return transaction.publish(topic);
        // Without a directory it is no topic, even if the catalogue cannot be written back.
        transaction.retire_slots(topic, 0);
        transaction.view.catalogue.topics.erase(topic.name);
        static_cast<void>(transaction.write());
        return made;
    });
    MQ_TRY(created);
    return topic;
}

Result<Topic> DataDirectory::set_partitions(std::string_view name, std::int32_t partitions) {
    MQ_TRY(check_partition_count(name, partitions));
    Topic changed;
    const Status done = change_topics(*impl_, name, [&](TopicTransaction& transaction) -> Status {
        MQ_ASSIGN(Topic * topic, transaction.find(name));
        const std::int32_t before = topic->partitions;
        if (partitions < before) {
            return refuse(Errc::bad_argument, name,
                          "it has " + std::to_string(before) + " partitions, and cannot have fewer");
        }
        topic->partitions = partitions;
        MQ_TRY(transaction.make_slots(*topic, before));
        Status made = transaction.write();
        if (made) made = transaction.make_directories(*topic, before);
        if (!made) {
            transaction.retire_slots(*topic, before);
            topic->partitions = before;
            static_cast<void>(transaction.write());
            return made;
        }
        changed = *topic;
        return transaction.publish(*topic);
    });
    MQ_TRY(done);
    return changed;
}

Result<Topic> DataDirectory::change_config(std::string_view name,
                                           const std::map<std::string, std::optional<std::string>>& changes) {
    Topic changed;
    const Status done = change_topics(*impl_, name, [&](TopicTransaction& transaction) -> Status {
        MQ_ASSIGN(Topic * topic, transaction.find(name));
        for (const auto& [key, value] : changes) {
            if (value) {
                MQ_ASSIGN(topic->config[key], check_config(key, *value));
            } else if (topic->config.erase(key) == 0 && find_config(key) == nullptr) {
                MQ_TRY(check_config(key, {}));  // names the nearest key
            }
        }
        MQ_TRY(meta_of_topic(*topic, transaction.view.catalogue.defaults));
        MQ_TRY(transaction.write());
        changed = *topic;
        return transaction.publish(*topic);
    });
    MQ_TRY(done);
    return changed;
}

Status DataDirectory::set_topic_defaults(const ConfigMap& wanted) {
    ConfigMap defaults;
    for (const auto& [key, value] : wanted) {
        MQ_ASSIGN(defaults[key], check_default(key, value));
    }
    MQ_ASSIGN(const ConfigMap now, topic_defaults());
    if (now == defaults) return {};
    return change_topics(*impl_, std::nullopt, [&](TopicTransaction& transaction) -> Status {
        for (const auto& [name, topic] : transaction.view.catalogue.topics) {
            if (const auto together = to_topic_config(topic.config, defaults); !together)
                return refuse(Errc::bad_argument, name, together.error().message());
        }
        transaction.view.catalogue.defaults = defaults;
        MQ_TRY(transaction.write());
        return transaction.publish_all();
    });
}

}  // namespace mq::store
