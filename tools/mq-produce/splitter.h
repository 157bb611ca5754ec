// Cuts a stream of bytes into records at a delimiter, in place.
#pragma once

#include <cstring>
#include <optional>
#include <span>
#include <string>

#include "base/buffer.h"

namespace mq::produce {

// Fill room(), tell with filled() how much came, take records with next() until there is none. A record is valid
// until the next call of room(). At the end of the input rest() is the record that no delimiter ended.
class Splitter {
public:
    static constexpr std::size_t kReadBytes = 256 << 10;

    explicit Splitter(std::string delimiter) : delimiter_(std::move(delimiter)) {}

    // Space for at least kReadBytes. What is left of the last read moves to the front first.
    [[nodiscard]] std::span<char> room() {
        const std::size_t left = buffer_.size() - begin_;
        if (begin_ > 0) {
            std::memmove(buffer_.data(), buffer_.data() + begin_, left);
            scanned_ -= begin_;
            begin_ = 0;
            buffer_.resize(left);
        }
        buffer_.make_room(kReadBytes);
        return {buffer_.end(), buffer_.capacity() - buffer_.size()};
    }
    void filled(std::size_t size_bytes) { buffer_.resize(buffer_.size() + size_bytes); }

    [[nodiscard]] std::optional<ByteView> next() {
        const char* const from = buffer_.data() + scanned_;
        const std::size_t left = buffer_.size() - scanned_;
        const void* found = nullptr;
        if (left > 0) {
            found = delimiter_.size() == 1 ? std::memchr(from, delimiter_.front(), left)
                                           : memmem(from, left, delimiter_.data(), delimiter_.size());
        }
        if (found == nullptr) {
            // The delimiter may have begun at the end of what is there.
            const std::size_t kept = delimiter_.size() - 1;
            scanned_ = std::max(begin_, buffer_.size() > kept ? buffer_.size() - kept : 0);
            return std::nullopt;
        }
        const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data());
        const ByteView record{buffer_.data() + begin_, end - begin_};
        position_ += record.size() + delimiter_.size();
        begin_ = scanned_ = end + delimiter_.size();
        return record;
    }

    // What no delimiter has ended yet.
    [[nodiscard]] ByteView rest() const { return buffer_.view().substr(begin_); }
    // Where the next record starts in the stream.
    [[nodiscard]] std::uint64_t position() const { return position_; }
    void start_stream() {
        buffer_.clear();
        begin_ = scanned_ = 0;
        position_ = 0;
    }

private:
    std::string delimiter_;
    Buffer buffer_;
    std::size_t begin_ = 0;    // of the record that next() looks for
    std::size_t scanned_ = 0;  // no delimiter begins before this
    std::uint64_t position_ = 0;
};

}  // namespace mq::produce
