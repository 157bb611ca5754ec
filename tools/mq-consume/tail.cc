#include "tail.h"

#include <algorithm>
#include <limits>
#include <queue>

namespace mq::consume {

namespace {

struct Place {
    TimestampMs timestamp = kNoTimestamp;
    Offset offset{0};
};

// One that is among the last of all, as far as is known.
struct Candidate {
    TimestampMs key = kNoTimestamp;
    Offset offset{0};
    std::size_t partition = 0;

    // The first to go stands at the top of a heap: the oldest, of one partition's equals that of the lowest offset.
    bool operator<(const Candidate& other) const {
        return key != other.key ? key > other.key : offset > other.offset;
    }
};
static_assert(sizeof(Candidate) == 24);

constexpr std::int64_t kLargestBlock = 65536;

// The records in [from, until), forward.
Status read_places(PartitionStream& stream, Offset from, Offset until, std::vector<Place>& places) {
    places.clear();
    stream.set_span(from, until);
    for (;;) {
        MQ_ASSIGN(const Step step, stream.next_batch());
        if (step != Step::batch) return {};
        MQ_ASSIGN(const bool open, stream.open_records());
        if (open) {
            for (record::RecordView record; stream.records().next(record);) {
                if (record.offset >= from && record.offset < until)
                    places.push_back({record.timestamp, record.offset});
            }
            MQ_TRY(stream.close_records());
        }
        stream.set_position(stream.batch().header.next_offset());
    }
}

class Tail {
public:
    explicit Tail(std::uint64_t count) : count_(count) {}

    // Backward through the partition, for as long as its records are among the last.
    Status add(const TailPartition& partition, std::size_t index) {
        std::int64_t block = std::clamp<std::int64_t>(
            static_cast<std::int64_t>(std::min<std::uint64_t>(count_, static_cast<std::uint64_t>(kLargestBlock))), 1,
            kLargestBlock);
        TimestampMs key = std::numeric_limits<TimestampMs>::max();
        for (Offset until = partition.end; until > partition.start;) {
            const Offset from = std::max(partition.start, until - block);
            MQ_TRY(read_places(*partition.stream, from, until, places_));
            for (auto place = places_.rbegin(); place != places_.rend(); ++place) {
                // No record is later than those that follow it in its partition.
                key = std::min(key, place->timestamp);
                if (!take({key, place->offset, index})) return {};
            }
            until = from;
            block = std::min(block * 2, kLargestBlock);
        }
        return {};
    }

    [[nodiscard]] std::vector<Offset> starts(std::span<const TailPartition> partitions) {
        std::vector<Offset> starts;
        for (const TailPartition& partition : partitions) starts.push_back(partition.end);
        for (; !last_.empty(); last_.pop()) {
            Offset& start = starts[last_.top().partition];
            start = std::min(start, last_.top().offset);
        }
        return starts;
    }

private:
    bool take(const Candidate& candidate) {
        if (last_.size() < count_) {
            last_.push(candidate);
            return true;
        }
        if (count_ == 0 || candidate.key <= last_.top().key) return false;
        last_.pop();
        last_.push(candidate);
        return true;
    }

    std::uint64_t count_;
    std::priority_queue<Candidate> last_;
    std::vector<Place> places_;
};

}  // namespace

Result<std::vector<Offset>> choose_tail(std::span<const TailPartition> partitions, std::uint64_t count) {
    Tail tail{count};
    for (std::size_t i = 0; i < partitions.size(); ++i) MQ_TRY(tail.add(partitions[i], i));
    return tail.starts(partitions);
}

}  // namespace mq::consume
