// Any batches as a partition of __consumer_offsets: they are read to an end, and come to the same whether they are
// read at once or in two parts, whatever transactions are open in between.
#include <algorithm>
#include <vector>

#include "fuzz_input.h"
#include "offsets/replay.h"

namespace mq::offsets {
namespace {

// What the log layer would give out: units that follow each other.
std::vector<log::ScannedBatch> batches_of(ByteView bytes) {
    std::vector<log::ScannedBatch> batches;
    Offset next{0};
    while (!bytes.empty()) {
        const auto header = record::parse_batch_header(bytes);
        if (!header || header->size_bytes > bytes.size() || header->magic != record::kMagicV2) break;
        if (header->base_offset < next || header->last_offset() < header->base_offset) break;
        next = header->next_offset();
        batches.push_back({*header, FilePosition{0}, bytes.substr(0, header->size_bytes)});
        bytes.remove_prefix(header->size_bytes);
    }
    return batches;
}

Result<Offset> replay_into(Memory& memory, const std::vector<log::ScannedBatch>& batches, Offset from, Offset end,
                           Offset first_open) {
    std::size_t at = 0;
    return replay("__consumer_offsets-0",
                  {[&](Offset offset) {
                       for (at = 0; at < batches.size() && batches[at].header.last_offset() < offset;) ++at;
                   },
                   [&](log::ScannedBatch& batch) -> Result<log::ReadOutcome> {
                       if (at == batches.size()) return log::ReadOutcome::end_of_log;
                       batch = batches[at++];
                       return log::ReadOutcome::batch;
                   }},
                  from, end, first_open, [&](const Effect& effect) -> Status {
                      memory.apply(effect);
                      return {};
                  });
}

bool is_same(const Memory& a, const Memory& b) {
    return std::ranges::equal(a.groups, b.groups, [](const auto& one, const auto& other) {
        return one.first == other.first && one.second.metadata == other.second.metadata &&
               std::ranges::equal(one.second.offsets, other.second.offsets, [](const auto& x, const auto& y) {
                   return x.first == y.first && x.second.committed == y.second.committed &&
                          x.second.record == y.second.record;
               });
    });
}

}  // namespace
}  // namespace mq::offsets

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq::offsets;
    const auto batches = batches_of(mq::fuzz::view_of(data, size));
    if (batches.empty()) return 0;
    const mq::Offset end = batches.back().header.next_offset();
    Memory whole;
    if (!replay_into(whole, batches, mq::Offset{0}, end, mq::kNoOffset)) return 0;
    const mq::Offset middle = batches[batches.size() / 2].header.base_offset;
    Memory parts;
    const auto open = replay_into(parts, batches, mq::Offset{0}, middle, mq::kNoOffset);
    MQ_ASSERT(open && replay_into(parts, batches, middle, end, *open));
    MQ_ASSERT(is_same(whole, parts));
    return 0;
}
