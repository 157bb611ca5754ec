#include "broker/housekeeping.h"

#include <algorithm>
#include <limits>
#include <new>

#include "broker/event_log.h"
#include "broker/partitions.h"
#include "broker/wakeups.h"
#include "broker/worker_pool.h"
#include "log/segment_files.h"
#include "offsets/offset_store.h"
#include "os/process.h"
#include "shm/control_file.h"
#include "store/data_directory.h"

namespace mq::broker {
namespace {

// How long a piece of a round keeps a worker.
constexpr std::int64_t kPieceNs = 20'000'000;
// What a power cut costs at most to walk again, of a partition.
constexpr std::uint64_t kWorthACheckpoint = 64u << 20;
// A compacted partition that did not change is looked at again: tombstones and the lag of its records have their
// time.
constexpr std::int64_t kLookAgainMs = 600'000;
constexpr std::int64_t kShortestFlushMs = 10;
// For each lock: a compaction that gives up has to begin again, but a worker is not kept by who is stopped.
constexpr int kCompactionPatienceMs = 1000;
// Made before it is needed.
const std::string kNoMemoryBehind = "no memory for what is done in the background: it is tried again";

std::string_view name_of(Housekeeping::Chore chore) {
    switch (chore) {
        case Housekeeping::Chore::retention:
            return "retention";
        case Housekeeping::Chore::flush:
            return "a flush";
        case Housekeeping::Chore::checkpoint:
            return "a checkpoint";
        case Housekeeping::Chore::compaction:
            return "compaction";
        case Housekeeping::Chore::letting_go:
            break;
    }
    return "";
}

}  // namespace

void Housekeeping::start() {
    for (const Chore chore :
         {Chore::retention, Chore::flush, Chore::checkpoint, Chore::compaction, Chore::letting_go})
        schedule(chore);
}

void Housekeeping::stop() {
    stopping_.store(true);
    std::unique_lock lock{mutex_};
    idle_.wait(lock, [this] { return under_way_ == 0; });
}

std::int64_t Housekeeping::interval_of(Chore chore) const {
    switch (chore) {
        case Chore::retention:
            return parts_.config.retention_check_ms;
        case Chore::flush:
            return parts_.config.flush_check_ms;
        case Chore::checkpoint:
            return parts_.config.checkpoint_ms;
        case Chore::compaction:
            return parts_.config.cleaner_backoff_ms;
        case Chore::letting_go:
            return parts_.config.let_go_ms;
    }
    return 0;
}

void Housekeeping::schedule(Chore chore) {
    if (stopping_.load() || (chore == Chore::compaction && !parts_.config.log_cleaner)) return;
    const std::int64_t wait_ms = std::clamp<std::int64_t>(interval_of(chore), kShortestFlushMs, 86'400'000);
    parts_.wakeups.surely_at(os::monotonic_ms() + wait_ms, [this, chore] { begin(chore); });
}

// On the thread of the wakeups.
void Housekeeping::begin(Chore chore) {
    if (stopping_.load()) return;
    go_on(chore, {});
}

void Housekeeping::go_on(Chore chore, Round round) {
    {
        const std::lock_guard lock{mutex_};
        if (stopping_.load()) return;
        ++under_way_;
    }
    // A piece that finds no memory, or no worker, is left out: the chore comes again, and who stops waits for nobody.
    const auto end_piece = [this] {
        const std::lock_guard lock{mutex_};
        --under_way_;
        idle_.notify_all();
    };
    bool posted = false;
    try {
        posted = parts_.workers.post([this, chore, end_piece, round = std::move(round)]() mutable {
            bool done = true;
            try {
                done = do_some(chore, round, os::monotonic_ns() + kPieceNs);
            } catch (const std::bad_alloc&) {
                parts_.log.error(kNoMemoryBehind);
            }
            if (!done)
                go_on(chore, std::move(round));
            else
                schedule(chore);
            end_piece();
        });
    } catch (const std::bad_alloc&) {
    }
    if (posted) return;
    schedule(chore);
    end_piece();
}

void Housekeeping::run(Chore chore) {
    Round round;
    while (!do_some(chore, round, std::numeric_limits<std::int64_t>::max())) {
    }
}

bool Housekeeping::concerns(Chore chore, const BrokerConfig& config, const TopicInfo& topic) {
    constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
    const log::LogConfig& log = topic.config.log;
    switch (chore) {
        case Chore::retention:
            return (log.cleanup_delete && (log.retention_ms >= 0 || log.retention_bytes >= 0)) ||
                   topic.config.retention_consumed;
        case Chore::flush:
            return topic.config.flush_ms != kNever || topic.config.flush_messages != kNever;
        case Chore::checkpoint:
            return true;
        case Chore::compaction:
            return config.log_cleaner && log.cleanup_compact;
        case Chore::letting_go:
            break;
    }
    return false;
}

bool Housekeeping::do_some(Chore chore, Round& round, std::int64_t until_ns) {
    if (chore == Chore::letting_go) {
        let_go();
        return true;
    }
    if (!round.picture) {
        auto picture = parts_.topics.picture();
        // Whoever asks for the topics says what is wrong with them.
        if (!picture) return true;
        round.picture = *std::move(picture);
    }
    const std::vector<TopicInfo>& topics = round.picture->all();
    for (; round.topic < topics.size(); ++round.topic, round.partition = 0) {
        const TopicInfo& topic = topics[round.topic];
        if (!concerns(chore, parts_.config, topic)) continue;
        for (; round.partition < topic.partitions; ++round.partition) {
            if (stopping_.load()) return true;
            if (os::monotonic_ns() >= until_ns) return false;
            visit(chore, topic, {topic.name, round.partition});
        }
    }
    if (chore == Chore::retention || chore == Chore::compaction) let_go();
    return true;
}

void Housekeeping::let_go() {
    parts_.partitions.let_go_of_replaced();
    parts_.offsets.let_go_of_replaced();
}

void Housekeeping::visit(Chore chore, const TopicInfo& topic, const Partition& id) {
    const Status done = [&]() -> Status {
        // Another round will do for who is in the way.
        const shm::Briefly briefly{chore == Chore::compaction ? kCompactionPatienceMs : shm::Briefly::kMostMs};
        switch (chore) {
            case Chore::retention:
                return retain(topic, id);
            case Chore::flush:
                return flush(topic, id);
            case Chore::checkpoint:
                return checkpoint(id);
            case Chore::compaction:
                return compact(topic, id);
            case Chore::letting_go:
                break;
        }
        return {};
    }();
    tell(id, chore, done);
}

// Once, until it succeeds or fails otherwise. A topic that is deleted meanwhile is no failure.
void Housekeeping::tell(const Partition& id, Chore chore, const Status& done) {
    const std::lock_guard lock{mutex_};
    if (done || done.error().code == Errc::not_found) {
        told_.erase({id, chore});
        return;
    }
    const bool is_put_off = done.error().code == Errc::timed_out;
    // What is quick is tried again soon.
    if ((is_put_off && chore != Chore::compaction) || done.error().code == Errc::interrupted) return;
    std::string text = done.error().message();
    std::string& told = told_[{id, chore}];
    if (told == text) return;
    told = std::move(text);
    const std::string what = log::partition_directory(id) + ": " + std::string{name_of(chore)};
    if (is_put_off)
        parts_.log.warning(what + " is put off: " + told +
                           "; a process that is stopped can be continued (kill -CONT), or ended");
    else
        parts_.log.error(what + " failed: " + told);
}

bool Housekeeping::is_empty(const Partition& id) const {
    const std::string path = os::join(parts_.directory.path(), log::partition_directory(id));
    std::vector<std::string> segments;
    const Status seen = os::visit_directory(path, [&](std::string_view name, bool is_directory) {
        if (!is_directory && log::parse_file_name(name).kind == log::FileKind::log) segments.emplace_back(name);
    });
    if (!seen || segments.size() > 1) return !seen;
    if (segments.empty()) return true;
    const auto info = os::file_info(os::join(path, segments[0]));
    return info && info->size_bytes == 0;
}

Status Housekeeping::retain(const TopicInfo& topic, const Partition& id) {
    const log::LogConfig& config = topic.config.log;
    const auto before = parts_.directory.glance(id.topic, id.partition);
    if (!before && is_empty(id)) return {};
    if (before && !topic.config.retention_consumed) {
        const std::lock_guard lock{mutex_};
        const auto seen = retained_.find(id);
        if (seen != retained_.end() && seen->second.topic == topic.id && seen->second.glance == *before &&
            seen->second.retention_ms == config.retention_ms &&
            seen->second.retention_bytes == config.retention_bytes && parts_.clock() < seen->second.due_ms)
            return {};
    }
    MQ_ASSIGN(const auto writer, parts_.directory.open_writer(id));
    MQ_ASSIGN(const auto expired, writer->expire());
    if (expired.segments > 0) {
        parts_.log.info(log::partition_directory(id) + ": retention has deleted " + std::to_string(expired.segments) +
                        (expired.segments == 1 ? " segment" : " segments"));
    }
    const auto after = parts_.directory.glance(id.topic, id.partition);
    const std::lock_guard lock{mutex_};
    if (after)
        retained_[id] = {topic.id, *after, config.retention_ms, config.retention_bytes, expired.due_ms};
    else
        retained_.erase(id);
    return {};
}

Status Housekeeping::flush(const TopicInfo& topic, const Partition& id) {
    const auto now = parts_.directory.glance(id.topic, id.partition);
    if (!now || now->flushed >= now->log_end) {
        const std::lock_guard lock{mutex_};
        unflushed_since_ms_.erase(id);
        return {};
    }
    {
        const std::lock_guard lock{mutex_};
        const std::int64_t since_ms = unflushed_since_ms_.try_emplace(id, os::monotonic_ms()).first->second;
        const bool too_long = topic.config.flush_ms <= parts_.config.flush_check_ms ||
                              os::monotonic_ms() - since_ms >= topic.config.flush_ms - parts_.config.flush_check_ms;
        const bool too_many = now->log_end - now->flushed >= topic.config.flush_messages;
        if (!too_long && !too_many) return {};
        unflushed_since_ms_.erase(id);
    }
    MQ_ASSIGN(const auto writer, parts_.directory.open_writer(id));
    return writer->flush();
}

Status Housekeeping::checkpoint(const Partition& id) {
    const auto now = parts_.directory.glance(id.topic, id.partition);
    if (!now || now->unsaved_bytes < kWorthACheckpoint) return {};
    MQ_ASSIGN(const auto writer, parts_.directory.open_writer(id));
    // Without the append lock: what is left for the checkpoint, which has it, is little.
    MQ_TRY(writer->flush());
    return writer->checkpoint();
}

Status Housekeeping::compact(const TopicInfo& topic, const Partition& id) {
    const auto before = parts_.directory.glance(id.topic, id.partition);
    if (!before && is_empty(id)) return {};
    {
        const std::lock_guard lock{mutex_};
        const auto seen = compacted_.find(id);
        if (before && seen != compacted_.end() && seen->second.topic == topic.id && seen->second.glance == *before &&
            os::monotonic_ms() < seen->second.due_ms)
            return {};
    }
    MQ_ASSIGN(const auto writer, parts_.directory.open_writer(id));
    MQ_ASSIGN(const auto cleaned, writer->compact_if_due([this] { return stopping_.load(); }));
    if (cleaned && !cleaned->stopped && cleaned->segments_replaced > 0) {
        parts_.log.info(log::partition_directory(id) + ": compaction kept " + std::to_string(cleaned->records_kept) +
                        " of " + std::to_string(cleaned->records_read) + " records");
    }
    const auto after = parts_.directory.glance(id.topic, id.partition);
    const std::lock_guard lock{mutex_};
    if (after && !cleaned)
        compacted_[id] = {topic.id, *after, 0, 0, os::monotonic_ms() + kLookAgainMs};
    else
        compacted_.erase(id);
    return {};
}

}  // namespace mq::broker
