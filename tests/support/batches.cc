#include "support/batches.h"

#include <stdexcept>

namespace mq::test {

std::string encode_batch(const std::vector<TestRecord>& records, const record::BatchOptions& options) {
    record::BatchBuilder builder{options};
    for (const auto& r : records) builder.add(r.timestamp, ByteView{r.key}, ByteView{r.value});
    const auto batch = builder.finish();
    if (!batch) throw std::runtime_error{batch.error().message()};
    return std::string{*batch};
}

std::string numbered_batch(int first, int count, TimestampMs first_timestamp, const record::BatchOptions& options) {
    std::vector<TestRecord> records;
    for (int i = 0; i < count; ++i)
        records.push_back({"k" + std::to_string(first + i), "v" + std::to_string(first + i), first_timestamp + i});
    return encode_batch(records, options);
}

}  // namespace mq::test
