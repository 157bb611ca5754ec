// What retention.consumed asks of the groups of a data directory.
#pragma once

#include <optional>

#include "offsets/offset_store.h"

namespace mq::groups {

// Everybody who reads the partition has committed past this offset: all groups that have committed anything of its
// topic, and those whose members subscribe to it, on this machine or over the network. nullopt: there is no group, or
// one of them has nothing of this partition. Takes no lock.
[[nodiscard]] Result<std::optional<Offset>> consumed_below(store::DataDirectory& directory,
                                                           offsets::OffsetStore& offsets,
                                                           const log::TopicPartition& id);

}  // namespace mq::groups
