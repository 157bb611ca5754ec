// What retention.consumed asks of the groups of a data directory.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/strong_int.h"
#include "log/checkpoint_file.h"

namespace mq::local {

// Everybody who reads the partition has committed past this offset: all groups that have committed anything of its
// topic, and those whose members on this machine subscribe to it. nullopt: there is no group, or one of them has
// nothing of this partition. Takes no lock.
[[nodiscard]] Result<std::optional<Offset>> consumed_below(const std::string& data_directory,
                                                           const log::TopicPartition& id);

}  // namespace mq::local
