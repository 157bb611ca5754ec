// What a Kafka broker leaves at a clean stop. Source: kafka.log.LogManager (shutdown), CleanShutdownFileHandler.
//
//     every changed partition     flushed, last time index entry, producer snapshot at its end
//     checkpoint files            recovery points and high watermarks at the ends of the logs
//     .kafka_cleanshutdown        durable, and the last: whoever changes something next takes it away first

#include "log/segment_files.h"
#include "store/topic_changes.h"

namespace mq::store {
namespace {

constexpr std::string_view kCleanMark = "{\"version\":0,\"brokerEpoch\":-1}";

class CleanStop {
public:
    explicit CleanStop(DataDirectory::Impl& directory) : d_(directory) {}

    [[nodiscard]] Status run() {
        // Nothing was changed since the last one.
        MQ_ASSIGN(const bool is_clean, os::exists(d_.file(log::kCleanShutdown)));
        if (is_clean) return {};
        MQ_ASSIGN(const TopicView view, view_topics(d_.path));
        Status failed;
        for (const auto& [name, topic] : view.catalogue.topics) {
            MQ_ASSIGN(const TopicMeta meta, meta_of_topic(topic, view.catalogue.defaults));
            for (std::int32_t partition = 0; partition < topic.partitions; ++partition) {
                // The others are brought to their end all the same.
                const Status closed = close({name, partition}, meta);
                if (!closed && failed) failed = closed;
            }
        }
        MQ_TRY(d_.update_checkpoint(log::kRecoveryPointCheckpoint, points_));
        MQ_TRY(d_.update_checkpoint(log::kHighWatermarkCheckpoint, high_watermarks_));
        // Kafka has the file at every clean stop, if only with no entries.
        MQ_ASSIGN(const bool has_starts, os::exists(d_.file(log::kLogStartCheckpoint)));
        if (!has_starts) MQ_TRY(log::write_offset_checkpoint(d_.file(log::kLogStartCheckpoint), {}));
        MQ_TRY(failed);
        // Whoever comes while this process is still there takes it away before a change as well.
        d_.shared().marked_unclean.store(0);
        d_.control->header().changes_begun.store(0);
        return os::replace_file(d_.file(log::kCleanShutdown), kCleanMark);
    }

private:
    [[nodiscard]] Status close(const log::TopicPartition& id, const TopicMeta& meta) {
        MQ_ASSIGN(const bool there, os::exists(d_.partition_path(id)));
        if (!there) return {};
        MQ_ASSIGN(shm::PartitionSlot * slot, d_.slot_of(id));
        // Nobody has used it since the stop before, which was a clean one.
        if (!d_.is_loaded(*slot) && d_.shared_trust() == log::Trust::clean) return {};
        const auto persist = [](Offset) { return Status{}; };
        MQ_ASSIGN(log::Log log, d_.bring_up(*slot, id, meta.log, persist));
        const std::string snapshot = log::file_name(log::FileKind::snapshot, log.log_end());
        MQ_ASSIGN(const bool has_snapshot, os::exists(os::join(log.directory(), snapshot)));
        const bool is_empty = log.log_end() == log.log_start();
        const bool is_closed = log.recovery_point() == log.log_end() && (has_snapshot || is_empty);
        if (!is_closed || state_of(*slot).dirty.load() != 0) {
            MQ_TRY(log.close());
            MQ_TRY(d_.note_files(*slot, log));
        }
        points_[id] = log.recovery_point();
        high_watermarks_[id] = log.high_watermark();
        return {};
    }

    DataDirectory::Impl& d_;
    DataDirectory::Impl::CheckpointChanges points_;
    DataDirectory::Impl::CheckpointChanges high_watermarks_;
};

}  // namespace

Status DataDirectory::Impl::stop_cleanly() { return CleanStop{*this}.run(); }

Result<bool> DataDirectory::close_cleanly() {
    Impl& d = *impl_;
    d.compactor.stop();
    if (!d.writable()) return false;
    bool alone = false;
    MQ_TRY(d.control->on_claimed_thread([&]() -> Status {
        MQ_ASSIGN(alone, d.control->while_alone([&] { return d.stop_cleanly(); }));
        return {};
    }));
    return alone;
}

}  // namespace mq::store
