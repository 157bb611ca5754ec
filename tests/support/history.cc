#include "support/history.h"

#include <sys/mman.h>
#include <algorithm>
#include <chrono>
#include <new>
#include <optional>
#include <unordered_map>

namespace mq::test {
namespace {

constexpr std::size_t kPage = 4096;

}  // namespace

std::size_t ClientLog::add(HistoryKind kind, std::uint16_t partition, std::uint32_t count, std::uint64_t id,
                           std::int64_t first, std::int64_t last) {
    const std::size_t at = region_->used.load(std::memory_order_relaxed);
    if (at == events_.size()) {
        region_->overflowed.store(1);
        return at - 1;
    }
    HistoryEvent& event = events_[at];
    event.kind = kind;
    event.partition = partition;
    event.count = count;
    event.id = id;
    event.first = first;
    event.last = last;
    event.answered = 0;
    event.time_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
            .count();
    event.ticket = tickets_->fetch_add(1) + 1;
    event.outcome.store(HistoryOutcome::indeterminate, std::memory_order_relaxed);
    region_->used.store(at + 1, std::memory_order_release);
    return at;
}

std::size_t ClientLog::begin_send(std::uint16_t partition, std::uint64_t first_id, std::uint32_t count) {
    return add(HistoryKind::send, partition, count, first_id, -1, -1);
}

void ClientLog::acknowledge(std::size_t send, std::int64_t first_offset, std::int64_t last_offset) {
    events_[send].first = first_offset;
    events_[send].last = last_offset;
    events_[send].outcome.store(HistoryOutcome::acknowledged, std::memory_order_release);
}

void ClientLog::fail(std::size_t send) {
    events_[send].outcome.store(HistoryOutcome::failed, std::memory_order_release);
}

void ClientLog::seek(std::uint16_t partition, std::int64_t offset) {
    add(HistoryKind::seek, partition, 0, 0, offset, offset);
}

void ClientLog::begin_poll() { add(HistoryKind::poll, 0, 0, 0, 0, 0); }

void ClientLog::read(std::uint16_t partition, std::int64_t first_offset, std::uint64_t first_id,
                     std::uint32_t count) {
    add(HistoryKind::read, partition, count, first_id, first_offset, first_offset + count - 1);
}

void ClientLog::begin_transaction() { add(HistoryKind::begin, 0, 0, 0, 0, 0); }

void ClientLog::end_transaction(bool committed) {
    add(committed ? HistoryKind::commit : HistoryKind::abort, 0, 0, 0, 0, 0);
}

void ClientLog::join(std::uint64_t group) { add(HistoryKind::join, 0, 0, group, 0, 0); }

void ClientLog::leave() { add(HistoryKind::leave, 0, 0, 0, 0, 0); }

void ClientLog::take(std::uint16_t partition, std::int64_t resumed_at) {
    add(HistoryKind::take, partition, 0, 0, resumed_at, resumed_at);
}

void ClientLog::release(std::uint16_t partition) { add(HistoryKind::release, partition, 0, 0, 0, 0); }

std::size_t ClientLog::begin_commit(std::uint16_t partition, std::int64_t next) {
    return add(HistoryKind::commit_offset, partition, 0, 0, next, next);
}

std::size_t ClientLog::begin_reset(std::uint64_t group, std::uint16_t partition, std::int64_t next) {
    return add(HistoryKind::reset_offset, partition, 0, group, next, next);
}

void ClientLog::acknowledge_commit(std::size_t commit) {
    events_[commit].answered = tickets_->fetch_add(1) + 1;
    events_[commit].outcome.store(HistoryOutcome::acknowledged, std::memory_order_release);
}

void ClientLog::kill(unsigned client) { add(HistoryKind::kill, 0, 0, client, 0, 0); }

History::History(unsigned clients, std::size_t events_each) : clients_(clients), events_each_(events_each) {
    bytes_each_ = (64 + events_each * sizeof(HistoryEvent) + kPage - 1) / kPage * kPage;
    void* const memory = mmap(nullptr, kPage + bytes_each_ * clients, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc{};
    memory_ = static_cast<std::byte*>(memory);
}

History::~History() { munmap(memory_, kPage + bytes_each_ * clients_); }

HistoryRegion& History::region(unsigned number) const {
    return *reinterpret_cast<HistoryRegion*>(memory_ + kPage + number * bytes_each_);
}

ClientLog History::client(unsigned number) const {
    auto* const events = reinterpret_cast<HistoryEvent*>(memory_ + kPage + number * bytes_each_ + 64);
    return {*reinterpret_cast<std::atomic<std::uint64_t>*>(memory_), region(number), {events, events_each_}};
}

std::span<const HistoryEvent> History::events(unsigned number) const {
    const auto* const events = reinterpret_cast<const HistoryEvent*>(memory_ + kPage + number * bytes_each_ + 64);
    return {events, region(number).used.load(std::memory_order_acquire)};
}

bool History::overflowed() const {
    for (unsigned i = 0; i < clients_; ++i)
        if (region(i).overflowed.load() != 0) return true;
    return false;
}

std::uint64_t History::operations() const {
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < clients_; ++i) sum += region(i).used.load();
    return sum;
}

std::string_view to_string(Anomaly kind) {
    constexpr std::array<std::string_view, kAnomalies> names{"inconsistent offsets",
                                                             "duplicate",
                                                             "lost write",
                                                             "unseen",
                                                             "aborted read",
                                                             "precommitted read",
                                                             "poll skip",
                                                             "non-monotonic poll",
                                                             "internal poll skip",
                                                             "internal non-monotonic poll",
                                                             "non-monotonic send",
                                                             "internal send skip",
                                                             "internal non-monotonic send",
                                                             "foreign read",
                                                             "two owners",
                                                             "unowned",
                                                             "resume skip",
                                                             "committed repeat",
                                                             "commit ahead",
                                                             "commit back",
                                                             "group skip"};
    return names[static_cast<std::size_t>(kind)];
}

void Verdict::add(Anomaly kind, unsigned client, const std::string& what) {
    if (found[static_cast<std::size_t>(kind)]++ == 0)
        examples.push_back(std::string{to_string(kind)} + ": client " + std::to_string(client) + ": " + what);
}

std::string Verdict::text() const {
    std::string all;
    for (const auto& example : examples) all += example + "\n";
    return all;
}

namespace {

struct Send {
    std::uint64_t id;
    std::uint32_t count;
    std::uint16_t partition;
    unsigned client;
    std::int64_t transaction;  // -1: none
    HistoryOutcome outcome;
    std::int64_t first, last;
};

// What is known of one partition: which record stands at which offset, by the polls and by the acknowledgements.
struct PartitionTruth {
    std::unordered_map<std::int64_t, std::uint64_t> at;         // offset -> id
    std::unordered_map<std::uint64_t, std::int64_t> offset_of;  // id -> the first offset that was told
    std::unordered_map<std::uint64_t, bool> seen;               // ids that were read
    std::vector<std::int64_t> known;                            // offsets that hold a record, ascending
    std::int64_t furthest_read = -1;
};

class Judge {
public:
    Judge(const History& history, const JudgeOptions& options) : history_(history), options_(options) {}

