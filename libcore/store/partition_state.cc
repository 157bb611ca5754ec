// From a slot's state and a partition's files to a Log: what may be believed, and what is loaded. Rules DIR-4, DIR-6,
// DIR-7, LCK-4, LCK-5, REC-1, REC-2 of the concurrency contract.

#include "base/seeded_bug.h"
#include "log/segment_list.h"
#include "store/directory_impl.h"

namespace mq::store {

Result<shm::PartitionSlot*> DataDirectory::Impl::slot_of(const log::TopicPartition& id) {
    if (!control) return nullptr;
    // To make one takes a lock, and who only reads waits for nobody (PUB-3).
    if (!control->writable() || options.access == Access::read) return control->find(id.topic, id.partition);
    return control->find_or_make(id.topic, id.partition);
}

log::OpenOptions DataDirectory::Impl::log_options(const log::TopicPartition& id) {
    log::OpenOptions how;
    how.clock = options.clock;
    how.read_only = !writable();
    if (!how.read_only) {
        how.persist_recovery_point = [this, id](Offset point) {
            return update_checkpoint(log::kRecoveryPointCheckpoint, {{id, point}});
        };
    }
    return how;
}

Status DataDirectory::Impl::choose_trust(const shm::PartitionSlot* slot, const log::TopicPartition& id,
                                         log::OpenOptions& how) const {
    if (slot != nullptr && is_known(*slot)) {
        // The machine did not go down since: what is published is in the files, and nothing below it need be walked.
        const log::PublishedState& state = state_of(const_cast<shm::PartitionSlot&>(*slot));
        const log::Published published = state.read();
        how.trust = log::Trust::recovery_point;
        how.recovery_point = Offset{state.recovery_point.load()};
        how.trusted_end = published.log_end;
        how.log_start = published.log_start;
        return {};
    }
    how.trust = shared_trust();
    MQ_ASSIGN(const auto point, checkpointed(log::kRecoveryPointCheckpoint, id));
    MQ_ASSIGN(const auto start, checkpointed(log::kLogStartCheckpoint, id));
    how.recovery_point = point.value_or(Offset{0});
    how.log_start = start.value_or(Offset{0});
    how.new_epoch_after_recovery = true;
    return {};
}

Result<bool> DataDirectory::Impl::files_fit(shm::PartitionSlot& slot, const log::TopicPartition& id) const {
    const log::PublishedState& state = state_of(slot);
    if (!is_known(slot) || state.dirty.load() != 0 || (state.list_generation.load() & 1) != 0) return false;
    const log::Published published = state.read();
    const std::string directory = partition_path(id);
    const auto active = os::file_info(os::join(directory, log::file_name(log::FileKind::log, published.active_base)));
    if (!active && active.error().code == Errc::not_found) return false;
    if (!active) return fail(active.error());
    if (active->inode != slot.active_inode.load() || active->size_bytes != published.active_size_bytes) return false;
    MQ_ASSIGN(const os::FileInfo names, os::file_info(directory));
    if (names.modified_ns == slot.directory_modified_ns.load()) return true;
    // A snapshot or an epoch file may have come; what matters is a later segment, or an earlier one that went.
    MQ_ASSIGN(const auto segments, log::list_segments(directory));
    return !segments.empty() && segments.back().base == published.active_base &&
           segments.front().base <= published.log_start;
}

Status DataDirectory::Impl::note_files(shm::PartitionSlot& slot, const log::Log& log) const {
    const Offset base = state_of(slot).read().active_base;
    MQ_ASSIGN(const os::FileInfo active,
              os::file_info(os::join(log.directory(), log::file_name(log::FileKind::log, base))));
    MQ_ASSIGN(const os::FileInfo names, os::file_info(log.directory()));
    slot.active_inode.store(active.inode);
    slot.directory_modified_ns.store(names.modified_ns);
    return {};
}

Result<log::Log> DataDirectory::Impl::bring_up(shm::PartitionSlot& slot, const log::TopicPartition& id,
                                               const log::LogConfig& config, std::function<Status(Offset)> persist) {
    log::PublishedState& state = state_of(slot);
    const std::string directory = partition_path(id);
    log::OpenOptions how = log_options(id);
    if (persist) how.persist_recovery_point = std::move(persist);
    if (is_loaded(slot) || MQ_BUG("bring_up.believes_all")) return log::Log::attach(directory, config, state, how);

    MQ_ASSIGN(const bool fit, files_fit(slot, id));
    if (fit || (MQ_BUG("bring_up.files_always_fit") && is_known(slot))) {
        auto log = log::Log::attach(directory, config, state, how);
        if (log) slot.checked_incarnation.store(control->incarnation());
        return log;
    }
    MQ_TRY(choose_trust(&slot, id, how));
    state.loads.fetch_add(1);
    MQ_ASSIGN(log::Log log, log::Log::open(directory, config, state, how));
    const log::RecoveryReport& report = log.recovery();
    if (options.on_recovery && !(report.cuts.empty() && report.notes.empty())) options.on_recovery(id, report);
    state.files_generation.fetch_add(1);
    MQ_TRY(note_files(slot, log));
    slot.checked_incarnation.store(control->incarnation());
    return log;
}

}  // namespace mq::store
