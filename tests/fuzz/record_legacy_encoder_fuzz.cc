// Any bytes as a stored batch that an old client asks for: what comes out are whole messages with right checksums.
// The first byte says of which magic.
#include <string>

#include "fuzz_input.h"
#include "record/legacy_encoder.h"

namespace mq::record {
namespace {

constexpr std::size_t kLimitBytes = 1 << 20;

void convert(ByteView unit, std::uint8_t magic) {
    thread_local LegacyEncoder encoders[2] = {LegacyEncoder{0, kLimitBytes}, LegacyEncoder{1, kLimitBytes}};
    const auto before = parse_batch_header(unit);
    Buffer out;
    if (!encoders[magic].append(unit, Offset{0}, out)) {
        MQ_ASSERT(out.empty());
        return;
    }
    MQ_ASSERT(before);
    if (before->magic <= magic) {
        MQ_ASSERT(out.view() == unit);
        return;
    }
    MQ_ASSERT(out.size() <= 2 * kLimitBytes);
    RecordReader reader{2 * kLimitBytes};
    for (ByteView rest = out.view(); !rest.empty();) {
        const auto header = parse_batch_header(rest);
        MQ_ASSERT(header && header->size_bytes <= rest.size() && header->magic == magic);
        const ByteView message = rest.substr(0, header->size_bytes);
        MQ_ASSERT(verify_batch_checksum(message, *header));
        rest.remove_prefix(header->size_bytes);
        if (!reader.open(message)) continue;  // offsets that go back, as they were stored
        for (RecordView record; reader.next(record);) MQ_ASSERT(record.message_crc_valid);
    }
}

}  // namespace
}  // namespace mq::record

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq::record;
    if (size <= 1 + kUnitPrefixBytes) return 0;
    const auto magic = static_cast<std::uint8_t>(data[0] & 1);
    // With a size that fits, so that the fuzzer need not guess it.
    std::string unit{mq::fuzz::view_of(data + 1, size - 1)};
    convert(unit, magic);
    mq::store_be(unit.data() + sizeof(std::int64_t), static_cast<std::int32_t>(unit.size() - kUnitPrefixBytes));
    convert(unit, magic);
    return 0;
}
