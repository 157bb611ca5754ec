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

bool is_only_broker(const std::atomic<std::uint32_t>& flag) {
    return flag.load(std::memory_order_seq_cst) == static_cast<std::uint32_t>(Sleeper::broker);
}

}  // namespace

void wake(Header& header, PartitionSlot& slot) {
    take_down(slot.waits);
    take_down(header.any_waits);
}

void wake_others(Header& header, PartitionSlot& slot) {
    if (!is_only_broker(slot.waits)) take_down(slot.waits);
    if (!is_only_broker(header.any_waits)) take_down(header.any_waits);
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
        for (Header* header : headers_) header->any_waits.fetch_or(bit_, std::memory_order_seq_cst);
    else
        for (const Watched& watched : slots_) watched.slot->waits.fetch_or(bit_, std::memory_order_seq_cst);
    for (Header* header : catalogues_) header->catalogue_waits.store(1, std::memory_order_seq_cst);
    // The caller's look at what was published comes after the flags, in every processor's eyes.
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

Result<bool> WaitSet::sleep(int timeout_ms) {
    std::vector<os::FutexWord> words = words_;
    bool still_up = true;
    const auto add_flag = [&](const std::atomic<std::uint32_t>& flag) {
        const std::uint32_t now = flag.load(std::memory_order_seq_cst);
        still_up = still_up && (now & bit_) != 0;
        words.push_back({&flag, now});
    };
    if (too_many(slots_.size(), words_.size()))
        for (Header* header : headers_) add_flag(header->any_waits);
    else
        for (const Watched& watched : slots_) add_flag(watched.slot->waits);
    if (!still_up) return true;
    static const std::atomic<std::uint32_t> nothing{0};
    if (words.empty()) words.push_back({&nothing, 0});
    if (MQ_BUG("wait.for_ever") && timeout_ms < 0 && !blind_) return os::futex_wait(words, -1);
    const int longest = blind_ ? kBlindSleepMs : kLongestSleepMs;
    return os::futex_wait(words, timeout_ms < 0 ? longest : std::min(timeout_ms, longest));
}

}  // namespace mq::shm
