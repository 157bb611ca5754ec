#include "log/segment_files.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

namespace mq::log {
namespace {

constexpr auto kExtensions = std::to_array<std::pair<FileKind, std::string_view>>({
    {FileKind::log, ".log"},
    {FileKind::offset_index, ".index"},
    {FileKind::time_index, ".timeindex"},
    {FileKind::txn_index, ".txnindex"},
    {FileKind::snapshot, ".snapshot"},
});

constexpr auto kSuffixes = std::to_array<std::pair<FileSuffix, std::string_view>>({
    {FileSuffix::deleted, kDeletedSuffix},
    {FileSuffix::cleaned, kCleanedSuffix},
    {FileSuffix::swap, kSwapSuffix},
    {FileSuffix::temporary, kTemporarySuffix},
});

constexpr std::size_t kOffsetDigits = 20;

}  // namespace

FileName parse_file_name(std::string_view name) {
    FileName result;
    for (const auto& [suffix, text] : kSuffixes) {
        if (name.ends_with(text)) {
            result.suffix = suffix;
            name.remove_suffix(text.size());
            break;
        }
    }
    if (name == kLeaderEpochCheckpoint) {
        result.kind = FileKind::leader_epoch_checkpoint;
    } else if (name == kPartitionMetadata) {
        result.kind = FileKind::partition_metadata;
    } else {
        for (const auto& [kind, text] : kExtensions) {
            if (!name.ends_with(text)) continue;
            const auto digits = name.substr(0, name.size() - text.size());
            std::int64_t offset = 0;
            const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), offset);
            if (error != std::errc{} || end != digits.data() + digits.size() || offset < 0 ||
                digits.size() != kOffsetDigits)
                break;
            result.kind = kind;
            result.offset = Offset{offset};
        }
    }
    return result;
}

std::string_view extension(FileKind kind) {
    for (const auto& [k, text] : kExtensions)
        if (k == kind) return text;
    return {};
}

std::string file_name(FileKind kind, Offset offset, FileSuffix suffix) {
    std::string name;
    if (kind == FileKind::leader_epoch_checkpoint) {
        name = kLeaderEpochCheckpoint;
    } else if (kind == FileKind::partition_metadata) {
        name = kPartitionMetadata;
    } else {
        char digits[kOffsetDigits + 1];
        std::snprintf(digits, sizeof digits, "%020lld", static_cast<long long>(offset.value()));
        name = digits;
        name += extension(kind);
    }
    for (const auto& [s, text] : kSuffixes)
        if (s == suffix) name += text;
    return name;
}

}  // namespace mq::log
