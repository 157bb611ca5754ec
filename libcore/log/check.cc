#include "log/check.h"

#include <map>

#include "log/check_segment.h"
#include "log/producer_snapshot.h"
#include "log/segment_list.h"

namespace mq::log {
namespace {

constexpr std::uint64_t kTextLimit = std::uint64_t{16} << 20;

std::string words(const Error& error) { return error.detail.empty() ? error.operation : error.detail; }

bool is_offset_checkpoint(std::string_view name) { return name.ends_with("-offset-checkpoint"); }

}  // namespace

void Checker::found(std::string file, std::optional<std::uint64_t> position, std::optional<Offset> offset,
                    std::uint64_t bytes, std::string text) {
    ++totals_.findings;
    report_({std::move(file), position, offset, bytes, std::move(text)});
}

Status Checker::check_segment(const std::string& directory, Offset base, FileSuffix suffix) {
    History history;
    history.next_offset = base;
    history.producers_known = base == Offset{0};
    return check_segment(directory, base, suffix, history);
}

Status Checker::check_segment(const std::string& directory, Offset base, FileSuffix suffix, History& history) {
    return SegmentCheck{*this, directory, base, suffix, history}.run();
}

Status Checker::check_snapshot(const std::string& path, Offset offset, const History* history) {
    if (!wants(kCheckProducer)) return {};
    const auto bytes = os::read_file(path, kTextLimit);
    if (!bytes && bytes.error().code == Errc::not_found && history != nullptr) return {};  // since it was listed
    if (!bytes) return fail(bytes.error());
    ++totals_.files;
    const auto state = decode_snapshot(*bytes);
    if (!state) {
        found(path, state.error().position, offset, bytes->size(), words(state.error()));
        return {};
    }
    if (history == nullptr || !history->producers_known || history->next_offset != offset) return {};
    for (const auto& [id, entry] : state->entries()) {
        const ProducerEntry* replayed = history->producers.find(id);
        if (replayed == nullptr) {
            found(path, std::nullopt, offset, 0,
                  "producer " + std::to_string(id) + " did not write to the log before");
        } else if (replayed->last_data_offset() != entry.last_data_offset() ||
                   replayed->last_sequence() != entry.last_sequence() ||
                   replayed->producer_epoch != entry.producer_epoch ||
                   replayed->current_txn_first_offset != entry.current_txn_first_offset) {
            found(path, std::nullopt, offset, 0,
                  "producer " + std::to_string(id) + ": sequence " + std::to_string(entry.last_sequence()) +
                      " at offset " + std::to_string(+entry.last_data_offset()) + ", the log says " +
                      std::to_string(replayed->last_sequence()) + " at " +
                      std::to_string(+replayed->last_data_offset()));
        }
    }
    return {};
}

Status Checker::check_epoch_checkpoint(const std::string& path, std::optional<LeaderEpochs>& epochs) {
    auto text = os::read_file(path, kTextLimit);
    if (!text) return text.error().code == Errc::not_found ? Status{} : fail(std::move(text).error());
    ++totals_.files;
    auto entries = parse_leader_epoch_checkpoint(*text);
    if (!entries) {
        found(path, std::nullopt, std::nullopt, text->size(), words(entries.error()));
        return {};
    }
    for (std::size_t i = 1; i < entries->size(); ++i) {
        const EpochStart& before = (*entries)[i - 1];
        const EpochStart& entry = (*entries)[i];
        if (entry.epoch > before.epoch && entry.start_offset >= before.start_offset) continue;
        found(path, std::nullopt, entry.start_offset, 0,
              "epoch " + std::to_string(entry.epoch) + " from offset " + std::to_string(+entry.start_offset) +
                  " on does not follow epoch " + std::to_string(before.epoch) + " from " +
                  std::to_string(+before.start_offset) + " on");
        return {};
    }
    epochs.emplace(*std::move(entries));
    return {};
}

Status Checker::check_text_file(const std::string& path) {
    const std::string_view name = os::base_name(path);
    MQ_ASSIGN(const std::string text, os::read_file(path, kTextLimit));
    ++totals_.files;
    const auto judge = [&](const auto& parsed) {
        if (!parsed) found(path, std::nullopt, std::nullopt, text.size(), words(parsed.error()));
    };
    if (is_offset_checkpoint(name)) {
        judge(parse_offset_checkpoint(text));
    } else if (name == kPartitionMetadata) {
        judge(parse_partition_metadata(text));
    } else if (name == kMetaProperties) {
        judge(parse_properties(text));
    }
    return {};
}

Status Checker::check_file(const std::string& path) {
    const std::string_view name = os::base_name(path);
    const std::string directory = os::parent_directory(path);
    const FileName parsed = parse_file_name(name);
    switch (parsed.kind) {
        case FileKind::log:
        case FileKind::offset_index:
        case FileKind::time_index:
        case FileKind::txn_index: {
            MQ_ASSIGN(const bool there, os::exists(path));
            if (!there) return fail(Errc::not_found, "check", path, "no such file");
            return check_segment(directory, parsed.offset, parsed.suffix);
        }
        case FileKind::snapshot:
            return check_snapshot(path, parsed.offset, nullptr);
        case FileKind::leader_epoch_checkpoint: {
            MQ_TRY(os::file_info(path));
            std::optional<LeaderEpochs> epochs;
            return check_epoch_checkpoint(path, epochs);
        }
        case FileKind::partition_metadata:
            return check_text_file(path);
        case FileKind::other:
            break;
    }
    if (is_offset_checkpoint(name) || name == kMetaProperties || name == kCleanShutdown) return check_text_file(path);
    MQ_TRY(os::file_info(path));
    return fail(Errc::unsupported, "check", path, "not a file of a log directory");
}

Status Checker::check_partition(const std::string& directory) {
    MQ_TRY(check_partition_to(directory));
    return {};
}

// Returns the log end offset.
Result<Offset> Checker::check_partition_to(const std::string& directory) {
    MQ_ASSIGN(const auto entries, os::list_directory(directory));
    std::vector<Offset> bases;
    std::map<Offset, std::string> snapshots;
    History history;
    history.in_partition = true;
    for (const auto& entry : entries) {
        if (entry.is_directory) continue;
        const FileName name = parse_file_name(entry.name);
        const std::string path = os::join(directory, entry.name);
        if (name.kind == FileKind::snapshot && name.suffix == FileSuffix::none) snapshots[name.offset] = path;
        if (!wants(kCheckOffsets)) continue;
        if (name.kind == FileKind::leader_epoch_checkpoint) MQ_TRY(check_epoch_checkpoint(path, history.epochs));
        if (name.kind == FileKind::partition_metadata) MQ_TRY(check_text_file(path));
    }
    // After the snapshots: a large directory is read in several pieces, and of what is made meanwhile a snapshot may
    // be seen without the segments before it, which are there by now.
    MQ_ASSIGN(const PartitionListing listing, list_partition(directory));
    for (const FileName& name : listing)
        if (name.kind == FileKind::log && name.suffix == FileSuffix::none) bases.push_back(name.offset);
    if (!bases.empty()) {
        history.next_offset = bases.front();
        history.producers_known = bases.front() == Offset{0};
        if (const auto first = snapshots.find(bases.front()); first != snapshots.end() && !history.producers_known) {
            if (auto state = read_snapshot(first->second)) {
                history.producers = *std::move(state);
                history.producers_known = true;
            }
        }
    }
    const auto check_snapshots_to = [&](Offset end) -> Status {
        while (!snapshots.empty() && snapshots.begin()->first <= end) {
            const auto [offset, path] = *snapshots.begin();
            snapshots.erase(snapshots.begin());
            MQ_TRY(check_snapshot(path, offset, &history));
        }
        return {};
    };
    for (const Offset base : bases) {
        MQ_TRY(check_snapshots_to(base));
        const Status checked = check_segment(directory, base, FileSuffix::none, history);
        if (!checked && checked.error().code != Errc::not_found) return fail(checked.error());
        // Retention took it away since it was listed.
        if (!checked) history.producers_known = false;
    }
    MQ_TRY(check_snapshots_to(history.next_offset));
    for (const auto& [offset, path] : snapshots) {
        MQ_TRY(check_snapshot(path, offset, nullptr));
        if (wants(kCheckProducer)) {
            found(path, std::nullopt, offset, 0,
                  "lies beyond the end of the log, " + std::to_string(+history.next_offset));
        }
    }
    return history.next_offset;
}

Status Checker::check_data_directory(const std::string& directory) {
    MQ_ASSIGN(const auto entries, os::list_directory(directory));
    std::map<TopicPartition, Offset> ends;
    // Read before the logs that they are held against, which others may append to meanwhile.
    std::map<std::string, std::map<TopicPartition, Offset>> checkpoints;
    for (const auto& entry : entries) {
        if (entry.is_directory || !wants(kCheckOffsets) || !is_offset_checkpoint(entry.name)) continue;
        const std::string path = os::join(directory, entry.name);
        MQ_TRY(check_text_file(path));
        if (auto offsets = read_offset_checkpoint(path)) checkpoints[path] = *std::move(offsets);
    }
    for (const auto& entry : entries) {
        if (!entry.is_directory) continue;
        const auto partition = parse_partition_directory(entry.name);
        if (!partition) continue;
        MQ_ASSIGN(ends[*partition], check_partition_to(os::join(directory, entry.name)));
    }
    if (!wants(kCheckOffsets)) return {};
    for (const auto& entry : entries) {
        if (entry.is_directory) continue;
        const std::string path = os::join(directory, entry.name);
        if (entry.name == kMetaProperties || entry.name == kCleanShutdown) MQ_TRY(check_text_file(path));
        const auto offsets = checkpoints.find(path);
        if (offsets == checkpoints.end()) continue;
        for (const auto& [partition, offset] : offsets->second) {
            const auto end = ends.find(partition);
            if (end == ends.end() || offset <= end->second) continue;
            found(path, std::nullopt, offset, 0,
                  partition_directory(partition) + " ends at offset " + std::to_string(+end->second));
        }
    }
    return {};
}

}  // namespace mq::log
