// A growing array of bytes that are not zeroed first: what batches are built and decompressed in.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "base/bytes.h"

namespace mq {

// Throws bad_alloc when memory is short; the content is unchanged then. Not thread-safe.
class Buffer {
public:
    Buffer() = default;
    explicit Buffer(std::size_t capacity) { reserve(capacity); }

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t capacity() const { return capacity_; }
    [[nodiscard]] char* data() { return bytes_.get(); }
    [[nodiscard]] const char* data() const { return bytes_.get(); }
    [[nodiscard]] ByteView view() const { return {bytes_.get(), size_}; }
    [[nodiscard]] char* end() { return bytes_.get() + size_; }

    void clear() { size_ = 0; }
    // Gives the memory back too.
    void release() { *this = Buffer{}; }

    void reserve(std::size_t capacity) {
        if (capacity <= capacity_) return;
        char* grown = static_cast<char*>(std::realloc(bytes_.get(), capacity));
        if (grown == nullptr) throw std::bad_alloc{};
        static_cast<void>(bytes_.release());
        bytes_.reset(grown);
        capacity_ = capacity;
    }
    // Room for `more` bytes after the end; doubles, so that repeated calls are cheap.
    void make_room(std::size_t more) {
        if (more > capacity_ - size_) reserve(std::max(size_ + more, capacity_ * 2));
    }
    // New bytes at the end are not initialised.
    void resize(std::size_t size) {
        if (size > size_) make_room(size - size_);
        size_ = size;
    }
    void append(ByteView bytes) {
        make_room(bytes.size());
        if (!bytes.empty()) std::memcpy(end(), bytes.data(), bytes.size());
        size_ += bytes.size();
    }

private:
    struct Free {
        void operator()(char* p) const { std::free(p); }
    };
    std::unique_ptr<char, Free> bytes_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace mq
