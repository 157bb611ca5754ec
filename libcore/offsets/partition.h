// One partition of __consumer_offsets: its log, and what the shared table, or this process's memory, knows of it.
// Internal to the layer.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "offsets/keys.h"
#include "offsets/replay.h"
#include "shm/control_file.h"
#include "store/data_directory.h"

namespace mq::offsets {

// What a group has committed of a topic's partitions, as far as retention asks.
struct ConsumedOf {
    bool has_partition = false;
    Offset least{0};
};
using ConsumedByGroup = std::map<std::pair<std::uint64_t, std::uint64_t>, ConsumedOf>;
using GroupHashes = std::set<std::pair<std::uint64_t, std::uint64_t>>;

// The caller of a look holds `mutex`; it takes no lock that processes share, and says what every commit that has
// returned has brought: the table as far as it is applied, and the records behind that. The caller of a change holds
// `change_mutex`, perhaps for as long as another process holds the append lock: looks go on meanwhile.
class OffsetsPartition {
public:
    OffsetsPartition(store::DataDirectory& directory, ClockFn clock, std::int32_t partition, std::uint32_t pieces);

    std::mutex change_mutex;
    std::mutex mutex;  // taken inside of the other where both are needed

    // ---- Looks
    [[nodiscard]] Result<bool> exists();  // else nothing was ever committed
    [[nodiscard]] Result<std::optional<Memory::Entry>> fetch(std::string_view group, const log::TopicPartition& id);
    [[nodiscard]] Result<std::optional<Memory::Group>> group(const std::string& name);
    [[nodiscard]] Result<std::vector<Group>> groups();
    // What waits for the end of a transaction.
    [[nodiscard]] Result<std::set<log::TopicPartition>> pending(std::string_view group);
    [[nodiscard]] Status consumed(const log::TopicPartition& id, ConsumedByGroup& found);
    // Those that have something of the topic.
    [[nodiscard]] Result<std::vector<std::string>> groups_of_topic(std::string_view topic);
    [[nodiscard]] Status check(OffsetStore::Findings& findings);
    [[nodiscard]] bool take_full_note() { return full_.exchange(false); }
    // Without either lock: closes what is open of files that others have replaced or removed, unless it is in use.
    void let_go_of_replaced();
    // The same of all files; false: it is in use.
    [[nodiscard]] bool let_go();

    // ---- Changes
    // Errors: not_found (there is no topic yet, or no longer).
    [[nodiscard]] Status open_writer();
    [[nodiscard]] bool was_opened_for_writing() const { return was_opened_for_writing_; }
    // Looks, with `mutex` held, encodes into encoder(), and appends what was encoded: nothing else is committed in
    // between.
    [[nodiscard]] Status change(FunctionRef<Status()> encode);
    [[nodiscard]] BatchEncoder& encoder() { return encoder_; }
    // The commit of plain offsets, which is encoded already.
    [[nodiscard]] Status commit(std::string_view group, std::span<const Commit> commits, TimestampMs commit_timestamp,
                                const std::map<log::TopicPartition, std::optional<Offset>>* only_if);
    [[nodiscard]] Status flush() { return writer_->flush(); }

private:
    // out_of_order unless this is what is committed.
    [[nodiscard]] Status compare(std::string_view group,
                                 const std::map<log::TopicPartition, std::optional<Offset>>& only_if);
    // How a look begins: what the table is of, if it can be believed.
    struct Stand {
        store::Life life;
        shm::OffsetsApplied applied;
        store::Bounds bounds;  // taken after `applied`
    };
    [[nodiscard]] Result<bool> open_reader();
    [[nodiscard]] std::optional<shm::OffsetTable> table() const;
    [[nodiscard]] Result<std::optional<Stand>> stand();
    [[nodiscard]] bool still_stands(const Stand& stand) const;
    [[nodiscard]] Status behind(const Stand& stand, FunctionRef<Status(const Effect&)> apply);
    // Records by their offsets, the lowest first: each batch is read once. While the reader is not used otherwise.
    class Finder;
    [[nodiscard]] Result<Memory*> memory();
    [[nodiscard]] Result<std::optional<Memory::Entry>> entry_of(std::string_view group, const log::TopicPartition& id,
                                                                bool& decided);
    [[nodiscard]] Result<std::optional<Memory::Group>> group_in_table(const std::string& name, bool& decided);
    [[nodiscard]] Result<std::vector<Group>> groups_in_table(bool& decided);
    [[nodiscard]] Status candidates_of_topic(std::string_view topic, std::optional<GroupHashes>& candidates);
    [[nodiscard]] Status check_against(const shm::OffsetTable& shared, const Memory& log,
                                       OffsetStore::Findings& findings, bool& decided);

    // partition_write.cc; under the append lock.
    [[nodiscard]] Status catch_up(log::Log& log);
    [[nodiscard]] Status build(log::Log& log, shm::OffsetTable& shared, Offset from, Offset first_open);
    void apply(shm::OffsetTable& shared, const Effect& effect);
    [[nodiscard]] Status append(log::Log& log, FunctionRef<void(shm::OffsetTable&, Offset first)> apply);
    [[nodiscard]] Status prepare_table();

    store::DataDirectory& directory_;
    ClockFn clock_;
    log::TopicPartition id_;
    std::string name_;
    std::uint32_t pieces_;
    std::unique_ptr<store::PartitionReader> reader_;
    std::unique_ptr<store::PartitionWriter> writer_;
    bool was_opened_for_writing_ = false;
    std::optional<store::DataDirectory::Files> files_seen_;  // when it was last let go
    BatchEncoder encoder_;
    record::RecordReader records_;  // Finder's, for its memory

    // Of the table, while the append lock is held: what it was brought to; nullopt: it cannot be kept.
    std::optional<shm::OffsetsApplied> kept_;
    std::atomic<bool> full_{false};

    // A private copy, for where the table does not tell; brought up to date by what lies behind it.
    Memory memory_;
    std::optional<store::Life> memory_life_;
    Offset memory_end_{0};
    Offset memory_first_open_ = kNoOffset;
};

}  // namespace mq::offsets
