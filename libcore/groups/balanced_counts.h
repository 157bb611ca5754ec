// How many partitions of each class a member should hold: the arithmetic of the sticky assignors, pure.
// A class is a set of partitions that the same members subscribe to; within it they differ only by their owners.
#pragma once

#include <cstdint>
#include <vector>

namespace mq::groups {

struct PartitionClass {
    std::vector<std::uint32_t> subscribers;  // indexes of members, ascending; at least one
    std::vector<std::uint32_t> owned;        // of each subscriber: how many it has now
    std::uint32_t partitions = 0;            // at least the sum of `owned`
};

// For each class the count of each subscriber; they add up to the class's partitions.
//
// The counts are those of a minimum cost flow from classes to members. First the sum over the members of
// (partitions held)^2 is least: no partition can then move, over however many hands, from a member to one that has
// two less. Among those, the partitions that change hands are fewest. Ties are broken by the order of members and
// classes. Example: owned {4, 0} of 4 -> {2, 2}; two classes of 2, members 0 and 1 share the first, only 0 the second
// -> {0, 2} and {2}.
[[nodiscard]] std::vector<std::vector<std::uint32_t>> balanced_counts(std::size_t members,
                                                                      const std::vector<PartitionClass>& classes);

}  // namespace mq::groups
