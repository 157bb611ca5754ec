// Deleting a topic, in steps that any process can take after any other died in between:
//
//     marked in mq-topics.json    it is no topic from here on
//     each partition              slot retired, directory renamed to NAME-P.<32 hex digits>-delete
//     root synced, entries taken out of the checkpoint files, then out of mq-topics.json
//     directories removed
//
// The append lock of a partition is waited for without the catalogue lock: a stopped appender blocks nobody else.

#include "os/kill_point.h"
#include "store/topic_changes.h"

namespace mq::store {
namespace {

class Deletion {
public:
    Deletion(DataDirectory::Impl& directory, const Topic& topic, WaitForWriters wait)
        : directory_(directory), control_(*directory.control), topic_(topic), wait_(wait) {}

    [[nodiscard]] Status run() {
        for (std::int32_t partition = topic_.partitions - 1; partition >= 0 && !is_over_; --partition)
            MQ_TRY(put_partition_aside(partition));
        if (!is_over_) MQ_TRY(forget());
        remove_put_aside(directory_.path, renamed_);
        return {};
    }

private:
    // Under the catalogue lock: whether another process has brought it to an end, and perhaps made the topic again.
    [[nodiscard]] Status look_whether_over(Catalogue& now) {
        MQ_ASSIGN(now, read_catalogue(directory_.file(kCatalogueFile)));
        seen_generation_ = control_.header().catalogue_generation.load();
        const auto entry = now.topics.find(topic_.name);
        is_over_ = entry == now.topics.end() || !entry->second.deleting || entry->second.id != topic_.id;
        return {};
    }

    [[nodiscard]] Status lock_writers(shm::PartitionSlot& slot, const std::string& name,
                                      std::optional<shm::Guard>& append, std::optional<shm::Guard>& flush) {
        const std::string flush_name = "the flush lock of " + name;
        if (wait_ == WaitForWriters::yes) {
            MQ_ASSIGN(shm::Guard append_guard, control_.lock(slot.append, name));
            append.emplace(std::move(append_guard));
            MQ_ASSIGN(shm::Guard flush_guard, control_.lock(slot.flush, flush_name));
            flush.emplace(std::move(flush_guard));
            return {};
        }
        MQ_ASSIGN(auto free_append, control_.try_lock(slot.append, name));
        if (!free_append) return fail(Errc::in_use, "delete", name, "somebody is writing to it");
        append.emplace(std::move(*free_append));
        MQ_ASSIGN(auto free_flush, control_.try_lock(slot.flush, flush_name));
        if (!free_flush) return fail(Errc::in_use, "delete", name, "somebody is writing to it");
        flush.emplace(std::move(*free_flush));
        return {};
    }

    [[nodiscard]] Status put_partition_aside(std::int32_t partition) {
        const log::TopicPartition id{topic_.name, partition};
        const std::string name = log::partition_directory(id);
        return control_.on_claimed_thread([&]() -> Status {
            std::optional<shm::Guard> append;
            std::optional<shm::Guard> flush;
            shm::PartitionSlot* slot = control_.find(id.topic, partition);
            const auto held = slot != nullptr ? shm::holds(*slot, id.topic, partition) : std::nullopt;
            if (held) MQ_TRY(lock_writers(*slot, name, append, flush));
            MQ_ASSIGN(const shm::Guard guard, control_.lock(control_.header().catalogue, "the catalogue lock"));
            if (seen_generation_ != control_.header().catalogue_generation.load()) {
                Catalogue now;
                MQ_TRY(look_whether_over(now));
            }
            if (is_over_) return {};
            if (held && slot->use_generation.load() == *held) {
                // Who has files of it open lets go of them.
                state_of(*slot).files_generation.fetch_add(1);
                control_.retire(*slot, guard);
                MQ_KILLPOINT("topics.after_retire");
            }
            MQ_ASSIGN(std::string renamed, put_aside(directory_.path, id, topic_.id));
            if (!renamed.empty()) renamed_.push_back(std::move(renamed));
            MQ_KILLPOINT("topics.after_rename");
            return {};
        });
    }

    [[nodiscard]] Status forget() {
        return control_.on_claimed_thread([&]() -> Status {
            MQ_ASSIGN(const shm::Guard guard, control_.lock(control_.header().catalogue, "the catalogue lock"));
            TopicTransaction transaction{directory_, guard, {}};
            MQ_TRY(look_whether_over(transaction.view.catalogue));
            if (is_over_) return {};
            MQ_TRY(os::sync_directory(directory_.path));
            DataDirectory::Impl::CheckpointChanges gone;
            for (std::int32_t partition = 0; partition < topic_.partitions; ++partition)
                gone.emplace(log::TopicPartition{topic_.name, partition}, std::nullopt);
            for (const std::string_view checkpoint : {log::kRecoveryPointCheckpoint, log::kLogStartCheckpoint,
                                                      log::kHighWatermarkCheckpoint, log::kCleanerCheckpoint}) {
                MQ_TRY(directory_.update_checkpoint(checkpoint, gone));
                MQ_KILLPOINT("topics.after_checkpoint");
            }
            transaction.view.catalogue.topics.erase(topic_.name);
            MQ_TRY(transaction.write());
            return transaction.publish(topic_);
        });
    }

    DataDirectory::Impl& directory_;
    shm::ControlFile& control_;
    const Topic& topic_;
    WaitForWriters wait_;
    bool is_over_ = false;
    std::optional<std::uint32_t> seen_generation_;
    std::vector<std::string> renamed_;
};

}  // namespace

Status finish_deletion(DataDirectory::Impl& directory, const Topic& topic, WaitForWriters wait) {
    return Deletion{directory, topic, wait}.run();
}

Status DataDirectory::delete_topic(std::string_view name) {
    Topic marked;
    bool ended = false;
    const Status done = change_topics(
        *impl_, name,
        [&](TopicTransaction& transaction) -> Status {
            const auto topic = transaction.find(name);
            // An earlier attempt had given up waiting, or died.
            if (!topic && ended) return {};
            MQ_TRY(topic);
            (*topic)->deleting = true;
            MQ_TRY(transaction.write());
            marked = **topic;
            return transaction.publish(**topic);
        },
        &ended);
    MQ_TRY(done);
    return marked.name.empty() ? Status{} : finish_deletion(*impl_, marked, WaitForWriters::yes);
}

}  // namespace mq::store
