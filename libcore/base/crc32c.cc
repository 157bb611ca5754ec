#include "base/crc32c.h"

#include <dlfcn.h>
#include <link.h>
#include <array>
#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>
#endif

// What the dynamic linker reads; absent from a program that is linked statically.
extern ElfW(Dyn) _DYNAMIC[] __attribute__((weak));

namespace mq {
namespace crc32c_detail {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected

// Slicing by eight: table[k][b] is the effect of byte b followed by k zero bytes.
constexpr auto kTables = [] {
    std::array<std::array<std::uint32_t, 256>, 8> t{};
    for (std::uint32_t b = 0; b < 256; ++b) {
        std::uint32_t c = b;
        for (int i = 0; i < 8; ++i) c = (c >> 1) ^ ((c & 1) != 0 ? kPolynomial : 0);
        t[0][b] = c;
    }
    for (std::size_t k = 1; k < 8; ++k)
        for (std::size_t b = 0; b < 256; ++b) t[k][b] = (t[k - 1][b] >> 8) ^ t[0][t[k - 1][b] & 0xff];
    return t;
}();

}  // namespace

std::uint32_t portable(ByteView bytes, std::uint32_t seed) {
    std::uint32_t crc = ~seed;
    const char* p = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; left -= 8, p += 8) {
        const std::uint64_t v = load_le<std::uint64_t>(p) ^ crc;
        crc = kTables[7][v & 0xff] ^ kTables[6][(v >> 8) & 0xff] ^ kTables[5][(v >> 16) & 0xff] ^
              kTables[4][(v >> 24) & 0xff] ^ kTables[3][(v >> 32) & 0xff] ^ kTables[2][(v >> 40) & 0xff] ^
              kTables[1][(v >> 48) & 0xff] ^ kTables[0][v >> 56];
    }
    for (; left > 0; --left, ++p) crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*p)) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)
namespace {

// The crc32 instruction has a latency of three cycles and a throughput of one, so three independent streams
// of kBlock bytes keep it busy. Their sums are joined by shifting: kShift[n][b] is byte b of a sum (counted
// from its n-th byte) moved past kBlock zero bytes.
constexpr std::size_t kBlock = 1024;

constexpr std::uint32_t shift_one_byte(std::uint32_t crc) { return (crc >> 8) ^ kTables[0][crc & 0xff]; }

using ShiftTable = std::array<std::array<std::uint32_t, 256>, 4>;

const ShiftTable& shift_table() {
    static const ShiftTable table = [] {
        std::array<std::uint32_t, 32> bit{};
        for (std::size_t i = 0; i < 32; ++i) {
            std::uint32_t c = std::uint32_t{1} << i;
            for (std::size_t n = 0; n < kBlock; ++n) c = shift_one_byte(c);
            bit[i] = c;
        }
        ShiftTable t{};
        for (std::size_t n = 0; n < 4; ++n)
            for (std::size_t b = 0; b < 256; ++b)
                for (std::size_t i = 0; i < 8; ++i)
                    if ((b >> i & 1) != 0) t[n][b] ^= bit[n * 8 + i];
        return t;
    }();
    return table;
}

std::uint32_t shift_block(const ShiftTable& t, std::uint32_t crc) {
    return t[0][crc & 0xff] ^ t[1][(crc >> 8) & 0xff] ^ t[2][(crc >> 16) & 0xff] ^ t[3][crc >> 24];
}

__attribute__((target("sse4.2"))) std::uint32_t with_sse42(ByteView bytes, std::uint32_t seed) {
    std::uint64_t crc = static_cast<std::uint32_t>(~seed);
    const char* p = bytes.data();
    std::size_t left = bytes.size();
    if (left >= 3 * kBlock) {
        const ShiftTable& shift = shift_table();
        for (; left >= 3 * kBlock; left -= 3 * kBlock, p += 3 * kBlock) {
            std::uint64_t b = 0;
            std::uint64_t c = 0;
            for (std::size_t i = 0; i < kBlock; i += 8) {
                crc = _mm_crc32_u64(crc, load_le<std::uint64_t>(p + i));
                b = _mm_crc32_u64(b, load_le<std::uint64_t>(p + kBlock + i));
                c = _mm_crc32_u64(c, load_le<std::uint64_t>(p + 2 * kBlock + i));
            }
            const auto ab = shift_block(shift, static_cast<std::uint32_t>(crc)) ^ static_cast<std::uint32_t>(b);
            crc = shift_block(shift, ab) ^ static_cast<std::uint32_t>(c);
        }
    }
    for (; left >= 8; left -= 8, p += 8) crc = _mm_crc32_u64(crc, load_le<std::uint64_t>(p));
    auto last = static_cast<std::uint32_t>(crc);
    for (; left > 0; --left, ++p) last = _mm_crc32_u8(last, static_cast<unsigned char>(*p));
    return ~last;
}

using IsalFn = unsigned int (*)(unsigned char*, int, unsigned int);
IsalFn isal_crc = nullptr;

std::uint32_t with_isal(ByteView bytes, std::uint32_t seed) {
    constexpr std::size_t kLimit = std::size_t{1} << 30;  // libisal's length is an int
    std::uint32_t crc = ~seed;
    while (!bytes.empty()) {
        const auto part = bytes.substr(0, kLimit);
        crc = isal_crc(reinterpret_cast<unsigned char*>(const_cast<char*>(part.data())),
                       static_cast<int>(part.size()), crc);
        bytes.remove_prefix(part.size());
    }
    return ~crc;
}

}  // namespace

// Not __builtin_cpu_supports: that asks the processor all it can at the start of every program, and under a
// hypervisor each question costs tens of microseconds.
Fn sse42() {
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_SSE4_2) != 0 ? &with_sse42 : nullptr;
}

Fn isal() {
    static const Fn chosen = []() -> Fn {
        if (_DYNAMIC == nullptr) return nullptr;  // a second libc would come along
        void* library = dlopen("libisal.so.2", RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) return nullptr;
        isal_crc = reinterpret_cast<IsalFn>(dlsym(library, "crc32_iscsi"));
        return isal_crc != nullptr ? &with_isal : nullptr;
    }();
    return chosen;
}
#else
Fn sse42() { return nullptr; }
Fn isal() { return nullptr; }
#endif

}  // namespace crc32c_detail

namespace {

// Below this the call through libisal costs more than it saves, and a tool that only ever sees small batches
// never pays for loading the library.
constexpr std::size_t kLargeBuffer = 16 * 1024;

}  // namespace

std::uint32_t crc32c(ByteView bytes, std::uint32_t seed) {
    static const crc32c_detail::Fn small = [] {
        const auto fn = crc32c_detail::sse42();
        return fn != nullptr ? fn : &crc32c_detail::portable;
    }();
    if (bytes.size() >= kLargeBuffer) {
        static const crc32c_detail::Fn large = [] {
            const auto fn = crc32c_detail::isal();
            return fn != nullptr ? fn : small;
        }();
        return large(bytes, seed);
    }
    return small(bytes, seed);
}

}  // namespace mq
