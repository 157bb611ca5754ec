// A life of a partition that passes through every kill point, with a journal that outlives the process.
#pragma once

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "crash/workload.h"

namespace mq::test {

// Where a life begins. `fresh`: the directory does not exist; its first batch comes from the scenario.
enum class StartState : unsigned char { fresh, first_batch, mid_segment, roll_due, index_full };
inline constexpr std::array kStartStates{StartState::fresh, StartState::first_batch, StartState::mid_segment,
                                         StartState::roll_due, StartState::index_full};
std::string_view to_string(StartState state);

// What was asked for, and what was answered: each step is written before it begins, and marked when it has returned.
struct Step {
    enum class Kind : std::uint32_t { append, marker, truncate, empty, start, other };
    Kind kind;
    std::uint32_t done;
    std::uint64_t first_id;  // append: records [first_id, first_id + count); truncate, empty, start: the offset
    std::uint64_t count;
    std::int64_t offset;  // append: where it went
};

// Lives in memory that a child shares with the test, with the state of the partition, as in a control file.
struct Journal {
    log::PublishedState state;
    std::atomic<std::uint32_t> steps{0};
    std::atomic<std::int64_t> flushed{0};  // log end of the last flush that returned
    std::atomic<std::uint32_t> live{0};    // the state is the scenario's, no longer the preparation's
    std::array<Step, 2048> step;
};

class SharedJournal {
public:
    SharedJournal();
    ~SharedJournal();
    SharedJournal(const SharedJournal&) = delete;
    SharedJournal& operator=(const SharedJournal&) = delete;
    Journal& operator*() const { return *journal_; }
    Journal* operator->() const { return journal_; }

private:
    Journal* journal_;
};

// The log of a data directory's partition "DIR/t-0", with its recovery point in "DIR/point".
[[nodiscard]] log::LogConfig scenario_config();
[[nodiscard]] Result<log::Log> open_partition(const std::string& data_directory, log::PublishedState& state,
                                              log::Trust trust);
[[nodiscard]] std::string partition_of(const std::string& data_directory);

// Brings a fresh data directory into a start state, acknowledged and closed, and tells the journal.
void prepare(StartState start, const std::string& data_directory, Journal& journal);
// Appends, rolls, flushes, transactions, failing calls and their repair, truncation at both ends, retention,
// replacement, a failed fsync and its cure, emptying, close.
void live(const std::string& data_directory, Journal& journal);

// What the journal allows the log to hold: `certain` is there whatever happened, `possible` at most (a step was under
// way).
struct Allowed {
    std::int64_t start_at_least = 0;
    std::int64_t start_at_most = 0;
    std::int64_t end_at_least = 0;
    Content content;            // to the largest end possible
    bool may_be_empty = false;  // an emptying was under way, and would end at `empty_at`
    std::int64_t empty_at = 0;
};
[[nodiscard]] Allowed allowed_by(const Journal& journal);

// Empty, or how the log breaks what is allowed.
[[nodiscard]] std::string judge(const Allowed& allowed, const log::Log& log, const ReadBack& found);

}  // namespace mq::test
