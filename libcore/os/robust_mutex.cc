#include "os/robust_mutex.h"

#include <cerrno>
#include <ctime>

#include "base/assert.h"

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace mq::os {
namespace {

timespec after_ms(int timeout_ms) {
    timespec until{};
    ::clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1'000'000L;
    if (until.tv_nsec >= 1'000'000'000) {
        until.tv_nsec -= 1'000'000'000;
        ++until.tv_sec;
    }
    return until;
}

int wait_for(pthread_mutex_t* mutex, int timeout_ms) {
    if (timeout_ms < 0) return ::pthread_mutex_lock(mutex);
    const timespec until = after_ms(timeout_ms);
#ifdef __SANITIZE_THREAD__
    // It does not know this call, nor a dead owner in those that it knows but for trylock.
    __tsan_mutex_pre_lock(mutex, __tsan_mutex_try_lock);
#endif
    const int r = ::pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
#ifdef __SANITIZE_THREAD__
    const bool taken = r == 0 || r == EOWNERDEAD;
    __tsan_mutex_post_lock(mutex, __tsan_mutex_try_lock | (taken ? 0u : __tsan_mutex_try_lock_failed), 0);
#endif
    return r;
}

}  // namespace

void RobustMutex::initialise() {
    pthread_mutexattr_t attributes;
    MQ_ASSERT(::pthread_mutexattr_init(&attributes) == 0);
    MQ_ASSERT(::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
    MQ_ASSERT(::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    MQ_ASSERT(::pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_NORMAL) == 0);
    MQ_ASSERT(::pthread_mutex_init(&mutex_, &attributes) == 0);
    ::pthread_mutexattr_destroy(&attributes);
}

Result<LockOutcome> RobustMutex::lock(int timeout_ms) {
    int r = ::pthread_mutex_trylock(&mutex_);
    if (r == EBUSY) {
        if (timeout_ms == 0) return LockOutcome::timed_out;
        r = wait_for(&mutex_, timeout_ms);
    }
    switch (r) {
        case 0:
            return LockOutcome::locked;
        case EOWNERDEAD:
            // At once: unlocked as it is, it would be unusable for ever (LCK-4).
            ::pthread_mutex_consistent(&mutex_);
            return LockOutcome::locked_after_death;
        case ETIMEDOUT:
            return LockOutcome::timed_out;
        default:
            return fail(Error{Errc::io, "lock", "", r, {}, "the shared lock is unusable"});
    }
}

void RobustMutex::unlock() { MQ_ASSERT(::pthread_mutex_unlock(&mutex_) == 0); }

}  // namespace mq::os
