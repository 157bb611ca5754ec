// --merge timestamp: the oldest of the partitions' next records, again and again. Each partition holds one batch.
#include <algorithm>

#include "base/clock.h"
#include "consumer.h"

namespace mq::consume {

// To the partition's next record. False: it has none, for now or (done) for good.
Result<bool> Consumer::advance(Partition& partition) {
    PartitionStream& stream = *partition.stream;
    const Offset until = stream.until().value_or(Offset{INT64_MAX});
    partition.has_head = false;
    for (;;) {
        if (!partition.in_batch) {
            MQ_ASSIGN(const Step step, stream.next_batch());
            if (step != Step::batch) {
                partition.done = step == Step::ended;
                return false;
            }
            bytes_ += stream.batch().bytes.size();
            last_record_ = partition.head_since = now_;
            MQ_ASSIGN(const bool open, stream.open_records());
            if (!open) {
                stream.set_position(stream.batch().header.next_offset());
                continue;
            }
            partition.in_batch = true;
        }
        while (stream.records().next(partition.head)) {
            if (partition.head.offset < stream.position()) continue;
            if (partition.head.offset >= until) break;
            partition.has_head = true;
            return true;
        }
        partition.in_batch = false;
        MQ_TRY(stream.close_records());
        stream.set_position(std::max(stream.position(), std::min(until, stream.batch().header.next_offset())));
    }
}

Consumer::Partition* Consumer::oldest_head() {
    Partition* oldest = nullptr;
    for (const auto& partition : partitions_) {
        if (!partition->has_head) continue;
        if (oldest == nullptr || partition->head.timestamp < oldest->head.timestamp) oldest = partition.get();
    }
    return oldest;
}

// How long an older record of a partition that has nothing now is still waited for.
std::int64_t Consumer::hold_back_ms(const Partition& oldest) const {
    const std::int64_t age_ms = wall_clock_ms() - oldest.head.timestamp;
    const std::int64_t waited_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(now_ - oldest.head_since).count();
    return std::max<std::int64_t>(0, args_.merge_window_ms - std::max(age_ms, waited_ms));
}

End Consumer::fill_heads(bool& any_open, bool& any_empty) {
    any_open = any_empty = false;
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
        Partition& partition = *partitions_[i];
        if (!partition.done && !partition.has_head) {
            const auto advanced = advance(partition);
            if (!advanced) {
                if (const End end = stumble(partition, advanced.error()); end != End::not_yet) return end;
            } else if (!*advanced) {
                if (const auto end = explain_cuts(partition); end && *end != End::not_yet) return *end;
            }
        }
        any_open |= !partition.done;
        any_empty |= !partition.done && !partition.has_head;
    }
    return End::not_yet;
}

End Consumer::read_merged() {
    // So many records are printed between two looks at the clock, at signals, and at partitions without a record.
    constexpr int kRun = 256;
    constexpr std::int64_t kForLong = 3'600'000;
    for (;;) {
        if (const End end = check_limits(); end != End::not_yet) return end;
        bool any_open = false;
        bool any_empty = false;
        if (const End end = fill_heads(any_open, any_empty); end != End::not_yet) return end;
        if (!any_open && !may_grow()) return End::all_read;
        Partition* oldest = oldest_head();
        const std::int64_t hold_ms = oldest == nullptr ? kForLong : any_empty ? hold_back_ms(*oldest) : 0;
        if (hold_ms > 0) {
            if (const End end = wait_for_more(hold_ms); end != End::not_yet) return end;
            continue;
        }
        for (int i = 0; oldest != nullptr && i < (any_empty ? 1 : kRun); ++i, oldest = oldest_head()) {
            const auto printed = print_head(*oldest);
            if (!printed) {
                if (const End end = stumble(*oldest, printed.error()); end != End::not_yet) return end;
                oldest->has_head = false;
                break;
            }
            if (!*printed) break;
            if (records_ == args_.count) return End::enough;
            if (oldest->records == args_.count_per_partition) {
                oldest->done = true;
                oldest->has_head = false;
                continue;
            }
            const auto advanced = advance(*oldest);
            if (!advanced) {
                if (const End end = stumble(*oldest, advanced.error()); end != End::not_yet) return end;
                break;
            }
            if (!*advanced) break;
        }
    }
}

}  // namespace mq::consume
