// The judge of histories is itself judged: every kind of anomaly is planted once and found, and nothing else is.
// RELIABILITY row 20.

#include "support/history.h"

#include <gtest/gtest.h>
#include <csignal>
#include <random>

#include "support/child.h"
#include "support/scale.h"

namespace mq::test {
namespace {

constexpr std::uint64_t kStride = 1'000'000;  // ids of one client

// Three producers and two consumers of a log that does everything right; `plant` may change it.
class Row20Checker : public testing::Test {
protected:
    // One send of `count` records, at the end of the partition.
    std::uint64_t send(unsigned client, std::uint16_t partition, std::uint32_t count) {
        ClientLog log = history_.client(client);
        const std::uint64_t id = client * kStride + next_id_[client];
        next_id_[client] += count;
        const auto step = log.begin_send(partition, id, count);
        auto& end = end_[partition];
        log.acknowledge(step, end, end + count - 1);
        read_all(partition, end, id, count);
        end += count;
        return id;
    }
    void read_all(std::uint16_t partition, std::int64_t offset, std::uint64_t id, std::uint32_t count) {
        for (const unsigned client : {3u, 4u}) {
            ClientLog log = history_.client(client);
            if (offset == 0) log.seek(partition, 0);
            log.begin_poll();
            log.read(partition, offset, id, count);
        }
    }
    void expect_only(Anomaly wanted) {
        const Verdict verdict = judge(history_);
        for (std::size_t kind = 0; kind < kAnomalies; ++kind) {
            const auto as_kind = static_cast<Anomaly>(kind);
            if (as_kind == wanted)
                EXPECT_GT(verdict.of(as_kind), 0u) << "not found: " << to_string(as_kind);
            else
                EXPECT_EQ(verdict.of(as_kind), 0u) << verdict.text();
        }
    }

    void SetUp() override {
        for (int i = 0; i < 5; ++i)
            for (unsigned client = 0; client < 3; ++client)
                send(client, static_cast<std::uint16_t>(i % 2), 1 + client);
    }

