// What every client of a storm did and was answered, kept where a kill -9 does not reach it, and the judge of it all.
//
//     History history{clients, 100'000};             // before the fork
//     ClientLog mine = history.client(3);            // in the child
//     const auto send = mine.begin_send(0, id, 5);   // records id .. id + 4, to partition 0
//     ... append ...
//     mine.acknowledge(send, first, last);           // a child that dies before leaves it indeterminate
//     ... after all children ended ...
//     EXPECT_EQ(judge(history).text(), "");
//
// Members of consumer groups record what they own and commit as well:
//
//     mine.join(group); mine.take(0, resumed_at); mine.read(...);
//     const auto commit = mine.begin_commit(0, next); ... commit ...; mine.acknowledge_commit(commit);
//     mine.release(0);                               // before it lets go; mine.leave() likewise
//     parent.kill(3);                                // before the signal is sent
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mq::test {

enum class HistoryKind : std::uint8_t {
    send,
    poll,
    read,
    seek,
    begin,
    commit,
    abort,
    join,           // of group `id`; begins a life as its member
    leave,          // lets go of everything
    take,           // owns `partition` from now on, resumed at `first`
    release,        // about to let go of it
    commit_offset,  // of `partition`: `first`
    reset_offset,   // the same from outside of the group `id`
    kill            // client `id` is about to be killed
};
enum class HistoryOutcome : std::uint8_t { indeterminate, acknowledged, failed };

// One step of a client; plain memory that processes share.
struct HistoryEvent {
    HistoryKind kind;
    std::atomic<HistoryOutcome> outcome;  // of a send or a commit, written last
    std::uint16_t partition;
    std::uint32_t count;  // of records: ids id .. id + count - 1
    std::uint64_t id;
    std::int64_t first;  // offset of the first record; of a seek the place
    std::int64_t last;
    std::uint64_t ticket;    // grows with every event of all clients: who has the smaller one was earlier
    std::uint64_t answered;  // the ticket of a commit's answer
    std::int64_t time_ns;    // of the monotonic clock
};

struct HistoryRegion {
    std::atomic<std::uint64_t> used;
    std::atomic<std::uint64_t> overflowed;
};

// The pen of one client: one process at a time. A successor of a dead one goes on in the same region.
class ClientLog {
public:
    ClientLog(std::atomic<std::uint64_t>& tickets, HistoryRegion& region, std::span<HistoryEvent> events)
        : tickets_(&tickets), region_(&region), events_(events) {}

    // Each send is one append: its records have consecutive ids, which are never sent again.
    [[nodiscard]] std::size_t begin_send(std::uint16_t partition, std::uint64_t first_id, std::uint32_t count);
    void acknowledge(std::size_t send, std::int64_t first_offset, std::int64_t last_offset);
    // Certainly not in the log. What nobody knows stays as it is.
    void fail(std::size_t send);

    // A client begins each life with a seek; between two seeks it reads on.
    void seek(std::uint16_t partition, std::int64_t offset);
    void begin_poll();
    // Records with consecutive ids at consecutive offsets.
    void read(std::uint16_t partition, std::int64_t first_offset, std::uint64_t first_id, std::uint32_t count);

    // Sends in between stand or fall together.
    void begin_transaction();
    void end_transaction(bool committed);

    void join(std::uint64_t group);
    void leave();
    void take(std::uint16_t partition, std::int64_t resumed_at);
    void release(std::uint16_t partition);
    // `next`: the offset that is read next. One that is never answered may or may not have happened.
    [[nodiscard]] std::size_t begin_commit(std::uint16_t partition, std::int64_t next);
    [[nodiscard]] std::size_t begin_reset(std::uint64_t group, std::uint16_t partition, std::int64_t next);
    void acknowledge_commit(std::size_t commit);
    void kill(unsigned client);

    [[nodiscard]] std::uint64_t used() const { return region_->used.load(std::memory_order_acquire); }
    [[nodiscard]] bool full() const { return used() + 8 >= events_.size(); }

private:
    std::size_t add(HistoryKind kind, std::uint16_t partition, std::uint32_t count, std::uint64_t id,
                    std::int64_t first, std::int64_t last);

    std::atomic<std::uint64_t>* tickets_;
    HistoryRegion* region_;
    std::span<HistoryEvent> events_;
};

class History {
public:
    History(unsigned clients, std::size_t events_each);
    ~History();
    History(const History&) = delete;
    History& operator=(const History&) = delete;

    [[nodiscard]] unsigned clients() const { return clients_; }
    [[nodiscard]] ClientLog client(unsigned number) const;
    [[nodiscard]] std::span<const HistoryEvent> events(unsigned number) const;
    [[nodiscard]] bool overflowed() const;
    // Of all clients so far.
    [[nodiscard]] std::uint64_t operations() const;

private:
    [[nodiscard]] HistoryRegion& region(unsigned number) const;

    unsigned clients_;
    std::size_t events_each_;
    std::size_t bytes_each_;
    std::byte* memory_;  // a page with the counter of tickets, then the regions
};

// The kinds of Jepsen's Kafka workload, and one more: a record that was never sent to the partition it is read from.
enum class Anomaly : std::uint8_t {
    inconsistent_offsets,  // two records at one offset
    duplicate,             // one record at two offsets
    lost_write,            // acknowledged, read by nobody, though somebody read further
    unseen,                // acknowledged, and nobody came as far
    aborted_read,          // a failed send, or one of an aborted transaction, was read
    precommitted_read,     // a transaction read what it wrote itself
    poll_skip,             // from one poll to the next a record that exists was left out
    nonmonotonic_poll,     // from one poll to the next an offset did not grow
    internal_poll_skip,    // the same inside one poll
    internal_nonmonotonic_poll,
    nonmonotonic_send,   // a client's later send lies before its earlier one
    internal_send_skip,  // a foreign record, or none, between records of one send
    internal_nonmonotonic_send,
    foreign_read,
    // Of consumer groups.
    two_owners,        // of one partition at one time
    unowned,           // a member read or committed a partition that it did not own
    resume_skip,       // resumed past what was committed
    committed_repeat,  // resumed before what was committed
    commit_ahead,      // committed past what the owner had read
    commit_back,       // committed less than was committed
    group_skip,        // a record that no member read, though the group went past it
};
inline constexpr std::size_t kAnomalies = 21;
[[nodiscard]] std::string_view to_string(Anomaly kind);

struct Verdict {
    std::array<std::uint64_t, kAnomalies> found{};
    std::vector<std::string> examples;  // the first of each kind

    void add(Anomaly kind, unsigned client, const std::string& what);
    [[nodiscard]] std::uint64_t of(Anomaly kind) const { return found[static_cast<std::size_t>(kind)]; }
    // Empty: nothing is wrong.
    [[nodiscard]] std::string text() const;
    // What was acknowledged and read, to hold against "nothing happened at all".
    std::uint64_t sent = 0, acknowledged = 0, failed = 0, read = 0;
    std::uint64_t takes = 0, commits = 0;
    std::uint64_t repeats = 0;               // records that a group read more than once, as it may after a death
    std::vector<std::int64_t> takeovers_ns;  // from a kill to the next owner, one for each partition that it owned
};

struct JudgeOptions {
    // Records are read by somebody in the end; without that `unseen` and a lost tail cannot be told.
    bool complete = true;
    // By partition: records below were deleted on purpose.
    std::map<std::uint16_t, std::int64_t> log_start{};
};

// By partition: offsets that hold a record, ascending.
using KnownOffsets = std::map<std::uint16_t, std::vector<std::int64_t>>;
// The part of judge() that knows groups; adds to `verdict`.
void judge_groups(const History& history, const JudgeOptions& options, const KnownOffsets& known, Verdict& verdict);

// Of clients that are not writing now.
[[nodiscard]] Verdict judge(const History& history, const JudgeOptions& options = {});

}  // namespace mq::test
