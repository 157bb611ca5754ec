// The judge of owners and commits is itself judged: every kind of anomaly is planted once and found, and nothing else
// is. RELIABILITY row 20 with groups; promise P9.

#include <gtest/gtest.h>
#include <csignal>
#include <random>

#include "support/child.h"
#include "support/history.h"
#include "support/scale.h"

namespace mq::test {
namespace {

constexpr std::uint64_t kGroup = 7;

// Clients 1 to 3 are members, 0 produces, 4 is who kills them. Twelve records in partition 0, four in partition 1.
class Row20GroupChecker : public testing::Test {
protected:
    void SetUp() override {
        send(0, 12);
        send(1, 4);
        for (const unsigned client : {1u, 2u, 3u}) history_.client(client).join(kGroup);
    }
    void send(std::uint16_t partition, std::uint32_t count) {
        ClientLog log = history_.client(0);
        log.acknowledge(log.begin_send(partition, id_of(partition, end_[partition]), count), end_[partition],
                        end_[partition] + count - 1);
        end_[partition] += count;
    }
    static std::uint64_t id_of(std::uint16_t partition, std::int64_t offset) {
        return partition * 1000u + static_cast<std::uint64_t>(offset);
    }
    void take(unsigned client, std::uint16_t partition, std::int64_t at) {
        history_.client(client).take(partition, at);
    }
    // From `first` on, up to but without `next`.
    void read(unsigned client, std::uint16_t partition, std::int64_t first, std::int64_t next) {
        ClientLog log = history_.client(client);
        log.begin_poll();
        log.read(partition, first, id_of(partition, first), static_cast<std::uint32_t>(next - first));
    }
    void commit(unsigned client, std::uint16_t partition, std::int64_t next) {
        ClientLog log = history_.client(client);
        log.acknowledge_commit(log.begin_commit(partition, next));
    }
    // Takes, reads, commits and lets go.
    void work(unsigned client, std::uint16_t partition, std::int64_t first, std::int64_t next) {
        take(client, partition, first);
        read(client, partition, first, next);
        commit(client, partition, next);
        history_.client(client).release(partition);
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

    History history_{5, 1000};
    std::array<std::int64_t, 2> end_{};
};

TEST_F(Row20GroupChecker, PassesAHandOver) {
    work(1, 0, 0, 5);
    work(2, 0, 5, 12);
    work(3, 1, 0, 4);
    const Verdict verdict = judge(history_);
    EXPECT_EQ(verdict.text(), "");
    EXPECT_EQ(verdict.takes, 3u);
    EXPECT_EQ(verdict.commits, 3u);
    EXPECT_EQ(verdict.repeats, 0u);
}

TEST_F(Row20GroupChecker, PassesWhatAKilledOwnerHadNotCommitted) {
    work(3, 1, 0, 4);
    take(1, 0, 0);
    read(1, 0, 0, 5);
    commit(1, 0, 3);
    read(1, 0, 5, 7);
    history_.client(4).kill(1);
    work(2, 0, 3, 12);
    const Verdict verdict = judge(history_);
    EXPECT_EQ(verdict.text(), "");
    EXPECT_EQ(verdict.repeats, 4u);
    EXPECT_EQ(verdict.takeovers_ns.size(), 1u);
}

// Before it could join again.
TEST_F(Row20GroupChecker, PassesAnOwnerWhoseSuccessorInTheSameSeatIsKilledTooLater) {
    work(3, 1, 0, 4);
    take(1, 0, 0);
    read(1, 0, 0, 4);
    history_.client(4).kill(1);
    work(2, 0, 0, 12);
    history_.client(4).kill(1);
    history_.client(1).join(kGroup);
    EXPECT_EQ(judge(history_).text(), "");
}

TEST_F(Row20GroupChecker, P9_FindsTwoOwnersAtOneTime) {
    work(3, 1, 0, 4);
    take(1, 0, 0);
    take(2, 0, 0);
    read(1, 0, 0, 12);
    expect_only(Anomaly::two_owners);
}

TEST_F(Row20GroupChecker, P9_FindsASecondOwnerBeforeTheFirstIsKilled) {
    work(3, 1, 0, 4);
    take(1, 0, 0);
    work(2, 0, 0, 12);
    history_.client(4).kill(1);
    history_.client(1).join(kGroup);
    expect_only(Anomaly::two_owners);
}

TEST_F(Row20GroupChecker, P9_FindsAnOwnerThatWritesAfterItsPartitionWasTakenAway) {
    // It died without anybody telling when; but it was seen alive after the other's coming.
    work(3, 1, 0, 4);
    take(1, 0, 0);
    work(2, 0, 0, 12);
    history_.client(1).begin_poll();
    expect_only(Anomaly::two_owners);
}

TEST_F(Row20GroupChecker, P9_PassesASuccessorOfOneThatDiedUnseen) {
    work(3, 1, 0, 4);
    take(1, 0, 0);
    read(1, 0, 0, 2);
    work(2, 0, 0, 12);
    EXPECT_EQ(judge(history_).text(), "");
}

TEST_F(Row20GroupChecker, P9_FindsAReadWithoutOwning) {
    work(3, 1, 0, 4);
    work(1, 0, 0, 5);
    work(2, 0, 5, 12);
    history_.client(1).begin_poll();
    read(1, 0, 5, 6);
    expect_only(Anomaly::unowned);
}

TEST_F(Row20GroupChecker, P9_FindsACommitWithoutOwning) {
    work(3, 1, 0, 4);
    work(1, 0, 0, 12);
    commit(1, 0, 12);
    expect_only(Anomaly::unowned);
}

TEST_F(Row20GroupChecker, P9_FindsAResumptionPastWhatWasCommitted) {
    work(3, 1, 0, 4);
    take(1, 0, 0);
    read(1, 0, 0, 6);
    commit(1, 0, 5);
    history_.client(1).release(0);
    work(2, 0, 6, 12);
    expect_only(Anomaly::resume_skip);
}

TEST_F(Row20GroupChecker, P9_FindsARecordReadAgainThatWasCommittedBefore) {
    work(3, 1, 0, 4);
    work(1, 0, 0, 5);
    work(2, 0, 4, 12);
    expect_only(Anomaly::committed_repeat);
}

TEST_F(Row20GroupChecker, P9_FindsACommitThatWasLostToAKill) {
    work(3, 1, 0, 4);
    take(1, 0, 0);
    read(1, 0, 0, 5);
    commit(1, 0, 5);
    history_.client(4).kill(1);
    work(2, 0, 0, 12);
    expect_only(Anomaly::committed_repeat);
}

TEST_F(Row20GroupChecker, P9_TakesACommitWithoutAnswerEitherWay) {
    work(3, 1, 0, 4);
    for (const std::int64_t resumed : {0, 5}) {
        take(1, 0, 0);
        read(1, 0, 0, 5);
        (void)history_.client(1).begin_commit(0, 5);
        history_.client(4).kill(1);
        history_.client(1).join(kGroup);
        take(2, 0, resumed);
        history_.client(2).release(0);
    }
    work(2, 0, 5, 12);
    EXPECT_EQ(judge(history_).text(), "");
    // Once it was seen to hold it holds.
    work(3, 0, 0, 12);
    EXPECT_GT(judge(history_).of(Anomaly::committed_repeat), 0u);
}

TEST_F(Row20GroupChecker, P9_FindsACommitPastWhatWasRead) {
    work(3, 1, 0, 4);
    take(1, 0, 0);
    read(1, 0, 0, 5);
    commit(1, 0, 6);
    read(1, 0, 5, 12);
    expect_only(Anomaly::commit_ahead);
}

TEST_F(Row20GroupChecker, P9_FindsACommitThatGoesBack) {
    work(3, 1, 0, 4);
    take(1, 0, 0);
    read(1, 0, 0, 12);
    commit(1, 0, 12);
    commit(1, 0, 11);
    expect_only(Anomaly::commit_back);
}

TEST_F(Row20GroupChecker, P9_FindsARecordThatNoMemberRead) {
    work(3, 1, 0, 4);
    work(1, 0, 0, 5);
    send(0, 1);
    history_.client(0).seek(0, end_[0] - 1);
    history_.client(0).read(0, end_[0] - 1, id_of(0, end_[0] - 1), 1);
    work(2, 0, 5, 12);
    expect_only(Anomaly::group_skip);
    JudgeOptions options;
    options.complete = false;
    EXPECT_EQ(judge(history_, options).text(), "");
}

TEST_F(Row20GroupChecker, P9_PassesAResetBackAndForth) {
    work(3, 1, 0, 4);
    work(1, 0, 0, 5);
    ClientLog tool = history_.client(4);
    tool.acknowledge_commit(tool.begin_reset(kGroup, 0, 2));
    work(2, 0, 2, 6);
    tool.acknowledge_commit(tool.begin_reset(kGroup, 0, 8));
    work(2, 0, 8, 12);
    history_.client(0).read(0, 6, id_of(0, 6), 2);
    const Verdict verdict = judge(history_);
    EXPECT_EQ(verdict.text(), "");
    EXPECT_EQ(verdict.repeats, 3u);
}

TEST_F(Row20GroupChecker, P9_FindsAResetThatDidNotHold) {
    work(3, 1, 0, 4);
    work(1, 0, 0, 5);
    ClientLog tool = history_.client(4);
    tool.acknowledge_commit(tool.begin_reset(kGroup, 0, 2));
    work(2, 0, 5, 12);
    expect_only(Anomaly::resume_skip);
}

TEST_F(Row20GroupChecker, TwoGroupsAreJudgedApart) {
    work(3, 1, 0, 4);
    work(1, 0, 0, 12);
    history_.client(2).leave();
    history_.client(2).join(kGroup + 1);
    work(2, 0, 0, 12);
    EXPECT_EQ(judge(history_).text(), "");
}

// A simulated group that is right, whose members die, join and leave in random order.
TEST(Row20GroupCheckerProperty, RandomCleanHistoriesPass) {
    for (std::uint64_t round = 0; round < test_scale(200, 20'000); ++round) {
        std::mt19937_64 random{test_seed() + round};
        SCOPED_TRACE("seed " + std::to_string(test_seed() + round));
        History history{6, 4000};
        constexpr std::int64_t kEnd = 400;
        ClientLog sender = history.client(0);
        for (std::uint16_t partition = 0; partition < 3; ++partition)
            sender.acknowledge(sender.begin_send(partition, partition * 1000u, kEnd), 0, kEnd - 1);
        struct Truth {
            unsigned owner = 0;
            std::int64_t position = 0;
            std::int64_t committed = 0;
        };
        std::array<Truth, 3> truth;
        for (unsigned member = 1; member <= 4; ++member) history.client(member).join(1);
        const auto read_on = [&](std::uint16_t partition, std::int64_t most) {
            Truth& one = truth[partition];
            const std::int64_t next = std::min(one.position + most, kEnd);
            if (next == one.position) return;
            ClientLog log = history.client(one.owner);
            log.begin_poll();
            log.read(partition, one.position, partition * 1000u + static_cast<std::uint64_t>(one.position),
                     static_cast<std::uint32_t>(next - one.position));
            one.position = next;
        };
        const auto take = [&](std::uint16_t partition, unsigned member) {
            truth[partition].owner = member;
            truth[partition].position = truth[partition].committed;
            history.client(member).take(partition, truth[partition].committed);
        };
        for (int step = 0; step < 400; ++step) {
            const auto partition = static_cast<std::uint16_t>(random() % 3);
            Truth& one = truth[partition];
            if (one.owner == 0) {
                take(partition, static_cast<unsigned>(1 + random() % 4));
                continue;
            }
            ClientLog log = history.client(one.owner);
            switch (random() % 6) {
                case 0: {
                    const auto commit = log.begin_commit(partition, one.position);
                    one.committed = one.position;
                    log.acknowledge_commit(commit);
                    break;
                }
                case 1:
                    log.release(partition);
                    one.owner = 0;
                    break;
                case 2: {
                    if (random() % 4 != 0) break;
                    const unsigned victim = one.owner;
                    if (random() % 2 == 0) {
                        (void)log.begin_commit(partition, one.position);
                        if (random() % 2 == 0) one.committed = one.position;
                    }
                    if (random() % 2 == 0) history.client(5).kill(victim);
                    for (Truth& each : truth)
                        if (each.owner == victim) each.owner = 0;
                    history.client(victim).join(1);
                    break;
                }
                default:
                    read_on(partition, static_cast<std::int64_t>(random() % 5));
            }
        }
        for (std::uint16_t partition = 0; partition < 3; ++partition) {
            if (truth[partition].owner == 0) take(partition, 1);
            read_on(partition, kEnd);
        }
        const Verdict verdict = judge(history);
        ASSERT_EQ(verdict.text(), "");
        ASSERT_FALSE(history.overflowed());
        ASSERT_GT(verdict.takes, 0u);
    }
}

}  // namespace
}  // namespace mq::test
