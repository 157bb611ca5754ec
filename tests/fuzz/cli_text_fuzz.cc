// Formats, ranges, times, sizes and escapes of any text: an error of kind bad_argument, or a value that can be used.
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/range.h"
#include "cli/values.h"
#include "record/batch_builder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq;
    const std::string text{reinterpret_cast<const char*>(data), size};

    if (const auto format = cli::Format::parse(text)) {
        record::BatchBuilder builder;
        const record::Header headers[] = {{"header", text}, {"null", std::nullopt}};
        builder.add(1'700'000'000'000, text, std::nullopt, headers);
        record::RecordReader reader;
        const auto batch = builder.finish();
        MQ_ASSERT(batch && reader.open(*batch));
        record::RecordView record;
        MQ_ASSERT(reader.next(record));
        cli::FormatInput input;
        input.record = &record;
        input.batch = &reader.header();
        std::string out;
        if (const Status printed = format->append(out, input); !printed)
            MQ_ASSERT(printed.error().code == Errc::corrupt);
    } else {
        MQ_ASSERT(format.error().code == Errc::bad_argument);
    }
    cli::Ranges ranges;
    if (ranges.add(text, 1'700'000'000'000)) {
        const cli::LogBounds log{Offset{10}, Offset{20},
                                 [](TimestampMs) -> Result<std::optional<Offset>> { return std::nullopt; }};
        for (const auto& bound : {ranges.of_partition(0).from, ranges.of_partition(0).until}) {
            if (!bound) continue;
            const auto offset = cli::resolve(*bound, log);
            MQ_ASSERT(offset ? *offset >= Offset{0} : offset.error().code == Errc::unsupported);
        }
    }
    static_cast<void>(cli::parse_size(text));
    static_cast<void>(cli::parse_duration_ms(text));
    static_cast<void>(cli::parse_escapes(text));
    std::string json;
    cli::append_json_bytes(json, "text", text);
    MQ_ASSERT(cli::is_utf8(json));
    return 0;
}
