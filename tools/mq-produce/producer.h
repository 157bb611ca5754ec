// Collects records into a batch for each partition, and sends the batches on.
#pragma once

#include <string>
#include <vector>

#include "args.h"
#include "batch.h"
#include "cli/input_record.h"
#include "handover.h"
#include "partitioner.h"
#include "splitter.h"

namespace mq::produce {

// What is known of the topic when the first record is read.
struct ProducerSetup {
    std::vector<std::int32_t> partitions;
    std::uint64_t topic_limit_bytes = kDefaultMaxRecordBytes;  // max.message.bytes
    std::uint64_t segment_bytes = 1 << 30;
    ProducerId producer_id = kNoProducerId;  // of --checkpoint
    std::vector<std::int32_t> sequences;     // with it: of each partition's next record ...
    std::vector<std::int32_t> skip;          // ... and how many of them are in the log already
    std::uint64_t placed = 0;
    std::uint64_t records = 0;  // of the input, in earlier runs
};

// For the thread that reads. After an error of sending the records accepted so far stand; nothing more may be added.
// An error of one record (too_large, not_found: no such partition) leaves all as it was: another may follow.
class Producer {
public:
    // `args` and `handover` must outlive it.
    Producer(const Args& args, const ProducerSetup& setup, Handover& handover);

    // The time that records added from now on carry if nothing else says it.
    void set_now(TimestampMs now) {
        if (!args_->timestamp) now_ = now;
    }

    [[nodiscard]] Status add(NullableBytes key, NullableBytes value) {
        return put(targets_[placement_.place(key)], now_, key, value, headers_);
    }
    // Adds what `splitter` finds in `buffer` as values, all with this key, up to `left` of them, which it counts
    // down; empty ones are passed over if `skip_empty`. False: nothing more is found, or wanted. True: `value` is one
    // that add() must take, because a batch has to be sent for it or it is too large; then call this again.
    [[nodiscard]] bool add_found(Splitter& splitter, InputBuffer& buffer, NullableBytes key, bool skip_empty,
                                 std::uint64_t& left, ByteView& value);
    // With what the input says beside key and value.
    [[nodiscard]] Status add(const cli::InputRecord& record);
    // A whole batch of Kafka's, of whatever producer: it becomes one of nobody's. Control batches are passed over.
    // Errors: corrupt (checksum), unsupported (magic), too_large.
    [[nodiscard]] Status add_batch(ByteView unit);

    // Sends what was collected. `mark`: the place in the input that was reached.
    [[nodiscard]] Status send(std::optional<InputMark> mark = {});

    [[nodiscard]] bool has_collected() const { return records_ > sent_records_; }
    // Of the input: those that were passed over included, and those of earlier runs.
    [[nodiscard]] std::uint64_t input_records() const { return first_record_ + records_; }
    [[nodiscard]] std::uint64_t records() const { return records_; }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    // What a record may have at most, its batch's header included.
    [[nodiscard]] std::uint64_t limit_bytes() const { return limit_bytes_; }
    // "the topic's limit of 1000012 bytes (max.message.bytes)".
    [[nodiscard]] std::string limit_text() const;
    // Fills the parts of a mark that are known here.
    void complete(InputMark& mark) const;

private:
    // Below max.message.bytes by what a codec may add to bytes that do not compress.
    static constexpr std::size_t kBatchBytes = kDefaultMaxRecordBytes - (16 << 10);
    // Without a codec nothing is gained by more, and this much stays in the processor's caches from thread to thread.
    static constexpr std::size_t kPlainBatchBytes = 256 << 10;
    // Of all partitions together: more partitions make smaller batches.
    static constexpr std::size_t kCollectedBytes = 8 << 20;

    struct Target {
        Batch* batch = nullptr;
        std::int32_t number = 0;
        std::int32_t sequence = -1;
        std::int32_t skip = 0;
    };

    [[nodiscard]] Status put(Target& target, TimestampMs timestamp, NullableBytes key, NullableBytes value,
                             std::span<const record::Header> headers) {
        const std::size_t size = (key ? key->size() : 0) + (value ? value->size() : 0);
        const std::size_t bound = overhead_bytes_ + size;
        if (bound > safe_bytes_) [[unlikely]]
            MQ_TRY(check_size(timestamp, key, value, headers));
        if (target.skip > 0) [[unlikely]] {
            skip(target);
            return {};
        }
        if (target.batch == nullptr || target.batch->builder.size_bytes() + bound > batch_bytes_) [[unlikely]]
            MQ_TRY(make_room(target));
        Batch& batch = *target.batch;
        batch.builder.add(timestamp, key, value, headers);
        ++batch.records;
        batch.bytes += size;
        ++records_;
        bytes_ += size;
        return {};
    }
    template <bool kHasKey>
    [[nodiscard]] bool add_found_to(Target& target, Splitter& splitter, InputBuffer& buffer, NullableBytes key,
                                    bool skip_empty, std::uint64_t& left, ByteView& value);
    [[nodiscard]] Status put_with_headers(Target& target, TimestampMs timestamp, const cli::InputRecord& record);
    [[nodiscard]] Result<Target*> target_of(std::optional<std::int32_t> partition, NullableBytes key);
    [[nodiscard]] Status check_size(TimestampMs timestamp, NullableBytes key, NullableBytes value,
                                    std::span<const record::Header> headers) const;
    [[nodiscard]] Status make_room(Target& target);
    [[nodiscard]] Status send(Target& target, bool pouring, std::optional<InputMark> mark);
    [[nodiscard]] Status add_reencoded(Target& target, ByteView unit);
    void skip(Target& target);
    void begin_batch(Target& target);

    const Args* args_;
    Handover* handover_;
    record::BatchOptions options_;
    std::uint64_t limit_bytes_ = 0;
    bool limit_is_topics_ = true;
    std::size_t batch_bytes_ = 0;
    std::vector<Target> targets_;
    std::size_t open_batches_ = 0;
    std::size_t most_open_batches_ = 0;
    Placement placement_;
    std::vector<record::Header> headers_;  // of the options
    std::vector<record::Header> all_headers_;
    std::size_t overhead_bytes_ = 0;  // what a record takes at most beside its key and value
    std::size_t safe_bytes_ = 0;      // a record that takes at most this is within the limit
    TimestampMs now_ = kNoTimestamp;
    std::uint64_t first_record_ = 0;
    std::uint64_t records_ = 0;
    std::uint64_t sent_records_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace mq::produce
