#include "log/published_state.h"

#include <sys/mman.h>
#include <array>
#include <bit>
#include <cstring>
#include <thread>
#include <vector>

#include "support/scale.h"

namespace mq::log {
namespace {

constexpr std::size_t kWords = TwoCopies<Published>::kWords;

Published all_fields(std::int64_t n) {
    std::array<std::int64_t, kWords> words;
    words.fill(n);
    return std::bit_cast<Published>(words);
}

TEST(PublishedState, ZeroBytesAreAnEmptyLog) {
    void* memory = mmap(nullptr, sizeof(PublishedState), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    const auto* state = static_cast<const PublishedState*>(memory);
    EXPECT_EQ(state->read(), all_fields(0));
    EXPECT_EQ(state->dirty.load(), 0u);
    munmap(memory, sizeof(PublishedState));
}

TEST(PublishedState, ReadersNeverSeeHalfOfAPublicationNorOneTakenBack) {
    PublishedState state;
    const auto publications = static_cast<std::int64_t>(test::test_scale(300'000, 100'000'000));
    std::atomic<bool> done{false};
    std::vector<std::thread> readers;
    std::atomic<std::int64_t> torn{0};
    std::atomic<std::int64_t> backwards{0};
    for (int i = 0; i < 2; ++i) {
        readers.emplace_back([&] {
            std::int64_t last = 0;
            while (!done.load()) {
                const Published seen = state.read();
                const std::int64_t n = seen.log_end.value();
                if (!(seen == all_fields(n))) torn.fetch_add(1);
                if (n < last) backwards.fetch_add(1);
                last = n;
            }
        });
    }
    for (std::int64_t n = 1; n <= publications; ++n) state.publish(all_fields(n));
    done.store(true);
    for (auto& reader : readers) reader.join();
    EXPECT_EQ(torn.load(), 0);
    EXPECT_EQ(backwards.load(), 0);
    EXPECT_EQ(state.read(), all_fields(publications));
}

// A writer that dies inside publish() has changed the copy that nobody reads.
TEST(PublishedState, ADeadWriterLeavesTheLastPublicationReadable) {
    PublishedState state;
    state.publish(all_fields(1));
    state.publish(all_fields(2));
    PublishedState image;
    // What a crash leaves: the words of the other copy half overwritten, the counter as it was.
    std::memcpy(static_cast<void*>(&image), static_cast<const void*>(&state), sizeof image);
    auto* words = reinterpret_cast<std::uint64_t*>(&image);
    const std::size_t total = sizeof image / sizeof(std::uint64_t);
    std::size_t overwritten = 0;
    for (std::size_t i = total - 2 * kWords; i < total; ++i) {
        if (words[i] != 1) continue;  // of the copy that holds the older publication
        words[i] = 99;
        ++overwritten;
    }
    ASSERT_EQ(overwritten, kWords);
    EXPECT_EQ(image.read(), all_fields(2));
}

}  // namespace
}  // namespace mq::log
