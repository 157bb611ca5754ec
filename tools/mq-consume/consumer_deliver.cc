// What is done with a batch: its records printed, or the batch as it is, or counted.
#include <algorithm>
#include <limits>

#include "cli/signals.h"
#include "consumer.h"
#include "internal_record.h"
#include "stdout_watch.h"

namespace mq::consume {

// How many records may still be printed of a partition.
std::uint64_t Consumer::allowance(const Partition& partition) const {
    constexpr std::uint64_t kMany = std::numeric_limits<std::uint64_t>::max();
    return std::min(args_.count.value_or(kMany) - records_,
                    args_.count_per_partition.value_or(kMany) - partition.records);
}

bool Consumer::is_wanted(const Partition& partition, const record::RecordView& record) {
    if (partition.latest && !partition.latest->keeps(record)) return false;
    if (matcher_->empty()) return true;
    looked_at_ = &record;
    return matcher_->matches(record, lookup_);
}

Status Consumer::start_printing(Partition& partition) {
    printing_ = &partition;
    MQ_ASSIGN(const store::Bounds bounds, partition.stream->bounds());
    const log::TopicPartition& id = partition.stream->id();
    printer_->start_partition({id.topic, id.partition, bounds.log_start, bounds.last_stable, bounds.high_watermark});
    return {};
}

// True: its partition, or all, have given enough.
Result<bool> Consumer::deliver(Partition& partition) {
    bytes_ += partition.stream->batch().bytes.size();
    if (commands_ != nullptr) return deliver_to_commands(partition);
    if (args_.count_only) return count_batch(partition);
    if (printing_ != &partition) MQ_TRY(start_printing(partition));
    return args_.framing == cli::Framing::kbatch ? deliver_whole_batch(partition) : deliver_records(partition);
}

Result<bool> Consumer::deliver_records(Partition& partition) {
    PartitionStream& stream = *partition.stream;
    const record::BatchHeader& header = stream.batch().header;
    const Offset from = stream.position();
    const Offset until = stream.until().value_or(Offset{INT64_MAX});
    const std::uint64_t before = printer_->count();
    const std::uint64_t most = allowance(partition);
    Offset next = from;
    Status printed;
    bool enough = false;
    MQ_ASSIGN(const bool open, stream.open_records());
    OutputLedger* const marks = outlet_ ? outlet_->begin(stream.id(), header.leader_epoch) : nullptr;
    const bool quick = open && printer_->is_plain() && wants_all();
    if (quick) {
        const auto run = printer_->print_run(stream.records(), from, until, most, marks);
        if (!run) return fail(run.error());
        next = run->next;
        enough = run->enough;
    }
    for (record::RecordView record; open && !quick && stream.records().next(record);) {
        if (record.offset < from) continue;
        if (record.offset >= until) break;
        if (!is_wanted(partition, record)) continue;
        printed = printer_->print(record, header);
        if (!printed) break;
        next = record.offset + 1;
        if (marks != nullptr) marks->add(out_.position(), next);
        if (printer_->count() - before == most) {
            enough = true;
            break;
        }
    }
    records_ += printer_->count() - before;
    partition.records += printer_->count() - before;
    stream.set_position(enough || !printed ? next : std::min(until, header.next_offset()));
    tell_outlet(partition, from, next);
    if (!printed) {
        if (printed.error().code != Errc::corrupt) return fail(std::move(printed).error());
        return stream.damaged(std::move(printed).error());
    }
    if (open && !enough) MQ_TRY(stream.close_records());
    return enough;
}

// The next record of a merge. False: reading ends before it is due.
Result<bool> Consumer::print_head(Partition& partition) {
    const record::RecordView& record = partition.head;
    if (is_wanted(partition, record)) {
        if (printing_ != &partition) MQ_TRY(start_printing(partition));
        if (pacer_) {
            MQ_ASSIGN(const bool due, wait_until_due(record.timestamp));
            if (!due) return false;
        }
        if (Status printed = printer_->print(record, partition.stream->batch().header); !printed) {
            if (printed.error().code != Errc::corrupt) return fail(std::move(printed).error());
            return partition.stream->damaged(std::move(printed).error());
        }
        ++records_;
        ++partition.records;
    }
    partition.stream->set_position(record.offset + 1);
    return true;
}

Result<bool> Consumer::wait_until_due(TimestampMs timestamp) {
    const Clock::time_point due = pacer_->due(timestamp, Clock::now());
    for (Clock::time_point now = Clock::now(); now < due; now = Clock::now()) {
        MQ_TRY(out_.flush());
        Clock::time_point wake = due;
        if (args_.timeout_ms) wake = std::min(wake, started_ + std::chrono::milliseconds{*args_.timeout_ms});
        if (wake <= now || cli::FirstSignal::taken() != 0) return false;
        sleep_watching_stdout(std::chrono::ceil<std::chrono::milliseconds>(wake - now).count());
    }
    return true;
}

// --framing kbatch. A batch that lies partly outside of what was asked for is encoded anew with the records inside.
Result<bool> Consumer::deliver_whole_batch(Partition& partition) {
    PartitionStream& stream = *partition.stream;
    const record::BatchHeader& header = stream.batch().header;
    const Offset from = stream.position();
    const Offset until = stream.until().value_or(Offset{INT64_MAX});
    const std::uint64_t most = allowance(partition);
    const std::uint64_t before = printer_->count();
    const bool whole = header.magic == record::kMagicV2 && header.base_offset >= from &&
                       header.next_offset() <= until && static_cast<std::uint64_t>(header.record_count) <= most;
    Offset next = std::min(until, header.next_offset());
    if (whole) {
        if (header.record_count > 0) MQ_TRY(printer_->print_batch(stream.batch().bytes, header));
    } else {
        MQ_ASSIGN(const bool open, stream.open_records());
        printer_->begin_batch(header);
        std::uint64_t taken = 0;
        for (record::RecordView record; open && taken < most && stream.records().next(record);) {
            if (record.offset < from) continue;
            if (record.offset >= until) break;
            printer_->add_to_batch(record);
            if (++taken == most) next = record.offset + 1;
        }
        if (open && taken < most) MQ_TRY(stream.close_records());
        MQ_TRY(printer_->end_batch());
    }
    stream.set_position(next);
    tell_outlet(partition, from, next);
    const std::uint64_t printed = printer_->count() - before;
    records_ += printed;
    partition.records += printed;
    return printed == most;
}

// --count-only: the header of a batch says how many records compaction has left in it. Only a batch that is counted
// in part, and a message set of the older formats, are looked into.
Result<bool> Consumer::count_batch(Partition& partition) {
    PartitionStream& stream = *partition.stream;
    const record::BatchHeader& header = stream.batch().header;
    const Offset from = stream.position();
    const Offset until = stream.until().value_or(Offset{INT64_MAX});
    const std::uint64_t most = allowance(partition);
    std::uint64_t counted = 0;
    if (wants_all() && header.magic == record::kMagicV2 && header.base_offset >= from &&
        header.next_offset() <= until) {
        counted = static_cast<std::uint64_t>(header.record_count);
    } else {
        MQ_ASSIGN(const bool open, stream.open_records());
        for (record::RecordView record; open && stream.records().next(record);) {
            counted += record.offset >= from && record.offset < until && is_wanted(partition, record);
        }
        if (open) MQ_TRY(stream.close_records());
    }
    counted = std::min(counted, most);
    stream.set_position(std::min(until, header.next_offset()));
    records_ += counted;
    partition.records += counted;
    return counted == most;
}

}  // namespace mq::consume
