#include <libdeflate.h>

#include <memory>
#include <new>

#include "record/codecs.h"

namespace mq::record::codec_detail {
namespace {

struct FreeCompressor {
    void operator()(libdeflate_compressor* c) const { libdeflate_free_compressor(c); }
};
struct FreeDecompressor {
    void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
};

libdeflate_compressor* compressor(int level) {
    thread_local std::unique_ptr<libdeflate_compressor, FreeCompressor> cached;
    thread_local int cached_level = 0;
    if (cached == nullptr || cached_level != level) {
        cached.reset(libdeflate_alloc_compressor(level));
        cached_level = level;
        if (cached == nullptr) throw std::bad_alloc{};
    }
    return cached.get();
}

libdeflate_decompressor* decompressor() {
    thread_local const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> cached{
        libdeflate_alloc_decompressor()};
    if (cached == nullptr) throw std::bad_alloc{};
    return cached.get();
}

// Magic, method, flags, time, extra flags, system; then at least an empty block, checksum and size.
constexpr std::size_t kMinimumMemberBytes = 10 + 2 + 8;

}  // namespace

Status gzip_compress(int level, ByteView in, Buffer& out) {
    libdeflate_compressor* c = compressor(level);
    const std::size_t bound = libdeflate_gzip_compress_bound(c, in.size());
    out.make_room(bound);
    const std::size_t size = libdeflate_gzip_compress(c, in.data(), in.size(), out.end(), bound);
    if (size == 0) return fail(Errc::io, "compress", "gzip", "the codec failed");
    out.resize(out.size() + size);
    return {};
}

Status gzip_decompress(ByteView in, BoundedOutput out) {
    if (in.empty()) return decompress_error(Errc::truncated, "no stream");
    // The last four bytes claim the size of the last member.
    const std::size_t claimed =
        in.size() >= kMinimumMemberBytes ? load_le<std::uint32_t>(in.data() + in.size() - 4) : 0;
    out.reserve(first_room(in.size(), claimed));
    while (!in.empty()) {
        if (in.size() < kMinimumMemberBytes) return decompress_error(Errc::truncated, "member header");
        std::size_t consumed = 0;
        std::size_t produced = 0;
        const libdeflate_result result = libdeflate_gzip_decompress_ex(decompressor(), in.data(), in.size(), out.to(),
                                                                       out.room(), &consumed, &produced);
        if (result == LIBDEFLATE_INSUFFICIENT_SPACE) {
            if (!out.grow()) return decompress_error(Errc::too_large, "more than the limit");
            continue;
        }
        if (result != LIBDEFLATE_SUCCESS) return decompress_error(Errc::corrupt, "bad deflate stream or checksum");
        out.advance(produced);
        in.remove_prefix(consumed);
    }
    return {};
}

}  // namespace mq::record::codec_detail
