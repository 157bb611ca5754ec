#include "base/strong_int.h"

#include <gtest/gtest.h>
#include <concepts>
#include <unordered_set>

namespace mq {
namespace {

template <typename A, typename B>
concept Addable = requires(A a, B b) {
    a + b;
};

static_assert(!std::convertible_to<std::int64_t, Offset>, "a plain integer is no offset until somebody says so");
static_assert(!std::convertible_to<Offset, std::int64_t>);
static_assert(!std::convertible_to<Offset, FilePosition>);
static_assert(!Addable<Offset, Offset>, "the sum of two offsets means nothing");
static_assert(Addable<Offset, std::int64_t>);
static_assert(std::same_as<decltype(Offset{3} - Offset{1}), std::int64_t>);

TEST(StrongInt, ArithmeticKeepsTheKind) {
    Offset offset{40};
    offset += 3;
    offset -= 2;
    EXPECT_EQ(++offset, Offset{42});
    EXPECT_EQ(Offset{40} + 2, Offset{42});
    EXPECT_EQ(Offset{44} - 2, Offset{42});
    EXPECT_EQ(Offset{44} - Offset{2}, 42);
    EXPECT_EQ(+offset, 42);
}

TEST(StrongInt, OrdersAsItsValuesDo) {
    EXPECT_LT(kNoOffset, Offset{0});
    EXPECT_GT(FilePosition{~std::uint64_t{0}}, FilePosition{0});
    EXPECT_EQ(Offset{}, Offset{0});
}

TEST(StrongInt, HashesSoThatItCanBeAKey) {
    const std::unordered_set<Offset> set{Offset{1}, Offset{2}, Offset{1}};
    EXPECT_EQ(set.size(), 2u);
}

}  // namespace
}  // namespace mq
