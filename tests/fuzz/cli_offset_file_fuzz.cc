// Files of offsets, of any text: an error of kind corrupt with a place inside it, or rows that come back the same in
// every format that keeps them.
#include <cstdint>

#include "base/assert.h"
#include "cli/offset_file.h"
#include "fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq;
    const auto rows = cli::parse_offset_file(fuzz::view_of(data, size));
    if (!rows) {
        MQ_ASSERT(rows.error().code == Errc::corrupt && *rows.error().position <= size);
        return 0;
    }
    for (const auto format : {cli::OffsetFormat::csv, cli::OffsetFormat::tsv, cli::OffsetFormat::json}) {
        std::string text;
        bool with_group = true;
        for (const cli::GroupOffset& row : *rows) with_group = with_group && !row.group.empty();
        for (const cli::GroupOffset& row : *rows) cli::append_offset(text, row, format, with_group);
        const auto again = cli::parse_offset_file(text);
        if (!with_group && format != cli::OffsetFormat::json) continue;  // partitions of two groups may be one
        MQ_ASSERT(again && again->size() == rows->size());
        for (std::size_t i = 0; i < rows->size(); ++i) {
            MQ_ASSERT((*again)[i].group == (*rows)[i].group && (*again)[i].id == (*rows)[i].id);
            MQ_ASSERT((*again)[i].offset == (*rows)[i].offset);
            if (format == cli::OffsetFormat::json) MQ_ASSERT((*again)[i] == (*rows)[i]);
        }
    }
    return 0;
}
