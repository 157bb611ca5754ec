// --checkpoint: how far the input has been appended and flushed, and what tells in the log which records came after.
//
// Records carry a producer id that the checkpoint chose, and sequence numbers, as an idempotent producer of Kafka has
// them. Whoever starts again finds the batches of that id behind the offsets noted, knows from their sequence numbers
// how many records of the input are in each partition already, and leaves out as many.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/strong_int.h"
#include "batch.h"
#include "os/file.h"
#include "store/data_directory.h"

namespace mq::produce {

struct CheckpointPartition {
    std::int32_t sequence = 0;  // of the next record
    Offset offset{0};           // the log's end of this producer's records, or where they may begin
};

struct CheckpointState {
    std::string topic;
    std::string topic_id;
    ProducerId producer_id = kNoProducerId;
    std::string file;  // name of the input at mark.file
    InputMark mark;
    std::vector<CheckpointPartition> partitions;
};

// The text of a checkpoint file, Java properties. Errors: corrupt, naming the line or key.
[[nodiscard]] std::string format_checkpoint(const CheckpointState& state);
[[nodiscard]] Result<CheckpointState> parse_checkpoint(std::string_view text);

// The file, and the lock beside it, PATH.lock, that keeps a second process out.
class Checkpoint {
public:
    // Errors: in_use, corrupt, those of the files. The state is absent if the file is not there.
    [[nodiscard]] static Result<Checkpoint> open(const std::string& path);

    [[nodiscard]] const std::optional<CheckpointState>& found() const { return found_; }
    // Atomic and durable.
    [[nodiscard]] Status save(const CheckpointState& state);

private:
    std::string path_;
    os::File lock_;
    std::optional<CheckpointState> found_;
};

// A producer id that nobody else has, but for a chance of one in 2^61.
[[nodiscard]] ProducerId choose_producer_id();

// The sequence number after the last record of `producer_id` in the partition, at or behind `from`. Errors: corrupt,
// if records behind `from` are gone and nothing tells; those of reading.
[[nodiscard]] Result<std::int32_t> next_sequence(store::DataDirectory& directory, const log::TopicPartition& id,
                                                 ProducerId producer_id, const CheckpointPartition& from);

}  // namespace mq::produce
