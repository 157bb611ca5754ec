// JSON text out: strings that are valid for any bytes.
#pragma once

#include <string>

#include "base/bytes.h"

namespace mq::cli {

// Strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(ByteView bytes);

// Appends `text`, which is UTF-8, in quotes; control characters escaped.
void append_json_string(std::string& out, ByteView text);

// Appends standard base64 with padding, without quotes.
void append_base64(std::string& out, ByteView bytes);

// Appends "NAME":"text" and, where the bytes are no UTF-8, base64 instead and "NAME_encoding":"base64"; null as
// "NAME":null. With a comma in front unless `first`.
void append_json_bytes(std::string& out, std::string_view name, NullableBytes bytes, bool first = false);

}  // namespace mq::cli