    History history_{5, 1000};
    std::array<std::uint64_t, 5> next_id_{1, 1, 1, 1, 1};
    std::map<std::uint16_t, std::int64_t> end_;
};

TEST_F(Row20Checker, PassesWhatIsRight) { EXPECT_EQ(judge(history_).text(), ""); }

TEST_F(Row20Checker, FindsInconsistentOffsets) {
    // Two clients read different records, both of unknown fate, at one offset.
    ClientLog sender = history_.client(0);
    (void)sender.begin_send(0, 900, 1);
    (void)sender.begin_send(0, 901, 1);
    history_.client(3).begin_poll();
    history_.client(3).read(0, end_[0], 900, 1);
    history_.client(4).begin_poll();
    history_.client(4).read(0, end_[0], 901, 1);
    expect_only(Anomaly::inconsistent_offsets);
}

TEST_F(Row20Checker, FindsADuplicate) {
    const auto id = send(1, 0, 1);
    history_.client(3).begin_poll();
    history_.client(3).read(0, end_[0], id, 1);
    expect_only(Anomaly::duplicate);
}

TEST_F(Row20Checker, FindsALostWrite) {
    ClientLog sender = history_.client(2);
    sender.acknowledge(sender.begin_send(0, 2 * kStride + 500, 1), end_[0], end_[0]);
    ++end_[0];
    send(0, 0, 1);
    expect_only(Anomaly::lost_write);
}

TEST_F(Row20Checker, FindsAnUnseenRecord) {
    ClientLog sender = history_.client(2);
    sender.acknowledge(sender.begin_send(1, 2 * kStride + 500, 2), end_[1], end_[1] + 1);
    expect_only(Anomaly::unseen);
    JudgeOptions options;
    options.complete = false;
    EXPECT_EQ(judge(history_, options).text(), "");
}

TEST_F(Row20Checker, FindsAnAbortedRead) {
    ClientLog sender = history_.client(1);
    sender.fail(sender.begin_send(0, kStride + 700, 1));
    read_all(0, end_[0], kStride + 700, 1);
    expect_only(Anomaly::aborted_read);
}

TEST_F(Row20Checker, FindsARecordOfAnAbortedTransaction) {
    ClientLog sender = history_.client(1);
    sender.begin_transaction();
    send(1, 0, 2);
    sender.end_transaction(false);
    expect_only(Anomaly::aborted_read);
}

TEST_F(Row20Checker, FindsAPrecommittedRead) {
    ClientLog sender = history_.client(1);
    sender.begin_transaction();
    const auto id = send(1, 0, 1);
    sender.begin_poll();
    sender.read(0, end_[0] - 1, id, 1);
    sender.end_transaction(true);
    expect_only(Anomaly::precommitted_read);
}

TEST_F(Row20Checker, FindsAPollSkip) {
    const auto id = send(0, 0, 1);
    ClientLog reader = history_.client(3);
    reader.seek(0, end_[0] - 3);
    reader.begin_poll();
    reader.read(0, end_[0] - 1, id, 1);
    expect_only(Anomaly::poll_skip);
}

TEST_F(Row20Checker, FindsANonMonotonicPoll) {
    const auto id = send(0, 0, 2);
    ClientLog reader = history_.client(3);
    reader.begin_poll();
    reader.read(0, end_[0] - 1, id + 1, 1);
    expect_only(Anomaly::nonmonotonic_poll);
}

TEST_F(Row20Checker, FindsAnInternalPollSkip) {
    const auto id = send(0, 0, 3);
    ClientLog reader = history_.client(3);
    reader.seek(0, end_[0] - 3);
    reader.begin_poll();
    reader.read(0, end_[0] - 3, id, 1);
    reader.read(0, end_[0] - 1, id + 2, 1);
    expect_only(Anomaly::internal_poll_skip);
}

TEST_F(Row20Checker, FindsAnInternalNonMonotonicPoll) {
    const auto id = send(0, 0, 3);
    ClientLog reader = history_.client(3);
    reader.seek(0, end_[0] - 3);
    reader.begin_poll();
    reader.read(0, end_[0] - 3, id, 2);
    reader.read(0, end_[0] - 2, id + 1, 1);
    expect_only(Anomaly::internal_nonmonotonic_poll);
}

TEST_F(Row20Checker, FindsANonMonotonicSend) {
    ClientLog sender = history_.client(0);
    const auto early = end_[0];
    const auto late = early + 1;
    sender.acknowledge(sender.begin_send(0, 800, 1), late, late);
    sender.acknowledge(sender.begin_send(0, 801, 1), early, early);
    read_all(0, early, 801, 1);
    read_all(0, late, 800, 1);
    expect_only(Anomaly::nonmonotonic_send);
}

TEST_F(Row20Checker, FindsAnInternalSendSkip) {
    // The records of one send with a foreign one between them.
    (void)history_.client(0).begin_send(0, 800, 2);
    (void)history_.client(1).begin_send(0, kStride + 800, 1);
    read_all(0, end_[0], 800, 1);
    read_all(0, end_[0] + 1, kStride + 800, 1);
    read_all(0, end_[0] + 2, 801, 1);
    expect_only(Anomaly::internal_send_skip);
}

TEST_F(Row20Checker, FindsAnInternalSendSkipInTheAnswer) {
    ClientLog sender = history_.client(0);
    sender.acknowledge(sender.begin_send(0, 800, 2), end_[0], end_[0] + 2);
    read_all(0, end_[0], 800, 2);
    expect_only(Anomaly::internal_send_skip);
}

TEST_F(Row20Checker, FindsAnInternalNonMonotonicSend) {
    (void)history_.client(0).begin_send(0, 800, 2);
    read_all(0, end_[0], 801, 1);
    read_all(0, end_[0] + 1, 800, 1);
    expect_only(Anomaly::internal_nonmonotonic_send);
}

TEST_F(Row20Checker, FindsARecordOfAnotherPartition) {
    (void)history_.client(0).begin_send(1, 800, 1);
    read_all(0, end_[0], 800, 1);
    expect_only(Anomaly::foreign_read);
}

TEST_F(Row20Checker, FindsAnAcknowledgedRecordReplacedByAnother) {
    ClientLog sender = history_.client(0);
    sender.acknowledge(sender.begin_send(0, 800, 1), end_[0], end_[0]);
    (void)history_.client(1).begin_send(0, kStride + 800, 1);
    read_all(0, end_[0], kStride + 800, 1);
    ++end_[0];
    send(2, 0, 1);
    const Verdict verdict = judge(history_);
    EXPECT_EQ(verdict.of(Anomaly::inconsistent_offsets), 1u);
    EXPECT_EQ(verdict.of(Anomaly::lost_write), 1u);
}

TEST_F(Row20Checker, TakesAnIndeterminateSendEitherWay) {
    (void)history_.client(0).begin_send(0, 800, 2);
    (void)history_.client(0).begin_send(0, 802, 2);
    read_all(0, end_[0], 802, 2);
    EXPECT_EQ(judge(history_).text(), "");
}

TEST_F(Row20Checker, TakesARecordThatWasDeletedOnPurpose) {
    ClientLog sender = history_.client(2);
    sender.acknowledge(sender.begin_send(0, 2 * kStride + 500, 1), end_[0], end_[0]);
    ++end_[0];
    send(0, 0, 1);
    JudgeOptions options;
    options.log_start[0] = end_[0] - 1;
    EXPECT_EQ(judge(history_, options).text(), "");
}

TEST_F(Row20Checker, KeepsWhatAKilledClientDid) {
    const ChildEnd end = run_in_child([&] {
        send(0, 0, 2);
        (void)history_.client(0).begin_send(0, 999'000, 1);
        return raise(SIGKILL);
    });
    EXPECT_EQ(end, ended_by(SIGKILL));
    const auto events = history_.events(0);
    EXPECT_EQ(events.back().id, 999'000u);
    EXPECT_EQ(events.back().outcome.load(), HistoryOutcome::indeterminate);
    EXPECT_EQ(events[events.size() - 2].outcome.load(), HistoryOutcome::acknowledged);
    EXPECT_EQ(judge(history_).text(), "");
}

// A simulated log that is right, with clients that die, fail, seek and read in random order.
TEST(Row20CheckerProperty, RandomCleanHistoriesPass) {
    for (std::uint64_t round = 0; round < test_scale(200, 20'000); ++round) {
        std::mt19937_64 random{test_seed() + round};
        SCOPED_TRACE("seed " + std::to_string(test_seed() + round));
        History history{8, 2000};
        struct Stored {
            std::uint64_t id;
            std::uint32_t count;
        };
        std::map<std::uint16_t, std::map<std::int64_t, Stored>> logs;
        std::map<std::uint16_t, std::int64_t> ends;
        std::array<std::uint64_t, 8> ids{};
        std::array<std::map<std::uint16_t, std::int64_t>, 8> positions;
        const auto read_on = [&](unsigned client, std::uint16_t partition, int batches) {
            ClientLog log = history.client(client);
            if (!positions[client].contains(partition)) log.seek(partition, positions[client][partition] = 0);
            auto& position = positions[client][partition];
            log.begin_poll();
            for (auto at = logs[partition].lower_bound(position); at != logs[partition].end() && batches-- > 0;
                 ++at) {
                log.read(partition, at->first, at->second.id, at->second.count);
                position = at->first + at->second.count;
            }
        };
        for (int step = 0; step < 300; ++step) {
            const auto client = static_cast<unsigned>(random() % 8);
            const auto partition = static_cast<std::uint16_t>(random() % 3);
            if (random() % 2 == 0) {
                read_on(client, partition, static_cast<int>(random() % 4));
            } else {
                const auto count = static_cast<std::uint32_t>(1 + random() % 4);
                const std::uint64_t id = client * kStride + ids[client];
                ids[client] += count;
                ClientLog log = history.client(client);
                const auto send = log.begin_send(partition, id, count);
                const auto fate = random() % 8;
                if (fate == 0) {
                    log.fail(send);
                } else if (fate > 1 || random() % 2 == 0) {
                    auto& end = ends[partition];
                    logs[partition][end] = {id, count};
                    end += count;
                    if (fate > 1) log.acknowledge(send, end - count, end - 1);
                }
            }
            if (random() % 20 == 0) {  // a new life reads from where a batch begins
                positions[client].clear();
            }
        }
        for (std::uint16_t partition = 0; partition < 3; ++partition) read_on(0, partition, 1000);
        const Verdict verdict = judge(history);
        ASSERT_EQ(verdict.text(), "");
        ASSERT_FALSE(history.overflowed());
        ASSERT_GT(verdict.read, 0u);
    }
}

}  // namespace
}  // namespace mq::test
