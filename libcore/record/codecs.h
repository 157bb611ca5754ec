// The codecs behind compression.h, one file each. Internal to the record layer.
#pragma once

#include <algorithm>

#include "record/compression.h"

namespace mq::record::codec_detail {

// Space for decompressed bytes at the end of `out`: grows fourfold, never past the limit, so that a stream which is
// decoded anew after each growth costs a third more at most, and its claims of size are hints only.
class BoundedOutput {
public:
    BoundedOutput(Buffer& out, std::size_t limit_bytes) : out_(out), start_(out.size()), limit_(limit_bytes) {}

    [[nodiscard]] std::size_t produced() const { return out_.size() - start_; }
    [[nodiscard]] std::size_t left() const { return limit_ - produced(); }
    // Free bytes that may be written at to().
    [[nodiscard]] std::size_t room() const { return std::min(out_.capacity() - out_.size(), left()); }
    [[nodiscard]] char* to() { return out_.end(); }
    void advance(std::size_t bytes) { out_.resize(out_.size() + bytes); }
    // Makes room for about `bytes`, as far as the limit allows.
    void reserve(std::size_t bytes) { out_.reserve(out_.size() + std::min(bytes, left())); }
    // More room than before, and at least as much as was produced, so that many small pieces do not move the bytes
    // each time; false at the limit.
    [[nodiscard]] bool grow() {
        if (room() == left()) return false;
        reserve(std::max({room() * 4, produced(), std::size_t{4096}}));
        return true;
    }

private:
    Buffer& out_;
    std::size_t start_;
    std::size_t limit_;
};

// A first guess of the decompressed size: what the stream claims if that is believable, else a usual ratio.
[[nodiscard]] inline std::size_t first_room(std::size_t in_bytes, std::size_t claimed_bytes) {
    const std::size_t believable = in_bytes * 16 + 4096;
    return claimed_bytes != 0 && claimed_bytes <= believable ? claimed_bytes : in_bytes * 4;
}

[[nodiscard]] inline tl::unexpected<Error> decompress_error(Errc code, std::string detail) {
    return fail(code, "decompress", {}, std::move(detail));
}

// They append to the end of `out` and may leave part of a stream there when they fail.
Status gzip_compress(int level, ByteView in, Buffer& out);
Status gzip_decompress(ByteView in, BoundedOutput out);
Status snappy_compress(ByteView in, Buffer& out);
Status snappy_decompress(ByteView in, BoundedOutput out);
Status lz4_compress(int level, ByteView in, Buffer& out);
Status lz4_decompress(ByteView in, BoundedOutput out, bool ignore_header_checksum);
Status zstd_compress(int level, ByteView in, Buffer& out);
Status zstd_decompress(ByteView in, BoundedOutput out);

}  // namespace mq::record::codec_detail
