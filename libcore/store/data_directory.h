// The data directory: topics and their partitions, shared by any number of processes without a server.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "log/checkpoint_file.h"
#include "store/catalogue.h"
#include "store/partition_reader.h"
#include "store/partition_writer.h"

namespace mq::shm {
class ControlFile;
}

namespace mq::store {

class WatchedEnd;  // end_watch.h

enum class Access : bool { read, write };

struct OpenOptions {
    Access access = Access::read;
    WaitHook on_wait;  // while a lock is waited for; see partition_writer.h
    ClockFn clock = wall_clock_ms;
    // Of a topic with retention.consumed: everybody who reads the partition is past this offset; nullopt: nobody is
    // known to read it, or not how far. Called without a lock held.
    std::function<Result<std::optional<Offset>>(const log::TopicPartition&)> consumed_below{};
    // What was found and done when this process loaded a partition for writing, if it was anything. Called with its
    // append lock held: not to come back from there.
    std::function<void(const log::TopicPartition&, const log::RecoveryReport&)> on_recovery{};
    // With which the process ends should the memory of the control file go away under it (a full disk); 0: by SIGBUS.
    int bus_error_exit_status = 0;
    // That meta.properties gets where it is made.
    std::int32_t broker_id = 0;
};

// Of meta.properties: whose directory it is.
struct Identity {
    std::string cluster_id;
    std::optional<std::int32_t> broker_id;  // Kafka's broker.id, or node.id
};

// What using a topic takes.
struct TopicShape {
    std::string id;
    std::int32_t partitions = 0;
    log::LogConfig log;
};

// From here on processes choose producer ids for themselves, at random: blocks of ids, which count up from 0, will
// never reach them.
inline constexpr ProducerId kFirstChosenProducerId = ProducerId{1} << 62;

struct NewTopic {
    std::string name;
    std::int32_t partitions = 1;
    std::int32_t replicas = 1;
    ConfigMap config;
};

// Thread-safe. Partitions that it gave out keep it alive.
class DataDirectory {
public:
    // Write: makes the directory if it is missing. Read: changes no file; follows the shared memory of those who live
    // in the directory, and reads the files for itself where nobody does (DIR-9). Errors: not_found (read), in_use (a
    // Kafka broker; another version of mq), bad_configuration (file system), not_permitted, corrupt (mq-topics.json,
    // a checkpoint), no_space, io.
    [[nodiscard]] static Result<DataDirectory> open(const std::string& path, const OpenOptions& options);

    DataDirectory(DataDirectory&&) noexcept;
    DataDirectory& operator=(DataDirectory&&) noexcept;
    ~DataDirectory();

    [[nodiscard]] const std::string& path() const;
    [[nodiscard]] Result<std::string> cluster_id() const;  // of meta.properties; empty if there is none
    // Makes meta.properties if it is missing. Errors: corrupt, and those of reading and writing.
    [[nodiscard]] Result<Identity> identify();

    // By name. Topics that another program left as directories only are there too. `defaults`: gets those that
    // belong to them.
    [[nodiscard]] Result<std::vector<Topic>> topics(ConfigMap* defaults = nullptr) const;
    // What topics have that say nothing themselves, and whose setting is not Kafka's default.
    [[nodiscard]] Result<ConfigMap> topic_defaults() const;
    // Errors: not_found, bad_argument (illegal name).
    [[nodiscard]] Result<Topic> topic(std::string_view name) const;
    // The same from the shared memory where that knows it: a command that uses one topic parses no mq-topics.json of
    // thousands (PUB-8). `partition`: one that was used already, as its slot knows it; nothing is made. Errors: as
    // topic(), and not_found where the topic has no such partition.
    [[nodiscard]] Result<TopicShape> shape(std::string_view topic, std::int32_t partition = 0) const;
    // Of the next append to a partition, as the shared memory knows it without a lock or a file: nullopt where nobody
    // has used the partition in this life of the directory.
    [[nodiscard]] std::optional<LeaderEpoch> leader_epoch(std::string_view topic, std::int32_t partition) const;
    // What else it knows so.
    struct Glance {
        Offset log_start{0};
        Offset log_end{0};
        Offset active_base{0};
        Offset flushed{0};                // all below is on stable storage
        std::uint64_t unsaved_bytes = 0;  // of the active segment, since its recovery point
        bool operator==(const Glance&) const = default;
    };
    [[nodiscard]] std::optional<Glance> glance(std::string_view topic, std::int32_t partition) const;
    // Other than before where files of the partition came, went or were replaced since, whoever did that: what is open
    // of it may keep the space of files that are gone. nullopt as above.
    struct Files {
        std::uint64_t use = 0;
        std::uint64_t files = 0;
        std::uint64_t list = 0;
        bool operator==(const Files&) const = default;
    };
    [[nodiscard]] std::optional<Files> files(std::string_view topic, std::int32_t partition) const;
    // Grows with every change of topics or settings; for who follows a pattern.
    [[nodiscard]] std::uint32_t catalogue_generation() const;

    // All of these are durable when they return, and take effect in running processes at their next append.
    // Errors: already_exists, bad_argument (name, settings, fewer partitions), not_found, too_many.
    [[nodiscard]] Result<Topic> create_topic(const NewTopic& wanted);
    [[nodiscard]] Status delete_topic(std::string_view name);
    [[nodiscard]] Result<Topic> set_partitions(std::string_view name, std::int32_t partitions);
    // Sets and (nullopt) unsets.
    [[nodiscard]] Result<Topic> change_config(std::string_view name,
                                              const std::map<std::string, std::optional<std::string>>& changes);
    // These and no others. bad_argument also where they exclude what a topic has set, and nothing is changed then.
    [[nodiscard]] Status set_topic_defaults(const ConfigMap& wanted);

    // A block of `count` producer ids that nobody else gets, now or later: the first of them. Durable. The first block
    // of a directory begins above all that its logs tell of, which are looked at then. Errors: too_many.
    [[nodiscard]] Result<ProducerId> claim_producer_ids(std::int64_t count);

    // Errors: not_found (no such topic or partition).
    [[nodiscard]] Result<std::unique_ptr<PartitionWriter>> open_writer(const log::TopicPartition& id);
    [[nodiscard]] Result<std::unique_ptr<PartitionReader>> open_reader(
        const log::TopicPartition& id, log::Isolation isolation = log::Isolation::read_uncommitted);
    // Of a partition that was opened, or whose topic was made, on this machine. Errors: not_found (it is not known to
    // be one, or nothing is shared).
    [[nodiscard]] Result<WatchedEnd> watch_end(const log::TopicPartition& id) const;

    // What processes share, for the layers that keep tables of their own in it (offsets, groups); nullptr where
    // nothing is shared.
    [[nodiscard]] shm::ControlFile* control() const;

    // Ends the work of this process cleanly: where it is the last one, recovery points and snapshots of partitions
    // with a mebibyte or more past theirs are made durable (APP-8). Dropping the object without it loses nothing but
    // time at the next start.
    [[nodiscard]] Status close();
    // As close(), and what a Kafka broker does at a clean stop: every partition that was changed is flushed, has its
    // snapshot and its checkpoints, and .kafka_cleanshutdown says so, until the next change. False where other
    // processes use the directory: then none of it is done.
    [[nodiscard]] Result<bool> close_cleanly();

    // Implementation, shared with the partitions it gives out (directory_impl.h).
    struct Impl;

private:
    explicit DataDirectory(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace mq::store
