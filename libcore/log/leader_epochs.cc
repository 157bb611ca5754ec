#include "log/leader_epochs.h"

#include <algorithm>

namespace mq::log {
namespace {

// The first entry with an epoch above `epoch`.
auto first_above(const std::vector<EpochStart>& entries, LeaderEpoch epoch) {
    return std::upper_bound(entries.begin(), entries.end(), epoch,
                            [](LeaderEpoch e, const EpochStart& entry) { return e < entry.epoch; });
}

// The first entry that starts after `offset`.
auto first_after(const std::vector<EpochStart>& entries, Offset offset) {
    return std::upper_bound(entries.begin(), entries.end(), offset,
                            [](Offset o, const EpochStart& entry) { return o < entry.start_offset; });
}

// The first entry that starts at `offset` or later.
auto first_from(const std::vector<EpochStart>& entries, Offset offset) {
    return std::lower_bound(entries.begin(), entries.end(), offset,
                            [](const EpochStart& entry, Offset o) { return entry.start_offset < o; });
}

}  // namespace

std::optional<LeaderEpoch> LeaderEpochs::latest() const {
    if (entries_.empty()) return std::nullopt;
    return entries_.back().epoch;
}

bool LeaderEpochs::assign(LeaderEpoch epoch, Offset start_offset) {
    // Batches without an epoch (-1) are no part of the history.
    if (epoch < 0 || start_offset < Offset{0}) return false;
    if (!entries_.empty() && entries_.back().epoch == epoch && entries_.back().start_offset <= start_offset)
        return false;
    while (!entries_.empty() && (entries_.back().epoch >= epoch || entries_.back().start_offset >= start_offset))
        entries_.pop_back();
    entries_.push_back({epoch, start_offset});
    return true;
}

bool LeaderEpochs::truncate_end(Offset end) {
    const auto first = first_from(entries_, end);
    if (first == entries_.end()) return false;
    entries_.erase(first, entries_.end());
    return true;
}

bool LeaderEpochs::truncate_start(Offset start) {
    const auto kept = first_after(entries_, start);
    if (kept == entries_.begin()) return false;
    const EpochStart covering{(kept - 1)->epoch, start};
    if (kept - 1 == entries_.begin() && entries_.front() == covering) return false;
    entries_.erase(entries_.begin(), kept - 1);
    entries_.front() = covering;
    return true;
}

EpochEnd LeaderEpochs::end_of(LeaderEpoch asked, Offset log_end) const {
    if (asked < 0 || entries_.empty()) return {};                 // OLE-1
    if (asked == entries_.back().epoch) return {asked, log_end};  // OLE-2
    const auto next = first_above(entries_, asked);
    if (next == entries_.end()) return {};                             // OLE-3
    if (next == entries_.begin()) return {asked, next->start_offset};  // OLE-4
    return {(next - 1)->epoch, next->start_offset};                    // OLE-5
}

std::optional<LeaderEpoch> LeaderEpochs::epoch_of(Offset offset) const {
    const auto next = first_after(entries_, offset);
    if (next == entries_.begin()) return std::nullopt;
    return (next - 1)->epoch;
}

}  // namespace mq::log
