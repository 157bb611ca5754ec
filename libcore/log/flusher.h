// Makes what is published durable, from the shared state alone: beside appends of any process, under the flush lock.
#pragma once

#include <string>

#include "log/published_state.h"
#include "os/file.h"

namespace mq::log {

// One at a time for a partition (the caller holds its flush lock, or is alone). Not thread-safe. Source of the order:
// CONCURRENCY APP-6.
class Flusher {
public:
    Flusher(std::string directory, PublishedState& state);

    // Syncs every segment with unflushed bytes, then the directories of new names, then moves `flushed` to the end
    // that was published when it began. Errors: poisoned, before or by this call (APP-7).
    [[nodiscard]] Status flush();

private:
    std::string directory_;
    PublishedState* state_;
    os::File active_;  // kept open between flushes
    Offset active_base_ = kNoOffset;
    std::uint64_t files_generation_ = 0;
};

// Passes `synced` on; a failure marks the partition.
[[nodiscard]] Status poison_unless(PublishedState& state, Status synced);

}  // namespace mq::log
