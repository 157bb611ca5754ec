#include <zstd.h>
#include <zstd_errors.h>

#include <memory>
#include <new>

#include "record/codecs.h"

namespace mq::record::codec_detail {
namespace {

constexpr std::uint32_t kSkippableMagicMask = 0xfffffff0;

struct FreeContext {
    void operator()(ZSTD_CCtx* c) const { ZSTD_freeCCtx(c); }
    void operator()(ZSTD_DCtx* d) const { ZSTD_freeDCtx(d); }
};

ZSTD_CCtx* compression_context() {
    thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> cached{ZSTD_createCCtx()};
    if (cached == nullptr) throw std::bad_alloc{};
    return cached.get();
}

ZSTD_DCtx* decompression_context() {
    thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> cached{ZSTD_createDCtx()};
    if (cached == nullptr) throw std::bad_alloc{};
    return cached.get();
}

// The library may know formats from before 1.0 too, which no client ever wrote.
bool is_frame(ByteView in) {
    const auto magic = load_le<std::uint32_t>(in.data());
    return magic == ZSTD_MAGICNUMBER || (magic & kSkippableMagicMask) == ZSTD_MAGIC_SKIPPABLE_START;
}

tl::unexpected<Error> zstd_error(std::size_t code) {
    const bool short_of_bytes = ZSTD_getErrorCode(code) == ZSTD_error_srcSize_wrong;
    return decompress_error(short_of_bytes ? Errc::truncated : Errc::corrupt, ZSTD_getErrorName(code));
}

// Decoding a frame in one piece needs no window besides the output, so memory is bounded by the limit whatever
// window the frame asks for.
Status decompress_frame(ByteView frame, BoundedOutput& out) {
    const unsigned long long claimed = ZSTD_getFrameContentSize(frame.data(), frame.size());
    const bool is_known = claimed != ZSTD_CONTENTSIZE_UNKNOWN && claimed != ZSTD_CONTENTSIZE_ERROR;
    if (is_known && claimed > out.left()) return decompress_error(Errc::too_large, "more than the limit");
    const std::size_t wanted = first_room(frame.size(), is_known ? static_cast<std::size_t>(claimed) : 0);
    while (out.room() < std::min(wanted, out.left())) {
        if (!out.grow()) break;
    }
    while (true) {
        const std::size_t size =
            ZSTD_decompressDCtx(decompression_context(), out.to(), out.room(), frame.data(), frame.size());
        if (ZSTD_isError(size) == 0) {
            out.advance(size);
            return {};
        }
        if (ZSTD_getErrorCode(size) != ZSTD_error_dstSize_tooSmall) return zstd_error(size);
        if (!out.grow()) return decompress_error(Errc::too_large, "more than the limit");
    }
}

}  // namespace

Status zstd_compress(int level, ByteView in, Buffer& out) {
    const std::size_t bound = ZSTD_compressBound(in.size());
    out.make_room(bound);
    const std::size_t size = ZSTD_compressCCtx(compression_context(), out.end(), bound, in.data(), in.size(), level);
    if (ZSTD_isError(size) != 0) return fail(Errc::io, "compress", "zstd", ZSTD_getErrorName(size));
    out.resize(out.size() + size);
    return {};
}

Status zstd_decompress(ByteView in, BoundedOutput out) {
    if (in.empty()) return decompress_error(Errc::truncated, "no stream");
    while (!in.empty()) {
        if (in.size() < sizeof(std::uint32_t)) return decompress_error(Errc::truncated, "frame magic");
        if (!is_frame(in)) return decompress_error(Errc::corrupt, "not a frame");
        const std::size_t size = ZSTD_findFrameCompressedSize(in.data(), in.size());
        if (ZSTD_isError(size) != 0) return zstd_error(size);
        MQ_TRY(decompress_frame(in.substr(0, size), out));
        in.remove_prefix(size);
    }
    return {};
}

}  // namespace mq::record::codec_detail
