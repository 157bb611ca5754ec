// Cuts a stream of bytes into records at a delimiter, in place.
#pragma once

#include <array>
#include <cstring>
#include <span>
#include <string>

#include "base/buffer.h"
#include "byte_index.h"

namespace mq::produce {

// The unread part of a stream. Fill room(), tell with filled() how much came; what is read is taken off the front.
class InputBuffer {
public:
    static constexpr std::size_t kReadBytes = 256 << 10;

    // Space for at least kReadBytes, and for as much as is there already: a long record is looked at seldom. What was
    // not taken moves to the front first; views of it end.
    [[nodiscard]] std::span<char> room() {
        const std::size_t left = buffer_.size() - begin_;
        if (begin_ > 0) {
            if (left > 0) std::memmove(buffer_.data(), buffer_.data() + begin_, left);
            begin_ = 0;
            buffer_.resize(left);
        }
        // A multiple of the pages that the system reads: no byte of a file is read twice for it.
        buffer_.make_room(kReadBytes);
        const std::size_t space = buffer_.capacity() - buffer_.size();
        return {buffer_.end(), left < kReadBytes ? kReadBytes : space};
    }
    void filled(std::size_t size_bytes) { buffer_.resize(buffer_.size() + size_bytes); }

    [[nodiscard]] ByteView rest() const { return buffer_.view().substr(begin_); }
    // What was taken, as far as it is still there.
    [[nodiscard]] ByteView taken() const { return buffer_.view().substr(0, begin_); }
    void take(std::size_t size_bytes) {
        begin_ += size_bytes;
        position_ += size_bytes;
    }
    // Where rest() begins in the stream.
    [[nodiscard]] std::uint64_t position() const { return position_; }
    void start_stream(std::uint64_t position = 0) {
        buffer_.clear();
        begin_ = 0;
        position_ = position;
    }

private:
    Buffer buffer_;
    std::size_t begin_ = 0;
    std::uint64_t position_ = 0;
};

// Finds the records of an InputBuffer. After each change of the buffer's end call more(); next() then gives the
// records, each of which has been taken off the buffer, until there is none that a delimiter has ended.
class Splitter {
public:
    explicit Splitter(std::string delimiter) : delimiter_(std::move(delimiter)) {}

    void start_stream() { scanned_ = count_ = at_ = 0; }
    // `buffer` got more bytes, or moved them.
    void more(const InputBuffer& buffer) {
        base_ = buffer.rest().data();
        size_ = buffer.rest().size();
        begin_ = 0;
        count_ = at_ = 0;
        // What was looked at before begins at the same byte of the rest.
    }

    // Bytes of the record in `record`; its delimiter is taken too.
    [[nodiscard]] bool next(InputBuffer& buffer, ByteView& record) {
        if (at_ == count_ && !scan()) {
            scanned_ -= begin_;
            return false;
        }
        const std::size_t end = ends_[at_++];
        record = {base_ + begin_, end - begin_};
        const std::size_t taken = end - begin_ + delimiter_.size();
        begin_ += taken;
        buffer.take(taken);
        return true;
    }

private:
    // Finds more delimiters; false: there is none.
    bool scan() {
        if (delimiter_.size() > 1) return scan_long();
        if (scanned_ >= size_) return false;
        do {
            const std::size_t start = scanned_;
            const auto found = index_bytes(delimiter_.front(), {base_ + start, size_ - start}, ends_);
            scanned_ = start + found.scanned;
            count_ = found.found;
            if (start > 0) {
                for (std::size_t i = 0; i < count_; ++i) ends_[i] += static_cast<std::uint32_t>(start);
            }
        } while (count_ == 0 && scanned_ < size_);
        at_ = 0;
        return count_ > 0;
    }
    bool scan_long() {
        const std::size_t from = std::max(scanned_, begin_);
        const ByteView all{base_, size_};
        const std::size_t found = all.find(delimiter_, from);
        at_ = 0;
        if (found == all.npos) {
            // The delimiter may have begun at the end of what is there.
            const std::size_t kept = delimiter_.size() - 1;
            scanned_ = std::max(begin_, size_ > kept ? size_ - kept : 0);
            count_ = 0;
            return false;
        }
        ends_[0] = static_cast<std::uint32_t>(found);
        count_ = 1;
        scanned_ = found + delimiter_.size();
        return true;
    }

    std::string delimiter_;
    const char* base_ = nullptr;
    std::size_t size_ = 0;
    std::size_t begin_ = 0;    // of the record that next() looks for
    std::size_t scanned_ = 0;  // no delimiter begins before this that is not in ends_
    std::array<std::uint32_t, 4096> ends_;
    std::size_t count_ = 0;
    std::size_t at_ = 0;
};

}  // namespace mq::produce
