#include "consumer.h"

#include <algorithm>

#include "cli/signals.h"
#include "cli/text.h"
#include "internal_record.h"
#include "stdout_watch.h"

namespace mq::consume {

using cli::cat;
using cli::ExitCode;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kLongestSleep{500};   // a reader of stdout that went away is noticed so soon
constexpr milliseconds kFlushInterval{200};  // of what was printed while much is read and little matches
constexpr milliseconds kCheckpointInterval{1000};
// While following several partitions none keeps the others from being read for longer than this takes.
constexpr std::uint64_t kTurnBytes = 8 << 20;

std::int64_t left_ms(std::chrono::steady_clock::time_point until, std::chrono::steady_clock::time_point now) {
    return until <= now ? 0 : std::chrono::ceil<milliseconds>(until - now).count();
}

}  // namespace

Consumer::Consumer(const Args& args, store::DataDirectory& directory, const cli::Diagnostics& diagnostics)
    : args_(args), directory_(directory), diagnostics_(diagnostics), events_(args.events_fd) {
    if (args.buffering != Buffering::line) out_.write_behind();
    if (args.replay_speed) pacer_.emplace(*args.replay_speed);
    if (args.decode != Decode::raw) {
        lookup_ = [this](std::string_view field) -> std::optional<std::string> {
            return looked_at_ == nullptr ? std::nullopt : decoded_field(args_.decode, *looked_at_, field);
        };
    }
}

ExitCode Consumer::run(Clock::time_point started) {
    started_ = last_record_ = last_flush_ = last_checkpoint_ = last_look_ = now_ = started;
    if (const Status opened = open(); !opened) {
        static_cast<void>(fail_with(opened.error()));
        return finish(End::failed);
    }
    return finish(read_all());
}

End Consumer::read_all() {
    if (args_.count == 0) return End::enough;
    merging_ = args_.merge || args_.replay_speed || in_tail_;
    if (!merging_) return read_in_turns();
    End end = read_merged();
    if (end != End::all_read || !in_tail_) return end;
    // The tail is printed: on to what came since, and will come.
    in_tail_ = false;
    for (const auto& partition : partitions_) {
        const Offset next = partition->stream->position();
        partition->stream->set_span(next, partition->until);
        partition->done = partition->until && next >= *partition->until;
    }
    merging_ = args_.merge || args_.replay_speed;
    return merging_ ? read_merged() : read_in_turns();
}

bool Consumer::may_grow() const {
    if (args_.ends_at_end() || in_tail_ || args_.ranges.all.until || args_.count_per_partition) return false;
    return args_.partitions.empty() || args_.regex;
}

End Consumer::read_in_turns() {
    for (;;) {
        bool progressed = false;
        bool any_open = false;
        // By index: new partitions may come while it waits.
        for (std::size_t i = 0; i < partitions_.size(); ++i) {
            Partition& partition = *partitions_[i];
            if (partition.done) continue;
            if (const End end = read_turn(partition, progressed); end != End::not_yet) return end;
            any_open |= !partition.done;
        }
        if (!any_open && !may_grow()) return End::all_read;
        if (progressed) continue;
        if (const End end = wait_for_more(kLongestSleep.count()); end != End::not_yet) return end;
    }
}

// All that a partition has, or as much as is fair to the others.
End Consumer::read_turn(Partition& partition, bool& progressed) {
    const bool fair = !args_.ends_at_end() && partitions_.size() > 1;
    const std::uint64_t turn_began = bytes_;
    while (!fair || bytes_ - turn_began < kTurnBytes) {
        if (const End end = check_limits(); end != End::not_yet) return end;
        const auto step = partition.stream->next_batch();
        if (!step) return stumble(partition, step.error());
        if (*step != Step::batch) {
            partition.done = *step == Step::ended;
            return explain_cuts(partition).value_or(End::not_yet);
        }
        progressed = true;
        const auto enough = deliver(partition);
        last_record_ = now_;
        if (!enough) return stumble(partition, enough.error());
        if (!*enough) continue;
        if (records_ == args_.count) return End::enough;
        partition.done = true;
        return cli::FirstSignal::taken() != 0 ? End::interrupted : End::not_yet;
    }
    return End::not_yet;
}

