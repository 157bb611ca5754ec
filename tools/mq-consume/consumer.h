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
#include "delivery.h"
#include "events.h"
#include "group_session.h"
#include "latest.h"
#include "outlet.h"
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
    reader_gone,  // of stdout: dies by SIGPIPE
    failed        // worst_ says how
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
        bool leaving = false;  // to another member of the group, when all of it that was delivered is done with
        Offset told{-1};       // the outlet knows what became of everything below
        std::optional<LatestOfPartition> latest;  // of --latest-per-key
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

    // consumer_latest.cc
    [[nodiscard]] Status keep_partition_of_key(std::vector<ChosenPartition>& chosen) const;
    [[nodiscard]] Status go_to_latest();

    // consumer_group.cc
    [[nodiscard]] Status open_outlet();
    [[nodiscard]] Status join(const std::vector<ChosenPartition>& chosen);
    [[nodiscard]] Status take_partitions();
    [[nodiscard]] Result<bool> group_has_ended();
    [[nodiscard]] Status tend(bool idle);
    [[nodiscard]] Status collect();
    [[nodiscard]] Status apply_changes();
    [[nodiscard]] Status release_done();
    [[nodiscard]] Status while_output_waits();
    void tell_outlet(Partition& partition, Offset from, Offset behind_last);
    [[nodiscard]] std::int64_t longest_sleep_ms(std::int64_t wanted_ms);
    [[nodiscard]] End wait_until_done(End end);
    [[nodiscard]] Status end_group(End end);
    void close_stdout();

    // consumer_exec.cc
    [[nodiscard]] Result<bool> deliver_to_commands(Partition& partition);
    [[nodiscard]] Result<bool> offer_records(Partition& partition, Offset& next);
    [[nodiscard]] Result<bool> print_for_commands(Partition& partition, Offset& next);
    [[nodiscard]] bool wait_for_room(const Partition& partition);

    // consumer.cc
    [[nodiscard]] End read_all();
    [[nodiscard]] End read_in_turns();
    [[nodiscard]] End read_turn(Partition& partition, bool& progressed);
    [[nodiscard]] End check_limits();
    [[nodiscard]] End look_at_limits();
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
    [[nodiscard]] bool is_wanted(const Partition& partition, const record::RecordView& record);
    [[nodiscard]] bool wants_all() const { return matcher_->empty() && !args_.latest_per_key; }
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
    std::optional<Delivery> delivery_;  // of stdout, in a group
    cli::Output out_;
    std::optional<Printer> printer_;
    std::optional<TopicChoice> choice_;
    std::optional<cli::Matcher> matcher_;
    cli::Matcher::Lookup lookup_;
    std::optional<Pacer> pacer_;
    std::vector<std::unique_ptr<Partition>> partitions_;
    const Partition* printing_ = nullptr;  // whose records the printer was told of last

    std::unique_ptr<GroupSession> session_;
    std::unique_ptr<Outlet> outlet_;  // nullptr: nobody asks what became of the records
    CommandOutlet* commands_ = nullptr;
    std::map<log::TopicPartition, ChosenPartition> known_;           // of the topics that the group reads
    std::map<log::TopicPartition, std::optional<Offset>> at_start_;  // partitions there were then; -e: their ends
    std::vector<log::TopicPartition> taken_;                         // from other members, not opened yet
    const Partition* delivering_ = nullptr;
    std::size_t leaving_ = 0;  // partitions that are
    std::int64_t outlet_wait_ms_ = 1;
    End ended_ = End::not_yet;

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
