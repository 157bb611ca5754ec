// What consumer groups have committed: __consumer_offsets, and the shared table that is derived from it.
// Source of the format: Kafka's schemas OffsetCommitKey, OffsetCommitValue, GroupMetadataKey, GroupMetadataValue;
// rules OFF of the concurrency contract (README.md here) and of Kafka's group coordinator.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "offsets/topic.h"
#include "record/internal_topics.h"
#include "store/data_directory.h"

namespace mq::offsets {

inline constexpr std::size_t kLongestMetadata = 4096;  // bytes; Kafka's offset.metadata.max.bytes
inline constexpr std::size_t kLongestGroup = 255;      // bytes of a group that can be made here; longer ones are read
inline constexpr std::int64_t kDefaultRetentionMs = 7 * 24 * 60 * 60 * 1000LL;  // offsets.retention.minutes

// What a group has committed of a partition: the offset of the next record to read.
struct Committed {
    Offset offset{0};
    LeaderEpoch leader_epoch = -1;  // of the last record read; -1: not known (REC-3)
    std::string metadata;
    TimestampMs commit_timestamp = kNoTimestamp;
    TimestampMs expire_timestamp = kNoTimestamp;  // if the commit brought its own

    bool operator==(const Committed&) const = default;
};
using GroupOffsets = std::map<log::TopicPartition, Committed>;

// Whether a group of this name can be made here. Errors: bad_argument, naming what is wrong.
[[nodiscard]] Status check_group(std::string_view group);

// One change of what a group has committed. Views must outlive the call.
struct Commit {
    std::string_view topic;
    std::int32_t partition = 0;
    std::optional<Offset> offset{};  // nullopt: forgets what was committed
    LeaderEpoch leader_epoch = -1;
    std::string_view metadata{};
    std::optional<TimestampMs> expire_timestamp{};
    std::optional<TimestampMs> commit_timestamp{};  // nullopt: that of the whole commit
};

struct CommitOptions {
    // The commit is made only if this holds, under the lock that all commits of the group take: of every partition
    // named the offset that is committed now (nullopt: none). Else `out_of_order`, and nothing is changed.
    const std::map<log::TopicPartition, std::optional<Offset>>* only_if = nullptr;
    // Kept for commits that are taken over as they are (import, copy); nullopt: now.
    std::optional<TimestampMs> commit_timestamp{};
    // Of a client over the network: any offset, the group "", and metadata as long as the broker lets it be.
    bool from_client = false;
};

// What is known of a group besides its offsets: its last group metadata record. Groups of members on this machine
// have one from the moment that the last member left.
struct Group {
    std::string name;
    std::size_t partitions = 0;                          // that it has offsets of
    std::optional<record::GroupMetadataValue> metadata;  // nullopt: never joined through a coordinator
};

// Thread-safe; cheap to make: partitions are opened as they are needed. `directory` must outlive it. Errors of all:
// those of the data directory, and corrupt (a record that is no offset commit, with its offset).
class OffsetStore {
public:
    // `table_pieces`: for tests of a full shared table; 0: all there are. `most_open`: the files of so many
    // partitions stay open, of those that were used last.
    explicit OffsetStore(store::DataDirectory& directory, ClockFn clock = wall_clock_ms,
                         std::uint32_t table_pieces = 0, const NewOffsetsTopic& new_topic = {},
                         std::size_t most_open = kOffsetsPartitions);
    OffsetStore(OffsetStore&&) noexcept;
    OffsetStore& operator=(OffsetStore&&) noexcept;
    ~OffsetStore();

