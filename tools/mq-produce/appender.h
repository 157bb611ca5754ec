// Appends batches to their partitions, makes them durable when it is time, and tells of them.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "args.h"
#include "batch.h"
#include "checkpoint.h"
#include "cli/diagnostics.h"
#include "interrupts.h"
#include "reporter.h"
#include "store/data_directory.h"

namespace mq::produce {

using Clock = std::chrono::steady_clock;

// All that appending needs, made by main. What it points to must outlive the appender.
struct AppendSetup {
    const Args* args = nullptr;
    store::DataDirectory* directory = nullptr;  // nullptr: a dry run
    std::vector<std::int32_t> partitions;       // numbers; Batch::target is an index
    std::uint64_t limit_bytes = 0;              // the topic's max.message.bytes
    Reporter* reporter = nullptr;
    const cli::Diagnostics* diagnostics = nullptr;
    std::optional<Clock::time_point> deadline;  // of --timeout
    Checkpoint* checkpoint = nullptr;
    CheckpointState checkpoint_state;
};

// Used by one thread at a time: all locks are taken, and all writes under them made, by the thread that calls
// (LCK-3). The counts may be read by any. After an error nothing more may be appended; what was accepted before
// stands.
class Appender {
public:
    explicit Appender(AppendSetup setup);

    // Accepted when it returns; for Sync::batch durable first. Then the batch's mark counts as reached.
    // Errors: those of the log, of the reporter, of a read-back that differs (corrupt).
    [[nodiscard]] Status append(Batch& batch);
    // When a flush is due at the latest: a second after the first byte that was not flushed.
    [[nodiscard]] std::optional<Clock::time_point> flush_due() const;
    // Makes everything that was appended durable, and then the checkpoint.
    [[nodiscard]] Status flush();

    [[nodiscard]] std::uint64_t accepted_records() const { return accepted_records_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t accepted_bytes() const { return accepted_bytes_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::size_t partitions_used() const;
    // "offset 41 of x-0", for each partition that got records; empty if none did.
    [[nodiscard]] std::string last_accepted() const;

private:
    struct Target {
        std::int32_t number = 0;
        std::unique_ptr<store::PartitionWriter> writer;  // once it has got a batch
        std::unique_ptr<store::PartitionReader> reader;  // of --verify
        Offset last_accepted = kNoOffset;
        bool used = false;
        bool unflushed = false;
    };

    [[nodiscard]] log::TopicPartition id_of(const Target& target) const {
        return {setup_.args->topic, target.number};
    }
    [[nodiscard]] Status append_to(Target& target, Batch& batch);
    [[nodiscard]] Result<std::span<char>> finished(Batch& batch) const;
    [[nodiscard]] Result<log::AppendResult> append_waiting(Target& target, std::span<char> bytes);
    [[nodiscard]] Status try_append(Target& target, std::span<char> bytes, log::AppendResult& result);
    [[nodiscard]] Status read_back(Target& target, Offset first, ByteView bytes);
    [[nodiscard]] Status save_checkpoint();

    AppendSetup setup_;
    std::vector<Target> targets_;
    bool unflushed_ = false;
    Clock::time_point first_unflushed_;
    Clock::time_point last_recovery_point_ = Clock::now();
    bool mark_is_new_ = false;  // reached, and not saved yet
    bool said_full_ = false;
    std::atomic<std::uint64_t> accepted_records_{0};
    std::atomic<std::uint64_t> accepted_bytes_{0};
};

}  // namespace mq::produce
