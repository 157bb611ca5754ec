// Changes of a partition of __consumer_offsets, under its append lock (OFF-1): what the table does not know yet is
// replayed, then one batch is appended, then the table is told, and last how far it is applied.

#include <algorithm>

#include "base/seeded_bug.h"
#include "offsets/partition.h"
#include "os/kill_point.h"

namespace mq::offsets {
namespace {

shm::OffsetValue value_of(Offset record, const Commit& commit, TimestampMs commit_timestamp) {
    shm::OffsetValue value;
    value.record = record.value() + 1;
    value.offset = commit.offset->value();
    value.leader_epoch = commit.expire_timestamp ? -1 : commit.leader_epoch;  // as its record has it
    value.commit_timestamp = commit.commit_timestamp.value_or(commit_timestamp);
    value.expire_timestamp = commit.expire_timestamp.value_or(kNoTimestamp);
    return value;
}

}  // namespace

Status OffsetsPartition::open_writer() {
    if (writer_) return {};
    MQ_ASSIGN(writer_, directory_.open_writer(id_));
    was_opened_for_writing_ = true;
    return {};
}

Status OffsetsPartition::prepare_table() {
    shm::ControlFile& control = *directory_.control();
    const auto allocate = [&](std::size_t position, std::size_t size_bytes) {
        return control.allocate(shm::kOffsetTableAt + position, size_bytes);
    };
    shm::OffsetTable shared{control.table(shm::kOffsetTableAt, shm::kOffsetTableBytes),
                            control.header().offset_table_bytes, pieces_};
    if (!shared.exists()) {
        MQ_ASSIGN(const shm::Guard guard, control.lock(control.header().catalogue, "the catalogue lock"));
        MQ_TRY(shared.make(allocate));
    }
    return shared.prepare(id_.partition, allocate);
}

Status OffsetsPartition::catch_up(log::Log& log) {
    kept_.reset();
    // No space, or no place in it: then the log alone says what was committed.
    if (!prepare_table()) return {};
    shm::OffsetTable shared = *table();
    const store::Life life = writer_->life();
    const auto applied = shared.applied(id_.partition);
    const std::array<std::uint64_t, 3> its{life.use, life.loads, life.truncations};
    if (applied && (applied->life == its || MQ_BUG("offsets.any_life")) && !shared.is_broken(id_.partition)) {
        if (applied->applied == log.log_end().value() || MQ_BUG("offsets.no_catch_up")) {
            kept_ = *applied;
            kept_->life = its;
            return {};
        }
        // Closed segments may have lost tombstones to compaction that are not applied yet.
        const Offset base = log.state().read().active_base;
        const Offset from{applied->applied};
        if (from >= base && from >= log.log_start() && from <= log.log_end()) {
            kept_ = *applied;
            kept_->life = its;
            return build(log, shared, from, Offset{applied->first_open});
        }
    }
    shared.clear(id_.partition);
    MQ_KILLPOINT("offsets.after_clear");
    kept_.emplace();
    kept_->life = its;
    return build(log, shared, log.log_start(), kNoOffset);
}

Status OffsetsPartition::build(log::Log& log, shm::OffsetTable& shared, Offset from, Offset first_open) {
    log::LogReader reader = log.reader();
    const Offset end = log.log_end();
    if (first_open != kNoOffset) first_open = std::max(first_open, log.log_start());
    MQ_ASSIGN(const Offset open_at_end, replay(name_,
                                               {[&](Offset offset) { reader.seek(offset); },
                                                [&](log::ScannedBatch& batch) { return reader.next(batch); }},
                                               from, end, first_open, [&](const Effect& effect) -> Status {
                                                   apply(shared, effect);
                                                   MQ_KILLPOINT("offsets.amid_replay");
                                                   return {};
                                               }));
    kept_->applied = end.value();
    kept_->first_open = open_at_end.value();
    kept_->known = 1;
    shared.publish(id_.partition, *kept_);
    return {};
}

void OffsetsPartition::apply(shm::OffsetTable& shared, const Effect& effect) {
    const auto allocate = [&](std::size_t position, std::size_t size_bytes) {
        return directory_.control()->allocate(shm::kOffsetTableAt + position, size_bytes);
    };
    const shm::Hash128 group = hash_name(effect.group);
    bool fits = true;
    if (effect.is_metadata()) {
        const std::int64_t record = effect.metadata ? effect.record.value() + 1 : 0;
        fits = shared.put_metadata(id_.partition, group, effect.group, record, allocate);
    } else {
        const shm::Hash128 topic = hash_name(effect.id.topic);
        const shm::Hash128 hash = hash_key(group, topic, effect.id.partition);
        shm::OffsetValue known;
        const bool is_known = shared.find(id_.partition, hash, known) == shm::OffsetTable::Seen::yes;
        if (effect.late && is_known && known.record > effect.record.value()) return;
        if (!effect.offset) {
            shared.forget(id_.partition, hash);
            return;
        }
        const shm::OffsetValue value{effect.record.value() + 1, effect.offset->offset, effect.offset->leader_epoch,
                                     effect.offset->commit_timestamp, effect.offset->expire_timestamp};
        fits =
            shared.put(id_.partition, {hash, group, effect.group, topic.low, effect.id.partition}, value, allocate);
    }
    if (fits) return;
    kept_->incomplete = 1;
    full_ = true;
}

Status OffsetsPartition::append(log::Log& log, FunctionRef<void(shm::OffsetTable&, Offset first)> tell) {
    MQ_ASSIGN(const std::span<char> batches, encoder_.finish());
    log::AppendOptions how;
    how.leader_epoch = log.leader_epochs().latest().value_or(0);
    if (kept_ && MQ_BUG("offsets.table_before_log")) {
        shm::OffsetTable early = *table();
        tell(early, log.log_end());
    }
    MQ_ASSIGN(const log::AppendResult appended, log.append(batches, how));
    if (kept_ && MQ_BUG("offsets.applied_before_table")) {
        kept_->applied = appended.last_offset.value() + 1;
        table()->publish(id_.partition, *kept_);
    }
    MQ_KILLPOINT("offsets.after_append");
    if (!kept_) return {};
    shm::OffsetTable shared = *table();
    tell(shared, appended.first_offset);
    MQ_KILLPOINT("offsets.after_table");
    kept_->applied = appended.last_offset.value() + 1;
    shared.publish(id_.partition, *kept_);
    MQ_KILLPOINT("offsets.after_applied");
    return {};
}

Status OffsetsPartition::change(FunctionRef<Status()> encode) {
    return writer_->change([&](log::Log& log) -> Status {
        MQ_TRY(catch_up(log));
        encoder_.begin(clock_());
        {
            const std::scoped_lock look{mutex};
            MQ_TRY(encode());
        }
        if (encoder_.records() == 0) return {};
        MQ_ASSIGN(const std::span<char> batches, encoder_.finish());
        log::AppendOptions how;
        how.leader_epoch = log.leader_epochs().latest().value_or(0);
        const Offset from = log.log_end();
        MQ_TRY(log.append(batches, how));
        MQ_KILLPOINT("offsets.after_append_of_change");
        if (!kept_) return {};
        shm::OffsetTable shared = *table();
        return build(log, shared, from, Offset{kept_->first_open});
    });
}

Status OffsetsPartition::compare(std::string_view group,
                                 const std::map<log::TopicPartition, std::optional<Offset>>& only_if) {
    const std::scoped_lock look{mutex};
    for (const auto& [id, wanted] : only_if) {
        MQ_ASSIGN(const auto now, fetch(group, id));
        const std::optional<Offset> offset = now ? std::optional{now->committed.offset} : std::optional<Offset>{};
        if (offset == wanted) continue;
        const auto text = [](const std::optional<Offset>& of) {
            return of ? "offset " + std::to_string(of->value()) : std::string{"nothing"};
        };
        return fail(Errc::out_of_order, "commit", log::partition_directory(id),
                    "the group has committed " + text(offset) + ", not " + text(wanted));
    }
    return {};
}

Status OffsetsPartition::commit(std::string_view group, std::span<const Commit> commits, TimestampMs commit_timestamp,
                                const std::map<log::TopicPartition, std::optional<Offset>>* only_if) {
    const auto allocate = [&](std::size_t position, std::size_t size_bytes) {
        return directory_.control()->allocate(shm::kOffsetTableAt + position, size_bytes);
    };
    const shm::Hash128 group_hash = hash_name(group);
    if (only_if != nullptr && MQ_BUG("offsets.compares_outside_the_lock")) MQ_TRY(compare(group, *only_if));
    return writer_->change([&](log::Log& log) -> Status {
        MQ_TRY(catch_up(log));
        if (only_if != nullptr && !MQ_BUG("offsets.compares_outside_the_lock")) MQ_TRY(compare(group, *only_if));
        return append(log, [&](shm::OffsetTable& shared, Offset record) {
            for (const Commit& commit : commits) {
                const shm::Hash128 topic = hash_name(commit.topic);
                const shm::Hash128 hash = hash_key(group_hash, topic, commit.partition);
                if (!commit.offset) {
                    shared.forget(id_.partition, hash);
                } else if (!shared.put(id_.partition, {hash, group_hash, group, topic.low, commit.partition},
                                       value_of(record, commit, commit_timestamp), allocate)) {
                    kept_->incomplete = 1;
                    full_ = true;
                }
                record += 1;
            }
        });
    });
}

}  // namespace mq::offsets
