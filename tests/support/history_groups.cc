// Owners and commits of consumer groups, judged in the order of the events' tickets.
//
// What is recorded of an owner lies inside of the time in which it was one: `take` is written after it has got the
// partition, `release` and `leave` before it lets go. Of a life that ended without a word the end is its last event,
// or the moment before the signal that killed it was sent, whichever is later. So two owners at one time are two.

#include <algorithm>
#include <optional>
#include <set>

#include "support/history.h"

namespace mq::test {
namespace {

enum class Step : std::uint8_t { take, let_go, read, commit, answer, reset };

struct Item {
    std::uint64_t ticket;
    Step step;
    unsigned client;
    const HistoryEvent* event;
    bool killed;  // of a let_go
};

struct Key {
    std::uint64_t group;
    std::uint16_t partition;
    auto operator<=>(const Key&) const = default;
};

// The lives of members taken apart into the steps of each partition.
class Timeline {
public:
    explicit Timeline(const History& history) : history_(history) {
        for (unsigned client = 0; client < history.clients(); ++client)
            for (const HistoryEvent& event : history.events(client))
                if (event.kind == HistoryKind::kill) kills_.push_back(&event);
        for (unsigned client = 0; client < history.clients(); ++client) collect(client);
        for (auto& [key, items] : partitions)
            std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
                // The end of a life comes after its last event.
                return std::pair{a.ticket, a.step == Step::let_go} < std::pair{b.ticket, b.step == Step::let_go};
            });
    }

    std::map<Key, std::vector<Item>> partitions;

private:
    // The last moment at which the life that ended before `next_life` is known to have lasted.
    void end_life(unsigned client, std::uint64_t begin, std::uint64_t last, std::uint64_t next_life,
                  const HistoryEvent& last_event) {
        const HistoryEvent* end = &last_event;
        std::uint64_t ticket = last;
        bool killed = false;
        for (const HistoryEvent* const kill : kills_) {
            if (kill->id != client || kill->ticket <= begin || kill->ticket >= next_life) continue;
            killed = true;
            if (kill->ticket > ticket) ticket = kill->ticket, end = kill;
            // Those that follow killed processes that had not joined yet.
            break;
        }
        for (const std::uint16_t partition : owned_)
            partitions[{*group_, partition}].push_back({ticket, Step::let_go, client, end, killed});
        owned_.clear();
        group_.reset();
    }

    void collect(unsigned client) {
        const auto events = history_.events(client);
        std::uint64_t begin = 0;
        std::uint64_t last = 0;
        const HistoryEvent* last_event = nullptr;
        for (const HistoryEvent& event : events) {
            const auto put = [&](Step step, std::uint64_t ticket) {
                partitions[{*group_, event.partition}].push_back({ticket, step, client, &event, false});
            };
            if (event.kind == HistoryKind::reset_offset) {
                partitions[{event.id, event.partition}].push_back({event.ticket, Step::reset, client, &event, false});
                continue;
            }
            if (event.kind == HistoryKind::join) {
                if (group_) end_life(client, begin, last, event.ticket, *last_event);
                group_ = event.id;
                begin = event.ticket;
            }
            if (!group_) continue;
            last = std::max(event.ticket, event.answered);
            last_event = &event;
            switch (event.kind) {
                case HistoryKind::leave:
                    end_life(client, begin, last, last + 1, event);
                    break;
                case HistoryKind::take:
                    put(Step::take, event.ticket);
                    owned_.insert(event.partition);
                    break;
                case HistoryKind::release:
                    put(Step::let_go, event.ticket);
                    owned_.erase(event.partition);
                    break;
                case HistoryKind::read:
                    put(Step::read, event.ticket);
                    break;
                case HistoryKind::commit_offset:
                    put(Step::commit, event.ticket);
                    if (event.outcome.load() == HistoryOutcome::acknowledged) put(Step::answer, event.answered);
                    break;
                default:
                    break;
            }
        }
        if (group_) end_life(client, begin, last, UINT64_MAX, *last_event);
    }

    const History& history_;
    std::vector<const HistoryEvent*> kills_;
    std::optional<std::uint64_t> group_;
    std::set<std::uint16_t> owned_;
};

// One partition as one group saw it.
class PartitionJudge {
public:
    PartitionJudge(const Key& key, std::int64_t log_start, Verdict& verdict)
        : committed_(log_start),
          where_("group " + std::to_string(key.group) + " partition " + std::to_string(key.partition) + ": "),
          verdict_(verdict) {}

    void run(const std::vector<Item>& items) {
        for (const Item& item : items) {
            switch (item.step) {
                case Step::take:
                    take(item);
                    break;
                case Step::let_go:
                    positions_.erase(item.client);
                    if (item.killed) killed_at_ns_ = item.event->time_ns;
                    break;
                case Step::read:
                    read(item);
                    break;
                case Step::commit:
                    commit(item);
                    break;
                case Step::answer:
                    committed_ = item.event->first;
                    open_.clear();
                    break;
                case Step::reset:
                    reset(item);
                    break;
            }
        }
    }

