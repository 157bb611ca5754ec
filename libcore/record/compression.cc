#include "record/compression.h"

#include <string>

#include "record/codecs.h"

namespace mq::record {
namespace {

Status compress_with(Codec codec, int level, ByteView in, Buffer& out) {
    switch (codec) {
        case Codec::none:
            out.append(in);
            return {};
        case Codec::gzip:
            return codec_detail::gzip_compress(level, in, out);
        case Codec::snappy:
            return codec_detail::snappy_compress(in, out);
        case Codec::lz4:
            return codec_detail::lz4_compress(level, in, out);
        case Codec::zstd:
            return codec_detail::zstd_compress(level, in, out);
    }
    return fail(Errc::bad_argument, "compress", {}, "codec " + std::to_string(static_cast<int>(codec)));
}

Status decompress_with(Codec codec, ByteView in, std::size_t limit_bytes, Buffer& out, std::uint8_t magic) {
    codec_detail::BoundedOutput bounded{out, limit_bytes};
    switch (codec) {
        case Codec::none:
            if (in.size() > limit_bytes) {
                return codec_detail::decompress_error(Errc::too_large, std::to_string(in.size()) + " bytes");
            }
            out.append(in);
            return {};
        case Codec::gzip:
            return codec_detail::gzip_decompress(in, bounded);
        case Codec::snappy:
            return codec_detail::snappy_decompress(in, bounded);
        case Codec::lz4:
            return codec_detail::lz4_decompress(in, bounded, magic == 0);
        case Codec::zstd:
            return codec_detail::zstd_decompress(in, bounded);
    }
    return fail(Errc::bad_argument, "decompress", {}, "codec " + std::to_string(static_cast<int>(codec)));
}

}  // namespace

LevelRange level_range(Codec codec) {
    switch (codec) {
        case Codec::gzip:
            return {.min = 1, .max = 9, .default_level = 6};
        case Codec::lz4:
            return {.min = 1, .max = 17, .default_level = 9};
        case Codec::zstd:
            return {.min = -131072, .max = 22, .default_level = 3};
        case Codec::none:
        case Codec::snappy:
            break;
    }
    return {.min = 0, .max = 0, .default_level = 0};
}

Status compress(Codec codec, std::optional<int> level, ByteView in, Buffer& out) {
    const LevelRange range = level_range(codec);
    const int chosen = level.value_or(range.default_level);
    if (chosen < range.min || chosen > range.max) {
        return fail(Errc::bad_argument, "compress", std::string{to_string(codec)},
                    "level " + std::to_string(chosen) + " is not in " + std::to_string(range.min) + ".." +
                        std::to_string(range.max));
    }
    const std::size_t before = out.size();
    Status done = compress_with(codec, chosen, in, out);
    if (!done) out.resize(before);
    return done;
}

Status decompress(Codec codec, ByteView in, std::size_t limit_bytes, Buffer& out, std::uint8_t magic) {
    const std::size_t before = out.size();
    Status done = decompress_with(codec, in, limit_bytes, out, magic);
    if (!done) {
        out.resize(before);
        done.error().subject = to_string(codec);
    }
    return done;
}

}  // namespace mq::record
