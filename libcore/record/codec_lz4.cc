#include <lz4frame.h>

#include <array>
#include <bit>
#include <memory>
#include <new>

#include "record/codecs.h"

namespace mq::record::codec_detail {
namespace {

constexpr std::uint32_t kFrameMagic = 0x184d2204;
constexpr std::uint8_t kContentSizeFlag = 0x08;
constexpr std::uint8_t kDictionaryIdFlag = 0x01;
constexpr std::size_t kFlagsAt = 4;
constexpr std::size_t kLongestHeader = 4 + 2 + 8 + 4 + 1;  // magic, FLG and BD, content size, dictionary id, HC

struct FreeContext {
    void operator()(LZ4F_dctx* d) const { LZ4F_freeDecompressionContext(d); }
};

using Context = std::unique_ptr<LZ4F_dctx, FreeContext>;

// The context of this thread's last good stream. After a bad one it is thrown away: liblz4 1.9.4 remembers the
// content size of a frame that was broken off, even across its own reset, and refuses the next good frame for it.
thread_local Context spare_context;

Context take_context() {
    if (spare_context != nullptr) return std::move(spare_context);
    LZ4F_dctx* made = nullptr;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION)) != 0) throw std::bad_alloc{};
    return Context{made};
}

// XXH32 with seed 0 of fewer than 16 bytes, which is all that a frame header needs.
std::uint32_t short_xxh32(ByteView bytes) {
    constexpr std::uint32_t kPrime1 = 0x9e3779b1;
    constexpr std::uint32_t kPrime2 = 0x85ebca77;
    constexpr std::uint32_t kPrime3 = 0xc2b2ae3d;
    constexpr std::uint32_t kPrime4 = 0x27d4eb2f;
    constexpr std::uint32_t kPrime5 = 0x165667b1;
    std::uint32_t h = kPrime5 + static_cast<std::uint32_t>(bytes.size());
    for (; bytes.size() >= 4; bytes.remove_prefix(4)) {
        h = std::rotl(h + load_le<std::uint32_t>(bytes.data()) * kPrime3, 17) * kPrime4;
    }
    for (const char c : bytes) h = std::rotl(h + static_cast<unsigned char>(c) * kPrime5, 11) * kPrime1;
    h = (h ^ (h >> 15)) * kPrime2;
    h = (h ^ (h >> 13)) * kPrime3;
    return h ^ (h >> 16);
}

// A frame header with the checksum that the specification asks for, in place of the one of magic 0 writers, which
// covers the frame magic as well.
struct MendedHeader {
    std::array<char, kLongestHeader> bytes{};
    std::size_t size = 0;  // 0: not a frame header, or not all of it
};

MendedHeader mend_header(ByteView in) {
    MendedHeader mended;
    if (in.size() <= kFlagsAt || load_le<std::uint32_t>(in.data()) != kFrameMagic) return mended;
    const auto flags = static_cast<std::uint8_t>(in[kFlagsAt]);
    const std::size_t descriptor =
        2u + ((flags & kContentSizeFlag) != 0 ? 8u : 0u) + ((flags & kDictionaryIdFlag) != 0 ? 4u : 0u);
    const std::size_t size = kFlagsAt + descriptor + 1;
    if (in.size() < size) return mended;
    std::copy_n(in.data(), size, mended.bytes.data());
    mended.bytes[size - 1] = static_cast<char>(short_xxh32(in.substr(kFlagsAt, descriptor)) >> 8);
    mended.size = size;
    return mended;
}

// Feeds `in` to the context until the frame ends (true) or `in` does; removes from `in` what was used.
Result<bool> feed(LZ4F_dctx* context, ByteView& in, BoundedOutput& out) {
    while (true) {
        // At the limit the decoder still gets one byte of room, so that a stream which ends there is told from one
        // that goes on.
        char beyond_limit = 0;
        const bool at_limit = out.left() == 0;
        if (!at_limit && out.room() == 0) static_cast<void>(out.grow());
        std::size_t produced = at_limit ? sizeof beyond_limit : out.room();
        std::size_t used = in.size();
        char* const to = at_limit ? &beyond_limit : out.to();
        const std::size_t hint = LZ4F_decompress(context, to, &produced, in.data(), &used, nullptr);
        if (LZ4F_isError(hint) != 0) return decompress_error(Errc::corrupt, LZ4F_getErrorName(hint));
        if (at_limit && produced > 0) return decompress_error(Errc::too_large, "more than the limit");
        in.remove_prefix(used);
        out.advance(produced);
        if (hint == 0) return true;
        if (used == 0 && produced == 0) return false;
    }
}

}  // namespace

Status lz4_compress(int level, ByteView in, Buffer& out) {
    LZ4F_preferences_t preferences{};
    preferences.frameInfo.blockSizeID = LZ4F_max64KB;
    preferences.frameInfo.blockMode = LZ4F_blockIndependent;
    // As in Kafka the default level means the fast compressor, any other the thorough one.
    preferences.compressionLevel = level == level_range(Codec::lz4).default_level ? 0 : level;
    const std::size_t bound = LZ4F_compressFrameBound(in.size(), &preferences);
    out.make_room(bound);
    const std::size_t size = LZ4F_compressFrame(out.end(), bound, in.data(), in.size(), &preferences);
    if (LZ4F_isError(size) != 0) return fail(Errc::io, "compress", "lz4", LZ4F_getErrorName(size));
    out.resize(out.size() + size);
    return {};
}

Status lz4_decompress(ByteView in, BoundedOutput out, bool ignore_header_checksum) {
    if (in.empty()) return decompress_error(Errc::truncated, "no stream");
    Context context = take_context();
    out.reserve(first_room(in.size(), 0));
    while (!in.empty()) {
        if (ignore_header_checksum) {
            const MendedHeader mended = mend_header(in);
            ByteView header{mended.bytes.data(), mended.size};
            in.remove_prefix(mended.size);
            MQ_TRY(feed(context.get(), header, out));
        }
        MQ_ASSIGN(const bool ended, feed(context.get(), in, out));
        if (!ended) return decompress_error(Errc::truncated, "frame");
    }
    spare_context = std::move(context);
    return {};
}

}  // namespace mq::record::codec_detail