    // Every record below the group's last commit, or (complete) every record, was read by a member.
    void look_for_gaps(const std::vector<std::int64_t>& known, std::int64_t log_start, bool complete) {
        std::sort(reads_.begin(), reads_.end());
        std::int64_t end = -1;
        for (const auto& [first, last] : reads_) {
            if (first <= end) verdict_.repeats += static_cast<std::uint64_t>(std::min(last, end) - first + 1);
            end = std::max(end, last);
        }
        reads_.insert(reads_.end(), jumped_.begin(), jumped_.end());
        std::sort(reads_.begin(), reads_.end());
        auto read = reads_.begin();
        std::int64_t covered = log_start;
        std::uint64_t missing = 0;
        std::int64_t first_missing = 0;
        for (const std::int64_t offset : known) {
            if (offset < log_start) continue;
            if (!complete && offset >= committed_) break;
            while (covered <= offset && read != reads_.end() && read->first <= offset)
                covered = std::max(covered, (read++)->second + 1);
            if (offset >= covered && missing++ == 0) first_missing = offset;
        }
        if (missing > 0)
            verdict_.add(Anomaly::group_skip, 0,
                         where_ + std::to_string(missing) + " records from offset " + std::to_string(first_missing) +
                             " on were read by nobody");
    }

private:
    void report(Anomaly kind, unsigned client, const std::string& what) { verdict_.add(kind, client, where_ + what); }

    void take(const Item& item) {
        ++verdict_.takes;
        const std::int64_t at = item.event->first;
        if (!positions_.empty())
            report(Anomaly::two_owners, item.client,
                   "took it while client " + std::to_string(positions_.begin()->first) + " owned it");
        if (killed_at_ns_) verdict_.takeovers_ns.push_back(item.event->time_ns - *killed_at_ns_);
        killed_at_ns_.reset();
        positions_[item.client] = at;
        // Whose commits are still without an answer are gone: now it is known which came to hold.
        const bool answered_so = std::find(open_.begin(), open_.end(), at) != open_.end();
        open_.clear();
        if (at == committed_ || answered_so) {
            committed_ = at;
        } else if (at > committed_) {
            report(Anomaly::resume_skip, item.client,
                   "resumed at " + std::to_string(at) + ", committed was " + std::to_string(committed_));
        } else {
            report(Anomaly::committed_repeat, item.client,
                   "resumed at " + std::to_string(at) + ", committed was " + std::to_string(committed_));
        }
    }

    void read(const Item& item) {
        const HistoryEvent& event = *item.event;
        reads_.emplace_back(event.first, event.last);
        const auto owner = positions_.find(item.client);
        if (owner == positions_.end())
            report(Anomaly::unowned, item.client, "read offset " + std::to_string(event.first));
        else
            owner->second = std::max(owner->second, event.last + 1);
    }

    void commit(const Item& item) {
        ++verdict_.commits;
        const std::int64_t to = item.event->first;
        const auto owner = positions_.find(item.client);
        if (owner == positions_.end())
            report(Anomaly::unowned, item.client, "committed " + std::to_string(to));
        else if (to > owner->second)
            report(Anomaly::commit_ahead, item.client,
                   "committed " + std::to_string(to) + ", read up to " + std::to_string(owner->second));
        if (to < committed_)
            report(Anomaly::commit_back, item.client,
                   "committed " + std::to_string(to) + " after " + std::to_string(committed_));
        open_.push_back(to);
    }

    // One that was never answered may come to hold or not.
    void reset(const Item& item) {
        const std::int64_t to = item.event->first;
        if (item.event->outcome.load() != HistoryOutcome::acknowledged) {
            open_.push_back(to);
            return;
        }
        if (to > committed_) jumped_.emplace_back(committed_, to - 1);
        committed_ = to;
        open_.clear();
    }

    std::int64_t committed_;
    std::vector<std::int64_t> open_;              // commits without an answer since then
    std::map<unsigned, std::int64_t> positions_;  // of the owners
    std::vector<std::pair<std::int64_t, std::int64_t>> reads_;
    std::vector<std::pair<std::int64_t, std::int64_t>> jumped_;  // by a reset: nobody has to read them
    std::optional<std::int64_t> killed_at_ns_;
    std::string where_;
    Verdict& verdict_;
};

}  // namespace

void judge_groups(const History& history, const JudgeOptions& options, const KnownOffsets& known, Verdict& verdict) {
    const Timeline timeline{history};
    for (const auto& [key, items] : timeline.partitions) {
        const auto start = options.log_start.find(key.partition);
        const std::int64_t log_start = start == options.log_start.end() ? 0 : start->second;
        PartitionJudge judge{key, log_start, verdict};
        judge.run(items);
        const auto offsets = known.find(key.partition);
        if (offsets != known.end()) judge.look_for_gaps(offsets->second, log_start, options.complete);
    }
}

}  // namespace mq::test
