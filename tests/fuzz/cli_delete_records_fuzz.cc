// The file of kafka-delete-records, of any text: an error of kind corrupt with a place inside it, or partitions each
// of which is there once.
#include <cstdint>
#include <set>

#include "base/assert.h"
#include "cli/delete_records.h"
#include "fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq;
    const auto wanted = cli::parse_delete_records(fuzz::view_of(data, size));
    if (!wanted) {
        MQ_ASSERT(wanted.error().code == Errc::corrupt && *wanted.error().position <= size);
        return 0;
    }
    std::set<log::TopicPartition> seen;
    for (const auto& [id, offset] : *wanted)
        MQ_ASSERT(id.partition >= 0 && offset >= kNoOffset && seen.insert(id).second);
    return 0;
}
