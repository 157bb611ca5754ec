#include <algorithm>

#include "base/seeded_bug.h"
#include "offsets/offset_store.h"

namespace mq::offsets {

Result<Resumption> resume(store::PartitionReader& reader, const Committed& committed) {
    MQ_ASSIGN(const store::Bounds bounds, reader.bounds());
    const auto text = [](Offset offset) { return std::to_string(offset.value()); };
    if (committed.offset < bounds.log_start) {
        return Resumption{bounds.log_start, "the group has committed offset " + text(committed.offset) +
                                                ", which is gone: going on at the start of the log, " +
                                                text(bounds.log_start)};
    }
    Offset end = bounds.log_end;
    if (committed.leader_epoch >= 0 && !MQ_BUG("resume.ignores_epochs")) {
        MQ_ASSIGN(const log::LeaderEpochs epochs, reader.leader_epochs());
        const log::EpochEnd known = epochs.end_of(committed.leader_epoch, bounds.log_end);
        if (known.end_offset != kNoOffset) end = std::min(end, known.end_offset);
    }
    if (committed.offset <= end) return Resumption{committed.offset, {}};
    const std::string_view why = end < bounds.log_end ? ", but a crash of the machine cut the log at "
                                                      : ", which lies behind the end of the log, ";
    return Resumption{end, "the group has committed offset " + text(committed.offset) + std::string{why} + text(end) +
                               ": going on there"};
}

}  // namespace mq::offsets
