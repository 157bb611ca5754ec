// Row 12, of what changes nothing: readers, look-ups, the walk of recovery and the checker with every allocation
// failing in turn.

#include "alloc_fixture.h"
#include "log/check.h"
#include "support/faults.h"
#include "support/golden.h"

namespace mq::log::alloc_test {
namespace {

// Where nothing is changed: one directory serves all runs.
class Row12AllocReading : public testing::Test {
protected:
    Row12AllocReading() {
        image().copy_closed_to(dir_ / "d");
        log_.emplace(open_log(dir_ / "d", state_, Trust::clean).value());
    }
    [[nodiscard]] const std::string& directory() const { return log_->directory(); }

    test::FastDir dir_;
    PublishedState state_;
    std::optional<Log> log_;
};

// Reads on from where the reader stands, until the end or an error, which goes to `trouble`.
void collect(LogReader& reader, std::vector<std::int64_t>& bases, std::optional<Error>& trouble) {
    for (ScannedBatch batch;;) {
        auto outcome = reader.next(batch);
        if (!outcome) trouble = std::move(outcome).error();
        if (!outcome || *outcome != ReadOutcome::batch) return;
        bases.push_back(batch.header.base_offset.value());
    }
}

TEST_F(Row12AllocReading, AReaderGoesOnWhereItWasInterrupted) {
    std::vector<std::int64_t> expected;
    std::optional<Error> trouble;
    LogReader plain{directory(), state_};
    collect(plain, expected, trouble);
    ASSERT_FALSE(trouble);
    ASSERT_GT(expected.size(), 10u);
    const auto met = test::for_each_alloc_failure([&](AllocRun& run) {
        SCOPED_TRACE(describe(run));
        const std::size_t descriptors = test::open_descriptors();
        {
            LogReader reader{directory(), state_};
            std::vector<std::int64_t> bases;
            bases.reserve(2 * expected.size());
            run.starved([&] { collect(reader, bases, trouble); });
            collect(reader, bases, trouble);
            EXPECT_FALSE(trouble) << trouble->message();
            EXPECT_EQ(bases, expected);
        }
        EXPECT_EQ(test::open_descriptors(), descriptors);
    });
    EXPECT_GT(met, 0u);
}

// Telling of damage needs memory too: a reader that had none for it must not go on behind the damage.
TEST_F(Row12AllocReading, AReaderThatCannotTellOfDamageNeverSkipsIt) {
    const std::string path = segment_paths(directory(), image().middle_base()).log;
    const std::string honest = test::slurp(path);
    const auto first = record::parse_batch_header(honest).value();
    struct Damage {
        const char* name;
        std::size_t position;  // in the second batch
    };
    for (const Damage& damage : {Damage{"payload", 70}, Damage{"base offset", 7}, Damage{"size", 11},
                                 Damage{"magic", 16}, Damage{"last offset delta", 26}}) {
        SCOPED_TRACE(damage.name);
        std::string bytes = honest;
        bytes[first.size_bytes + damage.position] ^= 0x55;
        test::spill(path, bytes);
        state_.files_generation.fetch_add(1);
        std::vector<std::int64_t> expected;
        std::optional<Error> told;
        LogReader plain{directory(), state_};
        collect(plain, expected, told);
        ASSERT_TRUE(told);
        ASSERT_EQ(expected.back(), first.base_offset.value());
        test::for_each_alloc_failure([&](AllocRun& run) {
            SCOPED_TRACE(describe(run));
            LogReader reader{directory(), state_};
            std::vector<std::int64_t> bases;
            std::optional<Error> trouble;
            bases.reserve(64);
            run.starved([&] { collect(reader, bases, trouble); });
            if (!trouble) collect(reader, bases, trouble);
            EXPECT_EQ(bases, expected);
            ASSERT_TRUE(trouble);
            EXPECT_EQ(trouble->message(), told->message());
        });
    }
}

TEST_F(Row12AllocReading, FindTimestampAndAbortedTransactionsAnswerRightOrNot) {
    const auto by_time = log_->find_timestamp(test::time_of(22)).value().value();
    const auto aborted = log_->aborted_transactions(Offset{0}, Offset{99}).value();
    ASSERT_EQ(aborted.size(), 1u);
    const auto met = test::for_each_alloc_failure([&](AllocRun& run) {
        SCOPED_TRACE(describe(run));
        const std::size_t descriptors = test::open_descriptors();
        run.starved([&] {
            const auto found = log_->find_timestamp(test::time_of(22));
            const auto txns = log_->aborted_transactions(Offset{0}, Offset{99});
            ASSERT_TRUE(found && *found && txns);
            ASSERT_EQ((*found)->offset, by_time.offset);
            ASSERT_EQ(*txns, aborted);
        });
        EXPECT_EQ(test::open_descriptors(), descriptors);
        EXPECT_EQ(log_->find_timestamp(test::time_of(22)).value()->offset, by_time.offset);
    });
    EXPECT_GT(met, 0u);
}

// Both walk the damaged and the whole segment: what they report is what they report with memory at hand.
TEST_F(Row12AllocReading, RecoveryAndCheckerTellTheTruthOrNothing) {
    for (const bool damaged : {false, true}) {
        SCOPED_TRACE(damaged ? "damaged" : "whole");
        const Offset base = image().middle_base();
        const std::string path = segment_paths(directory(), base).log;
        std::string bytes = test::slurp(path);
        if (damaged) bytes[bytes.size() / 2] ^= 0x10;
        test::spill(path, bytes);

        const auto recover = [&](bool write_indexes, ProducerState& producers) {
            LeaderEpochs epochs;
            return recover_segment(directory(), base, config(), {}, {&producers, &epochs}, write_indexes).value();
        };
        ProducerState known;
        const SegmentRecovery truth = recover(true, known);
        EXPECT_EQ(truth.damage.empty(), !damaged);
        std::vector<std::string> told;
        const auto check = [&](std::vector<std::string>& findings) {
            Checker checker{{}, [&](const Finding& finding) { findings.push_back(finding.file + finding.text); }};
            return checker.check_partition(directory());
        };
        ASSERT_TRUE(check(told));
        EXPECT_EQ(told.empty(), !damaged) << told.front();

        const auto met = test::for_each_alloc_failure([&](AllocRun& run) {
            SCOPED_TRACE(describe(run));
            const std::size_t descriptors = test::open_descriptors();
            ProducerState producers;
            run.starved([&] {
                const auto found = recover(true, producers);
                ASSERT_EQ(found.valid_end, truth.valid_end);
                ASSERT_EQ(found.damage, truth.damage);
                ASSERT_EQ(found.batches, truth.batches);
                ASSERT_TRUE(producers == known);
            });
            ProducerState again;
            EXPECT_EQ(recover(true, again).offset_index_entries, truth.offset_index_entries);
            EXPECT_TRUE(again == known);
            EXPECT_EQ(test::slurp(path), bytes);
            EXPECT_EQ(test::open_descriptors(), descriptors);
        });
        const auto met_by_checker = test::for_each_alloc_failure([&](AllocRun& run) {
            SCOPED_TRACE(describe(run));
            const std::size_t descriptors = test::open_descriptors();
            std::vector<std::string> findings;
            Status checked;
            const bool out = run.starved([&] { checked = check(findings); });
            EXPECT_TRUE(out || checked) << checked.error().message();
            // Cut short it has told the beginning of the truth.
            ASSERT_LE(findings.size(), told.size());
            EXPECT_TRUE(std::equal(findings.begin(), findings.end(), told.begin()));
            EXPECT_TRUE(out || findings.size() == told.size());
            EXPECT_EQ(test::open_descriptors(), descriptors);
        });
        EXPECT_GT(met, 0u);
        EXPECT_GT(met_by_checker, 0u);
    }
}

}  // namespace
}  // namespace mq::log::alloc_test
