#include "cli/local_partition.h"

#include <algorithm>
#include <random>

#include "base/assert.h"
#include "cli/json.h"
#include "cli/text.h"

namespace mq::cli {

using log::TopicPartition;

namespace {

constexpr std::string_view kLockFile = ".lock";
constexpr std::string_view kControlFile = ".mq-control";

// Kafka's cluster ids: 16 random bytes in base64 for URLs, without padding.
std::string random_cluster_id() {
    std::random_device random;
    std::string bytes;
    while (bytes.size() < 16) append_be(bytes, static_cast<std::uint32_t>(random()));
    std::string id;
    append_base64(id, bytes);
    id.resize(22);
    std::ranges::replace(id, '+', '-');
    std::ranges::replace(id, '/', '_');
    return id;
}

// Opens and locks; a directory that may not be written is locked shared through what is there. An unopened File:
// nothing to lock.
Result<os::File> open_locked(const std::string& path, os::OpenMode mode, bool may_be_missing,
                             std::uint64_t size_bytes) {
    os::LockKind kind = os::LockKind::exclusive;
    auto opened = os::File::open(path, mode);
    if (!opened && opened.error().code == Errc::not_permitted && may_be_missing) {
        kind = os::LockKind::shared;
        opened = os::File::open(path, os::OpenMode::read);
    }
    if (!opened && may_be_missing &&
        (opened.error().code == Errc::not_found || opened.error().code == Errc::not_permitted)) {
        return os::File{};
    }
    if (!opened) return opened;
    MQ_ASSIGN(const bool locked, os::try_lock(*opened, kind, 0, size_bytes));
    if (locked) return opened;
    const auto holder = os::lock_holder(*opened, kind, 0, size_bytes);
    const bool is_process = holder && *holder > 0;
    return fail(Errc::in_use, {}, os::parent_directory(path),
                is_process ? cat("in use by a Kafka broker, process ", *holder)
                           : std::string{"in use by another mq process (in this version one at a time)"});
}

}  // namespace

std::string describe(const log::RecoveryReport::Cut& cut) {
    return cat(cut.file, ": the log ends at byte ", cut.position.value(), ", offset ", cut.offset.value(), ": ",
               cut.reason, " (", counted(cut.bytes, "byte"),
               cut.kept_in.empty() ? ")" : cat(", kept in ", cut.kept_in, ')'));
}

Result<DataDirectory> DataDirectory::open(const std::string& path, Access access) {
    DataDirectory directory{path, access};
    if (access == Access::write) {
        MQ_TRY(os::create_directories(path));
    } else {
        const auto info = os::file_info(path, os::Follow::yes);
        if (!info && info.error().code == Errc::not_found)
            return fail(Errc::not_found, {}, path, "no such data directory");
        if (!info) return tl::unexpected<Error>{info.error()};
        if (!info->is_directory) return fail(Errc::not_found, {}, path, "not a directory");
    }
    MQ_TRY(directory.lock());
    MQ_TRY(directory.load());
    if (access == Access::write) MQ_TRY(directory.begin_changes());
    return directory;
}

Status DataDirectory::lock() {
    const bool reading = access_ == Access::read;
    MQ_ASSIGN(lock_file_, open_locked(file(kLockFile), os::OpenMode::create, reading, 0));
    MQ_ASSIGN(control_file_was_there_, os::exists(file(kControlFile)));
    // A reader does not make it: its presence says that mq has written here.
    const auto mode = reading ? os::OpenMode::read_write : os::OpenMode::create;
    MQ_ASSIGN(control_file_, open_locked(file(kControlFile), mode, reading, 1));
    return {};
}

// What Kafka writes after us is newer than the control file, which carries the time of our last checkpoint.
Status DataDirectory::load() {
    MQ_ASSIGN(recovery_points_, log::read_offset_checkpoint(file(log::kRecoveryPointCheckpoint)));
    MQ_ASSIGN(log_starts_, log::read_offset_checkpoint(file(log::kLogStartCheckpoint)));
    MQ_ASSIGN(high_watermarks_, log::read_offset_checkpoint(file(log::kHighWatermarkCheckpoint)));
    MQ_ASSIGN(const bool clean, os::exists(file(log::kCleanShutdown)));
    if (clean) {
        trust_ = log::Trust::clean;
        return {};
    }
    if (!control_file_was_there_) return {};
    MQ_ASSIGN(const os::FileInfo control, os::file_info(file(kControlFile)));
    const auto checkpoint = os::file_info(file(log::kRecoveryPointCheckpoint));
    if (!checkpoint && checkpoint.error().code != Errc::not_found) return tl::unexpected<Error>{checkpoint.error()};
    if (!checkpoint || checkpoint->modified_ms <= control.modified_ms) trust_ = log::Trust::recovery_point;
    return {};
}

Status DataDirectory::begin_changes() {
    // Under Trust::clean nothing is recovered when a partition is opened, but one that is not opened now must be
    // trusted by a later process too: its recovery point is its end already.
    MQ_ASSIGN(const bool has_properties, os::exists(file(log::kMetaProperties)));
    if (!has_properties) {
        MQ_TRY(os::replace_file(file(log::kMetaProperties),
                                cat("broker.id=0\ncluster.id=", random_cluster_id(), "\nversion=0\n")));
    }
    MQ_TRY(os::remove_file(file(log::kCleanShutdown)));
    return os::sync_directory(path_);
}

Status DataDirectory::write_checkpoint(std::string_view name, const log::OffsetCheckpoint& entries) {
    MQ_TRY(log::write_offset_checkpoint(file(name), entries));
    MQ_ASSIGN(const os::FileInfo written, os::file_info(file(name)));
    return control_file_.set_modified(written.modified_ms);
}

Result<std::vector<std::int32_t>> DataDirectory::partitions(const std::string& topic) const {
    MQ_TRY(log::check_topic_name(topic));
    MQ_ASSIGN(const auto entries, os::list_directory(path_));
    std::vector<std::int32_t> found;
    for (const os::DirectoryEntry& entry : entries) {
        if (!entry.is_directory || !entry.name.starts_with(topic)) continue;
        const auto id = log::parse_partition_directory(entry.name);
        if (id && id->topic == topic) found.push_back(id->partition);
    }
    std::ranges::sort(found);
    return found;
}

Status DataDirectory::create_topic(const std::string& topic, std::int32_t count) {
    MQ_TRY(log::check_topic_name(topic));
    for (std::int32_t partition = count - 1; partition >= 0; --partition) {
        const std::string directory = file(log::partition_directory({topic, partition}));
        const Status made = os::create_directory(directory);
        if (!made && made.error().code == Errc::already_exists) continue;
        MQ_TRY(made);
        if (partition == count - 1) MQ_TRY(os::sync_directory(path_));
    }
    return os::sync_directory(path_);
}

Result<std::unique_ptr<LocalPartition>> DataDirectory::open_partition(const TopicPartition& id,
                                                                      const log::LogConfig& config) {
    const auto entry = [&id](const log::OffsetCheckpoint& checkpoint) {
        const auto found = checkpoint.find(id);
        return found == checkpoint.end() ? Offset{0} : found->second;
    };
    auto partition = std::make_unique<LocalPartition>();
    partition->id = id;
    partition->directory = file(log::partition_directory(id));

    log::OpenOptions options;
    options.trust = trust_;
    options.recovery_point = entry(recovery_points_);
    options.log_start = entry(log_starts_);
    options.read_only = access_ == Access::read;
    options.new_epoch_after_recovery = true;
    options.persist_recovery_point = [this, id](Offset point) {
        recovery_points_[id] = point;
        return write_checkpoint(log::kRecoveryPointCheckpoint, recovery_points_);
    };
    auto opened = log::Log::open(partition->directory, config, partition->state, options);
    if (opened) {
        partition->log.emplace(std::move(*opened));
        return partition;
    }
    // A topic whose creation was cut short, or a directory that waits for its first record.
    if (options.read_only && opened.error().code == Errc::not_found) {
        const auto entries = os::list_directory(partition->directory);
        if (entries && std::ranges::none_of(*entries, [](const auto& e) { return e.name.ends_with(".log"); })) {
            return partition;
        }
    }
    return tl::unexpected<Error>{opened.error()};
}

Status DataDirectory::close_partition(LocalPartition& partition) {
    MQ_ASSERT(access_ == Access::write && partition.log);
    MQ_TRY(partition.log->close());
    const auto note = [&](log::OffsetCheckpoint& checkpoint, Offset offset) {
        const auto [entry, added] = checkpoint.try_emplace(partition.id, offset);
        const bool changed = added || entry->second != offset;
        entry->second = offset;
        return changed;
    };
    if (note(high_watermarks_, partition.log->high_watermark())) {
        MQ_TRY(write_checkpoint(log::kHighWatermarkCheckpoint, high_watermarks_));
    }
    if (partition.log->log_start() > Offset{0} && note(log_starts_, partition.log->log_start())) {
        MQ_TRY(write_checkpoint(log::kLogStartCheckpoint, log_starts_));
    }
    return {};
}

}  // namespace mq::cli
