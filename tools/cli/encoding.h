// Bytes in text: hexadecimal and base64, read strictly.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace mq::cli {

enum class Encoding : unsigned char { raw, hex, base64 };

// "raw", "hex", "base64"; nullopt: another word.
[[nodiscard]] std::optional<Encoding> encoding_from_name(std::string_view name);

// Appends what `text` stands for; nothing in case of an error. hex: two digits a byte, either case. base64: the
// standard alphabet; padding may be missing, nothing else. At most as many bytes come out as go in.
// Errors: corrupt, with the byte of `text`.
[[nodiscard]] Status append_decoded(std::string& out, Encoding encoding, ByteView text);

}  // namespace mq::cli
