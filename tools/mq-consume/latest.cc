#include "latest.h"

#include <algorithm>
#include <limits>
#include <random>

#include "base/function_ref.h"

namespace mq::consume {

namespace {

// The records in [from, until), forward.
Status read_records(PartitionStream& stream, Offset from, Offset until,
                    FunctionRef<void(const record::RecordView&)> take) {
    stream.set_span(from, until);
    for (;;) {
        MQ_ASSIGN(const Step step, stream.next_batch());
        if (step != Step::batch) return {};
        MQ_ASSIGN(const bool open, stream.open_records());
        if (open && !stream.batch().header.is_control()) {
            for (record::RecordView record; stream.records().next(record);) {
                if (record.offset >= from && record.offset < until) take(record);
            }
            MQ_TRY(stream.close_records());
        }
        stream.set_position(stream.batch().header.next_offset());
    }
}

std::array<std::uint64_t, 2> random_secret() {
    std::random_device random;
    const auto word = [&] { return (static_cast<std::uint64_t>(random()) << 32) | random(); };
    return {word(), word()};
}

}  // namespace

Result<std::optional<LatestRecord>> find_latest(PartitionStream& stream, ByteView key, Offset from, Offset until) {
    constexpr std::int64_t kFirstStep = 256;
    constexpr std::int64_t kGrowth = 4;
    for (std::int64_t step = kFirstStep; until > from; step *= kGrowth) {
        const Offset begin = until - from <= step ? from : until - step;
        std::optional<LatestRecord> found;
        MQ_TRY(read_records(stream, begin, until, [&](const record::RecordView& record) {
            if (record.key == key) found = {record.offset, record.timestamp, !record.value};
        }));
        if (found) return found;
        until = begin;
    }
    return std::optional<LatestRecord>{};
}

LatestOfPartition::LatestOfPartition() : last_(std::numeric_limits<std::size_t>::max() / 4, 0.75, random_secret()) {}

Result<LatestOfPartition> LatestOfPartition::read(PartitionStream& stream, Offset from, Offset until) {
    LatestOfPartition latest;
    bool fits = true;
    MQ_TRY(read_records(stream, from, until, [&](const record::RecordView& record) {
        if (record.key) fits = fits && latest.last_.put(*record.key, record.offset);
    }));
    if (!fits) return fail(Errc::too_many, "read the latest records", log::partition_directory(stream.id()));
    return latest;
}

bool LatestOfPartition::keeps(const record::RecordView& record) const {
    return record.key && record.value && last_.find(*record.key) == record.offset;
}

}  // namespace mq::consume
