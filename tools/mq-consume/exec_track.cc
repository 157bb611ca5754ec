#include "exec_track.h"

#include "base/assert.h"

namespace mq::consume {

ExecTrack::Ticket ExecTrack::add(Offset next, LeaderEpoch epoch) {
    pieces_.push_back({{next, epoch}, false});
    return first_ + pieces_.size() - 1;
}

void ExecTrack::finish(Ticket ticket) {
    MQ_ASSERT(ticket >= first_ && ticket - first_ < pieces_.size());
    pieces_[ticket - first_].done = true;
    advance();
}

void ExecTrack::pass(Offset next, LeaderEpoch epoch) {
    const Reached end{next, epoch};
    if (!pieces_.empty() && pieces_.back().done) {
        pieces_.back().end = end;
    } else {
        pieces_.push_back({end, true});
        advance();
    }
}

void ExecTrack::advance() {
    for (; !pieces_.empty() && pieces_.front().done; ++first_) {
        const Reached& end = pieces_.front().end;
        if (!reached_ || end.next > reached_->next) {
            reached_ = end;
            taken_ = false;
        }
        pieces_.pop_front();
    }
}

std::optional<ExecTrack::Reached> ExecTrack::take() {
    if (taken_) return std::nullopt;
    taken_ = true;
    return reached_;
}

}  // namespace mq::consume
