// Producer snapshots of any bytes: an error, or a state that is written with the same meaning and can be used.
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "base/crc32c.h"
#include "log/producer_snapshot.h"

namespace {

void use(mq::ByteView bytes) {
    using namespace mq;
    const auto state = log::decode_snapshot(bytes);
    if (!state) {
        MQ_ASSERT(state.error().code == Errc::corrupt);
        return;
    }
    const auto again = log::decode_snapshot(log::encode_snapshot(*state));
    MQ_ASSERT(again && *again == *state);

    log::ProducerState used = *state;
    for (const auto& [id, entry] : state->entries()) {
        record::BatchHeader header;
        header.base_offset = Offset{1};
        header.producer_id = id;
        header.producer_epoch = entry.producer_epoch;
        header.base_sequence = entry.last_sequence() < 0 ? 0 : record::add_sequence(entry.last_sequence(), 1);
        header.attributes = record::kTransactionalBit;
        static_cast<void>(used.check(header, log::AppendOrigin::client));
        used.update(header);
        MQ_ASSERT(used.first_unstable_offset().has_value());
        header.attributes |= record::kControlBit;
        MQ_ASSERT(used.complete(header, true, 0).has_value());
    }
    MQ_ASSERT(!used.first_unstable_offset());
    used.expire(INT64_MAX, 0);
    MQ_ASSERT(used.entries().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string bytes{reinterpret_cast<const char*>(data), size};
    use(bytes);
    // With the right checksum, so that what is behind it is reached.
    if (size >= mq::log::kSnapshotHeaderBytes) {
        mq::store_be(bytes.data() + 2, mq::crc32c(mq::ByteView{bytes}.substr(6)));
        use(bytes);
    }
    return 0;
}
