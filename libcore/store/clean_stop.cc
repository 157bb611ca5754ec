// What a Kafka broker leaves at a clean stop. Source: kafka.log.LogManager (shutdown), CleanShutdownFileHandler.
//
//     every partition that was used since the stop before    flushed, last time index entry, producer snapshot
//     checkpoint files        recovery points and high watermarks at the ends of the logs, starts that were trimmed
//     .kafka_cleanshutdown    durable, and the last: whoever changes something next takes it away first
//
// Nobody else is in the directory, and may come in, meanwhile.

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#include "base/seeded_bug.h"
#include "log/segment_files.h"
#include "os/kill_point.h"
#include "store/topic_changes.h"

namespace mq::store {
namespace {

constexpr std::string_view kCleanMark = "{\"version\":0,\"brokerEpoch\":-1}";
// They wait for the disk, which does several things at once.
constexpr std::size_t kMostThreads = 8;
constexpr std::size_t kWorthAThread = 16;  // partitions

class CleanStop {
public:
    explicit CleanStop(DataDirectory::Impl& directory) : d_(directory) {}

    [[nodiscard]] Status run() {
        // Nothing was changed since the last one.
        MQ_ASSIGN(const bool is_clean, os::exists(d_.file(log::kCleanShutdown)));
        if (is_clean) return {};
        MQ_ASSIGN(const TopicView view, view_topics(d_.path));
        MQ_TRY(find_work(view.catalogue));
        MQ_TRY(do_work());
        MQ_TRY(d_.update_checkpoint(log::kRecoveryPointCheckpoint, points_));
        MQ_KILLPOINT("stop.after_recovery_points");
        MQ_TRY(d_.update_checkpoint(log::kHighWatermarkCheckpoint, high_watermarks_));
        MQ_TRY(d_.update_checkpoint(log::kLogStartCheckpoint, starts_));
        // Kafka has the file at every clean stop, if only with no entries.
        MQ_ASSIGN(const bool has_starts, os::exists(d_.file(log::kLogStartCheckpoint)));
        if (!has_starts) MQ_TRY(log::write_offset_checkpoint(d_.file(log::kLogStartCheckpoint), {}));
        MQ_KILLPOINT("stop.after_checkpoints");
        // The others were brought to their end all the same.
        MQ_TRY(failed_);
        // Whoever comes while this process is still there takes it away before a change as well.
        d_.shared().marked_unclean.store(0);
        d_.control->header().changes_begun.store(0);
        MQ_KILLPOINT("stop.before_mark");
        MQ_TRY(os::replace_file(d_.file(log::kCleanShutdown), kCleanMark));
        MQ_KILLPOINT("stop.after_mark");
        return {};
    }

private:
    struct Work {
        log::TopicPartition id;
        const TopicMeta* meta = nullptr;
    };

    [[nodiscard]] Status find_work(const Catalogue& catalogue) {
        // One look for thousands of partitions.
        MQ_ASSIGN(as_found_.recovery_points, log::read_offset_checkpoint(d_.file(log::kRecoveryPointCheckpoint)));
        MQ_ASSIGN(as_found_.log_starts, log::read_offset_checkpoint(d_.file(log::kLogStartCheckpoint)));
        metas_.reserve(catalogue.topics.size());
        for (const auto& [name, topic] : catalogue.topics) {
            MQ_ASSIGN(TopicMeta meta, meta_of_topic(topic, catalogue.defaults));
            metas_.push_back(meta);
            for (std::int32_t partition = 0; partition < topic.partitions; ++partition) {
                log::TopicPartition id{name, partition};
                MQ_ASSIGN(const bool to_do, needs_work(id));
                if (to_do) work_.push_back({std::move(id), &metas_.back()});
            }
        }
        return {};
    }

    [[nodiscard]] Result<bool> needs_work(const log::TopicPartition& id) {
        // Slots tell of those that were used since the stop before, by processes that are gone as well.
        const shm::PartitionSlot* slot = d_.control->find(id.topic, id.partition);
        const bool is_used =
            slot != nullptr && (MQ_BUG("stop.forgets_earlier_lives") ? d_.is_loaded(*slot) : d_.is_known(*slot));
        if (is_used) return true;
        if (d_.shared_trust() == log::Trust::clean) return false;
        bool there = true;
        MQ_ASSIGN(const bool never_written, is_never_written(id, there));
        if (!never_written) return true;
        if (there) note(id, Offset{0}, Offset{0});
        return false;
    }

