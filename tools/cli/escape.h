// --escape: keys, values and headers with separators inside, in lines that stay lines. Reversible for all bytes.
//
//     \\ backslash   \n newline   \t tab   \r carriage return   \0 NUL   \xHH any byte   \N alone: null
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace mq::cli {

// --header-delimiter: headers stand first in a record, "name:value,name:value", then the delimiter, as Kafka's
// console tools have it. A header without a colon has the value null.
inline constexpr char kHeaderSeparator = ',';
inline constexpr char kHeaderNameSeparator = ':';

// Which bytes have to be escaped: the five named ones, and the first byte of every separator in use.
class Escaper {
public:
    // Errors: bad_argument, a separator begins with what escapes are made of (a backslash, a digit, n t r x N, A to
    // F).
    [[nodiscard]] static Result<Escaper> make(std::span<const std::string_view> separators);

    // Appends `bytes`; a null as \N.
    void append(std::string& out, NullableBytes bytes) const;

private:
    std::array<bool, 256> escaped_{};
};

// What an escaped field stands for, in `scratch` if it had escapes; nullopt inside: null. Errors: corrupt, with the
// byte of `text` where the unknown or unfinished escape begins.
[[nodiscard]] Result<NullableBytes> unescape(ByteView text, std::string& scratch);

}  // namespace mq::cli
