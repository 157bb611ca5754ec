// Input templates: how a record stands in a stream of bytes, in the verbs of the output formats (format.h).
//
//     %k key   %v %s value   %h{...} headers   %p partition   %T timestamp (ms)   %K %V %S lengths of key and value
//     (-1: null)   %H number of headers   %t topic and %o offset, which are passed over   %% a percent sign
//     bytes: {hex} {base64} {json} {re[PATTERN]}      numbers: {u8} {u16be} {u32le} {u64be} ... {ascii}
//
//     '%k,%v\n'             key to the comma, value to the end of the line
//     '%K{u32be}%V{u32be}%k%v'   both with their length in front
//     '%h{%k=%v;} %v\n'     headers, each ended by a semicolon, then a space and the value
//
// A text ends where the literal after it begins, unless its length was told, or {json} or {re[...]} say where it
// ends. A template that ends in a text without a length ends in a newline. Literals know the C escapes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/encoding.h"
#include "cli/input_record.h"

namespace mq::cli {

class InputTemplate {
public:
    InputTemplate();
    ~InputTemplate();
    InputTemplate(InputTemplate&&) noexcept;
    InputTemplate& operator=(InputTemplate&&) noexcept;

    // Errors: bad_argument, naming the verb or modifier and where it stands.
    [[nodiscard]] static Result<InputTemplate> parse(std::string_view text);

    enum class Outcome : unsigned char { record, need_more, malformed };

    // Reads the record that `bytes` begin with; `at_end`: nothing will follow them. The views in `record` are valid
    // until the next call and as long as the bytes. consumed(): the bytes it took, of a malformed record those up to
    // where the next one may begin (0: nobody knows). error(): of a malformed one, with the byte within `bytes`.
    [[nodiscard]] Outcome next(ByteView bytes, bool at_end, InputRecord& record);
    [[nodiscard]] std::size_t consumed() const { return consumed_; }
    [[nodiscard]] const Error& error() const { return error_; }

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
    std::size_t consumed_ = 0;
    Error error_;
};

}  // namespace mq::cli
