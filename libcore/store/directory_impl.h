// The private half of DataDirectory, shared with the partitions that it gives out.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "base/two_copies.h"
#include "log/checkpoint_file.h"
#include "log/log.h"
#include "shm/control_file.h"
#include "store/compactor.h"
#include "store/data_directory.h"

namespace mq::store {

// Of a file at the root, to tell whether it is the one that we wrote.
struct FileStamp {
    std::uint64_t inode = 0;  // 0: there is none
    std::int64_t modified_ns = 0;
    std::uint64_t size_bytes = 0;
    bool operator==(const FileStamp&) const = default;
};
[[nodiscard]] Result<FileStamp> stamp_of(const std::string& path);

// What the store keeps in the header of the control file (shm::Header::store). Zero bytes are "nothing known".
struct SharedHeader {
    TwoCopies<FileStamp> catalogue;             // the mq-topics.json that the slots' topic_meta is of
    TwoCopies<FileStamp> recovery_points;       // DIR-6: another one means that a Kafka broker was here
    std::atomic<std::uint32_t> trust;           // log::Trust + 1, of partitions whose slot says nothing
    std::atomic<std::uint32_t> marked_unclean;  // .kafka_cleanshutdown is gone, durably
    std::atomic<std::uint64_t> stale_before;    // slots checked in earlier incarnations than this say nothing
};
static_assert(sizeof(SharedHeader) <= sizeof(shm::Header::store));

// What a slot knows of its topic (shm::PartitionSlot::topic_meta), so that one append parses no JSON. Written under
// the catalogue lock.
struct TopicMeta {
    std::uint64_t known = 0;  // 0: ask the catalogue
    std::int32_t partitions = 0;
    std::int32_t replicas = 0;
    std::array<char, 24> id{};  // 22 characters
    log::LogConfig log;
    std::uint32_t retention_consumed = 0;
    std::uint32_t write_caching = 0;
};
static_assert(sizeof(TopicMeta) % 8 == 0 && sizeof(TwoCopies<TopicMeta>) <= sizeof(shm::PartitionSlot::topic_meta));
static_assert(sizeof(log::PublishedState) <= sizeof(shm::PartitionSlot::state));

[[nodiscard]] inline SharedHeader& shared_header(shm::Header& header) {
    return *reinterpret_cast<SharedHeader*>(header.store.data());
}
[[nodiscard]] inline const SharedHeader& shared_header(const shm::Header& header) {
    return *reinterpret_cast<const SharedHeader*>(header.store.data());
}
[[nodiscard]] inline log::PublishedState& state_of(shm::PartitionSlot& slot) {
    return *reinterpret_cast<log::PublishedState*>(slot.state.data());
}
[[nodiscard]] inline TwoCopies<TopicMeta>& meta_of(shm::PartitionSlot& slot) {
    return *reinterpret_cast<TwoCopies<TopicMeta>*>(slot.topic_meta.data());
}

struct DataDirectory::Impl {
    std::string path;
    OpenOptions options;
    std::shared_ptr<shm::ControlFile> control;  // nullptr: nothing is shared, a reader looks at the files for itself
    os::File lock_file;                         // held shared where there is no control file
    log::Trust private_trust = log::Trust::segments;  // of such a reader
    Compactor compactor;                              // stopped before the DataDirectory goes
    // While nobody else is in the directory: what checkpointed() need not read again for each partition.
    struct RootCheckpoints {
        log::OffsetCheckpoint recovery_points;
        log::OffsetCheckpoint log_starts;
    };
    const RootCheckpoints* as_found = nullptr;

