// What is settled before the first record is read: the topic, its partitions, what a checkpoint says.
#pragma once

#include <optional>
#include <vector>

#include "args.h"
#include "checkpoint.h"
#include "producer.h"
#include "store/data_directory.h"

namespace mq::produce {

// Makes the topic if it is missing and may be made. Errors: not_found (topic, partition), those of the directory.
[[nodiscard]] Result<ProducerSetup> prepare_topic(const Args& args, store::DataDirectory& directory);

// For a dry run, which makes nothing: what a topic would have if it is not there.
[[nodiscard]] Result<ProducerSetup> imagine_topic(const Args& args, const std::string& path);

// Goes on where `checkpoint` says, or begins one, durably. Completes `setup`; what it returns is the state to go on
// with. Errors: corrupt (another topic, other files, records gone), in_use, those of the files and of reading.
[[nodiscard]] Result<CheckpointState> resume(const Args& args, store::DataDirectory& directory,
                                             Checkpoint& checkpoint, ProducerSetup& setup);

}  // namespace mq::produce
