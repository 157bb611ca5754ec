// FORMAT: how a record is printed. kcat's verbs, with modifiers in braces; parsed once, executed per record.
//
//     %k key  %s %v value  %h headers  %t topic  %p partition  %o offset  %T timestamp (ms)  %K %S %V lengths (-1:
//     null) %R value length as 4 bytes  %a compression  %e leader epoch  %x producer id  %y its epoch  %i counter
//     from 1
//     %[ log start  %| last stable offset  %] high watermark  %% a percent sign
//     bytes: {hex} {base64} {unpack[>iq$]}      numbers: {u8} {u16be} {u32le} {u64be} ... {hex}
//     time: {iso} {strftime[%F %T]}             headers: {%k=%v,} for each
//
// Outside of verbs the C escapes hold: \n \t \0 \xHH \\.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "record/record.h"

namespace mq::cli {

// What a format prints of.
struct FormatInput {
    const record::RecordView* record = nullptr;
    const record::BatchHeader* batch = nullptr;
    std::string_view topic;
    std::int32_t partition = 0;
    Offset log_start{0};
    Offset last_stable_offset{0};
    Offset high_watermark{0};
    std::uint64_t count = 0;     // of records printed, this one included
    std::string_view null_text;  // stands for a null key, value, or header value
};

class Format {
public:
    // Errors: bad_argument, naming the verb or modifier and where it stands.
    [[nodiscard]] static Result<Format> parse(std::string_view text);

    // Appends to `out`. Errors: corrupt, if unpack does not fit the bytes; `out` has a part then.
    [[nodiscard]] Status append(std::string& out, const FormatInput& input) const;

private:
    enum class Verb : unsigned char {
        literal,
        key,
        value,
        headers,
        topic,
        partition,
        offset,
        timestamp,
        key_length,
        value_length,
        compression,
        leader_epoch,
        producer_id,
        producer_epoch,
        counter,
        log_start,
        last_stable_offset,
        high_watermark
    };
    enum class How : unsigned char { plain, hex, base64, unpack, binary, iso, strftime, nested };

    struct Step {
        Verb verb = Verb::literal;
        How how = How::plain;
        unsigned char width_bytes = 0;  // of binary
        bool big_endian = true;
        std::string text;          // literal, strftime pattern, unpack pattern
        std::vector<Step> nested;  // of each header
    };
    struct Parser;

    static Status append_steps(std::string& out, const std::vector<Step>& steps, const FormatInput& input);
    static Status append_bytes(std::string& out, const Step& step, NullableBytes bytes, std::string_view null_text);
    static void append_number(std::string& out, const Step& step, std::int64_t number);
    static Status append_headers(std::string& out, const Step& step, const FormatInput& input);

    std::vector<Step> steps_;
};

// Appends the numbers that `pattern` finds in `bytes`, a space between two: < > (byte order, big at first), b B h H i
// I q Q (8 to 64 bits, signed and unsigned), c (a character), s (the rest as text), x (skips a byte), $ (must be the
// end).
[[nodiscard]] Status append_unpacked(std::string& out, std::string_view pattern, ByteView bytes);

}  // namespace mq::cli