    // data_directory.cc
    [[nodiscard]] Status open_shared();
    [[nodiscard]] Status begin(const shm::ControlFile::Beginning& beginning);
    [[nodiscard]] Status close_partitions();
    // clean_stop.cc: nobody else is in the directory.
    [[nodiscard]] Status stop_cleanly();
    [[nodiscard]] bool writable() const { return control != nullptr && control->writable(); }
    [[nodiscard]] SharedHeader& shared() const { return shared_header(control->header()); }
    // Of partitions whose slot says nothing, and of all where nothing is shared.
    [[nodiscard]] log::Trust shared_trust() const {
        const std::uint32_t trust = control ? shared().trust.load() : 0;
        return trust == 0 ? private_trust : static_cast<log::Trust>(trust - 1);
    }
    // Before the first change of an incarnation (DIR-6): the directory is no longer cleanly shut down. not_permitted
    // where it is opened for reading only.
    [[nodiscard]] Status begin_changes();
    // Under the catalogue lock.
    [[nodiscard]] Status make_meta_properties() const;
    [[nodiscard]] std::string file(std::string_view name) const { return os::join(path, name); }
    [[nodiscard]] std::string partition_path(const log::TopicPartition& id) const {
        return file(log::partition_directory(id));
    }

    // checkpoints.cc: entries of a checkpoint file at the root; nullopt takes one out. Durable.
    using CheckpointChanges = std::map<log::TopicPartition, std::optional<Offset>>;
    [[nodiscard]] Status update_checkpoint(std::string_view name, const CheckpointChanges& changes);
    [[nodiscard]] Result<std::optional<Offset>> checkpointed(std::string_view name,
                                                             const log::TopicPartition& id) const;

    // topic_lookup.cc
    // From the catalogue and the directories.
    [[nodiscard]] Result<Topic> find_topic(std::string_view name, ConfigMap* defaults = nullptr) const;
    // Under the catalogue lock: if mq-topics.json is another file than the slots speak of (somebody edited it, or
    // changed it and died), they know nothing from now on.
    [[nodiscard]] Status follow_catalogue();
    // Of a partition that exists: as its slot knows it, else looked up, and the slot is made and told.
    // With `make`, where it may be written to, the directory of the partition is made if it is missing.
    [[nodiscard]] Result<TopicMeta> find_meta(const log::TopicPartition& id, bool make = true);

    // partition_state.cc
    // The slot of a partition that exists; nullptr where nothing is shared, or it cannot be made.
    [[nodiscard]] Result<shm::PartitionSlot*> slot_of(const log::TopicPartition& id);
    // Whether the slot's state was held against the files in this life of the directory.
    [[nodiscard]] bool is_loaded(const shm::PartitionSlot& slot) const {
        return slot.checked_incarnation.load() == control->incarnation();
    }
    // Under the append lock: believes the slot's state if the files are as it says (DIR-7). Changes no file.
    [[nodiscard]] Result<bool> files_fit(shm::PartitionSlot& slot, const log::TopicPartition& id) const;
    // Under the append lock: takes the slot's state over if that fits, else loads it from the files.
    // `persist`: where a recovery point goes instead of its checkpoint file.
    [[nodiscard]] Result<log::Log> bring_up(shm::PartitionSlot& slot, const log::TopicPartition& id,
                                            const log::LogConfig& config, std::function<Status(Offset)> persist = {});
    // Under the append lock, after files came or went: what the next life compares.
    [[nodiscard]] Status note_files(shm::PartitionSlot& slot, const log::Log& log) const;
    [[nodiscard]] log::OpenOptions log_options(const log::TopicPartition& id);
    // How far the files of a partition can be trusted: as its slot tells, if that was held against them since the
    // machine started and no Kafka broker was here since, else as the files at the root tell.
    [[nodiscard]] Status choose_trust(const shm::PartitionSlot* slot, const log::TopicPartition& id,
                                      log::OpenOptions& how) const;
    [[nodiscard]] bool is_known(const shm::PartitionSlot& slot) const {
        const std::uint64_t checked = slot.checked_incarnation.load();
        return checked != 0 && checked >= shared().stale_before.load();
    }
};

}  // namespace mq::store
