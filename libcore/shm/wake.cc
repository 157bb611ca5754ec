#include "shm/wake.h"

#include "base/seeded_bug.h"

#include <algorithm>

namespace mq::shm {
namespace {

void take_down(std::atomic<std::uint32_t>& flag) {
    if (flag.load(std::memory_order_seq_cst) == 0) return;
    if (flag.exchange(0, std::memory_order_seq_cst) != 0) os::futex_wake_all(flag);
}

// More than one call can name: all look at one word a directory (PUB-5).
bool too_many(std::size_t slots, std::size_t words) { return slots + words > os::kMostFutexWords; }

}  // namespace

void wake(Header& header, PartitionSlot& slot) {
    take_down(slot.waits);
    take_down(header.any_waits);
}

void wake_catalogue(Header& header) {
    header.catalogue_generation.fetch_add(1, std::memory_order_seq_cst);
    if (header.catalogue_waits.load(std::memory_order_seq_cst) == 0) return;
    header.catalogue_waits.store(0, std::memory_order_seq_cst);
    os::futex_wake_all(header.catalogue_generation);
}

void WaitSet::add(Header& header, PartitionSlot& slot, bool writable) {
    if (!writable) {
        blind_ = true;
        return;
    }
    slots_.push_back({&header, &slot});
    if (std::ranges::find(headers_, &header) == headers_.end()) headers_.push_back(&header);
}

void WaitSet::add_catalogue(Header& header, bool writable) {
    words_.push_back({&header.catalogue_generation, header.catalogue_generation.load(std::memory_order_seq_cst)});
    if (writable)
        catalogues_.push_back(&header);
    else
        blind_ = true;
}

void WaitSet::add_word(const std::atomic<std::uint32_t>& word, std::uint32_t expected) {
    const auto known = std::ranges::find(words_, &word, &os::FutexWord::word);
    if (known != words_.end())
        known->expected = expected;
    else
        words_.push_back({&word, expected});
}

void WaitSet::raise() {
    if (too_many(slots_.size(), words_.size()))
        for (Header* header : headers_) header->any_waits.store(1, std::memory_order_seq_cst);
    else
        for (const Watched& watched : slots_) watched.slot->waits.store(1, std::memory_order_seq_cst);
    for (Header* header : catalogues_) header->catalogue_waits.store(1, std::memory_order_seq_cst);
    // The caller's look at what was published comes after the flags, in every processor's eyes.
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

Result<bool> WaitSet::sleep(int timeout_ms) {
    std::vector<os::FutexWord> words = words_;
    if (too_many(slots_.size(), words_.size()))
        for (Header* header : headers_) words.push_back({&header->any_waits, 1});
    else
        for (const Watched& watched : slots_) words.push_back({&watched.slot->waits, 1});
    static const std::atomic<std::uint32_t> nothing{0};
    if (words.empty()) words.push_back({&nothing, 0});
    if (MQ_BUG("wait.for_ever") && timeout_ms < 0 && !blind_) return os::futex_wait(words, -1);
    const int longest = blind_ ? kBlindSleepMs : kLongestSleepMs;
    return os::futex_wait(words, timeout_ms < 0 ? longest : std::min(timeout_ms, longest));
}

}  // namespace mq::shm
