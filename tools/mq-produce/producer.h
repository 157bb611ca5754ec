// Collects records into a batch for each partition, appends the batches, and makes them durable when it is time.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "args.h"
#include "cli/diagnostics.h"
#include "cli/local_partition.h"
#include "cli/output.h"
#include "record/batch_builder.h"

namespace mq::produce {

// Not thread-safe. After an error the records accepted so far stand; nothing more may be added.
class Producer {
public:
    // Appends to the given partitions of args.topic, which are opened when they get their first batch. Without a
    // directory it is a dry run. All three must outlive it.
    Producer(const Args& args, cli::DataDirectory* directory, const std::vector<std::int32_t>& partitions,
             const cli::Diagnostics& diagnostics);

    // The time that records added from now on carry, unless one was given.
    void set_now(TimestampMs now) {
        if (!args_->timestamp) timestamp_ = now;
    }
    // Errors: too_large (the record alone is over the limit), those of the log.
    [[nodiscard]] Status add(NullableBytes key, NullableBytes value) {
        Target& target = target_of(key);
        const std::size_t bound = overhead_bytes_ + (key ? key->size() : 0) + (value ? value->size() : 0);
        if (target.builder.size_bytes() + bound > kBatchBytes) MQ_TRY(make_room(target));
        if (bound > safe_bytes_) MQ_TRY(check_size(key, value));
        target.builder.add(timestamp_, key, value, headers_);
        ++collected_;
        bytes_ += (key ? key->size() : 0) + (value ? value->size() : 0);
        return {};
    }
    // Appends what was collected. Accepted then, but for Sync::batch durable first.
    [[nodiscard]] Status send();
    // Makes everything that was sent durable.
    [[nodiscard]] Status flush();
    // send(), then what the sync setting asks for, and closes the partitions.
    [[nodiscard]] Status finish();

    [[nodiscard]] bool has_collected() const { return collected_ > 0; }
    // Milliseconds until a flush is due, at least 0; -1: there is nothing to flush.
    [[nodiscard]] int flush_due_ms() const;

    [[nodiscard]] std::uint64_t accepted_records() const { return accepted_; }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    [[nodiscard]] std::size_t partitions_used() const;
    // "offset 41 of x-0", for each partition that got records; empty if none did.
    [[nodiscard]] std::string last_accepted() const;

private:
    // Below max.message.bytes by what a codec may add to bytes that do not compress.
    static constexpr std::size_t kBatchBytes = kDefaultMaxRecordBytes - (16 << 10);
    static constexpr std::chrono::milliseconds kFlushAfter{1000};
    static constexpr std::chrono::seconds kCheckpointAfter{60};
    using Clock = std::chrono::steady_clock;

    struct Target {
        std::int32_t number = 0;
        std::unique_ptr<cli::LocalPartition> partition;  // once it has got a batch
        record::BatchBuilder builder;
        Offset last_accepted = kNoOffset;
        bool used = false;
        bool unflushed = false;
    };

    [[nodiscard]] Target& target_of(NullableBytes key) {
        if (targets_.size() == 1) return targets_.front();
        return targets_[key ? index_for(*key) : sticky_];
    }
    [[nodiscard]] std::size_t index_for(ByteView key) const;
    [[nodiscard]] Status make_room(Target& target);
    [[nodiscard]] Status check_size(NullableBytes key, NullableBytes value) const;
    [[nodiscard]] Status open(Target& target);
    [[nodiscard]] Status send(Target& target);
    [[nodiscard]] Status append(Target& target);
    [[nodiscard]] Status report(const Target& target, Offset first, std::int32_t count);

    const Args* args_;
    cli::DataDirectory* directory_;
    const cli::Diagnostics* diagnostics_;
    std::vector<Target> targets_;
    std::vector<record::Header> headers_;
    std::size_t overhead_bytes_ = 0;  // what a record takes at most beside its key and value
    std::size_t safe_bytes_ = 0;      // a record that takes at most this is within the limit
    std::size_t sticky_ = 0;          // where records without a key go until its batch is sent
    TimestampMs timestamp_ = kNoTimestamp;
    std::uint64_t collected_ = 0;
    std::uint64_t accepted_ = 0;
    std::uint64_t bytes_ = 0;
    bool unflushed_ = false;
    Clock::time_point first_unflushed_;
    Clock::time_point last_checkpoint_ = Clock::now();
    cli::Output report_;
};

}  // namespace mq::produce