// At the end of the log, damage that bringing it up cut off stands right behind what was printed.
std::optional<End> Consumer::explain_cuts(Partition& partition) {
    if (std::exchange(partition.cuts_explained, true)) return std::nullopt;
    const auto bounds = partition.stream->bounds();
    if (!bounds) return stumble(partition, bounds.error());
    // Who asked for less than all of it did not come so far.
    if (partition.until && *partition.until < partition.stream->end_of(*bounds)) return std::nullopt;
    if (const Status whole = partition.stream->explain_cuts(); !whole) return stumble(partition, whole.error());
    return std::nullopt;
}

End Consumer::check_limits() {
    now_ = Clock::now();
    if (cli::FirstSignal::taken() != 0) return End::interrupted;
    if (args_.timeout_ms && now_ - started_ >= milliseconds{*args_.timeout_ms}) return End::timed_out;
    if (args_.buffering == Buffering::automatic && now_ - last_flush_ >= kFlushInterval) {
        last_flush_ = now_;
        if (const Status flushed = out_.flush(); !flushed) return fail_with(flushed.error());
    }
    if (args_.checkpoint && now_ - last_checkpoint_ >= kCheckpointInterval) {
        last_checkpoint_ = now_;
        if (const Status saved = save_checkpoint(); !saved) return fail_with(saved.error());
    }
    return End::not_yet;
}

// There is nothing more to read: what was printed leaves, then sleeps until there is, or something else is due.
End Consumer::wait_for_more(std::int64_t longest_ms) {
    if (args_.buffering != Buffering::block) {
        if (const Status flushed = out_.flush(); !flushed) return fail_with(flushed.error());
    }
    const bool holds_back = std::ranges::any_of(partitions_, [](const auto& p) { return p->has_head; });
    if (!holds_back && !std::exchange(caught_up_told_, true)) {
        events_.tell("caught_up", {{"records", static_cast<std::int64_t>(records_)}});
    }
    sleep_watching_stdout(0);
    last_flush_ = Clock::now();
    if (const End end = check_limits(); end != End::not_yet) return end;
    if (args_.idle_timeout_ms && now_ - last_record_ >= milliseconds{*args_.idle_timeout_ms}) return End::idle;

    std::int64_t sleep_ms = std::min<std::int64_t>(longest_ms, kLongestSleep.count());
    if (args_.timeout_ms) sleep_ms = std::min(sleep_ms, left_ms(started_ + milliseconds{*args_.timeout_ms}, now_));
    if (args_.idle_timeout_ms)
        sleep_ms = std::min(sleep_ms, left_ms(last_record_ + milliseconds{*args_.idle_timeout_ms}, now_));
    waited_for_.clear();
    for (const auto& partition : partitions_) {
        if (!partition->done && !partition->has_head) waited_for_.push_back(&partition->stream->reader());
    }
    store::Waiter waiter{cli::FirstSignal::word()};
    const auto woken = waiter.wait(waited_for_, static_cast<int>(sleep_ms), true);
    if (!woken) return fail_with(woken.error());
    if (std::erase_if(partitions_, [](const auto& partition) { return partition->gone; }) > 0) {
        printing_ = nullptr;
        catalogue_generation_.reset();
    }
    if (!may_grow()) return End::not_yet;
    if (const Status looked = look_for_new_partitions(); !looked) return fail_with(looked.error());
    return End::not_yet;
}

// An error while reading one partition. Damage in it does not keep the others from being read to their ends.
End Consumer::stumble(Partition& partition, const Error& error) {
    if (error.subject == "stdout") return fail_with(error);
    const std::string& topic = partition.stream->id().topic;
    if (error.code == Errc::not_found) {
        partition.done = true;
        events_.tell("topic_deleted", partition.stream->id(), {});
        const std::string text = cat("topic '", topic, "': ", error.detail.empty() ? error.message() : error.detail);
        if (args_.regex && !args_.ends_at_end()) {
            diagnostics_.warning(text);
            partition.gone = true;
            return End::not_yet;
        }
        static_cast<void>(out_.flush());
        worst_ = diagnostics_.fail(ExitCode::not_found, text);
        return End::failed;
    }
    const bool of_partition =
        cli::exit_code_for(error.code) == ExitCode::bad_data || error.code == Errc::not_permitted;
    const End end = fail_with(error);
    if (!of_partition || !args_.ends_at_end()) return end;
    partition.done = true;
    return End::not_yet;
}

// What precedes the error leaves first.
End Consumer::fail_with(const Error& error) {
    static_cast<void>(out_.flush());
    worst_ = diagnostics_.fail(error);
    return error.code == Errc::interrupted && cli::FirstSignal::taken() != 0 ? End::interrupted : End::failed;
}

}  // namespace mq::consume
