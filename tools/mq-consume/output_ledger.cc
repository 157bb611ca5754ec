#include "output_ledger.h"

#include <algorithm>

namespace mq::consume {

void OutputLedger::begin(Source source, LeaderEpoch epoch) {
    if (!runs_.empty()) {
        Run& last = runs_.back();
        if (last.source == source && last.epoch == epoch) return;
        if (last.first == marks_.size()) {
            last = {source, epoch, last.first};
            return;
        }
    }
    runs_.push_back({source, epoch, marks_.size()});
}

void OutputLedger::settle(std::uint64_t taken_bytes, FunctionRef<void(Source, const Progress&)> tell) {
    const auto from = marks_.begin() + static_cast<std::ptrdiff_t>(settled_);
    const auto reached = std::ranges::upper_bound(from, marks_.end(), taken_bytes, {}, &Mark::end_bytes);
    if (reached == from) return;
    const auto end = static_cast<std::size_t>(reached - marks_.begin());
    while (!runs_.empty() && runs_.front().first < end) {
        Run& run = runs_.front();
        const std::size_t run_end = runs_.size() > 1 ? runs_[1].first : marks_.size();
        tell(run.source, {marks_[std::min(run_end, end) - 1].next, run.epoch});
        // The last run goes on, with the marks that are still to come.
        if (run_end > end || runs_.size() == 1) {
            run.first = end;
            break;
        }
        runs_.pop_front();
    }
    settled_ = end;
    if (settled_ < marks_.size() / 2) return;
    marks_.erase(marks_.begin(), marks_.begin() + static_cast<std::ptrdiff_t>(settled_));
    for (Run& run : runs_) run.first -= settled_;
    settled_ = 0;
}

bool OutputLedger::has(Source source) const {
    for (std::size_t i = 0; i < runs_.size(); ++i) {
        const std::size_t end = i + 1 < runs_.size() ? runs_[i + 1].first : marks_.size();
        if (runs_[i].source == source && runs_[i].first < end) return true;
    }
    return false;
}

}  // namespace mq::consume
