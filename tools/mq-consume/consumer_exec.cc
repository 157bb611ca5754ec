// --exec and --exec-batch: records go to commands, as fast as those take them.
#include "consumer.h"

#include <algorithm>

#include "cli/signals.h"
#include "os/futex.h"

namespace mq::consume {

Result<bool> Consumer::deliver_to_commands(Partition& partition) {
    PartitionStream& stream = *partition.stream;
    const Offset from = stream.position();
    const std::uint64_t before = partition.records;
    const std::uint64_t most = allowance(partition);
    if (printer_ && printing_ != &partition) MQ_TRY(start_printing(partition));
    MQ_ASSIGN(const bool open, stream.open_records());
    Offset next = from;
    bool whole = true;
    if (open) {
        MQ_ASSIGN(whole, printer_ ? print_for_commands(partition, next) : offer_records(partition, next));
        if (whole) MQ_TRY(stream.close_records());
    }
    if (whole)
        next =
            std::max(next, std::min(stream.until().value_or(Offset{INT64_MAX}), stream.batch().header.next_offset()));
    stream.set_position(next);
    tell_outlet(partition, from, next);
    return partition.records - before == most;
}

// False: enough, or reading ends before all of the batch went out. `next` stands behind what did.
Result<bool> Consumer::offer_records(Partition& partition, Offset& next) {
    PartitionStream& stream = *partition.stream;
    const Offset from = next;
    const Offset until = stream.until().value_or(Offset{INT64_MAX});
    std::uint64_t left = allowance(partition);
    for (record::RecordView record; left > 0 && stream.records().next(record);) {
        if (record.offset < from) continue;
        if (record.offset >= until) return true;
        if (!is_wanted(partition, record)) continue;
        if (!wait_for_room(partition)) return false;
        commands_->runner().offer(stream.id(), record, stream.batch().header.leader_epoch);
        next = record.offset + 1;
        ++records_;
        ++partition.records;
        --left;
    }
    return left > 0;
}

Result<bool> Consumer::print_for_commands(Partition& partition, Offset& next) {
    PartitionStream& stream = *partition.stream;
    ExecRunner& runner = commands_->runner();
    const record::BatchHeader& header = stream.batch().header;
    const Offset from = next;
    const Offset until = stream.until().value_or(Offset{INT64_MAX});
    const bool quick = printer_->is_plain() && wants_all() && !runner.needs_records();
    const auto tell = [&](Offset behind, std::uint64_t count) {
        next = behind;
        records_ += count;
        partition.records += count;
        runner.printed(stream.id(), behind, header.leader_epoch, count);
    };
    while (quick) {
        const std::uint64_t left = allowance(partition);
        if (left == 0 || !wait_for_room(partition)) return false;
        const std::uint64_t before = printer_->count();
        MQ_ASSIGN(const Printer::Run run,
                  printer_->print_run(stream.records(), from, until, std::min(left, runner.batch_room()), nullptr));
        if (printer_->count() > before) tell(run.next, printer_->count() - before);
        if (!run.enough) return true;
    }
    for (record::RecordView record; allowance(partition) > 0 && stream.records().next(record);) {
        if (record.offset < from) continue;
        if (record.offset >= until) return true;
        if (!is_wanted(partition, record)) continue;
        if (!wait_for_room(partition)) return false;
        if (Status printed = printer_->print(record, header); !printed)
            return stream.damaged(std::move(printed).error());
        if (runner.needs_records()) runner.keep(stream.id(), record);
        tell(record.offset + 1, 1);
    }
    return allowance(partition) > 0;
}

// False: reading ends, or the partition goes, before there is any.
bool Consumer::wait_for_room(const Partition& partition) {
    constexpr int kLookMs = 50;
    const ExecRunner& runner = commands_->runner();
    for (;;) {
        const std::uint32_t seen = runner.word().load();
        if (runner.has_room() && ended_ == End::not_yet && !partition.leaving) return true;
        if (check_limits() != End::not_yet || partition.leaving) return false;
        if (runner.has_room()) return true;
        const os::FutexWord words[] = {{&runner.word(), seen}, {cli::FirstSignal::word(), 0}};
        // Who cannot sleep goes on looking.
        static_cast<void>(os::futex_wait(words, kLookMs));
    }
}

}  // namespace mq::consume
