// A short string in shared memory. Whoever holds the lock of what it belongs to changes it; others may read it at any
// time and get, at worst, a mixture: they compare a generation afterwards.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace mq::shm {

// Zero bytes are the empty string.
template <std::size_t kBytes>
class SharedText {
public:
    static_assert(kBytes % 8 == 0);

    // What is longer is cut.
    void store(std::string_view text) {
        const Words words = to_words(text);
        for (std::size_t i = 0; i < words.size(); ++i) words_[i].store(words[i], std::memory_order_relaxed);
        length_.store(static_cast<std::uint32_t>(std::min(text.size(), kBytes)), std::memory_order_relaxed);
    }
    [[nodiscard]] std::string load() const {
        Words words;
        for (std::size_t i = 0; i < words.size(); ++i) words[i] = words_[i].load(std::memory_order_relaxed);
        const std::size_t length = length_.load(std::memory_order_relaxed);
        return {reinterpret_cast<const char*>(words.data()), std::min(length, kBytes)};
    }
    [[nodiscard]] bool holds(std::string_view text) const {
        if (length_.load(std::memory_order_relaxed) != text.size() || text.size() > kBytes) return false;
        const Words words = to_words(text);
        for (std::size_t i = 0; i * 8 < text.size(); ++i)
            if (words_[i].load(std::memory_order_relaxed) != words[i]) return false;
        return true;
    }
    [[nodiscard]] bool empty() const { return length_.load(std::memory_order_relaxed) == 0; }

private:
    using Words = std::array<std::uint64_t, kBytes / 8>;
    static Words to_words(std::string_view text) {
        Words words{};
        std::memcpy(words.data(), text.data(), std::min(text.size(), kBytes));
        return words;
    }

    std::atomic<std::uint64_t> length_;
    std::array<std::atomic<std::uint64_t>, kBytes / 8> words_;
};

}  // namespace mq::shm
