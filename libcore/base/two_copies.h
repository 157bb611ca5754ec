// A value in shared memory that one writer replaces while any number of readers take it whole.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace mq {

// Two copies and a counter that only grows (CONCURRENCY PUB-1). A reader takes copy[counter & 1] and starts again if the
// counter moved: the writer changes the other copy, then raises the counter, so a writer that dies half-way leaves the
// readable copy whole. One writer at a time. Zero bytes are a valid state: a T of zero bytes. `Atomic` and `Fence` are
// parameters so that a test can run every interleaving.
struct StdFence {
    static void acquire() { std::atomic_thread_fence(std::memory_order_acquire); }
    static void release() { std::atomic_thread_fence(std::memory_order_release); }
};

template <typename T, template <typename> class Atomic = std::atomic, typename Fence = StdFence>
class TwoCopies {
public:
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % 8 == 0);
    static constexpr std::size_t kWords = sizeof(T) / 8;

    [[nodiscard]] T read() const {
        for (;;) {
            const std::uint64_t before = counter_.load(std::memory_order_acquire);
            std::array<std::uint64_t, kWords> words;
            for (std::size_t i = 0; i < kWords; ++i) words[i] = copy_[before & 1][i].load(std::memory_order_relaxed);
            Fence::acquire();
            if (counter_.load(std::memory_order_relaxed) == before) return std::bit_cast<T>(words);
        }
    }

    void publish(const T& next) {
        const std::uint64_t now = counter_.load(std::memory_order_relaxed);
        const auto words = std::bit_cast<std::array<std::uint64_t, kWords>>(next);
        // The other copy may still be under a reader that is two publications behind: its counter check must fail, so
        // the stores below may not become visible before the counter that it has seen grew.
        Fence::release();
        for (std::size_t i = 0; i < kWords; ++i) copy_[(now + 1) & 1][i].store(words[i], std::memory_order_relaxed);
        counter_.store(now + 1, std::memory_order_seq_cst);
    }

    [[nodiscard]] std::uint64_t count() const { return counter_.load(std::memory_order_acquire); }

private:
    Atomic<std::uint64_t> counter_{0};
    std::array<std::array<Atomic<std::uint64_t>, kWords>, 2> copy_{};
};

}  // namespace mq
