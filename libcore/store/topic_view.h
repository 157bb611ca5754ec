// Topics as the catalogue and the directories of their partitions tell of them, and the directories themselves.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "log/checkpoint_file.h"
#include "store/catalogue.h"

namespace mq::store {

struct TopicView {
    Catalogue catalogue;                 // with what only directories tell; those keep their records for ever
    std::vector<std::string> leftovers;  // directories that a deletion has put aside, by name
};

// Of all topics. A topic is in the view if it is marked as being deleted, or has a directory, or is internal: an
// entry of the catalogue alone is a creation that came to nothing. Has partitions that only directories tell of.
// Topics that nobody gave an id to have an empty one.
[[nodiscard]] Result<TopicView> view_topics(const std::string& root);
// Of one topic, without listing the directory where the catalogue knows it. A topic that a Kafka broker has deleted
// and made again is what the directories say. Errors: not_found (also if it is being deleted), bad_argument (illegal
// name).
[[nodiscard]] Result<Topic> look_up_topic(const std::string& root, const Catalogue& catalogue, std::string_view name);

// The id in a directory's partition.metadata; nullopt if it has none.
[[nodiscard]] Result<std::optional<std::string>> read_topic_id(const std::string& partition_directory);

// Makes the directory with its partition.metadata; both are durable once the root is synced. Success if it is there.
[[nodiscard]] Status make_partition(const std::string& root, const log::TopicPartition& id,
                                    std::string_view topic_id);
// Renames the directory of a partition to what Kafka calls it then, "numbers-0.<32 hex digits>-delete", cut so that
// it has at most 255 bytes. The new name; empty if there was no directory, or it belongs to a topic of another id.
[[nodiscard]] Result<std::string> put_aside(const std::string& root, const log::TopicPartition& id,
                                            std::string_view topic_id);
[[nodiscard]] bool is_put_aside(std::string_view directory_name);
// Another process may be removing the same; what cannot be removed stays.
void remove_put_aside(const std::string& root, const std::vector<std::string>& names);

}  // namespace mq::store
