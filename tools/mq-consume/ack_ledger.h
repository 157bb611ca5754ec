// Holds acknowledgements against what was printed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "ack_parser.h"

namespace mq::consume {

// Not thread-safe.
class AckLedger {
public:
    // What was wanted of [from, next) has gone to the output; the last record that did stands right below
    // `behind_last` (`from` if none did). Told again as it grows, `from` counts the first time.
    void printed(const log::TopicPartition& id, Offset from, Offset behind_last, Offset next, LeaderEpoch epoch);
    // It belongs to another member now.
    void forget(const log::TopicPartition& id);

    // What may be committed: everything below `next`. Where all that was printed is acknowledged that is behind what
    // follows and nobody sees: markers of transactions, records that were filtered out.
    struct Done {
        log::TopicPartition id;
        Offset next{0};
        LeaderEpoch leader_epoch = -1;  // of the last record below `next`

        bool operator==(const Done&) const = default;
    };
    // Errors: out_of_order, naming line and bounds: a partition that is not read here, or an offset that was not
    // printed. The caller tells it, commits nothing of it, and goes on. An acknowledgement of what is acknowledged
    // already changes nothing, and is none.
    [[nodiscard]] Result<std::optional<Done>> accept(const Ack& ack);
    // All that was printed is acknowledged.
    [[nodiscard]] bool complete() const;

private:
    struct Partition {
        Offset behind_last{0};
        Offset next{0};
        Offset acknowledged{0};                // everything below
        std::map<Offset, LeaderEpoch> epochs;  // by the first offset printed of each
    };
    std::map<log::TopicPartition, Partition> partitions_;
};

}  // namespace mq::consume
