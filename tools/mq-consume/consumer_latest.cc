// --get and --latest-per-key: what is read is narrowed down to the last records of keys.
#include <algorithm>

#include "base/hash.h"
#include "cli/text.h"
#include "consumer.h"

namespace mq::consume {

// Unless --partition says where to look.
Status Consumer::keep_partition_of_key(std::vector<ChosenPartition>& chosen) const {
    if (!args_.partitions.empty() || chosen.empty()) return {};
    const auto place =
        static_cast<std::size_t>(partition_for_key(*args_.get, static_cast<std::int32_t>(chosen.size())));
    chosen = {chosen[place]};
    return {};
}

Status Consumer::go_to_latest() {
    Partition* latest = nullptr;
    LatestRecord of_all;
    for (const auto& partition : partitions_) {
        PartitionStream& stream = *partition->stream;
        const Offset from = stream.position();
        const Offset until = partition->until.value_or(from);
        if (args_.latest_per_key) {
            MQ_ASSIGN(partition->latest, LatestOfPartition::read(stream, from, until));
            stream.set_span(from, until);
            continue;
        }
        MQ_ASSIGN(const auto found, find_latest(stream, *args_.get, from, until));
        partition->done = true;
        if (!found || (latest != nullptr && found->timestamp < of_all.timestamp)) continue;
        latest = partition.get();
        of_all = *found;
    }
    if (latest == nullptr || of_all.is_tombstone) return {};
    latest->stream->set_span(of_all.offset, of_all.offset + 1);
    latest->until = of_all.offset + 1;
    latest->done = false;
    return {};
}

}  // namespace mq::consume