    Verdict run() {
        for (unsigned client = 0; client < history_.clients(); ++client) collect_sends(client);
        std::sort(by_id_.begin(), by_id_.end(), [](const Send& a, const Send& b) { return a.id < b.id; });
        for (unsigned client = 0; client < history_.clients(); ++client) collect_reads(client);
        for (auto& [number, partition] : partitions_) {
            for (const auto& [offset, id] : partition.at) partition.known.push_back(offset);
            std::sort(partition.known.begin(), partition.known.end());
        }
        for (const Send& send : by_id_) judge_send(send);
        for (unsigned client = 0; client < history_.clients(); ++client) judge_client(client);
        KnownOffsets known;
        for (const auto& [number, partition] : partitions_) known[number] = partition.known;
        judge_groups(history_, options_, known, verdict_);
        return std::move(verdict_);
    }

private:
    void report(Anomaly kind, unsigned client, const std::string& what) { verdict_.add(kind, client, what); }
    static std::string place(std::uint16_t partition, std::int64_t offset) {
        return "partition " + std::to_string(partition) + " offset " + std::to_string(offset);
    }

    // Transactions are numbered through; those that did not end are indeterminate.
    void collect_sends(unsigned client) {
        std::int64_t transaction = -1;
        first_transaction_.push_back(static_cast<std::int64_t>(transactions_.size()));
        for (const HistoryEvent& event : history_.events(client)) {
            switch (event.kind) {
                case HistoryKind::begin:
                    transaction = static_cast<std::int64_t>(transactions_.size());
                    transactions_.push_back(HistoryOutcome::indeterminate);
                    break;
                case HistoryKind::commit:
                case HistoryKind::abort:
                    if (transaction >= 0)
                        transactions_[static_cast<std::size_t>(transaction)] =
                            event.kind == HistoryKind::commit ? HistoryOutcome::acknowledged : HistoryOutcome::failed;
                    transaction = -1;
                    break;
                case HistoryKind::send:
                    by_id_.push_back({event.id, event.count, event.partition, client, transaction,
                                      event.outcome.load(std::memory_order_acquire), event.first, event.last});
                    break;
                default:
                    break;
            }
        }
    }

