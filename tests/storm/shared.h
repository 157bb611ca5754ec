// A value that a test shares with its children; zero bytes at first.
#pragma once

#include <sys/mman.h>
#include <new>

namespace mq::test {

template <typename T>
class Shared {
public:
    Shared() {
        void* const memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::bad_alloc{};
        value_ = static_cast<T*>(memory);
    }
    ~Shared() { munmap(value_, sizeof(T)); }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    T& operator*() const { return *value_; }
    T* operator->() const { return value_; }

private:
    T* value_;
};

}  // namespace mq::test
