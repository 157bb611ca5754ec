// What a group has committed through this process, and when the next commit is due: --commit.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "args.h"
#include "events.h"
#include "offsets/offset_store.h"
#include "output_ledger.h"

namespace mq::consume {

// What may be committed is told with settle(); here it waits for its turn. Not thread-safe; what it is given by
// reference must outlive it.
class Committer {
public:
    using Clock = std::chrono::steady_clock;

    // `joined`: the process is a member of the group. Else each commit is held against members that came meanwhile.
    Committer(const GroupArgs& args, store::DataDirectory& directory, offsets::OffsetStore& offsets,
              const Events& events, bool joined);

    // Of this partition everything below is done with. A progress that goes back is none.
    void settle(const log::TopicPartition& id, const Progress& progress);
    // Where the group stands already: no commit is made until there is more.
    void begin(const log::TopicPartition& id, Offset committed) { done_[id] = {committed, -1}; }
    // It is somebody else's now.
    void forget(const log::TopicPartition& id) {
        pending_.erase(id);
        done_.erase(id);
    }

    // Something is settled and not committed, and the policy wants it to be.
    [[nodiscard]] bool is_pending() const { return !pending_.empty() && args_.commit != CommitPolicy::never; }
    // Whether a commit is due as of `now`, where the process is busy or (idle) has nothing else to do.
    [[nodiscard]] bool is_due(Clock::time_point now, bool idle) const;
    // When the next commit is due; Clock::time_point::max(): at the end only.
    [[nodiscard]] Clock::time_point next_due(bool idle) const;

    // Everything that is settled, unless the policy is never. Errors: in_use (the group has members, and this
    // process is none), those of the store.
    [[nodiscard]] Status commit(Clock::time_point now);
    // What was committed survives the machine.
    [[nodiscard]] Status flush();

private:
    const GroupArgs& args_;
    store::DataDirectory& directory_;
    offsets::OffsetStore& offsets_;
    const Events& events_;
    bool joined_;
    bool written_ = false;
    Clock::time_point last_;
    std::map<log::TopicPartition, Progress> pending_;
    std::map<log::TopicPartition, Progress> done_;
};

}  // namespace mq::consume
