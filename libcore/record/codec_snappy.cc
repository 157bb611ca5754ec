#include <snappy.h>

#include <string>

#include "record/codecs.h"

namespace mq::record::codec_detail {
namespace {

using namespace std::string_view_literals;

// What snappy-java puts before its blocks: magic, version 1, oldest compatible version 1.
constexpr ByteView kMagic = "\x82SNAPPY\0"sv;
constexpr ByteView kStreamHeader = "\x82SNAPPY\0\0\0\0\1\0\0\0\1"sv;
static_assert(kMagic.size() == 8 && kStreamHeader.size() == 16);
constexpr std::size_t kBlockBytes = 32 * 1024;
// An element of three bytes copies 64 at most, so that a block which claims more than this ratio lies.
constexpr std::size_t kHighestRatio = 22;

Status decompress_block(ByteView block, BoundedOutput& out) {
    std::size_t size = 0;
    if (!snappy::GetUncompressedLength(block.data(), block.size(), &size)) {
        return decompress_error(Errc::corrupt, "block size");
    }
    if (size > out.left()) return decompress_error(Errc::too_large, "a block of " + std::to_string(size) + " bytes");
    if (size > block.size() * kHighestRatio) return decompress_error(Errc::corrupt, "block size");
    while (out.room() < size) {
        if (!out.grow()) break;
    }
    if (!snappy::RawUncompress(block.data(), block.size(), out.to())) {
        return decompress_error(Errc::corrupt, "bad block");
    }
    out.advance(size);
    return {};
}

}  // namespace

Status snappy_compress(ByteView in, Buffer& out) {
    out.append(kStreamHeader);
    out.make_room(snappy::MaxCompressedLength(in.size()));
    for (; !in.empty(); in.remove_prefix(std::min(kBlockBytes, in.size()))) {
        const ByteView block = in.substr(0, kBlockBytes);
        out.make_room(sizeof(std::int32_t) + snappy::MaxCompressedLength(block.size()));
        std::size_t size = 0;
        snappy::RawCompress(block.data(), block.size(), out.end() + sizeof(std::int32_t), &size);
        store_be(out.end(), static_cast<std::int32_t>(size));
        out.resize(out.size() + sizeof(std::int32_t) + size);
    }
    return {};
}

Status snappy_decompress(ByteView in, BoundedOutput out) {
    if (in.empty()) return decompress_error(Errc::truncated, "no stream");
    if (!in.starts_with(kMagic)) return decompress_block(in, out);
    if (in.size() < kStreamHeader.size()) return decompress_error(Errc::truncated, "stream header");
    out.reserve(in.size() * 2);
    in.remove_prefix(kStreamHeader.size());
    while (!in.empty()) {
        // Streams may follow each other, each with its header.
        if (in.starts_with(kMagic.substr(0, sizeof(std::int32_t)))) {
            if (in.size() < kStreamHeader.size()) return decompress_error(Errc::truncated, "stream header");
            if (!in.starts_with(kMagic)) return decompress_error(Errc::corrupt, "stream header");
            in.remove_prefix(kStreamHeader.size());
            continue;
        }
        if (in.size() < sizeof(std::int32_t)) return decompress_error(Errc::truncated, "block length");
        const auto size = load_be<std::int32_t>(in.data());
        in.remove_prefix(sizeof size);
        if (size < 0) return decompress_error(Errc::corrupt, "block length " + std::to_string(size));
        if (static_cast<std::size_t>(size) > in.size()) return decompress_error(Errc::truncated, "block");
        MQ_TRY(decompress_block(in.substr(0, static_cast<std::size_t>(size)), out));
        in.remove_prefix(static_cast<std::size_t>(size));
    }
    return {};
}

}  // namespace mq::record::codec_detail
