// Names of the files of a partition directory. Source: org.apache.kafka.storage.internals.log.LogFileUtils.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/strong_int.h"

namespace mq::log {

enum class FileKind : unsigned char {
    log,
    offset_index,
    time_index,
    txn_index,
    snapshot,  // producer state
    leader_epoch_checkpoint,
    partition_metadata,
    other
};

// What a replacement or removal has added to a name.
enum class FileSuffix : unsigned char { none, deleted, cleaned, swap, temporary };

struct FileName {
    FileKind kind = FileKind::other;
    FileSuffix suffix = FileSuffix::none;
    Offset offset{0};  // base offset, of a snapshot the offset it ends at; meaningless for the last three kinds
};

// "00000000000000000042.index.swap" -> {offset_index, swap, 42}. Never fails: what is unknown is `other`.
[[nodiscard]] FileName parse_file_name(std::string_view name);

// "00000000000000000042.log"
[[nodiscard]] std::string file_name(FileKind kind, Offset offset, FileSuffix suffix = FileSuffix::none);

[[nodiscard]] std::string_view extension(FileKind kind);  // ".log"; empty for the kinds without an offset

inline constexpr std::string_view kDeletedSuffix = ".deleted";
inline constexpr std::string_view kCleanedSuffix = ".cleaned";
inline constexpr std::string_view kSwapSuffix = ".swap";
inline constexpr std::string_view kTemporarySuffix = ".tmp";
inline constexpr std::string_view kLeaderEpochCheckpoint = "leader-epoch-checkpoint";
inline constexpr std::string_view kPartitionMetadata = "partition.metadata";

}  // namespace mq::log
