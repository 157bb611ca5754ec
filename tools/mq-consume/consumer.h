// Reads the partitions that were chosen, prints their records, and knows when to end.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "args.h"
#include "checkpoint.h"
#include "cli/diagnostics.h"
#include "cli/match.h"
#include "cli/output.h"
#include "events.h"
#include "pacer.h"
#include "partition_stream.h"
#include "printer.h"
#include "store/data_directory.h"
#include "topic_choice.h"

namespace mq::consume {

// Why reading ended.
enum class End : unsigned char {
    not_yet,
    all_read,
    enough,  // --count
    idle,
    timed_out,
    interrupted,
    failed  // status_ says how
};

// One run. Not thread-safe; what it is given by reference must outlive it.
class Consumer {
public:
    Consumer(const Args& args, store::DataDirectory& directory, const cli::Diagnostics& diagnostics);

    // Returns the status, or dies of a signal that came, once what was read has been printed.
    [[nodiscard]] cli::ExitCode run(std::chrono::steady_clock::time_point started);

private:
    using Clock = std::chrono::steady_clock;

    struct Partition {
        std::string topic_id;
        std::unique_ptr<PartitionStream> stream;
        std::optional<Offset> until;  // as asked for; a tail ends earlier
        std::uint64_t records = 0;    // that were printed
        bool done = false;
        bool gone = false;  // its topic was deleted, and is to be forgotten
        bool cuts_explained = false;
        // Of a merge: the record that is next.
        bool in_batch = false;
        bool has_head = false;
        record::RecordView head;
        Clock::time_point head_since;  // when its batch was read
    };

    // consumer_open.cc
    [[nodiscard]] Status open();
    [[nodiscard]] Status add_partition(const ChosenPartition& chosen, bool is_new);
    [[nodiscard]] Status choose_span(Partition& partition, bool is_new);
    [[nodiscard]] Result<Offset> resume_at(const Partition& partition, const CheckpointEntry& entry, Offset from);
    [[nodiscard]] Status begin_at_tail();
    [[nodiscard]] Status look_for_new_partitions();

    // consumer.cc
    [[nodiscard]] End read_all();
    [[nodiscard]] End read_in_turns();
    [[nodiscard]] End read_turn(Partition& partition, bool& progressed);
    [[nodiscard]] End check_limits();
    [[nodiscard]] End wait_for_more(std::int64_t longest_ms);
    [[nodiscard]] End stumble(Partition& partition, const Error& error);
    [[nodiscard]] End fail_with(const Error& error);
    [[nodiscard]] bool may_grow() const;
    [[nodiscard]] std::optional<End> explain_cuts(Partition& partition);

    // consumer_deliver.cc: what is done with a batch. The streams' positions stand behind what was printed.
    [[nodiscard]] Result<bool> deliver(Partition& partition);
    [[nodiscard]] Result<bool> deliver_records(Partition& partition);
    [[nodiscard]] Result<bool> deliver_whole_batch(Partition& partition);
    [[nodiscard]] Result<bool> count_batch(Partition& partition);
    [[nodiscard]] bool is_wanted(const record::RecordView& record);
    [[nodiscard]] Result<bool> print_head(Partition& partition);
    [[nodiscard]] Status start_printing(Partition& partition);
    // False: reading ends before that.
    [[nodiscard]] Result<bool> wait_until_due(TimestampMs timestamp);
    [[nodiscard]] std::uint64_t allowance(const Partition& partition) const;

    // consumer_merge.cc
    [[nodiscard]] End read_merged();
    [[nodiscard]] Result<bool> advance(Partition& partition);
    [[nodiscard]] End fill_heads(bool& any_open, bool& any_empty);
    [[nodiscard]] Partition* oldest_head();
    [[nodiscard]] std::int64_t hold_back_ms(const Partition& oldest) const;

    // consumer_finish.cc
    [[nodiscard]] Status save_checkpoint();
    [[nodiscard]] Status print_counts();
    [[nodiscard]] cli::ExitCode finish(End end);
    [[nodiscard]] cli::ExitCode verdict(End end) const;
    void tell_stats() const;

    const Args& args_;
    store::DataDirectory& directory_;
    const cli::Diagnostics& diagnostics_;
    Events events_;
    cli::Output out_;
    std::optional<Printer> printer_;
    std::optional<TopicChoice> choice_;
    std::optional<cli::Matcher> matcher_;
    cli::Matcher::Lookup lookup_;
    std::optional<Pacer> pacer_;
    std::vector<std::unique_ptr<Partition>> partitions_;
    const Partition* printing_ = nullptr;  // whose records the printer was told of last

    Checkpoint checkpoint_;
    const record::RecordView* looked_at_ = nullptr;  // of which --match asks for a decoded field
    std::vector<store::PartitionReader*> waited_for_;
    Clock::time_point started_;
    Clock::time_point now_;  // as of the last batch
    Clock::time_point last_record_;
    Clock::time_point last_flush_;
    Clock::time_point last_checkpoint_;
    std::optional<std::uint32_t> catalogue_generation_;  // when topics were last looked at
    Clock::time_point last_look_;
    bool caught_up_told_ = false;
    bool merging_ = false;
    bool in_tail_ = false;
    std::uint64_t records_ = 0;  // printed, or counted
    std::uint64_t bytes_ = 0;    // of the batches that were read
    cli::ExitCode worst_ = cli::ExitCode::ok;
};

}  // namespace mq::consume
