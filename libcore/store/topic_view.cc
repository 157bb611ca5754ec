#include "store/topic_view.h"

#include <algorithm>
#include <random>

#include "log/segment_files.h"
#include "os/file.h"
#include "os/kill_point.h"

namespace mq::store {
namespace {

constexpr std::string_view kDeleteSuffix = "-delete";
constexpr std::size_t kUniqueDigits = 32;
constexpr std::size_t kLongestName = 255;

tl::unexpected<Error> no_such_topic(std::string_view name) {
    return fail(Errc::not_found, {}, {}, "there is no topic '" + std::string{name} + "'");
}

std::string partition_path(const std::string& root, std::string_view topic, std::int32_t partition) {
    return os::join(root, log::partition_directory({std::string{topic}, partition}));
}

struct Directories {
    std::map<std::string, std::int32_t, std::less<>> highest;  // partition, by topic
    std::vector<std::string> leftovers;
};

Result<Directories> list_partitions(const std::string& root) {
    Directories found;
    MQ_TRY(os::visit_directory(root, [&](std::string_view name, bool is_directory) {
        if (!is_directory) return;
        if (is_put_aside(name)) {
            found.leftovers.emplace_back(name);
            return;
        }
        const auto id = log::parse_partition_directory(name);
        if (!id || !log::check_topic_name(id->topic) || id->partition >= kMaxPartitions) return;
        const auto [entry, made] = found.highest.try_emplace(id->topic, id->partition);
        if (!made) entry->second = std::max(entry->second, id->partition);
    }));
    return found;
}

std::int32_t count_of(std::string_view topic, std::int32_t highest) {
    return std::max(highest + 1, is_internal_topic(topic) ? kInternalTopicPartitions : 1);
}

Result<Topic> topic_of_directories(const std::string& root, std::string_view name, std::int32_t highest) {
    Topic topic;
    topic.name = name;
    topic.partitions = count_of(name, highest);
    MQ_ASSIGN(const auto id, read_topic_id(partition_path(root, name, highest)));
    topic.id = id.value_or("");
    // How long its records are kept was said elsewhere (in ZooKeeper, say): until it is said here nothing is dropped.
    topic.config["retention.ms"] = "-1";
    return topic;
}

// A directory of the topic, if it has one.
Result<std::optional<std::string>> some_partition(const std::string& root, const Topic& topic) {
    for (std::int32_t partition = 0; partition < topic.partitions; ++partition) {
        const std::string path = partition_path(root, topic.name, partition);
        MQ_ASSIGN(const bool there, os::exists(path));
        if (there) return path;
    }
    return std::nullopt;
}

}  // namespace

Result<TopicView> view_topics(const std::string& root) {
    TopicView view;
    MQ_ASSIGN(view.catalogue, read_catalogue(os::join(root, kCatalogueFile)));
    MQ_ASSIGN(Directories directories, list_partitions(root));
    view.leftovers = std::move(directories.leftovers);
    auto& topics = view.catalogue.topics;
    for (auto entry = topics.begin(); entry != topics.end();) {
        Topic& topic = entry->second;
        const auto directory = directories.highest.find(topic.name);
        const bool has_one = directory != directories.highest.end();
        if (!topic.deleting && !has_one && !is_internal_topic(topic.name)) {
            entry = topics.erase(entry);
            continue;
        }
        if (has_one) topic.partitions = std::max(topic.partitions, directory->second + 1);
        ++entry;
    }
    for (const auto& [name, highest] : directories.highest) {
        if (topics.contains(name)) continue;
        MQ_ASSIGN(Topic topic, topic_of_directories(root, name, highest));
        topics.emplace(name, std::move(topic));
    }
    return view;
}

Result<Topic> look_up_topic(const std::string& root, const Catalogue& catalogue, std::string_view name) {
    MQ_TRY(log::check_topic_name(name));
    if (const auto entry = catalogue.topics.find(name); entry != catalogue.topics.end()) {
        Topic topic = entry->second;
        if (topic.deleting) return no_such_topic(name);
        MQ_ASSIGN(const auto directory, some_partition(root, topic));
        if (!directory && is_internal_topic(name)) return topic;
        if (directory) {
            MQ_ASSIGN(const auto id, read_topic_id(*directory));
            if (!id || *id == topic.id) {
                for (; topic.partitions < kMaxPartitions; ++topic.partitions) {
                    MQ_ASSIGN(const bool more, os::exists(partition_path(root, name, topic.partitions)));
                    if (!more) return topic;
                }
                return topic;
            }
        }
    }
    MQ_ASSIGN(const Directories directories, list_partitions(root));
    const auto directory = directories.highest.find(name);
    if (directory == directories.highest.end()) return no_such_topic(name);
    return topic_of_directories(root, name, directory->second);
}

Result<std::optional<std::string>> read_topic_id(const std::string& partition_directory) {
    const std::string path = os::join(partition_directory, log::kPartitionMetadata);
    const auto text = os::read_file(path, 4 << 10);
    if (!text && text.error().code == Errc::not_found) return std::nullopt;
    if (!text) return fail(text.error());
    auto metadata = log::parse_partition_metadata(*text);
    if (!metadata) {
        Error error = std::move(metadata).error();
        error.subject = path;
        return fail(std::move(error));
    }
    return std::move(metadata->topic_id);
}

Status make_partition(const std::string& root, const log::TopicPartition& id, std::string_view topic_id) {
    const std::string path = os::join(root, log::partition_directory(id));
    const Status made = os::create_directory(path);
    if (!made) {
        if (made.error().code != Errc::already_exists) return made;
        MQ_ASSIGN(const os::FileInfo there, os::file_info(path));
        if (!there.is_directory)
            return fail(Errc::not_permitted, "make", path, "something that is no directory has its name");
    }
    MQ_KILLPOINT("topics.before_metadata");
    const std::string metadata = os::join(path, log::kPartitionMetadata);
    MQ_ASSIGN(const bool there, os::exists(metadata));
    if (there || topic_id.empty()) return {};
    return os::replace_file(metadata, log::format_partition_metadata({0, std::string{topic_id}}));
}

Result<std::string> put_aside(const std::string& root, const log::TopicPartition& id, std::string_view topic_id) {
    const std::string path = os::join(root, log::partition_directory(id));
    MQ_ASSIGN(const bool there, os::exists(path));
    if (!there) return std::string{};
    MQ_ASSIGN(const auto its_id, read_topic_id(path));
    if (its_id && *its_id != topic_id) return std::string{};

    static constexpr char kHex[] = "0123456789abcdef";
    std::random_device source;
    std::string suffix = "-" + std::to_string(id.partition) + ".";
    for (std::size_t i = 0; i < kUniqueDigits; ++i) suffix += kHex[source() & 15];
    suffix += kDeleteSuffix;
    const std::string name = id.topic.substr(0, kLongestName - suffix.size()) + suffix;
    MQ_TRY(os::rename_file(path, os::join(root, name)));
    return name;
}

bool is_put_aside(std::string_view name) {
    if (!name.ends_with(kDeleteSuffix)) return false;
    name.remove_suffix(kDeleteSuffix.size());
    const std::size_t dot = name.rfind('.');
    if (dot == name.npos || name.size() - dot - 1 != kUniqueDigits) return false;
    const std::string_view digits = name.substr(dot + 1);
    const std::string_view partition = name.substr(0, dot);
    const std::size_t dash = partition.rfind('-');
    const auto all = [](std::string_view text, std::string_view of) {
        return !text.empty() && text.find_first_not_of(of) == text.npos;
    };
    return all(digits, "0123456789abcdef") && dash != name.npos && dash > 0 &&
           all(partition.substr(dash + 1), "0123456789");
}

void remove_put_aside(const std::string& root, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        static_cast<void>(os::remove_directory_tree(os::join(root, name)));
        MQ_KILLPOINT("topics.after_remove");
    }
}

}  // namespace mq::store
