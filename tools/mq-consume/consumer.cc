#include "consumer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

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
    if (args.group.group && !args.exec) {
        delivery_.emplace(STDOUT_FILENO, "stdout");
        out_.write_through([this](ByteView bytes) { return delivery_->write(bytes); },
                           [this] { return while_output_waits(); });
    }
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
    if (session_ && session_->is_member()) return true;
    if (args_.ends_at_end() || in_tail_ || args_.ranges.all.until || args_.count_per_partition) return false;
    return args_.partitions.empty() || args_.regex;
}

End Consumer::read_in_turns() {
    for (;;) {
        bool progressed = false;
        bool any_open = false;
        if (const Status taken = take_partitions(); !taken) return fail_with(taken.error());
        // By index: new partitions may come while it waits.
        for (std::size_t i = 0; i < partitions_.size(); ++i) {
            Partition& partition = *partitions_[i];
            if (partition.done || partition.leaving) continue;
            if (const End end = read_turn(partition, progressed); end != End::not_yet) return end;
            any_open |= !partition.done && !partition.leaving;
        }
        if (!any_open && !may_grow()) return End::all_read;
        if (progressed || !taken_.empty()) continue;
        if (!any_open && session_ && args_.ends_at_end()) {
            const auto ended = group_has_ended();
            if (!ended) return fail_with(ended.error());
            if (*ended) return End::all_read;
        }
        if (const End end = wait_for_more(kLongestSleep.count()); end != End::not_yet) return end;
    }
}

// All that a partition has, or as much as is fair to the others.
End Consumer::read_turn(Partition& partition, bool& progressed) {
    const bool fair = !args_.ends_at_end() && partitions_.size() > 1;
    const std::uint64_t turn_began = bytes_;
    while (!fair || bytes_ - turn_began < kTurnBytes) {
        if (const End end = check_limits(); end != End::not_yet) return end;
        if (!taken_.empty() || partition.leaving) return End::not_yet;
        const auto step = partition.stream->next_batch();
        if (!step) return stumble(partition, step.error());
        if (*step != Step::batch) {
            tell_outlet(partition, partition.told, partition.told);
            partition.done = *step == Step::ended;
            return explain_cuts(partition).value_or(End::not_yet);
        }
        progressed = true;
        delivering_ = &partition;
        const auto enough = deliver(partition);
        delivering_ = nullptr;
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
    if (ended_ == End::not_yet) ended_ = look_at_limits();
    return ended_;
}

End Consumer::look_at_limits() {
    now_ = Clock::now();
    if (cli::FirstSignal::taken() != 0) return End::interrupted;
    if (args_.timeout_ms && now_ - started_ >= milliseconds{*args_.timeout_ms}) return End::timed_out;
    if (const Status tended = tend(false); !tended) return fail_with(tended.error());
    if (commands_ != nullptr) {
        if (const auto failure = commands_->runner().failure()) {
            worst_ = failure->status;
            return End::failed;
        }
    } else if (args_.buffering == Buffering::automatic && now_ - last_flush_ >= kFlushInterval) {
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
    if (commands_ != nullptr) {
        commands_->runner().hand_over();
    } else if (args_.buffering != Buffering::block) {
        if (const Status flushed = out_.flush(); !flushed) return fail_with(flushed.error());
    }
    if (const Status tended = tend(true); !tended) return fail_with(tended.error());
    if (!taken_.empty()) return End::not_yet;
    const bool holds_back = std::ranges::any_of(partitions_, [](const auto& p) { return p->has_head; });
    if (!holds_back && !std::exchange(caught_up_told_, true)) {
        events_.tell("caught_up", {{"records", static_cast<std::int64_t>(records_)}});
    }
    if (delivery_) {
        if (delivery_->reader_gone()) return End::reader_gone;
    } else {
        sleep_watching_stdout(0);
    }
    last_flush_ = Clock::now();
    if (const End end = check_limits(); end != End::not_yet) return end;
    if (args_.idle_timeout_ms && now_ - last_record_ >= milliseconds{*args_.idle_timeout_ms}) return End::idle;

    std::int64_t sleep_ms = std::min<std::int64_t>(longest_ms, kLongestSleep.count());
    if (args_.timeout_ms) sleep_ms = std::min(sleep_ms, left_ms(started_ + milliseconds{*args_.timeout_ms}, now_));
    if (args_.idle_timeout_ms)
        sleep_ms = std::min(sleep_ms, left_ms(last_record_ + milliseconds{*args_.idle_timeout_ms}, now_));
    sleep_ms = longest_sleep_ms(sleep_ms);
    waited_for_.clear();
    for (const auto& partition : partitions_) {
        if (!partition->leaving && !partition->done && !partition->has_head)
            waited_for_.push_back(&partition->stream->reader());
    }
    store::Waiter waiter{cli::FirstSignal::word()};
    if (session_) session_->watch(waiter);
    const auto woken = waiter.wait(waited_for_, static_cast<int>(sleep_ms), true);
    if (!woken) return fail_with(woken.error());
    if (*woken) outlet_wait_ms_ = 1;
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
    if (partition.leaving) {
        partition.done = true;
        return End::not_yet;
    }
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
        if (commands_ == nullptr) static_cast<void>(out_.flush());
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
    if (delivery_ && error.sys_errno == EPIPE) return End::reader_gone;
    if (delivery_ && error.code == Errc::timed_out && error.subject == "stdout") return End::timed_out;
    if (commands_ == nullptr) static_cast<void>(out_.flush());
    worst_ = diagnostics_.fail(error);
    return error.code == Errc::interrupted && cli::FirstSignal::taken() != 0 ? End::interrupted : End::failed;
}

}  // namespace mq::consume
