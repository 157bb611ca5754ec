// Changes of topics, and what they share with the look-up.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/directory_impl.h"
#include "store/topic_view.h"

namespace mq::store {

// Errors: bad_argument (settings that exclude each other).
[[nodiscard]] Result<TopicMeta> meta_of_topic(const Topic& topic, const ConfigMap& defaults);

// Under the catalogue lock.
struct TopicTransaction {
    DataDirectory::Impl& directory;
    const shm::Guard& catalogue_lock;
    TopicView view;

    // The topic, or not_found.
    [[nodiscard]] Result<Topic*> find(std::string_view name);
    // Replaces mq-topics.json by view.catalogue, durably.
    [[nodiscard]] Status write();
    // Has the slots of the topic speak of it as it is now (nothing, if it is being deleted), and wakes who waits for
    // a change. After this every process sees what was written.
    [[nodiscard]] Status publish(const Topic& topic);
    // The same of all topics.
    [[nodiscard]] Status publish_all();
    // Slots for the partitions from `first` on. Errors: too_many, no_space; then none of them is there.
    [[nodiscard]] Status make_slots(const Topic& topic, std::int32_t first);
    void retire_slots(const Topic& topic, std::int32_t first);
    // Directories for the partitions from `first` on, the highest first; durable. After an error none of them is
    // there.
    [[nodiscard]] Status make_directories(const Topic& topic, std::int32_t first);

private:
    [[nodiscard]] Status publish_slots(const Topic& topic);
    [[nodiscard]] Status announce();
};

// Begins a change (of the topic of that name, if it is one of one topic), runs `change` on all topics under the
// catalogue lock, and removes what earlier deletions left.
// Deletions that a dead process began are brought to an end first where nobody works on them; that of `name` whatever
// it takes, and `ended` is set then.
[[nodiscard]] Status change_topics(DataDirectory::Impl& directory, std::optional<std::string_view> name,
                                   const std::function<Status(TopicTransaction&)>& change, bool* ended = nullptr);

// A topic that is marked as being deleted: retires its slots, puts its directories aside, forgets it, removes them.
// Any number of processes may do so at once. Whoever is appending is waited for, or else in_use.
enum class WaitForWriters : bool { no, yes };
[[nodiscard]] Status finish_deletion(DataDirectory::Impl& directory, const Topic& topic, WaitForWriters wait);

}  // namespace mq::store
