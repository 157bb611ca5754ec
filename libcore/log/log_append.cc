// Appending and rolling. Source of the rules: org.apache.kafka.storage.internals.log.LogSegment.append,
// LocalLog.roll.

#include <algorithm>

#include "base/seeded_bug.h"
#include "log/log_impl.h"
#include "log/producer_snapshot.h"
#include "log/recovery.h"
#include "os/kill_point.h"

namespace mq::log {

// The batches of one append, held against the rules that need no state.
struct AppendPlan {
    struct Batch {
        record::BatchHeader header;
        char* data;
    };
    std::vector<Batch> batches;
    Offset first_offset{0};
    Offset last_offset{0};
    TimestampMs max_timestamp = kNoTimestamp;
    Offset offset_of_max_timestamp = kNoOffset;
    bool has_producer = false;
};

namespace {

Status plan_append(std::span<char> bytes, const LogConfig& config, const Published& now, const AppendOptions& options,
                   const std::string& directory, AppendPlan& plan) {
    std::vector<AppendPlan::Batch> memory = std::move(plan.batches);
    memory.clear();
    plan = AppendPlan{.batches = std::move(memory)};
    const auto refuse = [&](Errc code, std::string detail) {
        return fail(code, "append", directory, std::move(detail));
    };
    if (bytes.empty()) return refuse(Errc::bad_argument, "no batch");
    if (bytes.size() > config.segment_bytes)
        return refuse(Errc::too_large, std::to_string(bytes.size()) + " bytes are more than segment.bytes, " +
                                           std::to_string(config.segment_bytes));
    Offset next = now.log_end;
    for (std::size_t at = 0; at < bytes.size();) {
        const ByteView rest{bytes.data() + at, bytes.size() - at};
        auto parsed = record::parse_batch_header(rest);
        if (!parsed) return refuse(parsed.error().code, parsed.error().detail);
        record::BatchHeader header = *parsed;
        if (header.size_bytes > rest.size())
            return refuse(Errc::truncated, "the batch is longer than the bytes given");
        if (header.magic != record::kMagicV2) return refuse(Errc::unsupported, "only batches of magic 2 are written");
        if (options.origin == AppendOrigin::client) {
            if (header.size_bytes > config.max_message_bytes)
                return refuse(Errc::too_large, "a batch of " + std::to_string(header.size_bytes) +
                                                   " bytes is more than max.message.bytes, " +
                                                   std::to_string(config.max_message_bytes));
            if (header.record_count <= 0 || header.record_count != header.last_offset_delta + 1)
                return refuse(Errc::corrupt, std::to_string(header.record_count) +
                                                 " records, but offsets up to base + " +
                                                 std::to_string(header.last_offset_delta));
            if (header.is_control()) return refuse(Errc::bad_argument, "a client may not write control batches");
        }
        const ByteView unit = rest.substr(0, header.size_bytes);
        if (options.verify_checksum) {
            if (auto ok = record::verify_batch_checksum(unit, header); !ok)
                return refuse(ok.error().code, ok.error().detail);
        }
        if (options.assign_offsets) {
            header.base_offset = next;
            header.leader_epoch = options.leader_epoch;
        } else if (header.base_offset < next) {
            return refuse(Errc::bad_argument, "offset " + std::to_string(header.base_offset.value()) +
                                                  " lies below the log end " + std::to_string(next.value()));
        }
        if (plan.batches.empty()) plan.first_offset = header.base_offset;
        if (header.max_timestamp > plan.max_timestamp) {
            plan.max_timestamp = header.max_timestamp;
            plan.offset_of_max_timestamp = header.last_offset();
        }
        plan.has_producer |= header.has_producer();
        next = header.next_offset();
        plan.batches.push_back({header, bytes.data() + at});
        at += header.size_bytes;
    }
    plan.last_offset = next - 1;
    if (options.max_timestamp_delta) plan.offset_of_max_timestamp = plan.first_offset + *options.max_timestamp_delta;
    return {};
}

}  // namespace

Status Log::Impl::ready_to_change() {
    if (options.read_only) return fail(Errc::not_permitted, "change", directory, "opened for reading");
    if (const std::uint32_t poison = state->poison.load(); poison != 0) {
        Error error = system_error(static_cast<int>(poison), "append", directory);
        error.code = Errc::poisoned;
        error.detail = "an earlier fsync failed, and what it covered may not be on disk";
        return fail(std::move(error));
    }
    if (state->dirty.load() != 0) return repair();
    return {};
}

void Log::Impl::publish() {
    state->publish(now);
    now_count = state->publications();
    if (follows_end) state->high_watermark.store(now.log_end.value());
}

bool Log::Impl::must_roll(std::uint64_t bytes, Offset last, TimestampMs max_timestamp) const {
    const std::uint64_t max_offsets = config.segment_index_bytes / kOffsetIndexEntryBytes;
    const std::uint64_t max_times = config.segment_index_bytes / kTimeIndexEntryBytes;
    if (last - now.active_base > INT32_MAX) return true;
    if (now.active_size_bytes + bytes > config.segment_bytes) return now.active_size_bytes > 0;
    if (now.offset_index_entries >= max_offsets || now.time_index_entries + 1 >= max_times)
        return now.active_size_bytes > 0;
    if (now.active_size_bytes == 0) return false;
    const std::int64_t waited =
        now.roll_timestamp >= 0 ? max_timestamp - now.roll_timestamp : options.clock() - now.created_ms;
    return waited > config.roll_ms() - roll_jitter_ms;
}

bool Log::Impl::begins_epoch(const AppendPlan& plan) const {
    return std::ranges::any_of(plan.batches, [this](const auto& batch) {
        return batch.header.leader_epoch >= 0 &&
               static_cast<std::uint64_t>(std::int64_t{batch.header.leader_epoch}) != now.last_epoch;
    });
}

Status Log::Impl::index_time_of_active() {
    if (now.time_index_entries > 0) {
        MQ_ASSIGN(const TimeIndexEntry last,
                  active.time_index()->entry(static_cast<std::uint32_t>(now.time_index_entries - 1)));
        if (now.max_timestamp <= last.timestamp) return {};
    }
    if (now.max_timestamp <= kNoTimestamp) return {};
    MQ_TRY(active.time_index()->write(static_cast<std::uint32_t>(now.time_index_entries),
                                      {now.max_timestamp, now.offset_of_max_timestamp}));
    ++now.time_index_entries;
    return {};
}

Status Log::Impl::roll() {
    if (now.active_size_bytes == 0 && now.active_base == now.log_end) return {};
    state->dirty.store(1);
    MQ_TRY(index_time_of_active());
    MQ_KILLPOINT("roll.after_time_index");
    MQ_TRY(write_snapshot(path(FileKind::snapshot, now.log_end), producers));
    MQ_KILLPOINT("roll.after_snapshot");
    active.log_file().start_writeback(FilePosition{0}, now.active_size_bytes);
    MQ_TRY(begin_segment(now.log_end));
    MQ_KILLPOINT("roll.before_publish");
    publish();
    state->checkpointed_bytes.store(0);
    if (!MQ_BUG("roll.keep_files_generation")) {
        state->files_generation.fetch_add(1);
        ++seen.files;
    }
    state->dirty.store(0);
    MQ_KILLPOINT("roll.after_publish");
    return set_recovery_point(Offset{state->flushed.load()});
}

Status Log::roll() {
    MQ_TRY(impl_->ready_to_change());
    return impl_->roll();
}

Result<AppendResult> Log::append(std::span<char> batches, const AppendOptions& options) {
    Impl& log = *impl_;
    const auto takes_longer = [&](const char* why) { return fail(Errc::timed_out, "append", log.directory, why); };
    if (options.quick && log.state->dirty.load() != 0) return takes_longer("it is to be repaired first");
    MQ_TRY(log.ready_to_change());
    if (!log.plan_memory) log.plan_memory = std::make_shared<AppendPlan>();
    AppendPlan& plan = *log.plan_memory;
    MQ_TRY(plan_append(batches, log.config, log.now, options, log.directory, plan));
    AppendResult result{
        .first_offset = plan.first_offset, .last_offset = plan.last_offset, .log_start = log.now.log_start};

    if (plan.has_producer) log.expire_producers();
    for (const auto& batch : plan.batches) {
        if (!batch.header.has_producer() || batch.header.is_control()) continue;
        auto duplicate = log.producers.check(batch.header, options.origin);
        if (!duplicate) {
            Error error = std::move(duplicate).error();
            error.subject = log.directory;
            return fail(std::move(error));
        }
        if (!*duplicate || MQ_BUG("append.no_duplicate_check")) continue;
        if (plan.batches.size() > 1)
            return fail(Errc::bad_argument, "append", log.directory, "one of several batches was appended before");
        return AppendResult{.first_offset = (*duplicate)->first_offset(),
                            .last_offset = (*duplicate)->last_offset,
                            .log_append_time = log.config.timestamp_type == record::TimestampType::log_append_time
                                                   ? (*duplicate)->timestamp
                                                   : kNoTimestamp,
                            .duplicate = true,
                            .log_start = log.now.log_start};
    }

    const bool log_append_time =
        log.config.timestamp_type == record::TimestampType::log_append_time && options.assign_offsets;
    if (log_append_time) {
        result.log_append_time = log.options.clock();
        plan.max_timestamp = result.log_append_time;
        plan.offset_of_max_timestamp = plan.last_offset;
    }
    const bool rolls = log.must_roll(batches.size(), plan.last_offset, plan.max_timestamp);
    if (options.quick && (rolls || log.begins_epoch(plan))) return takes_longer("new files take flushes");
    if (rolls) {
        MQ_TRY(log.roll());
        result.rolled = true;
    }
    for (auto& batch : plan.batches) {
        if (options.assign_offsets)
            record::stamp_batch(batch.data, batch.header.base_offset, batch.header.leader_epoch);
        if (log_append_time && !batch.header.is_control()) {
            record::stamp_log_append_time(batch.data, batch.header.size_bytes, result.log_append_time);
            batch.header.max_timestamp = result.log_append_time;
        }
    }

    // Taken back at once where that is possible: who was told of a failure should not meet the records after a
    // restart.
    Status written;
    try {
        written = log.write_batches({batches.data(), batches.size()}, plan);
    } catch (const std::bad_alloc&) {
        log.take_back();
        throw;
    }
    if (!written) {
        log.take_back();
        return fail(std::move(written).error());
    }
    return result;
}

void Log::begin_writeback(std::uint64_t bytes) const {
    constexpr std::uint64_t kPieceBytes = 8u << 20;
    const Impl& log = *impl_;
    const std::uint64_t end = log.now.active_size_bytes;
    const std::uint64_t begin = (end - std::min(bytes, end)) / kPieceBytes * kPieceBytes;
    if (end - begin >= kPieceBytes) log.active.log_file().start_writeback(FilePosition{begin}, end - begin);
}

// A log that stays open for years would else know every producer that there ever was (IDM-11).
void Log::Impl::expire_producers() {
    const TimestampMs time = options.clock();
    // A process that takes part for a moment does not judge what others have just written.
    if (expired_ms == 0) expired_ms = time;
    if (time >= expired_ms && time - expired_ms < config.producer_id_expiration_check_ms) return;
    expired_ms = time;
    producers.expire(time, config.producer_id_expiration_ms);
}

// What cannot be repaired now stays marked, and the next change tries again.
void Log::Impl::take_back() {
    try {
        static_cast<void>(repair());
    } catch (const std::bad_alloc&) {
        return;
    }
}

Status Log::Impl::write_batches(ByteView batches, const AppendPlan& plan) {
    // A death is only told of after all that this thread stored: no fence is needed, here nor below.
    state->dirty.store(1, std::memory_order_release);
    MQ_KILLPOINT("append.before_epoch");
    for (const auto& batch : plan.batches) {
        const auto epoch = static_cast<std::uint64_t>(std::int64_t{batch.header.leader_epoch});
        if (epoch == now.last_epoch || batch.header.leader_epoch < 0) continue;
        if (epochs.assign(batch.header.leader_epoch, batch.header.base_offset)) MQ_TRY(write_epochs());
        now.last_epoch = epoch;
    }

    Published next = now;
    const FilePosition position{next.active_size_bytes};
    MQ_KILLPOINT("append.before_write");
    if (MQ_BUG("append.publish_before_write")) {
        next.log_end = plan.last_offset + 1;
        state->publish(next);
    }
    MQ_TRY(active.log_file().write_at(batches, position));
    MQ_KILLPOINT("append.after_write");

    if (next.active_size_bytes == 0) next.roll_timestamp = plan.max_timestamp;
    next.active_size_bytes += batches.size();
    if (plan.max_timestamp > next.max_timestamp) {
        next.max_timestamp = plan.max_timestamp;
        next.offset_of_max_timestamp = plan.offset_of_max_timestamp;
    }
    if (next.bytes_since_index > config.index_interval_bytes && can_be_indexed(position)) {
        MQ_TRY(active.offset_index()->write(static_cast<std::uint32_t>(next.offset_index_entries),
                                            {plan.last_offset, position}));
        ++next.offset_index_entries;
        MQ_KILLPOINT("append.after_offset_index");
        const Published before = std::exchange(now, next);
        const auto indexed = index_time_of_active();
        next.time_index_entries = now.time_index_entries;
        now = before;
        MQ_TRY(indexed);
        MQ_KILLPOINT("append.after_time_index");
        next.bytes_since_index = 0;
    }
    next.bytes_since_index += batches.size();

    if (plan.has_producer) {
        producers_stale = true;  // until everything that follows has gone well
        for (const auto& batch : plan.batches) {
            MQ_ASSIGN(const auto aborted,
                      replay_batch({batch.header, position, {batch.data, batch.header.size_bytes}}, producers));
            if (!aborted) continue;
            MQ_TRY(append_txn_index(path(FileKind::txn_index, next.active_base),
                                    static_cast<std::uint32_t>(next.txn_index_entries), *aborted));
            ++next.txn_index_entries;
            names_changed();
            MQ_KILLPOINT("append.after_txn_index");
        }
        producers_stale = false;
        next.last_producer_offset = plan.last_offset;
        next.first_unstable = producers.first_unstable_offset().value_or(kNoOffset);
    }
    next.log_end = plan.last_offset + 1;
    producers_end = next.log_end;
    now = next;
    MQ_KILLPOINT("append.before_publish");
    publish();
    MQ_KILLPOINT("append.after_publish");
    state->dirty.store(0, std::memory_order_release);
    return {};
}

}  // namespace mq::log
