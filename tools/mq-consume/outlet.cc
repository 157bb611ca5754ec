#include "outlet.h"

#include <algorithm>

namespace mq::consume {

OutputLedger::Source PrintedOutlet::source_of(const log::TopicPartition& id) {
    const auto [found, is_new] = sources_.try_emplace(id, static_cast<OutputLedger::Source>(ids_.size()));
    if (is_new) ids_.push_back(&found->first);
    return found->second;
}

OutputLedger* PrintedOutlet::begin(const log::TopicPartition& id, LeaderEpoch epoch) {
    ledger_.begin(source_of(id), epoch);
    // In a file everything has arrived at once: a batch is known whole.
    return delivery_.is_immediate() ? nullptr : &ledger_;
}

void PrintedOutlet::delivered(const log::TopicPartition& id, const Delivered& what) {
    ledger_.begin(source_of(id), what.leader_epoch);
    ledger_.add(out_.position(), what.next);
}

Status PrintedOutlet::collect(Settle settle) {
    ledger_.settle(delivery_.taken(),
                   [&](OutputLedger::Source source, const Progress& progress) { settle(*ids_[source], progress); });
    return {};
}

bool PrintedOutlet::is_full() const {
    constexpr std::size_t kManyMarks = 1 << 16;
    return ledger_.size() >= kManyMarks;
}

bool PrintedOutlet::is_done(const log::TopicPartition& id) const {
    const auto found = sources_.find(id);
    return found == sources_.end() || !ledger_.has(found->second);
}

void AckedOutlet::delivered(const log::TopicPartition& id, const Delivered& what) {
    ledger_.printed(id, what.from, what.behind_last, what.next, what.leader_epoch);
    if (what.behind_last > what.from) left_[id] = what.behind_last;
}

Status AckedOutlet::collect(Settle settle) {
    MQ_ASSIGN(const std::vector<Ack> acks, reader_->take());
    for (const Ack& ack : acks) {
        const auto done = ledger_.accept(ack);
        if (!done) {
            diagnostics_.error(done.error().message());
            refused_ = true;
            continue;
        }
        if (!*done) continue;
        settle((*done)->id, {(*done)->next, (*done)->leader_epoch});
        if (const auto left = left_.find((*done)->id); left != left_.end() && (*done)->next >= left->second)
            left_.erase(left);
    }
    return {};
}

bool AckedOutlet::is_done(const log::TopicPartition& id) const { return !left_.contains(id); }

void AckedOutlet::forget(const log::TopicPartition& id) {
    ledger_.forget(id);
    left_.erase(id);
}

void CommandOutlet::delivered(const log::TopicPartition& id, const Delivered& what) {
    // The rest of a batch in which it was told to go: of what was offered the part is dropped that no command has
    // got.
    if (let_go_.contains(id)) return;
    runner_->passed(id, what.next, what.leader_epoch);
}

Status CommandOutlet::collect(Settle settle) {
    for (const ExecProgress& progress : runner_->take_progress())
        settle(progress.id, {progress.next, progress.leader_epoch});
    return {};
}

}  // namespace mq::consume
