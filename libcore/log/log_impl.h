// The private half of Log, shared by the log_*.cc files.
#pragma once

#include <algorithm>

#include "log/flusher.h"
#include "log/log.h"
#include "log/segment_list.h"

namespace mq::log {

struct AppendPlan;  // log_append.cc

struct Log::Impl {
    Impl(std::string dir, const LogConfig& topic_config, PublishedState& published, const OpenOptions& how);

    std::string directory;
    LogConfig config;
    PublishedState* state;
    OpenOptions options;
    std::int64_t roll_jitter_ms;
    bool follows_end;  // one replica: the high watermark is the log end

    Segment active;
    bool has_swap = false;      // a replacement was under way when a read-only log was opened
    std::vector<Offset> bases;  // of all segments, ascending; the last is the active one's
    ProducerState producers;
    LeaderEpochs epochs;
    Published now;              // what state holds, or will hold after the change at hand
    std::uint64_t now_count = 0;  // of the state's publications when `now` was taken from it
    bool producers_stale = false;     // the state in memory ran ahead of the log, or is of another history
    Offset producers_end{0};          // up to here the log is in `producers`
    TimestampMs expired_ms = 0;       // when those who went away were last looked for
    bool believes_published = false;  // `now` came from the state: its last_producer_offset is true
    struct Generations {
        std::uint64_t list = 0;
        std::uint64_t files = 0;
        std::uint64_t truncations = 0;
        bool operator==(const Generations&) const = default;
    } seen;  // of the state, when the files were last looked at
    Flusher flusher;
    std::shared_ptr<AppendPlan> plan_memory;  // of the append at hand; kept for its memory
    std::optional<PartitionListing> listing;  // while the log is being loaded, and nothing has changed the directory yet
    RecoveryReport report;

    // log_open.cc
    [[nodiscard]] Status load();
    [[nodiscard]] Status recover_from(Offset point);
    [[nodiscard]] static Result<bool> entries_are_true(const Segment& segment, const struct RecoveryStart& start, FilePosition end);
    [[nodiscard]] Status recover_one(Offset base, const struct RecoveryStart& start, bool& cut);
    [[nodiscard]] Status finish_what_was_begun();
    [[nodiscard]] Status restore_missing_indexes();
    [[nodiscard]] Status set_aside_segments_from(Offset base);
    void forget_segments_from(Offset base);
    [[nodiscard]] Status open_active();
    [[nodiscard]] Status load_producers(Offset end);
    [[nodiscard]] Status begin_segment(Offset base);
    // Feeds the batches of [from, end) to the producer state, by their headers.
    [[nodiscard]] Status replay_producers(Offset from, Offset end);

    // log_follow.cc
    [[nodiscard]] Status catch_up();
    [[nodiscard]] Status adopt_published();
    [[nodiscard]] Status load_derived();
    [[nodiscard]] Generations generations() const {
        return {state->list_generation.load(), state->files_generation.load(), state->truncations.load()};
    }
    // A name was made, renamed or removed: the directory must be synced before the next flush is done.
    void names_changed() { state->names_generation.fetch_add(1); }
    [[nodiscard]] Offset recovery_point() const { return Offset{state->recovery_point.load()}; }

    // log_append.cc
    void expire_producers();
    [[nodiscard]] Status write_batches(ByteView batches, const AppendPlan& plan);
    void take_back();
    [[nodiscard]] Status ready_to_change();
    [[nodiscard]] bool must_roll(std::uint64_t bytes, Offset last, TimestampMs max_timestamp) const;
    [[nodiscard]] bool begins_epoch(const AppendPlan& plan) const;
    [[nodiscard]] Status roll();
    [[nodiscard]] Status index_time_of_active();
    void publish();

    // log_flush.cc
    [[nodiscard]] Status flush();
    [[nodiscard]] Status checkpoint();
    [[nodiscard]] Status poison_unless(Status synced) { return log::poison_unless(*state, std::move(synced)); }
    [[nodiscard]] Status set_recovery_point(Offset offset);
    [[nodiscard]] Status prune_snapshots();
    [[nodiscard]] Status remove_snapshots_above(Offset end);

    // log_truncate.cc
    [[nodiscard]] Status repair();
    [[nodiscard]] Status truncate_to(Offset end);
    [[nodiscard]] Status remove_segments_from(Offset base);
    [[nodiscard]] Status write_epochs();

    [[nodiscard]] std::string path(FileKind kind, Offset offset, FileSuffix suffix = FileSuffix::none) const {
        return os::join(directory, file_name(kind, offset, suffix));
    }
    [[nodiscard]] std::string path(std::string_view name) const { return os::join(directory, name); }
    // The aborted transactions of a segment; of the active one those that were published.
    [[nodiscard]] Result<std::vector<AbortedTxn>> aborted_in(Offset base) const {
        std::optional<std::uint32_t> entries;
        if (base == now.active_base) entries = static_cast<std::uint32_t>(now.txn_index_entries);
        return read_txn_index(path(FileKind::txn_index, base), entries);
    }
    // Bytes of segment `base` that exist for readers.
    [[nodiscard]] Result<FilePosition> end_of(const Segment& segment) const {
        if (segment.base() == now.active_base) return FilePosition{now.active_size_bytes};
        return segment.log_file().size().map([](std::uint64_t size) { return FilePosition{size}; });
    }
    // Base of the segment that holds `offset`; the first one's if it lies before all.
    [[nodiscard]] Offset floor_base(Offset offset) const {
        const auto after = std::upper_bound(bases.begin(), bases.end(), offset);
        return after == bases.begin() ? bases.front() : *(after - 1);
    }
};

}  // namespace mq::log
