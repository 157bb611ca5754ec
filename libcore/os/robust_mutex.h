// A lock in shared memory that outlives the death of its holder.
#pragma once

#include <pthread.h>

#include <cstdint>

#include "base/error.h"

namespace mq::os {

enum class LockOutcome : unsigned char {
    locked,
    locked_after_death,  // its holder died inside; what it guards may be half-done. The lock is consistent again.
    timed_out,
};

// A process-shared, robust, normal pthread mutex (CONCURRENCY LCK-1). It must be initialised once, by whoever lays the
// memory out, before anybody else sees it, and is never destroyed. The thread that locks it unlocks it.
class RobustMutex {
public:
    void initialise();

    // Waits at most `timeout_ms` (-1: for ever, 0: does not wait). Errors: io, if the mutex is unusable (its memory
    // was overwritten).
    [[nodiscard]] Result<LockOutcome> lock(int timeout_ms);
    void unlock();

private:
    pthread_mutex_t mutex_;
};
static_assert(sizeof(RobustMutex) <= 40);

}  // namespace mq::os
