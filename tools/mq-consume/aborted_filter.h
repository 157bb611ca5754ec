// What read_committed leaves out: records of transactions that were aborted.
// Source of the rule: org.apache.kafka.clients.consumer.internals.CompletedFetch.
#pragma once

#include <vector>

#include "log/batch_scanner.h"
#include "log/txn_index.h"

namespace mq::consume {

// Fed with the batches in order of offset. Not thread-safe.
class AbortedFilter {
public:
    AbortedFilter() = default;
    // Those that overlap the offsets that will be fed, in any order.
    explicit AbortedFilter(std::vector<log::AbortedTxn> aborted);

    [[nodiscard]] bool drops(const record::BatchHeader& header);

private:
    std::vector<log::AbortedTxn> aborted_;  // by first offset
    std::size_t next_ = 0;
    std::vector<ProducerId> open_;  // producers inside an aborted transaction
};

}  // namespace mq::consume
