// Sleeping until a partition changes, and waking those who do. Rules PUB-4 and PUB-5.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "os/futex.h"
#include "shm/layout.h"

namespace mq::shm {

inline constexpr int kLongestSleepMs = 500;  // a waker may die between publishing and waking
inline constexpr int kBlindSleepMs = 10;     // of one who cannot tell that it sleeps

// Who sleeps, as the flags of slots and header say it: bits.
enum class Sleeper : std::uint32_t {
    anybody = 1,
    broker = 2,  // the one thread of the directory's broker that waits on behalf of its clients
};

// Wakes whoever waits for this partition. After publishing, with a sequentially consistent store. Costs two loads
// where nobody waits.
void wake(Header& header, PartitionSlot& slot);
// The same by the broker, who looks after its own clients: its thread sleeps on if nobody else does.
void wake_others(Header& header, PartitionSlot& slot);
// The set of topics or a setting has changed.
void wake_catalogue(Header& header);

// What one thread waits for:
//
//     WaitSet set;
//     set.add(file.header(), *slot, file.writable());     for each partition
//     set.raise();
//     if (there is nothing new) set.sleep(timeout_ms);
//
// Look again after every sleep, and raise again before the next. What is waited for must outlive the set.
class WaitSet {
public:
    explicit WaitSet(Sleeper sleeper = Sleeper::anybody) : bit_(static_cast<std::uint32_t>(sleeper)) {}

    void add(Header& header, PartitionSlot& slot, bool writable);
    // The set of topics and their settings, as they are now.
    void add_catalogue(Header& header, bool writable);
    // Any other word, for instance one that a signal handler changes: the sleep ends when it no longer holds
    // `expected`. Again for the same word: it holds another now.
    void add_word(const std::atomic<std::uint32_t>& word, std::uint32_t expected);
    // Something that nobody will wake for.
    void add_unwatched() { blind_ = true; }

    // Says that somebody sleeps here. What was published before a waker saw it is visible after.
    void raise();
    // One sleep, of at most kLongestSleepMs or kBlindSleepMs, and of `timeout_ms` unless that is negative. True:
    // woken, or it may be so.
    [[nodiscard]] Result<bool> sleep(int timeout_ms);

private:
    struct Watched {
        Header* header;
        PartitionSlot* slot;
    };
    const std::uint32_t bit_;
    std::vector<Watched> slots_;
    std::vector<Header*> headers_;  // of slots_, each once
    std::vector<Header*> catalogues_;
    std::vector<os::FutexWord> words_;  // besides those of slots_
    bool blind_ = false;
};

}  // namespace mq::shm
