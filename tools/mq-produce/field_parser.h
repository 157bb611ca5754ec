// What a delimited or framed piece of input says: headers, key and value, as the options tell them apart.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "base/error.h"
#include "cli/encoding.h"
#include "cli/input_record.h"

namespace mq::produce {

struct FieldOptions {
    std::optional<std::string> header_delimiter;  // what stands before it is headers
    std::string header_separator = ",";
    std::string header_name_separator = ":";
    std::optional<std::string> key_delimiter;  // what stands before it is the key
    bool delimiters_required = false;          // Kafka's parse.key: a record without one is malformed
    bool escape = false;
    cli::Encoding key_encoding = cli::Encoding::raw;
    cli::Encoding value_encoding = cli::Encoding::raw;
    std::optional<std::string> null_marker;
    bool empty_is_null = false;

    // The whole piece is the value.
    [[nodiscard]] bool is_plain() const {
        return !header_delimiter && !key_delimiter && !escape && key_encoding == cli::Encoding::raw &&
               value_encoding == cli::Encoding::raw && !null_marker && !empty_is_null;
    }
};

// Reuses its memory from record to record; not thread-safe.
class FieldParser {
public:
    explicit FieldParser(FieldOptions options) : options_(std::move(options)) {}

    // The views in `record` are valid until the next call and as long as `text`. Errors: corrupt, with the byte of
    // `text`: an unknown escape, no hex, no base64, a missing delimiter.
    [[nodiscard]] Status parse(ByteView text, cli::InputRecord& record);

private:
    [[nodiscard]] Status parse_headers(ByteView text, std::size_t at, cli::InputRecord& record);
    // Null, escapes and encoding, in this order; `at` is where `text` stands in the piece.
    [[nodiscard]] Result<NullableBytes> field(ByteView text, std::size_t at, cli::Encoding encoding);
    [[nodiscard]] std::string& scratch();

    FieldOptions options_;
    std::deque<std::string> scratch_;  // a deque: views stay valid
    std::size_t scratch_used_ = 0;
};

}  // namespace mq::produce
