#include "byte_index.h"

#include <array>
#include <bit>
#include <cstring>

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace mq::produce {

namespace {

IndexedBytes by_memchr(char wanted, std::string_view bytes, std::span<std::uint32_t> positions) {
    IndexedBytes result;
    while (result.scanned < bytes.size() && result.found < positions.size()) {
        const char* const from = bytes.data() + result.scanned;
        const void* const hit = std::memchr(from, wanted, bytes.size() - result.scanned);
        if (hit == nullptr) {
            result.scanned = bytes.size();
            break;
        }
        const auto at = static_cast<std::size_t>(static_cast<const char*>(hit) - bytes.data());
        positions[result.found++] = static_cast<std::uint32_t>(at);
        result.scanned = at + 1;
    }
    return result;
}

constexpr std::size_t kBlockBytes = 64;

// Blocks of 64 bytes, of which `mask` makes a bit for each hit; the rest byte by byte.
template <typename Mask>
[[gnu::always_inline]] inline IndexedBytes by_blocks(char wanted, std::string_view bytes,
                                                     std::span<std::uint32_t> positions, Mask mask) {
    IndexedBytes result;
    const char* const data = bytes.data();
    std::uint32_t* out = positions.data();
    std::uint32_t* const last = out + positions.size() - kBlockBytes;
    std::size_t at = 0;
    for (; at + kBlockBytes <= bytes.size() && out <= last; at += kBlockBytes) {
        for (std::uint64_t bits = mask(data + at); bits != 0; bits &= bits - 1) {
            *out++ = static_cast<std::uint32_t>(at + static_cast<std::size_t>(std::countr_zero(bits)));
        }
    }
    if (out <= last) {
        for (; at < bytes.size(); ++at) {
            if (data[at] == wanted) *out++ = static_cast<std::uint32_t>(at);
        }
    }
    result.found = static_cast<std::size_t>(out - positions.data());
    result.scanned = at;
    return result;
}

#ifdef __x86_64__

IndexedBytes by_sse2(char wanted, std::string_view bytes, std::span<std::uint32_t> positions) {
    const __m128i all = _mm_set1_epi8(wanted);
    const auto quarter = [all](const char* at) {
        const __m128i here = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        return static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(here, all))));
    };
    return by_blocks(wanted, bytes, positions, [&](const char* at) {
        return quarter(at) | quarter(at + 16) << 16 | quarter(at + 32) << 32 | quarter(at + 48) << 48;
    });
}

// A lambda does not take over its function's target: the masks are functions.
[[gnu::target("avx2")]] inline std::uint64_t mask_avx2(const char* at, __m256i all) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32));
    const auto low_bits = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, all)));
    const auto high_bits = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, all)));
    return low_bits | static_cast<std::uint64_t>(high_bits) << 32;
}

[[gnu::target("avx2,bmi")]] IndexedBytes by_avx2(char wanted, std::string_view bytes,
                                                 std::span<std::uint32_t> positions) {
    const __m256i all = _mm256_set1_epi8(wanted);
    IndexedBytes result;
    std::uint32_t* out = positions.data();
    std::uint32_t* const last = out + positions.size() - kBlockBytes;
    for (; result.scanned + kBlockBytes <= bytes.size() && out <= last; result.scanned += kBlockBytes) {
        for (std::uint64_t bits = mask_avx2(bytes.data() + result.scanned, all); bits != 0; bits &= bits - 1) {
            *out++ = static_cast<std::uint32_t>(result.scanned + static_cast<std::size_t>(__builtin_ctzll(bits)));
        }
    }
    result.found = static_cast<std::size_t>(out - positions.data());
    return result;
}

[[gnu::target("avx512bw,bmi")]] IndexedBytes by_avx512(char wanted, std::string_view bytes,
                                                       std::span<std::uint32_t> positions) {
    const __m512i all = _mm512_set1_epi8(wanted);
    IndexedBytes result;
    std::uint32_t* out = positions.data();
    std::uint32_t* const last = out + positions.size() - kBlockBytes;
    for (; result.scanned + kBlockBytes <= bytes.size() && out <= last; result.scanned += kBlockBytes) {
        std::uint64_t bits = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(bytes.data() + result.scanned), all);
        for (; bits != 0; bits &= bits - 1) {
            *out++ = static_cast<std::uint32_t>(result.scanned + static_cast<std::size_t>(__builtin_ctzll(bits)));
        }
    }
    result.found = static_cast<std::size_t>(out - positions.data());
    return result;
}

// What does not fill a block is left to the way that every processor has.
template <IndexBytes Blocks>
IndexedBytes with_rest(char wanted, std::string_view bytes, std::span<std::uint32_t> positions) {
    IndexedBytes result = Blocks(wanted, bytes, positions);
    if (bytes.size() - result.scanned >= kBlockBytes) return result;  // full
    const auto left = positions.subspan(result.found);
    if (left.size() < kBlockBytes) return result;
    const IndexedBytes rest = by_sse2(wanted, bytes.substr(result.scanned), left);
    for (std::size_t i = 0; i < rest.found; ++i) left[i] += static_cast<std::uint32_t>(result.scanned);
    return {result.found + rest.found, result.scanned + rest.scanned};
}

#endif

#ifdef __x86_64__

// Asked by hand: __builtin_cpu_supports brings a constructor that asks the processor dozens of questions at every
// start, each of which leaves a virtual machine.
struct Processor {
    bool has_avx2 = false;
    bool has_avx512bw = false;
};
[[gnu::target("xsave")]] Processor ask_processor() {
    constexpr unsigned kOsSavesRegisters = 1u << 27;
    constexpr std::uint64_t kAvxState = 0x6;
    constexpr std::uint64_t kAvx512State = 0xe6;
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kOsSavesRegisters) == 0) return {};
    const std::uint64_t saved = _xgetbv(0);
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (saved & kAvxState) != kAvxState) return {};
    const bool has_bmi = (b & bit_BMI) != 0;
    return {has_bmi && (b & bit_AVX2) != 0,
            has_bmi && (b & bit_AVX512BW) != 0 && (saved & kAvx512State) == kAvx512State};
}

#endif

// Below this the processor is not asked what it can do: a short run is over by then.
constexpr std::size_t kWorthAsking = 32 << 10;

struct Ways {
    std::array<IndexBytes, 4> ways{};
    std::size_t count = 0;
};

const Ways& ways() {
    static const Ways found = [] {
        Ways made;
        made.ways[made.count++] = by_memchr;
#ifdef __x86_64__
        made.ways[made.count++] = by_sse2;
        const Processor processor = ask_processor();
        if (processor.has_avx2) made.ways[made.count++] = with_rest<by_avx2>;
        if (processor.has_avx512bw) made.ways[made.count++] = with_rest<by_avx512>;
#endif
        return made;
    }();
    return found;
}

}  // namespace

IndexedBytes index_bytes(char wanted, std::string_view bytes, std::span<std::uint32_t> positions) {
#ifdef __x86_64__
    if (bytes.size() < kWorthAsking) return by_sse2(wanted, bytes, positions);
#endif
    const Ways& all = ways();
    return all.ways[all.count - 1](wanted, bytes, positions);
}

std::span<const IndexBytes> index_bytes_ways() { return std::span{ways().ways}.first(ways().count); }

}  // namespace mq::produce
