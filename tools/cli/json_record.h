// One record as a JSON object, as mq-consume --json writes it:
//
//     {"topic":"t","partition":0,"offset":7,"timestamp":1700000000000,"key":"a","value":"/wA=","value_encoding":"base64",
//      "headers":[{"key":"h","value":null}]}
//
// topic, offset and names that are not known are passed over. key and value may be missing text of any JSON type:
// what is neither string nor null stands for its own JSON text. Headers may also be an object of names and values.
#pragma once

#include <string>

#include "base/error.h"
#include "cli/input_record.h"

namespace mq::cli {

// Reuses its memory from record to record; not thread-safe.
class JsonRecordParser {
public:
    // The views in `record` are valid until the next call. Errors: corrupt, with the byte of `text`: no JSON, no
    // object, no "value", a field of the wrong type or out of range, an unknown encoding.
    [[nodiscard]] Status parse(ByteView text, InputRecord& record);

private:
    std::string bytes_;  // decoded strings; never longer than the text, so that views stay valid
};

}  // namespace mq::cli