    // Without a lock, also where the directory may only be read. What a commit that has returned has said is seen.
    [[nodiscard]] Result<std::optional<Committed>> fetch(std::string_view group, const log::TopicPartition& id);
    [[nodiscard]] Result<GroupOffsets> fetch_all(std::string_view group);
    // Of which an open transaction has committed something that does not count yet.
    [[nodiscard]] Result<std::set<log::TopicPartition>> pending(std::string_view group);
    // By name: those that have offsets, or a group metadata record.
    [[nodiscard]] Result<std::vector<Group>> groups();
    // How many partitions __consumer_offsets has, or will have.
    [[nodiscard]] Result<std::int32_t> partitions();
    // Of one of them.
    [[nodiscard]] Result<std::vector<Group>> groups_of(std::int32_t partition);
    // nullopt: there is no such group.
    [[nodiscard]] Result<std::optional<Group>> group(std::string_view name);

    // All of it or nothing, in one batch, as far as a megabyte holds it: of more, in several that are published at
    // once, a power cut may leave a part. Makes the group, and __consumer_offsets, if they are missing. Survives the
    // death of any process when it returns; flush() makes it survive the machine's. Whether partitions exist is not
    // looked at: Kafka's own commits name some that do not. Errors: bad_argument (an illegal topic, metadata of more
    // than 4096 bytes, a negative offset, a group name that is empty, not UTF-8, or too long), out_of_order
    // (only_if).
    [[nodiscard]] Status commit(std::string_view group, std::span<const Commit> commits,
                                const CommitOptions& options = {});
    // Of the partition that the group belongs to.
    [[nodiscard]] Status flush(std::string_view group);
    // Of all that were written to through this object.
    [[nodiscard]] Status flush();

    // Closes what is open of files that were replaced or removed, by whomever, but for what is in use; for who keeps
    // this object for long. It is opened again when it is needed.
    void let_go_of_replaced();

    // The group metadata record; nullopt takes it away.
    [[nodiscard]] Status put_metadata(std::string_view group,
                                      const std::optional<record::GroupMetadataValue>& metadata);
    // Forgets the group: all of its offsets and its metadata. The number of offsets forgotten. Errors: not_found.
    [[nodiscard]] Result<std::size_t> remove_group(std::string_view group);
    // Of all groups, as the deletion of a topic asks for. The number of offsets forgotten.
    [[nodiscard]] Result<std::size_t> forget_topic(std::string_view topic);

    struct Expired {
        std::string group;
        log::TopicPartition id;
    };
    // Kafka's rule (OFF-14): an Empty group's offsets are `retention_ms` after it became empty, or after the commit
    // where that is not known; one that was never joined after the commit; an explicit expiry counts as such. Groups
    // for which `is_active` holds keep theirs. With `dry_run` nothing is changed.
    [[nodiscard]] Result<std::vector<Expired>> expire(std::int64_t retention_ms,
                                                      const std::function<bool(std::string_view group)>& is_active,
                                                      bool dry_run);

    // The least offset that the groups have committed of a partition, of those that have committed anything of its
    // topic; nullopt where there is none, or one of them has nothing of this partition. For retention.consumed.
    [[nodiscard]] Result<std::optional<Offset>> consumed_below(const log::TopicPartition& id);

    struct Findings {
        std::uint64_t records = 0;          // read from __consumer_offsets
        std::uint64_t entries = 0;          // of the shared table that were held against them
        std::vector<std::string> problems;  // a line each: file, offset, what is wrong
    };
    // Holds the shared table against the log: mq-offsets fsck.
    [[nodiscard]] Result<Findings> check();

    // The shared table had no room for what was committed through this object: that is safe in the log, but looked up
    // by reading it (OFF-2). Once.
    [[nodiscard]] bool take_full_note();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// The partition of __consumer_offsets that a group belongs to is record::partition_for_id.

// Where a group goes on, held against the log as it is now (REC-3).
struct Resumption {
    Offset offset{0};
    // What is to be told: the commit lies before the start of the log, behind its end, or behind the end of its
    // leader epoch; empty if all is well.
    std::string note;
};
[[nodiscard]] Result<Resumption> resume(store::PartitionReader& reader, const Committed& committed);

}  // namespace mq::offsets
