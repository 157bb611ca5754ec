// The text files of a data directory: version line, count line, one entry a line; and the two property files.
// Source: org.apache.kafka.server.common.CheckpointFile, PartitionMetadata, BrokerMetadataCheckpoint.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "log/leader_epochs.h"

namespace mq::log {

struct TopicPartition {
    std::string topic;
    std::int32_t partition = 0;
    auto operator<=>(const TopicPartition&) const = default;
};

// "a-b-3" -> {a-b, 3}: split at the last '-'. nullopt if the name is no live partition directory.
[[nodiscard]] std::optional<TopicPartition> parse_partition_directory(std::string_view name);
[[nodiscard]] std::string partition_directory(const TopicPartition& partition);
// 1 to 249 of a-z A-Z 0-9 . _ - and neither "." nor "..". The error says which rule is broken.
[[nodiscard]] Status check_topic_name(std::string_view topic);

// recovery-point-, log-start-, replication- and cleaner-offset-checkpoint: "topic partition offset" lines.
using OffsetCheckpoint = std::map<TopicPartition, Offset>;
inline constexpr std::string_view kRecoveryPointCheckpoint = "recovery-point-offset-checkpoint";
inline constexpr std::string_view kLogStartCheckpoint = "log-start-offset-checkpoint";
inline constexpr std::string_view kHighWatermarkCheckpoint = "replication-offset-checkpoint";
inline constexpr std::string_view kCleanerCheckpoint = "cleaner-offset-checkpoint";
inline constexpr std::string_view kCleanShutdown = ".kafka_cleanshutdown";
inline constexpr std::string_view kMetaProperties = "meta.properties";

// corrupt, with the line number in the detail: wrong version, field count, count of entries, numbers, or a partition
// twice (epochs: not ascending). Fields may be set apart by any white space, lines may end in CR LF. An empty file
// has no entries. The subject of errors is empty; parse_* take bytes, read_* a path (a missing file has no entries).
[[nodiscard]] Result<OffsetCheckpoint> parse_offset_checkpoint(ByteView text);
[[nodiscard]] Result<OffsetCheckpoint> read_offset_checkpoint(const std::string& path);
// In the order of topics and partitions; Kafka's is that of a hash map, which no reader depends on.
[[nodiscard]] std::string format_offset_checkpoint(const OffsetCheckpoint& entries);
// Atomic and durable.
[[nodiscard]] Status write_offset_checkpoint(const std::string& path, const OffsetCheckpoint& entries);

[[nodiscard]] Result<std::vector<EpochStart>> parse_leader_epoch_checkpoint(ByteView text);
[[nodiscard]] Result<std::vector<EpochStart>> read_leader_epoch_checkpoint(const std::string& path);
[[nodiscard]] std::string format_leader_epoch_checkpoint(const std::vector<EpochStart>& entries);
[[nodiscard]] Status write_leader_epoch_checkpoint(const std::string& path, const std::vector<EpochStart>& entries);

// partition.metadata: the topic id, 22 characters of base64 (URL alphabet).
struct PartitionMetadata {
    std::int32_t version = 0;
    std::string topic_id;
};
[[nodiscard]] Result<PartitionMetadata> parse_partition_metadata(ByteView text);
[[nodiscard]] std::string format_partition_metadata(const PartitionMetadata& metadata);

// Java properties as meta.properties uses them: key=value lines, # and ! comments, \ escapes, lines continued by a
// \ at their end. Of a key given twice the last counts. corrupt: a \u without four hex digits.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_properties(ByteView text);
struct Property {
    std::string key;
    std::string value;
    std::size_t line = 0;  // from 1 on
};
// The same in the order of the text, with what is given twice.
[[nodiscard]] Result<std::vector<Property>> parse_property_lines(ByteView text);

}  // namespace mq::log