    // As its directory was made: nothing in it can be lost.
    [[nodiscard]] Result<bool> is_never_written(const log::TopicPartition& id, bool& there) const {
        if (as_found_.log_starts.contains(id)) return false;
        const std::string path = d_.partition_path(id);
        bool never = true;
        bool has_log = false;
        const Status seen = os::visit_directory(path, [&](std::string_view name, bool is_directory) {
            const log::FileName file = log::parse_file_name(name);
            const bool first = file.offset == Offset{0} && file.suffix == log::FileSuffix::none;
            has_log |= file.kind == log::FileKind::log;
            never &= !is_directory &&
                     (file.kind == log::FileKind::partition_metadata ||
                      (first && (file.kind == log::FileKind::log || file.kind == log::FileKind::offset_index ||
                                 file.kind == log::FileKind::time_index)));
        });
        there = seen.has_value();
        if (!seen) return seen.error().code == Errc::not_found ? Result<bool>{true} : fail(seen.error());
        if (!never || !has_log) return never;
        const auto info = os::file_info(os::join(path, log::file_name(log::FileKind::log, Offset{0})));
        return info && info->size_bytes == 0;
    }

    [[nodiscard]] Status do_work() {
        d_.as_found = &as_found_;
        std::vector<std::thread> threads;
        const std::size_t useful = std::min(kMostThreads, work_.size() / kWorthAThread);
        try {
            while (threads.size() + 1 < useful) threads.emplace_back([this] { work(); });
        } catch (const std::system_error&) {
            // Those that are there do all of it.
        }
        work();
        for (std::thread& thread : threads) thread.join();
        d_.as_found = nullptr;
        if (out_of_memory_.load()) throw std::bad_alloc{};
        return {};
    }

    void work() {
        try {
            for (std::size_t i = next_.fetch_add(1); i < work_.size(); i = next_.fetch_add(1)) {
                Status closed = close(work_[i].id, *work_[i].meta);
                MQ_KILLPOINT("stop.after_partition");
                if (closed) continue;
                const std::lock_guard lock{mutex_};
                if (failed_) failed_ = std::move(closed);
            }
        } catch (const std::bad_alloc&) {
            out_of_memory_.store(true);
        }
    }

    [[nodiscard]] Status close(const log::TopicPartition& id, const TopicMeta& meta) {
        MQ_ASSIGN(const bool there, os::exists(d_.partition_path(id)));
        if (!there) return {};
        MQ_ASSIGN(shm::PartitionSlot * slot, d_.slot_of(id));
        const auto persist = [](Offset) { return Status{}; };
        MQ_ASSIGN(log::Log log, d_.bring_up(*slot, id, meta.log, persist));
        // Of a log that never held a record there is nothing to keep.
        if (log.log_end() > Offset{0} || state_of(*slot).dirty.load() != 0) {
            MQ_TRY(log.close());
            MQ_TRY(d_.note_files(*slot, log));
        }
        const std::lock_guard lock{mutex_};
        note(id, log.recovery_point(), log.high_watermark());
        if (log.log_start() > log.segment_bases().front()) starts_[id] = log.log_start();
        return {};
    }

    void note(const log::TopicPartition& id, Offset recovery_point, Offset high_watermark) {
        points_[id] = recovery_point;
        high_watermarks_[id] = high_watermark;
    }

    DataDirectory::Impl& d_;
    DataDirectory::Impl::RootCheckpoints as_found_;
    std::vector<TopicMeta> metas_;
    std::vector<Work> work_;
    std::atomic<std::size_t> next_{0};
    std::atomic<bool> out_of_memory_{false};

    std::mutex mutex_;  // of what follows, while threads work
    Status failed_;
    DataDirectory::Impl::CheckpointChanges points_;
    DataDirectory::Impl::CheckpointChanges high_watermarks_;
    DataDirectory::Impl::CheckpointChanges starts_;
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