    [[nodiscard]] const Send* sender_of(std::uint64_t id) const {
        auto after = std::upper_bound(by_id_.begin(), by_id_.end(), id,
                                      [](std::uint64_t wanted, const Send& send) { return wanted < send.id; });
        if (after == by_id_.begin()) return nullptr;
        --after;
        return id < after->id + after->count ? &*after : nullptr;
    }
    [[nodiscard]] HistoryOutcome fate_of(const Send& send) const {
        if (send.transaction < 0 || send.outcome != HistoryOutcome::acknowledged) return send.outcome;
        return transactions_[static_cast<std::size_t>(send.transaction)];
    }
    [[nodiscard]] std::int64_t log_start(std::uint16_t partition) const {
        const auto found = options_.log_start.find(partition);
        return found == options_.log_start.end() ? 0 : found->second;
    }

    void learn(PartitionTruth& truth, unsigned client, std::uint16_t partition, std::int64_t offset,
               std::uint64_t id) {
        const auto [holder, new_offset] = truth.at.try_emplace(offset, id);
        if (!new_offset && holder->second != id)
            report(Anomaly::inconsistent_offsets, client,
                   place(partition, offset) + " holds record " + std::to_string(holder->second) + " and " +
                       std::to_string(id));
        const auto [told, new_id] = truth.offset_of.try_emplace(id, offset);
        if (!new_id && told->second != offset)
            report(Anomaly::duplicate, client,
                   "record " + std::to_string(id) + " stands at " + place(partition, told->second) + " and at " +
                       std::to_string(offset));
    }

    void collect_reads(unsigned client) {
        std::int64_t transaction = -1;
        std::int64_t next_transaction = first_transaction_[client];
        for (const HistoryEvent& event : history_.events(client)) {
            if (event.kind == HistoryKind::begin) transaction = next_transaction++;
            if (event.kind == HistoryKind::commit || event.kind == HistoryKind::abort) transaction = -1;
            if (event.kind != HistoryKind::read) continue;
            PartitionTruth& truth = partitions_[event.partition];
            for (std::uint32_t i = 0; i < event.count; ++i) {
                const std::uint64_t id = event.id + i;
                const std::int64_t offset = event.first + i;
                ++verdict_.read;
                learn(truth, client, event.partition, offset, id);
                truth.seen[id] = true;
                const Send* const send = sender_of(id);
                if (send == nullptr || send->partition != event.partition) {
                    report(Anomaly::foreign_read, client,
                           place(event.partition, offset) + " holds record " + std::to_string(id) +
                               ", never sent there");
                    continue;
                }
                if (fate_of(*send) == HistoryOutcome::failed)
                    report(Anomaly::aborted_read, client,
                           place(event.partition, offset) + " holds record " + std::to_string(id) +
                               ", whose send failed");
                if (transaction >= 0 && send->transaction == transaction)
                    report(Anomaly::precommitted_read, client,
                           "its transaction reads its own record " + std::to_string(id));
            }
            truth.furthest_read = std::max(truth.furthest_read, event.last);
        }
    }

    void judge_send(const Send& send) {
        verdict_.sent += send.count;
        if (send.outcome == HistoryOutcome::failed) verdict_.failed += send.count;
        PartitionTruth& truth = partitions_[send.partition];
        if (send.outcome == HistoryOutcome::acknowledged) {
            verdict_.acknowledged += send.count;
            if (send.last < send.first && send.count > 1)
                report(Anomaly::internal_nonmonotonic_send, send.client, "acknowledged backwards " + where(send));
            else if (send.last != send.first + send.count - 1)
                report(Anomaly::internal_send_skip, send.client, "acknowledged with gaps " + where(send));
            for (std::uint32_t i = 0; i < send.count; ++i) judge_record(send, truth, i);
        }
        // Inside of a send, by what was read.
        std::optional<std::int64_t> last;
        for (std::uint32_t i = 0; i < send.count; ++i) {
            const auto at = truth.offset_of.find(send.id + i);
            if (at == truth.offset_of.end()) continue;
            if (last && at->second <= *last)
                report(Anomaly::internal_nonmonotonic_send, send.client, where(send));
            else if (last && at->second != *last + 1)
                report(Anomaly::internal_send_skip, send.client, where(send));
            last = at->second;
        }
    }

