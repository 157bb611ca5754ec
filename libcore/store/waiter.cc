// Waiting for records of several partitions at once.

#include <algorithm>
#include <thread>

#include "os/process.h"
#include "shm/wake.h"
#include "store/reader_impl.h"

namespace mq::store {
namespace {

// About as long as a wake-up takes: who is faster than that is not slept for.
constexpr std::int64_t kSpinNs = 20'000;

}  // namespace

Waiter::Waiter(const std::atomic<std::uint32_t>* interrupt) : interrupt_(interrupt) {}

void Waiter::watch(const std::atomic<std::uint32_t>* word, std::uint32_t expected) {
    watched_ = word;
    expected_ = expected;
}

Result<bool> Waiter::wait(std::span<PartitionReader* const> readers, int timeout_ms, bool catalogue) {
    std::uint32_t generation = 0;
    shm::Header* header = nullptr;
    bool writable = false;
    for (const PartitionReader* reader : readers) {
        if (!reader->impl_->control) continue;
        header = &reader->impl_->control->header();
        writable = reader->impl_->control->writable();
        generation = header->catalogue_generation.load();
        break;
    }
    const auto has_news = [&] {
        if (interrupt_ != nullptr && interrupt_->load() != 0) return true;
        if (watched_ != nullptr && watched_->load() != expected_) return true;
        if (catalogue && header != nullptr && header->catalogue_generation.load() != generation) return true;
        return std::ranges::any_of(readers, [](const PartitionReader* reader) { return reader->impl_->has_news(); });
    };
    const std::int64_t begin = os::monotonic_ns();
    static const bool spins = std::thread::hardware_concurrency() > 1;
    if (spins) {
        while (os::monotonic_ns() - begin < kSpinNs) {
            if (has_news()) return true;
        }
    }
    for (;;) {
        shm::WaitSet set;
        if (interrupt_ != nullptr) set.add_word(*interrupt_, 0);
        if (watched_ != nullptr) set.add_word(*watched_, expected_);
        if (catalogue && header != nullptr) set.add_catalogue(*header, writable);
        for (PartitionReader* reader : readers) {
            PartitionReader::Impl& r = *reader->impl_;
            if (r.is_live()) {
                set.add(r.control->header(), *r.slot, r.control->writable());
            } else {
                set.add_unwatched();
                MQ_ASSIGN(const bool moved, r.refresh());
                if (moved) return true;
            }
        }
        set.raise();
        if (has_news()) return true;
        int left_ms = -1;
        if (timeout_ms >= 0) {
            const std::int64_t passed_ms = (os::monotonic_ns() - begin) / 1'000'000;
            if (passed_ms >= timeout_ms) return false;
            left_ms = static_cast<int>(timeout_ms - passed_ms);
        }
        MQ_TRY(set.sleep(left_ms));
        if (has_news()) return true;
    }
}

}  // namespace mq::store
