// Any bytes as a unit of a segment: header, checksum, records of every magic and codec, headers, control records.
#include <string>
#include <vector>

#include "fuzz_input.h"
#include "record/batch_builder.h"
#include "record/control_record.h"

namespace mq::record {
namespace {

constexpr std::size_t kLimitBytes = 1 << 20;

// Reads everything of a unit; what a batch of magic 2 held must survive being encoded anew.
void read_unit(ByteView unit) {
    thread_local RecordReader reader{kLimitBytes};
    if (!reader.open(unit)) return;
    const BatchHeader& h = reader.header();
    MQ_ASSERT(reader.uncompressed_bytes() <= std::max(kLimitBytes, unit.size()));
    static_cast<void>(verify_batch_checksum(unit, h));
    BatchBuilder builder;
    std::int32_t records = 0;
    std::int64_t last_delta = -1;
    bool deltas_grow = true;
    for (RecordView r; reader.next(r); ++records) {
        static_cast<void>(parse_control_record(r));
        MQ_ASSERT(r.offset.value() >= 0);
        std::vector<Header> headers;
        HeaderReader header_reader{r};
        for (Header header; header_reader.next(header);) headers.push_back(header);
        MQ_ASSERT(static_cast<std::int32_t>(headers.size()) == r.header_count);
        if (h.magic != kMagicV2) continue;
        const std::int64_t delta = r.offset - h.base_offset;
        deltas_grow = deltas_grow && delta > last_delta;
        last_delta = delta;
        builder.add_at(static_cast<std::int32_t>(delta), r.timestamp, r.key, r.value, headers);
    }
    if (!reader.status() || h.magic != kMagicV2) return;
    MQ_ASSERT(records == h.record_count);
    const auto again = builder.finish();
    MQ_ASSERT(again);
    RecordReader second;
    MQ_ASSERT(second.open(*again));
    MQ_ASSERT(verify_batch_checksum(*again, second.header()));
    std::int32_t reread = 0;
    for (RecordView r; second.next(r);) ++reread;
    MQ_ASSERT(!deltas_grow || (reread == records && second.status()));
}

}  // namespace
}  // namespace mq::record

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq::record;
    const mq::ByteView bytes = mq::fuzz::view_of(data, size);
    read_unit(bytes);
    if (size <= kUnitPrefixBytes) return 0;
    // With a size that fits, so that the fuzzer need not guess it.
    std::string fitted{bytes};
    mq::store_be(fitted.data() + sizeof(std::int64_t), static_cast<std::int32_t>(size - kUnitPrefixBytes));
    read_unit(fitted);
    return 0;
}
