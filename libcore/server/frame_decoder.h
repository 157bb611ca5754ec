// What arrives over a connection, in pieces of any size, becomes frames. Pure: no socket, no clock.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>

#include "base/buffer.h"
#include "base/error.h"
#include "wire/frame.h"

namespace mq::server {

// Bytes that lie somewhere, and what keeps them there.
struct Slice {
    std::span<char> bytes{};
    std::shared_ptr<const void> keeps{};

    [[nodiscard]] ByteView view() const { return {bytes.data(), bytes.size()}; }
};

// Allocates nothing for bytes that have not come: what is held of a frame grows with it, at most to the double.
class FrameDecoder {
public:
    explicit FrameDecoder(std::size_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {}

    // The payload of the next frame, and off the front of `input` what it took of that. A frame that is whole there
    // stays there, and shares its keeper; others are put together. nullopt: all of `input` is taken, and more must
    // come. Errors: corrupt (a negative length; the key of no request), too_large. Nothing can be decoded after one.
    [[nodiscard]] Result<std::optional<Slice>> next(Slice& input);

    // Where bytes that come next may be put at once, so that they need not be copied: part of a large frame that has
    // begun, else empty. Followed by filled(), and by next(), before room() is asked again. Unless it may grow it is
    // what was reserved before.
    [[nodiscard]] std::span<char> room(bool may_grow = true);
    void filled(std::size_t bytes);
    // Of the frame that has begun and whose length is known; 0 if there is none.
    [[nodiscard]] std::size_t missing_bytes() const { return is_length_known() ? size_ - held_bytes() : 0; }

    [[nodiscard]] bool has_begun() const { return length_bytes_ > 0; }
    // Key, version and correlation id of the frame that has begun are there, or all of a shorter one.
    [[nodiscard]] bool has_header() const {
        return is_length_known() && held_bytes() >= std::min(size_, kHeaderBytes);
    }
    [[nodiscard]] std::size_t held_bytes() const { return held_ ? held_->size() : 0; }
    // What it takes for them, and for others that may come.
    [[nodiscard]] std::size_t reserved_bytes() const { return held_ ? held_->capacity() : 0; }
    // How many frames have begun so far.
    [[nodiscard]] std::uint64_t begun() const { return begun_; }

private:
    static constexpr std::size_t kHeaderBytes = 8;
    // From here on it is worth a system call of its own to receive bytes where they belong.
    static constexpr std::size_t kLargeBytes = 32u << 10;

    [[nodiscard]] bool is_length_known() const { return length_bytes_ == wire::kLengthBytes; }
    [[nodiscard]] Status read_length();
    [[nodiscard]] Status check_key() const;
    void make_room(std::size_t more);

    std::size_t max_frame_bytes_;
    std::uint64_t begun_ = 0;
    std::array<char, wire::kLengthBytes> length_{};
    std::size_t length_bytes_ = 0;
    std::size_t size_ = 0;
    std::shared_ptr<Buffer> held_;
};

// "TLS", "HTTP": what else begins with these bytes; empty if nothing that is known.
[[nodiscard]] std::string_view foreign_protocol(ByteView first_bytes);

}  // namespace mq::server
