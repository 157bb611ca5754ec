// From names to the hashes of the shared table, and from commits to encoded batches. Internal to the layer.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "offsets/offset_store.h"
#include "record/batch_builder.h"
#include "shm/offset_table.h"

namespace mq::offsets {

// Two lanes of 64 bits, mixed word by word. Collisions cost a walk of the log, never a wrong answer: names are held
// against the record.
[[nodiscard]] shm::Hash128 hash_name(std::string_view name);
[[nodiscard]] shm::Hash128 hash_key(const shm::Hash128& group, const shm::Hash128& topic, std::int32_t partition);
[[nodiscard]] inline shm::Hash128 hash_key(std::string_view group, std::string_view topic, std::int32_t partition) {
    return hash_key(hash_name(group), hash_name(topic), partition);
}

[[nodiscard]] bool is_utf8(std::string_view text);
// Errors: bad_argument, naming what is wrong.
[[nodiscard]] Status check_commit(const Commit& commit, bool from_client);

// Records of __consumer_offsets, in as many batches as they take; memory is kept for the next time.
class BatchEncoder {
public:
    void begin(TimestampMs now);
    void add(std::string_view group, const Commit& commit, TimestampMs commit_timestamp);
    // nullopt: a tombstone.
    void add_metadata(std::string_view group, const std::optional<record::GroupMetadataValue>& metadata);
    [[nodiscard]] std::int32_t records() const { return records_; }
    // The batches in a row; valid until the next call.
    [[nodiscard]] Result<std::span<char>> finish();

private:
    void add_record(NullableBytes value);
    [[nodiscard]] Status close_batch();

    record::BatchBuilder builder_;
    Buffer key_;
    Buffer value_;
    Buffer batches_;
    TimestampMs now_ = 0;
    std::int32_t records_ = 0;
    Status failed_;
};

}  // namespace mq::offsets
