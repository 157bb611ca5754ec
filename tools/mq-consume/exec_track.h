// Which of a partition's records are done, where commands end in any order.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/strong_int.h"

namespace mq::consume {

// Pieces of work in the order of their offsets. What may be committed is the end of those that are done without a
// gap: of [0..9] done, [10..19] running, [20..29] done it is 10. Not thread-safe.
class ExecTrack {
public:
    using Ticket = std::uint64_t;

    // Work on everything below `next` that is not in the track yet.
    Ticket add(Offset next, LeaderEpoch epoch);
    void finish(Ticket ticket);
    // Below `next` there is no work but that which was added.
    void pass(Offset next, LeaderEpoch epoch);

    // Whether all work before it is done.
    [[nodiscard]] bool is_first(Ticket ticket) const { return ticket == first_; }
    // Pieces from the first that is not done on.
    [[nodiscard]] std::size_t held() const { return pieces_.size(); }

    struct Reached {
        Offset next{0};
        LeaderEpoch leader_epoch = -1;
    };
    // Nothing if it is where it was at the last call.
    [[nodiscard]] std::optional<Reached> take();

private:
    struct Piece {
        Reached end;
        bool done = false;
    };
    void advance();

    std::deque<Piece> pieces_;
    Ticket first_ = 0;  // of pieces_.front()
    std::optional<Reached> reached_;
    bool taken_ = true;
};

}  // namespace mq::consume
