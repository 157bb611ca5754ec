// Which records lie in which bytes of the output: what may be committed once so many bytes have been taken.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "base/function_ref.h"
#include "base/strong_int.h"

namespace mq::consume {

// How far one partition has come.
struct Progress {
    Offset next{0};                 // everything below was delivered, or left out on purpose
    LeaderEpoch leader_epoch = -1;  // of the last record; -1: not known

    bool operator==(const Progress&) const = default;
};

// Marks in the order of the bytes that are printed. Memory: 16 bytes for each record that is still on its way. Not
// thread-safe.
class OutputLedger {
public:
    using Source = std::uint32_t;  // a partition, as the caller numbers them

    // Until the next call the marks are of this source, and of batches of this epoch.
    void begin(Source source, LeaderEpoch epoch);
    // Everything of the source below `next` lies in the first `end_bytes` of the output, none of them below those of
    // an earlier mark.
    void add(std::uint64_t end_bytes, Offset next) { marks_.push_back({end_bytes, next}); }

    // Forgets the marks whose bytes are among the first `taken_bytes`; tells for each source how far it has come,
    // perhaps several times, the last word counts.
    void settle(std::uint64_t taken_bytes, FunctionRef<void(Source, const Progress&)> tell);

    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] std::size_t size() const { return marks_.size() - settled_; }
    [[nodiscard]] bool has(Source source) const;

private:
    struct Mark {
        std::uint64_t end_bytes;
        Offset next;
    };
    // Marks of one source and epoch, one after another.
    struct Run {
        Source source;
        LeaderEpoch epoch;
        std::size_t first;  // index of its first mark
    };

    std::vector<Mark> marks_;
    std::size_t settled_ = 0;  // marks that were told of, and are not erased yet
    std::deque<Run> runs_;     // of the others
};

}  // namespace mq::consume
