// A life that makes topics, appends, rolls, truncates, trims, compacts and deletes.
#pragma once

#include "storm/life.h"

namespace mq::test {

// What may go from the partition that is cut; written before the cut begins.
struct StoreLifeBoard {
    std::atomic<std::int64_t> truncated_to;       // records at or above, sent before the event below, may be gone
    std::atomic<std::uint64_t> truncated_events;  // of client 0
    std::atomic<std::int64_t> trimmed_to;         // records below may be gone
    std::atomic<std::int64_t> ids_below;          // producer ids that were given out
    std::array<std::atomic<std::uint64_t>, 8> next_record;
};

class StoreLife final : public Life {
public:
    explicit StoreLife(LifeStart start);

    // Partitions by their number in the history: one that only grows, one that is cut at both ends, a compacted one.
    static const std::array<log::TopicPartition, 3>& partitions();

private:
    [[nodiscard]] Status append(store::PartitionWriter& writer, unsigned client, std::uint16_t partition,
                                std::uint32_t count) const;
    [[nodiscard]] Status make_topics(store::DataDirectory& directory) const;
    [[nodiscard]] Status prepare_all() const override;
    [[nodiscard]] Status live_all() const override;
    [[nodiscard]] Status live_in(store::DataDirectory& directory) const;
    [[nodiscard]] Status claim_ids(store::DataDirectory& directory) const;
    [[nodiscard]] Status change_topics(store::DataDirectory& directory) const;
    [[nodiscard]] Status race_all(unsigned client, bool tidy) const override;
    [[nodiscard]] Status read_all() const override;
    [[nodiscard]] Status judge_all(unsigned racers) const override;
    [[nodiscard]] Status judge_partition(store::DataDirectory& directory, std::uint16_t number,
                                         unsigned racers) const;

    History history_{8, 2000};
    Shared<StoreLifeBoard> board_;
};

}  // namespace mq::test
