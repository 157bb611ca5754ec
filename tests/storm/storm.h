// Many processes on one data directory, some of which die: producers that record every send, consumers that record
// every read, and the parent that kills, stops and replaces them.
//
//     Storm storm{dir.path(), {.producers = 8, .consumers = 4}};
//     storm.start();
//     for (...) storm.replace(victim, SIGKILL);
//     EXPECT_EQ(storm.finish(), "");                // everybody ends; all is read once more; the history is judged
#pragma once

#include <sys/types.h>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "store/data_directory.h"
#include "support/child.h"
#include "support/history.h"
#include "support/scale.h"

namespace mq::test {

inline constexpr std::size_t kMostClients = 128;
inline constexpr std::size_t kMostPartitions = 64;

[[nodiscard]] Result<store::DataDirectory> open_data(const std::string& directory,
                                                     store::Access access = store::Access::write);

// A value that says where it belongs, who sent it and which record it is, with a sum of it all (row 33).
[[nodiscard]] std::string storm_value(const log::TopicPartition& to, std::uint64_t id);
// The record's number; nothing if the value is torn, or was meant for another partition.
[[nodiscard]] std::optional<std::uint64_t> storm_id(const log::TopicPartition& from, ByteView value);
// Number of the n-th record of a client.
[[nodiscard]] constexpr std::uint64_t storm_record(unsigned client, std::uint64_t n) {
    return (static_cast<std::uint64_t>(client) << 40) + n;
}

struct ProducerMark {
    ProducerId id = kNoProducerId;
    std::int32_t sequence = -1;
};
[[nodiscard]] std::string storm_batch(const log::TopicPartition& to, std::uint64_t first_id, std::uint32_t count,
                                      ProducerMark producer = {});

struct StormPlan {
    unsigned producers = 8;
    unsigned consumers = 4;
    std::vector<log::TopicPartition> partitions{{"storm", 0}};
    store::ConfigMap config{{"segment.bytes", "30000"}, {"index.interval.bytes", "500"}, {"retention.ms", "-1"}};
    // Sends of one producer between two turns of the parent (Storm::turn): an unbounded storm would only fill memory.
    std::uint64_t sends_a_turn = 50;
    std::size_t events_each = 200'000;
    std::uint64_t seed = test_seed();
    unsigned members = 0;               // of consumer groups that read all of it
    unsigned groups = 1;                // "group-0" ..: members take turns
    store::ConfigMap offsets_config{};  // of __consumer_offsets, which has one partition then
    bool odd_producers_are_idempotent =
        true;              // they send again what their predecessor left open, and it must not double
    bool maintain = true;  // now and then roll, flush, checkpoint
    std::function<void(unsigned client)> at_birth{};  // in the child, before it opens anything
    Child (*fork)(const std::function<int()>& body) = Child::fork;
};

// What parent and children share, beside the history.
struct StormBoard {
    struct Client {
        std::atomic<std::uint64_t> next_record;
        std::array<std::atomic<std::int32_t>, kMostPartitions> sequence;
        std::atomic<std::uint64_t> progress;      // sends answered, or records read
        std::atomic<std::uint64_t> turn_started;  // `progress` when the turn began
        std::atomic<std::uint64_t> long_waits;    // WaitHook calls
        std::atomic<std::int32_t> holder_pid;     // that the last of them named
        std::array<char, 400> trouble;
    };
    std::atomic<std::uint32_t> turn;   // a futex: who has done enough waits for the next
    std::atomic<std::uint32_t> stop;   // producers end
    std::atomic<std::uint32_t> drain;  // consumers end at the end of the log, members once their group has come there
    std::atomic<std::uint32_t> calm;   // members stay
    std::array<Client, kMostClients> client;
};

class Storm {
public:
    // Makes the directory's topics if they are missing.
    Storm(std::string directory, StormPlan plan);
    ~Storm();
    Storm(const Storm&) = delete;
    Storm& operator=(const Storm&) = delete;

    void start();
    // Forks client `number` again, after it ended.
    void revive(unsigned number);
    // Sends the signal, waits for the end, forks the next life.
    void replace(unsigned number, int signal);
    [[nodiscard]] Child& child(unsigned number) { return *children_.at(number); }
    // Producers, then consumers, then members.
    [[nodiscard]] unsigned clients() const { return plan_.producers + plan_.consumers + plan_.members; }
    [[nodiscard]] bool is_producer(unsigned number) const { return number < plan_.producers; }
    [[nodiscard]] bool is_member(unsigned number) const { return number >= plan_.producers + plan_.consumers; }

    // Lets everybody do the work of one more turn.
    void turn();
    // Waits until client `number` has made progress since `before`; empty, or what is wrong: it ended, it hangs.
    [[nodiscard]] std::string await_progress(unsigned number, std::uint64_t before);
    [[nodiscard]] std::uint64_t progress(unsigned number) const { return board_->client[number].progress.load(); }

    // Ends all, reads every partition from its start in a process of its own, judges. Empty: all is well.
    [[nodiscard]] std::string finish();
    [[nodiscard]] const Verdict& verdict() const { return verdict_; }
    [[nodiscard]] StormBoard& board() const { return *board_; }
    [[nodiscard]] const StormPlan& plan() const { return plan_; }
    [[nodiscard]] const std::string& directory() const { return directory_; }

    // Bodies of children, for tests that fork for themselves.
    int produce(unsigned number) const;
    int consume(unsigned number) const;
    int work(unsigned number) const;

private:
    int trouble(unsigned number, const std::string& what) const;
    [[nodiscard]] store::OpenOptions options_of(unsigned number, store::Access access) const;
    [[nodiscard]] std::string read_everything() const;
    // Of children that ended unasked.
    [[nodiscard]] std::string troubles() const;

    std::string directory_;
    StormPlan plan_;
    History history_;
    StormBoard* board_;
    std::vector<std::unique_ptr<Child>> children_;
    Verdict verdict_;
};

// Rests the parent for `microseconds`, or until `child` ends.
void wait_a_while(const Child& child, std::uint64_t microseconds);

}  // namespace mq::test
