// --checkpoint FILE: how far each partition was printed, so that the next run goes on there, without a group.
//
//     mq-consume-checkpoint 1
//     numbers 6RbxAY8BTsOVJ0MnbF4XLg 0 1000 3      topic, its id, partition, next offset, leader epoch of the last
//     record
#pragma once

#include <map>
#include <string>

#include "log/checkpoint_file.h"

namespace mq::consume {

struct CheckpointEntry {
    std::string topic_id;  // "-" where the topic has none
    Offset next_offset{0};
    LeaderEpoch leader_epoch = -1;  // of the last record that was printed; -1: not known

    bool operator==(const CheckpointEntry&) const = default;
};
using Checkpoint = std::map<log::TopicPartition, CheckpointEntry>;

// corrupt, with the line in the detail: another first line, fields missing or over, a number out of range, an illegal
// or repeated partition. The subject is empty.
[[nodiscard]] Result<Checkpoint> parse_checkpoint(ByteView text);
[[nodiscard]] std::string format_checkpoint(const Checkpoint& checkpoint);

// A missing file is an empty checkpoint.
[[nodiscard]] Result<Checkpoint> read_checkpoint(const std::string& path);
// Atomic and durable.
[[nodiscard]] Status write_checkpoint(const std::string& path, const Checkpoint& checkpoint);

}  // namespace mq::consume
