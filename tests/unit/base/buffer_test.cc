#include "base/buffer.h"

#include <gtest/gtest.h>

#include "support/alloc_faults.h"

namespace mq {
namespace {

TEST(Buffer, AppendKeepsEarlierBytesWhileItGrows) {
    Buffer buffer;
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        const std::string part(static_cast<std::size_t>(i % 7), static_cast<char>('a' + i % 26));
        buffer.append(part);
        expected += part;
    }
    EXPECT_EQ(buffer.view(), expected);
    buffer.clear();
    EXPECT_TRUE(buffer.empty());
    EXPECT_GE(buffer.capacity(), expected.size()) << "clear keeps the memory";
    buffer.release();
    EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(Buffer, NoMemoryLeavesTheContentAsItWas) {
    const auto met = test::for_each_alloc_failure([](test::AllocRun& run) {
        Buffer buffer;
        buffer.append("0123456789");
        const bool out = run.starved([&] {
            for (int i = 0; i < 3; ++i) buffer.append(std::string_view{"abcdefghijklmnopqrstuvwxyz"});
        });
        EXPECT_EQ(out, run.fired());
        EXPECT_TRUE(buffer.view().starts_with("0123456789"));
        EXPECT_EQ((buffer.size() - 10) % 26, 0u) << "an append is all or nothing";
    });
    EXPECT_GE(met, 4u);
}

TEST(Buffer, AnImpossibleSizeIsBadAlloc) {
    Buffer buffer;
    EXPECT_THROW(buffer.reserve(std::size_t{1} << 62), std::bad_alloc);
    EXPECT_EQ(buffer.capacity(), 0u);
}

}  // namespace
}  // namespace mq
