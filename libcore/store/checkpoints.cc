// The checkpoint files at the root: one file for all partitions, changed by many processes, an entry at a time.

#include "store/directory_impl.h"

namespace mq::store {

Status DataDirectory::Impl::update_checkpoint(std::string_view name, const CheckpointChanges& changes) {
    return control->on_claimed_thread([&]() -> Status {
        // Written whole to another file and renamed: who died here left the old one or the new one.
        MQ_ASSIGN(const shm::Guard guard, control->lock(control->header().checkpoints, "the checkpoint lock"));
        MQ_ASSIGN(auto entries, log::read_offset_checkpoint(file(name)));
        const log::OffsetCheckpoint before = entries;
        for (const auto& [id, offset] : changes) {
            if (offset)
                entries.insert_or_assign(id, *offset);
            else
                entries.erase(id);
        }
        if (entries == before) return {};
        MQ_TRY(log::write_offset_checkpoint(file(name), entries));
        if (name == log::kRecoveryPointCheckpoint) {
            MQ_ASSIGN(const FileStamp written, stamp_of(file(name)));
            shared().recovery_points.publish(written);
            // Else a power cut would make our own file look like a Kafka broker's, and whole segments be walked.
            MQ_ASSIGN(const os::File control_file, os::File::open(file(shm::kControlFileName), os::OpenMode::read));
            MQ_TRY(control_file.sync_data());
        }
        return {};
    });
}

Result<std::optional<Offset>> DataDirectory::Impl::checkpointed(std::string_view name,
                                                                const log::TopicPartition& id) const {
    const auto entry_of = [&id](const log::OffsetCheckpoint& entries) {
        const auto entry = entries.find(id);
        return entry == entries.end() ? std::nullopt : std::optional{entry->second};
    };
    if (as_found != nullptr && name == log::kRecoveryPointCheckpoint) return entry_of(as_found->recovery_points);
    if (as_found != nullptr && name == log::kLogStartCheckpoint) return entry_of(as_found->log_starts);
    MQ_ASSIGN(const auto entries, log::read_offset_checkpoint(file(name)));
    return entry_of(entries);
}

}  // namespace mq::store
