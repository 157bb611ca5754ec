// Integers that the compiler tells apart: an offset is not a file position.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace mq {

// A quantity of kind Tag. Differences of two quantities are plain integers; adding a plain integer gives
// a quantity of the same kind. Overflow is the caller's to exclude.
template <typename Rep, typename Tag>
class StrongInt {
public:
    using rep = Rep;

    constexpr StrongInt() = default;
    constexpr explicit StrongInt(Rep value) : value_(value) {}

    [[nodiscard]] constexpr Rep value() const { return value_; }
    constexpr Rep operator+() const { return value_; }

    constexpr auto operator<=>(const StrongInt&) const = default;

    constexpr StrongInt& operator+=(Rep n) { value_ += n; return *this; }
    constexpr StrongInt& operator-=(Rep n) { value_ -= n; return *this; }
    constexpr StrongInt& operator++() { ++value_; return *this; }
    friend constexpr StrongInt operator+(StrongInt a, Rep n) { return StrongInt{a.value_ + n}; }
    friend constexpr StrongInt operator-(StrongInt a, Rep n) { return StrongInt{a.value_ - n}; }
    friend constexpr Rep operator-(StrongInt a, StrongInt b) { return a.value_ - b.value_; }

private:
    Rep value_{};
};

// Position of a record in a partition. -1 stands for "none" where a format says so.
using Offset = StrongInt<std::int64_t, struct OffsetTag>;
inline constexpr Offset kNoOffset{-1};

// Byte position in a file.
using FilePosition = StrongInt<std::uint64_t, struct FilePositionTag>;

// Milliseconds since 1970-01-01 UTC. -1 stands for "no timestamp".
using TimestampMs = std::int64_t;
inline constexpr TimestampMs kNoTimestamp = -1;

using ProducerId = std::int64_t;
using ProducerEpoch = std::int16_t;
using LeaderEpoch = std::int32_t;
inline constexpr ProducerId kNoProducerId = -1;

}  // namespace mq

template <typename Rep, typename Tag>
struct std::hash<mq::StrongInt<Rep, Tag>> {
    std::size_t operator()(mq::StrongInt<Rep, Tag> v) const noexcept { return std::hash<Rep>{}(v.value()); }
};
