// A life of a process on a data directory that passes through every kill point of the store, and how to judge what is
// left.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <string>
#include <string_view>

#include "storm/shared.h"
#include "storm/storm.h"
#include "support/fast_dir.h"
#include "support/history.h"

namespace mq::test {

// Where a life begins. `fresh`: there is no directory.
enum class LifeStart : unsigned char { fresh, first_batch, mid_segment, roll_due, index_full };
inline constexpr std::array kLifeStarts{LifeStart::fresh, LifeStart::first_batch, LifeStart::mid_segment,
                                        LifeStart::roll_due, LifeStart::index_full};
[[nodiscard]] std::string_view to_string(LifeStart start);

// What may go from the partition that is cut; written before the cut begins.
struct LifeBoard {
    std::atomic<std::int64_t> truncated_to;       // records at or above, sent before the event below, may be gone
    std::atomic<std::uint64_t> truncated_events;  // of client 0
    std::atomic<std::int64_t> trimmed_to;         // records below may be gone
    std::array<std::atomic<std::uint64_t>, 8> next_record;
    std::array<char, 600> trouble;
};

class Life {
public:
    explicit Life(LifeStart start);

    [[nodiscard]] const std::string& data() const { return data_; }
    // In children: 0 if all went well.
    int prepare() const;
    int live() const;  // client 0
    // Clients 1 to 5: opens, repairs what it finds, appends one record everywhere, and takes away the topic that a
    // dead one left (not that of a living one).
    int race(unsigned client, bool tidy = true) const;
    int read() const;  // everything, changing nothing

    // In a child of its own: empty, or what is wrong. `racers`: how many have raced.
    [[nodiscard]] std::string judge(unsigned racers) const;
    [[nodiscard]] std::string trouble() const { return board_->trouble.data(); }

    // Partitions by their number in the history: one that only grows, one that is cut at both ends, a compacted one.
    static const std::array<log::TopicPartition, 3>& partitions();

private:
    int fail_with(const std::string& what) const;
    [[nodiscard]] Status append(store::PartitionWriter& writer, unsigned client, std::uint16_t partition,
                                std::uint32_t count) const;
    [[nodiscard]] Status make_topics(store::DataDirectory& directory) const;
    [[nodiscard]] Status prepare_all() const;
    [[nodiscard]] Status live_all() const;
    [[nodiscard]] Status live_in(store::DataDirectory& directory) const;
    [[nodiscard]] Status change_topics(store::DataDirectory& directory) const;
    [[nodiscard]] Status race_all(unsigned client, bool tidy) const;
    [[nodiscard]] Status judge_all(unsigned racers) const;
    [[nodiscard]] Status judge_partition(store::DataDirectory& directory, std::uint16_t number,
                                         unsigned racers) const;

    FastDir dir_;
    std::string data_;
    LifeStart start_;
    History history_{8, 2000};
    Shared<LifeBoard> board_;
};

}  // namespace mq::test
