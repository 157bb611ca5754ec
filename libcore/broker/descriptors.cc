#include "broker/descriptors.h"

#include <algorithm>

namespace mq::broker {
namespace {

// Threads, listeners and the control file take twenty; the rest is for ten threads that fetch, roll, compact, or use
// one partition more than the share.
constexpr std::uint64_t kLeastForTheMoment = 100;
constexpr std::uint64_t kFetches = 32;
// More would be memory without use.
constexpr std::size_t kMostPartitions = 4096;
// Of Kafka's default; who has more of them has groups enough to find those that were closed.
constexpr std::size_t kMostOffsetsPartitions = 50;

}  // namespace

DescriptorShares share_out(std::uint64_t descriptors) {
    const std::uint64_t moment = std::min(std::max(descriptors / 8, kLeastForTheMoment), descriptors / 2);
    const std::uint64_t of_partitions = (descriptors - moment) / 7 * 4;
    DescriptorShares shares;
    shares.connections = std::max<std::size_t>((descriptors - moment) / 7 * 3, 1);
    shares.offsets_partitions =
        std::clamp<std::size_t>(of_partitions / 4 / kDescriptorsOfOffsetsPartition, 1, kMostOffsetsPartitions);
    const std::uint64_t of_offsets =
        std::min<std::uint64_t>(shares.offsets_partitions * kDescriptorsOfOffsetsPartition, of_partitions);
    shares.partitions =
        std::clamp<std::size_t>((of_partitions - of_offsets) / kDescriptorsOfPartition, 1, kMostPartitions);
    shares.files_of_fetch = std::max<std::size_t>(descriptors / kFetches, 1);
    return shares;
}

}  // namespace mq::broker
