#include "ack_ledger.h"

#include <algorithm>

#include "cli/text.h"

namespace mq::consume {

using cli::cat;

void AckLedger::printed(const log::TopicPartition& id, Offset from, Offset behind_last, Offset next,
                        LeaderEpoch epoch) {
    const auto [at, is_new] = partitions_.try_emplace(id);
    Partition& partition = at->second;
    if (is_new) partition = {from, from, from, {}};
    if (partition.epochs.empty() || std::prev(partition.epochs.end())->second != epoch)
        partition.epochs.emplace(is_new ? from : partition.next, epoch);
    partition.behind_last = std::max(partition.behind_last, behind_last);
    partition.next = std::max(partition.next, next);
}

void AckLedger::forget(const log::TopicPartition& id) { partitions_.erase(id); }

Result<std::optional<AckLedger::Done>> AckLedger::accept(const Ack& ack) {
    const auto refuse = [&](std::string_view why) {
        return fail(Errc::out_of_order, "acknowledgement", "--ack-fd",
                    cat("line ", ack.line, ": topic '", ack.id.topic, "' partition ", ack.id.partition, " offset ",
                        ack.offset.value(), ": ", why));
    };
    const auto found = partitions_.find(ack.id);
    if (found == partitions_.end()) return refuse("the partition is not read here");
    Partition& partition = found->second;
    if (ack.offset >= partition.next)
        return refuse(cat("was not printed: the next is offset ", partition.next.value()));
    const Offset reached = ack.offset + 1 >= partition.behind_last ? partition.next : ack.offset + 1;
    if (reached <= partition.acknowledged) return std::optional<Done>{};
    partition.acknowledged = reached;
    // The epoch of the last record below.
    const auto above = partition.epochs.lower_bound(reached);
    const LeaderEpoch epoch = above == partition.epochs.begin() ? -1 : std::prev(above)->second;
    partition.epochs.erase(partition.epochs.begin(), above == partition.epochs.begin() ? above : std::prev(above));
    return std::optional<Done>{{ack.id, reached, epoch}};
}

bool AckLedger::complete() const {
    return std::ranges::all_of(
        partitions_, [](const auto& entry) { return entry.second.acknowledged >= entry.second.behind_last; });
}

}  // namespace mq::consume
