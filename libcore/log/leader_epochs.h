// The history of leader epochs of a partition: at which offset each began. Source of the rules:
// org.apache.kafka.storage.internals.epoch.LeaderEpochFileCache.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/strong_int.h"

namespace mq::log {

struct EpochStart {
    LeaderEpoch epoch = 0;
    Offset start_offset{0};
    bool operator==(const EpochStart&) const = default;
};

struct EpochEnd {
    LeaderEpoch epoch = -1;
    Offset end_offset = kNoOffset;
    bool operator==(const EpochEnd&) const = default;
};

// Pure; the file is leader-epoch-checkpoint (checkpoint_file.h). Every change tells whether the file must be written.
class LeaderEpochs {
public:
    LeaderEpochs() = default;
    // Takes entries as they are; they must ascend by epoch and offset.
    explicit LeaderEpochs(std::vector<EpochStart> entries) : entries_(std::move(entries)) {}

    [[nodiscard]] const std::vector<EpochStart>& entries() const { return entries_; }
    [[nodiscard]] std::optional<LeaderEpoch> latest() const;

    // First removes trailing entries with epoch >= or start >= the new one. No change if it is the last epoch and
    // does not start earlier, or if it is negative (a batch without an epoch).
    bool assign(LeaderEpoch epoch, Offset start_offset);
    // Removes entries with start >= `end`.
    bool truncate_end(Offset end);
    // Removes entries with start <= `start`, but keeps the last removed epoch, from `start` on: 0@0 1@40 2@90, start
    // 50 leaves 1@50 2@90.
    bool truncate_start(Offset start);
    // The answer of OffsetForLeaderEpoch, rules OLE-1 to OLE-5.
    [[nodiscard]] EpochEnd end_of(LeaderEpoch asked, Offset log_end) const;
    // The epoch that covers `offset`; nullopt before the first.
    [[nodiscard]] std::optional<LeaderEpoch> epoch_of(Offset offset) const;

private:
    std::vector<EpochStart> entries_;
};

}  // namespace mq::log
