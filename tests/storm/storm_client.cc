#include "storm/storm_client.h"

#include "record/record.h"

namespace mq::test {

Result<ReadOn> read_on(store::PartitionReader& reader, std::uint16_t number, ClientLog& log, std::uint64_t most) {
    log::ScannedBatch batch;
    record::RecordReader records;
    ReadOn result;
    log.begin_poll();
    while (result.records < most && !log.full()) {
        const std::int64_t position = reader.position().value();
        MQ_ASSIGN(const auto outcome, reader.next(batch));
        if (outcome == log::ReadOutcome::end_of_log) return result;
        if (outcome == log::ReadOutcome::out_of_range)
            return fail(Errc::corrupt, "read", text_of(reader.id()), "out of range at " + std::to_string(position));
        MQ_TRY(records.open(batch.bytes));
        result.epoch = batch.header.leader_epoch;
        std::int64_t run_offset = 0;
        std::uint64_t run_id = 0;
        std::uint32_t run = 0;
        for (record::RecordView record; records.next(record);) {
            if (record.offset.value() < position) continue;
            const auto id = record.value ? storm_id(reader.id(), *record.value) : std::nullopt;
            if (!id)
                return fail(Errc::corrupt, "read", text_of(reader.id()),
                            "a torn or foreign record at offset " + std::to_string(record.offset.value()) + ": " +
                                std::string{record.value.value_or(ByteView{}).substr(0, 80)});
            if (run > 0 && run_id + run == *id && run_offset + run == record.offset.value()) {
                ++run;
            } else {
                if (run > 0) log.read(number, run_offset, run_id, run);
                run_offset = record.offset.value();
                run_id = *id;
                run = 1;
            }
            ++result.records;
        }
        if (run > 0) log.read(number, run_offset, run_id, run);
        MQ_TRY(records.status());
    }
    return result;
}

}  // namespace mq::test