    void judge_record(const Send& send, PartitionTruth& truth, std::uint32_t i) {
        const std::uint64_t id = send.id + i;
        const std::int64_t offset = send.first + i;
        if (send.last == send.first + send.count - 1) {
            const auto holder = truth.at.find(offset);
            if (holder != truth.at.end() && holder->second != id)
                report(Anomaly::inconsistent_offsets, send.client,
                       place(send.partition, offset) + " was acknowledged for record " + std::to_string(id) +
                           " and holds " + std::to_string(holder->second));
            const auto told = truth.offset_of.find(id);
            if (told != truth.offset_of.end() && told->second != offset)
                report(Anomaly::duplicate, send.client,
                       "record " + std::to_string(id) + " acknowledged at " + place(send.partition, offset) +
                           " stands at " + std::to_string(told->second));
        }
        if (fate_of(send) != HistoryOutcome::acknowledged || truth.seen.contains(id) ||
            offset < log_start(send.partition))
            return;
        if (truth.furthest_read > offset)
            report(Anomaly::lost_write, send.client,
                   "record " + std::to_string(id) + " at " + place(send.partition, offset) + ", read up to " +
                       std::to_string(truth.furthest_read));
        else if (options_.complete)
            report(Anomaly::unseen, send.client,
                   "record " + std::to_string(id) + " at " + place(send.partition, offset));
    }
    static std::string where(const Send& send) {
        return "records " + std::to_string(send.id) + " to " + std::to_string(send.id + send.count - 1) + " of " +
               place(send.partition, send.first);
    }

    [[nodiscard]] bool holds_between(std::uint16_t partition, std::int64_t from, std::int64_t to) const {
        const auto truth = partitions_.find(partition);
        if (truth == partitions_.end()) return false;
        const auto& known = truth->second.known;
        const auto first = std::lower_bound(known.begin(), known.end(), std::max(from, log_start(partition)));
        return first != known.end() && *first < to;
    }

    void judge_client(unsigned client) {
        struct Position {
            std::int64_t next;
            std::uint64_t poll;
        };
        std::map<std::uint16_t, Position> at;
        std::map<std::uint16_t, std::int64_t> last_sent;
        std::uint64_t poll = 0;
        for (const HistoryEvent& event : history_.events(client)) {
            if (event.kind == HistoryKind::poll) ++poll;
            if (event.kind == HistoryKind::seek || event.kind == HistoryKind::take)
                at[event.partition] = {event.first, poll};
            if (event.kind == HistoryKind::send && event.outcome.load() == HistoryOutcome::acknowledged) {
                const auto [last, first_time] = last_sent.try_emplace(event.partition, event.last);
                if (!first_time && event.first <= last->second)
                    report(Anomaly::nonmonotonic_send, client,
                           place(event.partition, event.first) + " after " + std::to_string(last->second));
                last->second = event.last;
            }
            if (event.kind != HistoryKind::read) continue;
            const auto position = at.find(event.partition);
            if (position != at.end()) {
                const bool inside = position->second.poll == poll;
                const std::string text =
                    place(event.partition, event.first) + " instead of " + std::to_string(position->second.next);
                if (event.first < position->second.next)
                    report(inside ? Anomaly::internal_nonmonotonic_poll : Anomaly::nonmonotonic_poll, client, text);
                else if (holds_between(event.partition, position->second.next, event.first))
                    report(inside ? Anomaly::internal_poll_skip : Anomaly::poll_skip, client, text);
            }
            at[event.partition] = {event.last + 1, poll};
        }
    }

    const History& history_;
    const JudgeOptions& options_;
    Verdict verdict_;
    std::vector<Send> by_id_;
    std::vector<HistoryOutcome> transactions_;
    std::vector<std::int64_t> first_transaction_;  // by client
    std::map<std::uint16_t, PartitionTruth> partitions_;
};

}  // namespace

Verdict judge(const History& history, const JudgeOptions& options) { return Judge{history, options}.run(); }

}  // namespace mq::test
