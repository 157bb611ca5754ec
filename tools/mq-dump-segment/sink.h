// Text and numbers into one of the standard descriptors.
#pragma once

#include <charconv>
#include <concepts>

#include "cli/output.h"

namespace mq::dump {

// Keeps the first error of the descriptor; what follows it is dropped. Not thread-safe.
class Sink {
public:
    Sink(int fd, std::string name) : out_(fd, std::move(name)) {}

    Sink& operator<<(ByteView text) {
        out_.write(text);
        return *this;
    }
    Sink& operator<<(char c) { return *this << ByteView{&c, 1}; }
    template <std::integral T>
    requires(!std::same_as<T, char> && !std::same_as<T, bool>) Sink& operator<<(T number) {
        constexpr std::size_t kDigits = 20;
        char* to = out_.room(kDigits);
        out_.commit(static_cast<std::size_t>(std::to_chars(to, to + kDigits, number).ptr - to));
        return *this;
    }

    // Also before anything goes to standard error, so that the two keep their order where they end up together.
    Status flush() { return out_.flush(); }
    [[nodiscard]] const Status& status() const { return out_.status(); }

private:
    cli::Output out_;
};

}  // namespace mq::dump
