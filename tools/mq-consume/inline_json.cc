// The one file that includes RapidJSON.
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>

#include "printer.h"

namespace mq::consume {

bool append_if_json(std::string& out, ByteView text) {
    // Iterative: a value that nests deeply must not use up the stack.
    constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
    rapidjson::MemoryStream stream{text.data(), text.size()};
    rapidjson::BaseReaderHandler<rapidjson::UTF8<>> nothing;
    rapidjson::Reader reader;
    if (reader.Parse<kFlags>(stream, nothing).IsError()) return false;
    const std::size_t before = out.size();
    out += text;
    // Inside of strings JSON has no bare line breaks.
    std::replace_if(
        out.begin() + static_cast<std::ptrdiff_t>(before), out.end(), [](char c) { return c == '\n' || c == '\r'; },
        ' ');
    return true;
}

}  // namespace mq::consume
