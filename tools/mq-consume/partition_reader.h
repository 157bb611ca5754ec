// Reads one partition from a range's start to its end, and prints it.
#pragma once

#include <vector>

#include "args.h"
#include "cli/diagnostics.h"
#include "cli/local_partition.h"
#include "log/txn_index.h"
#include "printer.h"

namespace mq::consume {

// What read_committed leaves out: records of transactions that were aborted. Fed with the batches in order of offset.
// Source of the rule: org.apache.kafka.clients.consumer.internals.CompletedFetch.
class AbortedFilter {
public:
    explicit AbortedFilter(std::vector<log::AbortedTxn> aborted);
    [[nodiscard]] bool drops(const log::ScannedBatch& batch);

private:
    std::vector<log::AbortedTxn> aborted_;  // by first offset
    std::size_t next_ = 0;
    std::vector<ProducerId> open_;  // producers inside an aborted transaction
};

// Offsets that reading goes through: from, up to but without until.
struct Span {
    Offset from{0};
    Offset until{0};
};

// What the range means for this partition now. A warning is given where records are gone or not there yet.
[[nodiscard]] Result<Span> choose_span(const Args& args, const cli::LocalPartition& partition,
                                       const cli::Diagnostics& diagnostics);

// Prints the records of `span`, at most until args.count is reached in all. What precedes damage is printed before
// the error, which names the file and byte.
[[nodiscard]] Status print_partition(const Args& args, const cli::LocalPartition& partition, const Span& span,
                                     Printer& printer);

}  // namespace mq::consume
