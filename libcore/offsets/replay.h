// What the records of a partition of __consumer_offsets come to, in the order in which they take effect. Internal to
// the layer. Source of the rules: kafka.coordinator.group.GroupMetadataManager, doLoadGroupsAndOffsets.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/function_ref.h"
#include "log/log_reader.h"
#include "offsets/offset_store.h"
#include "record/record.h"

namespace mq::offsets {

// One of them.
struct Effect {
    Offset record{0};
    std::string group;
    log::TopicPartition id;  // of an offset; its topic is empty for a group metadata record
    std::optional<record::OffsetCommitValue> offset;
    std::optional<record::GroupMetadataValue> metadata;
    // Of a transaction that has committed: its record stands before others that took effect already, and counts only
    // where no later one is there.
    bool late = false;

    [[nodiscard]] bool is_metadata() const { return id.topic.empty(); }
};

[[nodiscard]] Committed to_committed(const record::OffsetCommitValue& value);

// A record of the partition `name`; nullopt for one that is to be skipped (a key of a later release). Errors: corrupt
// and unsupported, with the offset.
[[nodiscard]] Result<std::optional<Effect>> read_effect(const std::string& name, const record::RecordView& record);

// Where batches come from: a LogReader, or a PartitionReader.
struct BatchSource {
    FunctionRef<void(Offset)> seek;
    FunctionRef<Result<log::ReadOutcome>(log::ScannedBatch&)> next;
};

// Reads [from, end). Offsets of transactions count when the COMMIT marker of their producer comes; `first_open` is
// where the oldest one begins that was open at `from` (kNoOffset: none was). The same of `end`. `open`: what those
// would bring that are open at the end.
[[nodiscard]] Result<Offset> replay(const std::string& name, BatchSource source, Offset from, Offset end,
                                    Offset first_open, FunctionRef<Status(const Effect&)> apply,
                                    std::vector<Effect>* open = nullptr);

// All of a partition, or what lies behind a point of it, in this process's memory.
class Memory {
public:
    struct Entry {
        Committed committed;
        Offset record{0};
    };
    struct Group {
        std::map<log::TopicPartition, Entry> offsets;
        std::optional<record::GroupMetadataValue> metadata;
        [[nodiscard]] bool is_empty() const { return offsets.empty() && !metadata; }
    };
    void apply(const Effect& effect);

    std::map<std::string, Group, std::less<>> groups;
    std::uint64_t records = 0;
};

}  // namespace mq::offsets
