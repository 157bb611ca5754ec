// Any text as a record in JSON: corrupt, or fields that lie in memory of its own and can be written again.
#include "cli/json.h"
#include "cli/json_record.h"
#include "fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq;
    const ByteView text = fuzz::view_of(data, size);
    cli::JsonRecordParser parser;
    cli::InputRecord record;
    if (const Status parsed = parser.parse(text, record); !parsed) {
        MQ_ASSERT(parsed.error().code == Errc::corrupt);
        MQ_ASSERT(parsed.error().position && *parsed.error().position <= size);
        return 0;
    }
    std::string again = "{\"timestamp\":" + std::to_string(record.timestamp.value_or(0));
    if (record.has_key) cli::append_json_bytes(again, "key", record.key);
    cli::append_json_bytes(again, "value", record.value);
    again += ",\"headers\":[";
    for (const auto& header : record.headers) {
        again += again.back() == '[' ? "{" : ",{";
        cli::append_json_bytes(again, "key", header.key, true);
        cli::append_json_bytes(again, "value", header.value);
        again += '}';
    }
    again += "]}";
    cli::JsonRecordParser second;
    cli::InputRecord same;
    MQ_ASSERT(second.parse(again, same));
    MQ_ASSERT(same.has_key == record.has_key && same.key == record.key && same.value == record.value);
    MQ_ASSERT(same.headers.size() == record.headers.size());
    for (std::size_t i = 0; i < same.headers.size(); ++i) {
        MQ_ASSERT(same.headers[i].key == record.headers[i].key && same.headers[i].value == record.headers[i].value);
    }
    return 0;
}
