// Compacting one partition because somebody asked for it, and telling what came of it.
#pragma once

#include "cli/items.h"
#include "log/checkpoint_file.h"
#include "store/data_directory.h"

namespace mq::local {

inline constexpr cli::Field kCompactionFields[] = {{"topic"},
                                                   {"partition", true, true},
                                                   {"records_before", true, true},
                                                   {"records_after", true, true},
                                                   {"bytes_before", true, true},
                                                   {"bytes_after", true, true}};

// Adds a row of those fields. The active segment is closed first, or its records would wait for the next roll.
void compact_partition(cli::Items& items, store::DataDirectory& directory, const log::TopicPartition& id,
                       cli::Rows& rows);

}  // namespace mq::local
