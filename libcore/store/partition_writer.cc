#include "store/partition_writer.h"

#include <algorithm>

#include "base/seeded_bug.h"
#include "log/flusher.h"
#include "os/kill_point.h"
#include "store/directory_impl.h"

namespace mq::store {

struct PartitionWriter::Impl {
    std::shared_ptr<DataDirectory::Impl> directory;
    log::TopicPartition id;
    std::string name;  // "append lock of numbers-0"
    shm::PartitionSlot* slot = nullptr;
    std::uint64_t use_generation = 0;
    std::uint32_t catalogue_generation = 0;
    TopicMeta meta;
    std::optional<log::Log> log;
    std::optional<log::Flusher> flusher;
    log::RecoveryReport report;

    [[nodiscard]] shm::ControlFile& control() const { return *directory->control; }
    [[nodiscard]] log::PublishedState& state() const { return state_of(*slot); }
    [[nodiscard]] bool is_current() const { return slot->use_generation.load() == use_generation; }
    [[nodiscard]] Status find();
    [[nodiscard]] Status follow_config();
    [[nodiscard]] Status bring_up();
    // `quick`: timed_out where files are to be opened, loaded or repaired before.
    [[nodiscard]] Status under_append_lock(FunctionRef<Status(log::Log&)> work, bool quick = false);
    [[nodiscard]] Result<std::size_t> apply_retention();
    // `retain` runs under the append lock, and tells how many segments it has deleted.
    [[nodiscard]] Result<std::size_t> drop_what_is_not_wanted(FunctionRef<Result<std::size_t>(log::Log&)> retain);
    void after_change(bool rolled, Wake wake = Wake::all);
    // While the cleaner lock is held. nullopt: the topic is not compacted.
    [[nodiscard]] Result<std::optional<log::CleanableRange>> find_cleanable();
    [[nodiscard]] Result<log::CleanResult> clean(Offset first_dirty, const std::function<bool()>& stop);
    void compact_in_background();
};

PartitionWriter::PartitionWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PartitionWriter::~PartitionWriter() = default;

const log::TopicPartition& PartitionWriter::id() const { return impl_->id; }

// The slot of the partition as it is now: a topic may have been deleted, and made again, since.
Status PartitionWriter::Impl::find() {
    log.reset();
    flusher.reset();
    catalogue_generation = control().header().catalogue_generation.load();
    for (;;) {
        MQ_ASSIGN(meta, directory->find_meta(id));
        MQ_ASSIGN(slot, directory->slot_of(id));
        const auto held = shm::holds(*slot, id.topic, id.partition);
        // Deleted again meanwhile: a slot without a topic must not make its directory anew.
        if (!held || meta_of(*slot).read().known == 0) continue;
        use_generation = *held;
        break;
    }
    flusher.emplace(directory->partition_path(id), state());
    return {};
}

Status PartitionWriter::Impl::follow_config() {
    const std::uint32_t generation = control().header().catalogue_generation.load();
    if (generation == catalogue_generation) return {};
    const TopicMeta latest = meta_of(*slot).read();
    if (latest.known != 0) {
        meta = latest;
    } else {
        MQ_ASSIGN(meta, directory->find_meta(id));
    }
    catalogue_generation = generation;
    if (log) log->set_config(meta.log);
    return {};
}

// Under the append lock: this process's view of the log is what everybody has published.
Status PartitionWriter::Impl::bring_up() {
    if (log && directory->is_loaded(*slot)) return MQ_BUG("writer.no_catch_up") ? Status{} : log->catch_up();
    MQ_ASSIGN(log, directory->bring_up(*slot, id, meta.log));
    report = log->recovery();
    // Whoever meets the mark of a failed fsync first tries to lift it (APP-7).
    if (state().poison.load() != 0) {
        MQ_ASSIGN(const shm::Guard guard, control().lock(slot->flush, "the flush lock of " + name));
        MQ_TRY(log->clear_poison());
        log::RecoveryReport lifted;
        lifted.notes.push_back("what an fsync had failed on was written again to fresh files");
        if (directory->options.on_recovery) directory->options.on_recovery(id, lifted);
        report.notes.push_back(std::move(lifted.notes[0]));
        MQ_TRY(directory->note_files(*slot, *log));
    }
    return apply_retention().map([](std::size_t) {});
}

Status PartitionWriter::Impl::under_append_lock(FunctionRef<Status(log::Log&)> work, bool quick) {
    return control().on_claimed_thread([&]() -> Status {
        for (;;) {
            // Both may wait for the catalogue lock. It might be taken inside of the append lock too, but then all who
            // append here would wait with us.
            MQ_TRY(directory->begin_changes());
            MQ_TRY(follow_config());
            MQ_ASSIGN(std::optional<shm::Guard> guard, control().lock(slot->append, name));
            if (guard->after_death()) state().dirty.store(1);
            if (quick && !(is_current() && log && directory->is_loaded(*slot) && state().dirty.load() == 0))
                return fail(Errc::timed_out, "use", name, "to bring it into order takes longer");
            if (!is_current() && !MQ_BUG("writer.no_look_again")) {
                // Deleted, or given to another partition, while this one was not looking.
                guard.reset();
                MQ_TRY(find());
                continue;
            }
            const Status ready = bring_up();
            if (!ready) {
                log.reset();
                return ready;
            }
            const std::uint64_t names = state().names_generation.load();
            MQ_TRY(work(*log));
            // What was done is done: without the note the next life loads the partition anew.
            if (state().names_generation.load() != names) static_cast<void>(directory->note_files(*slot, *log));
            return {};
        }
    });
}

Result<Bounds> PartitionWriter::bounds() {
    Impl& p = *impl_;
    MQ_TRY(p.under_append_lock([](log::Log&) { return Status{}; }));
    return Bounds{p.log->log_start(), p.log->log_end(), p.log->high_watermark(), p.log->last_stable_offset(),
                  p.state().read().active_base};
}

Result<log::LogConfig> PartitionWriter::config() {
    MQ_TRY(impl_->follow_config());
    return impl_->meta.log;
}

Result<log::AppendResult> PartitionWriter::append(std::span<char> batches, log::AppendOptions options, Wake wake) {
    Impl& p = *impl_;
    log::AppendResult result;
    MQ_TRY(p.under_append_lock(
        [&](log::Log& log) -> Status {
            options.leader_epoch = log.leader_epochs().latest().value_or(0);
            MQ_ASSIGN(result, log.append(batches, options));
            MQ_KILLPOINT("store.append.before_unlock");
            return {};
        },
        options.quick));
    p.after_change(result.rolled, wake);
    return result;
}

Status PartitionWriter::change(FunctionRef<Status(log::Log&)> work) {
    Impl& p = *impl_;
    bool rolled = false;
    const Status done = p.under_append_lock([&](log::Log& log) -> Status {
        const Offset active = p.state().read().active_base;
        const Status worked = work(log);
        rolled = p.state().read().active_base != active;
        return worked;
    });
    MQ_TRY(done);
    p.after_change(rolled);
    return {};
}

Life PartitionWriter::life() const {
    const Impl& p = *impl_;
    return {p.use_generation, p.state().loads.load(), p.state().truncations.load()};
}

void PartitionWriter::Impl::after_change(bool rolled, Wake wake) {
    MQ_KILLPOINT("store.append.before_wake");
    (wake == Wake::all ? shm::wake : shm::wake_others)(control().header(), *slot);
    if (!rolled) return;
    // The process that rolls does what a broker would do on time (APP-10). What was changed is published: that this
    // fails does not undo it.
    try {
        const auto dropped = drop_what_is_not_wanted([this](log::Log&) { return apply_retention(); });
        const bool is_put_off =
            !dropped && (dropped.error().code == Errc::timed_out || dropped.error().code == Errc::interrupted);
        if (!dropped && !is_put_off) report.trouble = "retention failed: " + dropped.error().message();
        if (meta.log.cleanup_compact) compact_in_background();
    } catch (const std::bad_alloc&) {
        // The next roll tries again.
    }
}

Status PartitionWriter::flush(std::optional<Offset> end) {
    Impl& p = *impl_;
    const Offset wanted = end.value_or(p.state().read().log_end);
    const auto is_done = [&] {
        return p.state().flushed.load() >= wanted.value() &&
               p.state().names_flushed.load() == p.state().names_generation.load();
    };
    return p.control().on_claimed_thread([&]() -> Status {
        if (!p.is_current())
            return fail(Errc::not_found, {}, log::partition_directory(p.id), "the topic was deleted");
        // Whoever had the lock meanwhile may have flushed for all who waited (group commit, APP-6).
        if (is_done()) return {};
        MQ_ASSIGN(const shm::Guard guard, p.control().lock(p.slot->flush, "the flush lock of " + p.name));
        if (is_done()) return {};
        return p.flusher->flush();
    });
}

void PartitionWriter::begin_writeback(std::uint64_t bytes) {
    if (impl_->log) impl_->log->begin_writeback(bytes);
}

Status PartitionWriter::checkpoint() {
    Impl& p = *impl_;
    return p.under_append_lock([&](log::Log& log) -> Status {
        MQ_ASSIGN(const shm::Guard guard, p.control().lock(p.slot->flush, "the flush lock of " + p.name));
        return log.checkpoint();
    });
}

Status PartitionWriter::roll() {
    return change([](log::Log& log) { return log.roll(); });
}

Status PartitionWriter::trim(Offset start) {
    Impl& p = *impl_;
    return p.under_append_lock([&](log::Log& log) -> Status {
        const Offset before = log.log_start();
        // What was derived from the records that go is of another log.
        if (start > before) p.state().loads.fetch_add(1);
        MQ_TRY(log.raise_log_start(start));
        MQ_TRY(p.apply_retention());
        if (log.log_start() == before) return {};
        // A trim must not be forgotten.
        return p.directory->update_checkpoint(log::kLogStartCheckpoint, {{p.id, log.log_start()}});
    });
}

// Closed segments only: records that were given old timestamps a moment ago are not gone with the next command.
Result<std::size_t> PartitionWriter::Impl::apply_retention() {
    return log->apply_retention(directory->options.clock(), false);
}

Result<std::size_t> PartitionWriter::apply_retention() {
    return impl_->drop_what_is_not_wanted([this](log::Log&) { return impl_->apply_retention(); });
}

Result<PartitionWriter::Expired> PartitionWriter::expire() {
    Impl& p = *impl_;
    Expired expired;
    const auto retain = [&](log::Log& log) {
        return log.apply_retention(p.directory->options.clock(), true, &expired.due_ms);
    };
    MQ_ASSIGN(expired.segments, p.drop_what_is_not_wanted(retain));
    // Who reads what is gone learns of it.
    if (expired.segments > 0) shm::wake(p.control().header(), *p.slot);
    return expired;
}

// Who has committed what is asked without a lock: a group that goes back meanwhile comes too late.
Result<std::size_t> PartitionWriter::Impl::drop_what_is_not_wanted(
    FunctionRef<Result<std::size_t>(log::Log&)> retain) {
    std::optional<Offset> consumed;
    if (meta.retention_consumed != 0 && directory->options.consumed_below) {
        MQ_ASSIGN(consumed, directory->options.consumed_below(id));
    }
    std::size_t deleted = 0;
    const Status done = under_append_lock([&](log::Log& its) -> Status {
        const Offset before = its.log_start();
        const Offset start = std::min(consumed.value_or(before), its.high_watermark());
        if (start > before) MQ_TRY(its.raise_log_start(start));
        MQ_ASSIGN(deleted, retain(its));
        if (start <= before) return {};
        return directory->update_checkpoint(log::kLogStartCheckpoint, {{id, its.log_start()}});
    });
    MQ_TRY(done);
    return deleted;
}

Status PartitionWriter::truncate_to(Offset end) {
    Impl& p = *impl_;
    return p.under_append_lock([&](log::Log& log) -> Status {
        // A flush that runs beside it would claim that what is cut is on the disk.
        MQ_ASSIGN(const shm::Guard guard, p.control().lock(p.slot->flush, "the flush lock of " + p.name));
        return log.truncate_to(end);
    });
}

Result<std::optional<log::CleanableRange>> PartitionWriter::Impl::find_cleanable() {
    std::optional<log::CleanableRange> range;
    const Status asked = under_append_lock([&](log::Log& its) -> Status {
        if (!its.config().cleanup_compact) return {};
        MQ_ASSIGN(const auto checkpoint, directory->checkpointed(log::kCleanerCheckpoint, id));
        MQ_ASSIGN(range, log::cleanable(its, checkpoint, directory->options.clock()));
        return {};
    });
    MQ_TRY(asked);
    return range;
}

Result<log::CleanResult> PartitionWriter::Impl::clean(Offset first_dirty, const std::function<bool()>& stop) {
    log::CleanerOptions how;
    how.stop = stop;
    how.clock = directory->options.clock;
    how.under_append_lock = [&](const std::function<Status()>& work) {
        return under_append_lock([&](log::Log&) { return work(); });
    };
    MQ_ASSIGN(auto result, log::clean(*log, first_dirty, how));
    if (!result.stopped) MQ_TRY(directory->update_checkpoint(log::kCleanerCheckpoint, {{id, result.next_dirty}}));
    return result;
}

Result<log::CleanResult> PartitionWriter::compact() {
    Impl& p = *impl_;
    log::CleanResult result;
    const Status done = p.control().on_claimed_thread([&]() -> Status {
        // Before the roll, which has this process's compactor begin: it gives way to us.
        MQ_ASSIGN(const shm::Guard guard, p.control().lock(p.control().header().cleaner, "the cleaner lock"));
        MQ_ASSIGN(const log::LogConfig its, config());
        if (its.cleanup_compact) MQ_TRY(roll());
        MQ_ASSIGN(const auto range, p.find_cleanable());
        if (!range)
            return fail(Errc::bad_argument, "compact", log::partition_directory(p.id), "its topic is not compacted");
        MQ_ASSIGN(result, p.clean(range->first_dirty, {}));
        return {};
    });
    MQ_TRY(done);
    return result;
}

Result<std::optional<log::CleanResult>> PartitionWriter::compact_if_due(const std::function<bool()>& stop) {
    Impl& p = *impl_;
    std::optional<log::CleanResult> result;
    const Status done = p.control().on_claimed_thread([&]() -> Status {
        MQ_ASSIGN(const auto guard, p.control().try_lock(p.control().header().cleaner, "the cleaner lock"));
        if (!guard) return {};
        MQ_ASSIGN(const auto range, p.find_cleanable());
        if (!range || !range->due) return {};
        MQ_ASSIGN(result, p.clean(range->first_dirty, stop));
        return {};
    });
    MQ_TRY(done);
    return result;
}

// What it fails on stays as it is, and is told to whoever compacts on demand.
void PartitionWriter::Impl::compact_in_background() {
    directory->compactor.begin([shared = directory, partition = id](const Compactor::StopRequested& stop) {
        auto own = std::make_unique<Impl>();
        own->directory = shared;
        own->id = partition;
        own->name = log::partition_directory(partition);
        if (!own->find()) return;
        PartitionWriter writer{std::move(own)};
        static_cast<void>(writer.compact_if_due(stop));
    });
}

log::RecoveryReport PartitionWriter::take_recovery_report() { return std::exchange(impl_->report, {}); }

Result<std::unique_ptr<PartitionWriter>> DataDirectory::open_writer(const log::TopicPartition& id) {
    MQ_TRY(impl_->begin_changes());
    auto impl = std::make_unique<PartitionWriter::Impl>();
    impl->directory = impl_;
    impl->id = id;
    impl->name = log::partition_directory(id);
    MQ_TRY(impl->find());
    return std::unique_ptr<PartitionWriter>{new PartitionWriter{std::move(impl)}};
}

}  // namespace mq::store
