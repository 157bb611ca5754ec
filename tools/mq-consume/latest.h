// --get and --latest-per-key: the last record of one key, or of each.
#pragma once

#include <optional>
#include <vector>

#include "log/offset_map.h"
#include "partition_stream.h"

namespace mq::consume {

struct LatestRecord {
    Offset offset{0};
    TimestampMs timestamp = kNoTimestamp;
    bool is_tombstone = false;
};
// The last record with this key in [from, until), looked for from its end on in steps that grow: a recent one is
// found soon in a log of any size, and none costs about one reading. Uses the stream, whose span means nothing
// afterwards. Errors: those of reading.
[[nodiscard]] Result<std::optional<LatestRecord>> find_latest(PartitionStream& stream, ByteView key, Offset from,
                                                              Offset until);

// The offsets that compaction would keep of one partition. 24 to 72 bytes of memory for each key. Not thread-safe.
class LatestOfPartition {
public:
    // Reads [from, until); the stream's span means nothing afterwards. Errors: those of reading.
    [[nodiscard]] static Result<LatestOfPartition> read(PartitionStream& stream, Offset from, Offset until);

    // Whether this record, of the same span, is the last of its key, and does not delete it.
    [[nodiscard]] bool keeps(const record::RecordView& record) const;

private:
    LatestOfPartition();

    log::OffsetMap last_;
};

}  // namespace mq::consume
