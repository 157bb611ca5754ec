// Views of bytes, big-endian integers, and bounds-checked cursors over both.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace mq {

// Bytes that somebody else owns; not text, whatever the name of its type says.
using ByteView = std::string_view;
// null and empty differ in Kafka's formats.
using NullableBytes = std::optional<ByteView>;

// Big-endian (network order) and little-endian integers at any alignment.
template <std::integral T>
[[nodiscard]] inline T load_be(const char* from) {
    std::make_unsigned_t<T> raw;
    std::memcpy(&raw, from, sizeof raw);
    if constexpr (sizeof(T) == 2) raw = __builtin_bswap16(raw);
    if constexpr (sizeof(T) == 4) raw = __builtin_bswap32(raw);
    if constexpr (sizeof(T) == 8) raw = __builtin_bswap64(raw);
    return static_cast<T>(raw);
}

template <std::integral T>
inline void store_be(char* to, T value) {
    auto raw = static_cast<std::make_unsigned_t<T>>(value);
    if constexpr (sizeof(T) == 2) raw = __builtin_bswap16(raw);
    if constexpr (sizeof(T) == 4) raw = __builtin_bswap32(raw);
    if constexpr (sizeof(T) == 8) raw = __builtin_bswap64(raw);
    std::memcpy(to, &raw, sizeof raw);
}

template <std::integral T>
[[nodiscard]] inline T load_le(const char* from) {
    T raw;
    std::memcpy(&raw, from, sizeof raw);
    return raw;
}

template <std::integral T>
inline void store_le(char* to, T value) {
    std::memcpy(to, &value, sizeof value);
}

static_assert(std::endian::native == std::endian::little, "load_be and load_le assume a little-endian machine");

template <std::integral T>
inline void append_be(std::string& out, T value) {
    char raw[sizeof(T)];
    store_be(raw, value);
    out.append(raw, sizeof raw);
}

// Zig-zag varints of Kafka's record format (the encoding of Protocol Buffers' sint32 and sint64).
inline constexpr std::size_t kMaxVarintBytes = 5;
inline constexpr std::size_t kMaxVarlongBytes = 10;

[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t v) {
    return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t v) {
    return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}
// Bytes that the value takes; the same for varint and varlong.
[[nodiscard]] constexpr std::size_t varint_size(std::int64_t v) {
    return (static_cast<std::size_t>(std::bit_width(zigzag(v) | 1)) + 6) / 7;
}
// Writes at most kMaxVarlongBytes at `to`; returns the end of what it wrote.
inline char* put_varint(char* to, std::int64_t value) {
    std::uint64_t v = zigzag(value);
    while (v >= 0x80) {
        *to++ = static_cast<char>(v | 0x80);
        v >>= 7;
    }
    *to++ = static_cast<char>(v);
    return to;
}
inline void append_varint(std::string& out, std::int64_t value) {
    char raw[kMaxVarlongBytes];
    out.append(raw, static_cast<std::size_t>(put_varint(raw, value) - raw));
}

// Reads forward through bytes. A read past the end, or an over-long varint, yields 0 and makes ok() false for
// good: callers read a whole structure and check once.
class ByteCursor {
public:
    explicit ByteCursor(ByteView bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }
    [[nodiscard]] const char* position() const { return at_; }
    void fail() { ok_ = false; at_ = end_; }

    template <std::integral T>
    T be() {
        if (remaining() < sizeof(T)) { fail(); return 0; }
        const T v = load_be<T>(at_);
        at_ += sizeof(T);
        return v;
    }
    std::int32_t varint() {
        const std::int64_t v = varint_of(kMaxVarintBytes);
        if (v != static_cast<std::int32_t>(v)) { fail(); return 0; }
        return static_cast<std::int32_t>(v);
    }
    std::int64_t varlong() { return varint_of(kMaxVarlongBytes); }
    // The next `size` bytes; a negative or too large size fails.
    ByteView take(std::int64_t size) {
        if (size < 0 || static_cast<std::uint64_t>(size) > remaining()) { fail(); return {}; }
        const ByteView v{at_, static_cast<std::size_t>(size)};
        at_ += size;
        return v;
    }
    // A size of -1 is null, below that an error.
    NullableBytes take_nullable(std::int64_t size) {
        if (size == -1) return std::nullopt;
        return take(size);
    }

private:
    std::int64_t varint_of(std::size_t limit) {
        if (at_ < end_ && static_cast<signed char>(*at_) >= 0) return unzigzag(static_cast<unsigned char>(*at_++));
        std::uint64_t v = 0;
        const char* p = at_;
        for (std::size_t i = 0; i < limit && p < end_; ++i) {
            const auto byte = static_cast<unsigned char>(*p++);
            v |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
            if (byte < 0x80) { at_ = p; return unzigzag(v); }
        }
        fail();
        return 0;
    }

    const char* at_;
    const char* end_;
    bool ok_ = true;
};

}  // namespace mq
