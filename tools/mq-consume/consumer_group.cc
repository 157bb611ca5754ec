// A group: partitions that come and go, and what of the records is done with and may be committed.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "cli/signals.h"
#include "cli/text.h"
#include "consumer.h"
#include "os/futex.h"

namespace mq::consume {

using cli::cat;
using cli::ExitCode;
using std::chrono::milliseconds;

namespace {

// Nothing tells that a pipe is empty, or that the others of the group have come to terms: it is looked at again.
constexpr std::int64_t kLongestLookMs = 50;
constexpr std::int64_t kStableLookMs = 10;

std::vector<groups::SubscribedTopic> topics_of(const std::vector<ChosenPartition>& chosen) {
    std::vector<groups::SubscribedTopic> topics;
    for (const ChosenPartition& one : chosen) {
        if (topics.empty() || topics.back().name != one.id.topic) topics.push_back({one.id.topic, 0});
        topics.back().partitions = std::max(topics.back().partitions, one.id.partition + 1);
    }
    return topics;
}

}  // namespace

Status Consumer::open_outlet() {
    if (args_.exec) {
        ExecRunner::Setup setup;
        setup.options = *args_.exec;
        setup.directory = &directory_;
        setup.diagnostics = &diagnostics_;
        setup.out = &out_;
        setup.interrupt = cli::FirstSignal::word();
        MQ_ASSIGN(auto runner, ExecRunner::start(std::move(setup)));
        auto commands = std::make_unique<CommandOutlet>(std::move(runner));
        commands_ = commands.get();
        outlet_ = std::move(commands);
        if (!args_.exec->batch) return {};
        MQ_ASSIGN(printer_, Printer::make(args_, commands_->runner().batch_output()));
        return {};
    }
    MQ_ASSIGN(printer_, Printer::make(args_, out_));
    if (args_.ack_fd) {
        MQ_ASSIGN(auto reader, AckReader::start(*args_.ack_fd));
        outlet_ = std::make_unique<AckedOutlet>(std::move(reader), diagnostics_);
    } else if (args_.group.group && args_.group.commit != CommitPolicy::never) {
        outlet_ = std::make_unique<PrintedOutlet>(*delivery_, out_);
    }
    return {};
}

// The first time it joins; later it tells the group of other topics, or more partitions.
Status Consumer::join(const std::vector<ChosenPartition>& chosen) {
    known_.clear();
    for (const ChosenPartition& one : chosen) known_.emplace(one.id, one);
    if (session_) return session_->subscribe(topics_of(chosen));
    for (const ChosenPartition& one : chosen) {
        std::optional<Offset>& end = at_start_[one.id];
        if (!args_.ends_at_end()) continue;
        MQ_ASSIGN(const auto reader, directory_.open_reader(one.id, args_.isolation));
        MQ_ASSIGN(const store::Bounds bounds, reader->bounds());
        end = args_.isolation == log::Isolation::read_committed ? bounds.last_stable : bounds.high_watermark;
    }
    MQ_ASSIGN(session_, GroupSession::start(args_, directory_, diagnostics_, events_, topics_of(chosen)));
    return apply_changes();
}

// What poll() told of is opened here, where nobody walks over the partitions; what was released is dropped.
Status Consumer::take_partitions() {
    if (std::erase_if(partitions_, [](const auto& partition) { return partition->gone; }) > 0) printing_ = nullptr;
    for (const log::TopicPartition& id : std::exchange(taken_, {})) {
        const auto known = known_.find(id);
        const ChosenPartition chosen = known == known_.end() ? ChosenPartition{id, {}} : known->second;
        const Status added = add_partition(chosen, !at_start_.contains(id));
        if (!added && added.error().code != Errc::not_found) return added;
        // Of a topic that is being made, or deleted: the next look will tell.
        if (!added) catalogue_generation_.reset();
        if (added) events_.tell("assigned", id, {{"offset", +partitions_.back()->stream->position()}});
    }
    return {};
}

Status Consumer::apply_changes() {
    MQ_ASSIGN(const groups::LocalMember::Changes changes, session_->poll());
    for (const log::TopicPartition& id : changes.revoked) {
        const auto open = std::ranges::find_if(
            partitions_, [&](const auto& p) { return !p->gone && !p->leaving && p->stream->id() == id; });
        if (open == partitions_.end()) {
            std::erase(taken_, id);
            MQ_TRY(session_->release(id));
            continue;
        }
        (*open)->leaving = true;
        ++leaving_;
        if (outlet_) outlet_->let_go(id);
    }
    taken_.insert(taken_.end(), changes.taken.begin(), changes.taken.end());
    return {};
}

// Of the partitions that are to go: those of which everything that was delivered is done with, and committed.
Status Consumer::release_done() {
    std::vector<Partition*> done;
    for (const auto& partition : partitions_) {
        if (!partition->leaving || partition->gone || partition.get() == delivering_) continue;
        if (!outlet_ || outlet_->is_over() || outlet_->is_done(partition->stream->id()))
            done.push_back(partition.get());
    }
    if (done.empty()) return {};
    MQ_TRY(collect());
    MQ_TRY(session_->committer().commit(now_));
    for (Partition* partition : done) {
        const log::TopicPartition& id = partition->stream->id();
        if (outlet_) outlet_->forget(id);
        MQ_TRY(session_->release(id));
        partition->gone = partition->done = true;
        --leaving_;
    }
    return {};
}

Status Consumer::collect() {
    if (!outlet_) return {};
    return outlet_->collect([this](const log::TopicPartition& id, const Progress& progress) {
        if (session_) session_->committer().settle(id, progress);
    });
}

// What a group asks for beside reading; between two batches, or while the output waits for its reader.
Status Consumer::tend(bool idle) {
    if (session_ && session_->has_changes()) MQ_TRY(apply_changes());
    const bool due = session_ && session_->committer().next_due(idle) <= now_;
    if (outlet_ && (due || idle || leaving_ > 0 || outlet_->is_full())) MQ_TRY(collect());
    if (session_ && session_->committer().is_due(now_, idle)) MQ_TRY(session_->committer().commit(now_));
    if (leaving_ > 0) return release_done();
    return {};
}

Status Consumer::while_output_waits() {
    now_ = Clock::now();
    if (args_.timeout_ms && now_ - started_ >= milliseconds{*args_.timeout_ms})
        return fail(Errc::timed_out, "write", "stdout", "--timeout passed");
    return tend(false);
}

void Consumer::tell_outlet(Partition& partition, Offset from, Offset behind_last) {
    const Offset next = partition.stream->position();
    if (!outlet_ || next <= partition.told) return;
    outlet_->delivered(partition.stream->id(), {from, behind_last, next, partition.stream->last_epoch()});
    partition.told = next;
}

// All that came here is read, and no more is on its way.
Result<bool> Consumer::group_has_ended() {
    if (!taken_.empty() || leaving_ > 0) return false;
    return session_->is_stable();
}

std::int64_t Consumer::longest_sleep_ms(std::int64_t wanted_ms) {
    if (outlet_ && !outlet_->is_done()) {
        wanted_ms = std::min(wanted_ms, outlet_wait_ms_);
        outlet_wait_ms_ = std::min(2 * outlet_wait_ms_, kLongestLookMs);
    }
    if (!session_) return wanted_ms;
    if (session_->is_member() && args_.ends_at_end()) wanted_ms = std::min(wanted_ms, kStableLookMs);
    if (!session_->committer().is_pending()) return wanted_ms;
    const Clock::time_point due = session_->committer().next_due(true);
    if (due - now_ >= milliseconds{wanted_ms}) return wanted_ms;
    return due <= now_ ? 0 : std::chrono::ceil<milliseconds>(due - now_).count();
}

// Until everything that was delivered is done with, or that cannot be waited for any longer.
End Consumer::wait_until_done(End end) {
    if (end == End::reader_gone && !args_.ack_fd) return end;
    if (commands_ != nullptr) {
        if (end == End::interrupted || end == End::timed_out || end == End::failed) commands_->runner().stop();
    } else if (end != End::reader_gone && end != End::timed_out) {
        const Status flushed = out_.flush();
        if (!flushed && end != End::failed) return fail_with(flushed.error());
    }
    // Who acknowledges may do so at the end of its input.
    if (args_.ack_fd) close_stdout();
    for (std::int64_t wait_ms = 1;; wait_ms = std::min(2 * wait_ms, kLongestLookMs)) {
        now_ = Clock::now();
        const std::uint32_t signal = cli::FirstSignal::word()->load();
        const std::uint32_t seen = outlet_ && outlet_->word() != nullptr ? outlet_->word()->load() : 0;
        if (commands_ != nullptr) commands_->runner().hand_over();
        if (const Status tended = tend(true); !tended) return fail_with(tended.error());
        const bool done = !outlet_ || outlet_->is_done();
        // Looked at after that: it is told before all is done.
        if (const auto failure = commands_ == nullptr ? std::nullopt : commands_->runner().failure();
            failure && worst_ == ExitCode::ok) {
            worst_ = failure->status;
            end = End::failed;
        }
        if (done) return end;
        // Nothing is read any more: what others leave behind is not for this one.
        if (!taken_.empty()) {
            if (const Status withdrawn = session_->subscribe({}); !withdrawn) return fail_with(withdrawn.error());
        }
        if (outlet_->is_over()) return delivery_ && !args_.ack_fd ? End::reader_gone : end;
        if (end == End::timed_out || (args_.timeout_ms && now_ - started_ >= milliseconds{*args_.timeout_ms}))
            return End::timed_out;
        if (end != End::interrupted && signal != 0) {
            end = End::interrupted;
            if (commands_ != nullptr) commands_->runner().stop();
        }
        std::vector<os::FutexWord> words{{cli::FirstSignal::word(), signal}};
        if (outlet_->word() != nullptr) words.push_back({outlet_->word(), seen});
        if (const auto slept = os::futex_wait(words, static_cast<int>(wait_ms)); !slept)
            return fail_with(slept.error());
    }
}

// The descriptor stays taken, so that nothing else gets its number.
void Consumer::close_stdout() {
    const int nothing = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nothing < 0) return;
    delivery_.reset();
    ::dup2(nothing, STDOUT_FILENO);
    ::close(nothing);
}

Status Consumer::end_group(End end) {
    if (end == End::timed_out && delivery_) delivery_->abandon();
    MQ_TRY(collect());
    if (args_.ack_fd && !outlet_->is_done() && end != End::timed_out && worst_ == ExitCode::ok)
        worst_ = diagnostics_.fail(ExitCode::no, "the acknowledgements ended before all was acknowledged");
    if (!session_) return {};
    MQ_TRY(session_->committer().commit(Clock::now()));
    // The commits are made durable; what they speak of must be before.
    if (delivery_ && delivery_->is_immediate()) {
        const os::File out = os::File::adopt(STDOUT_FILENO, "stdout", true);
        MQ_ASSIGN(const os::FileInfo info, out.info());
        if (info.is_regular) MQ_TRY(out.sync_data());
    }
    if (printer_) MQ_TRY(printer_->sync());
    MQ_TRY(session_->leave());
    return directory_.close();
}

}  // namespace mq::consume
