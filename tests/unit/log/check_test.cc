// log::Checker over what a real broker left, and over damage made to it. What must be found is known from how it was
// made.
#include "log/check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/bytes.h"
#include "log/producer_snapshot.h"
#include "os/fault.h"
#include "support/faults.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace mq::log {
namespace {

using test::golden_path;
using test::slurp;
using test::spill;

struct Outcome {
    Status status;
    std::vector<Finding> findings;
    CheckTotals totals;

    [[nodiscard]] const Finding* in(std::string_view file_ending) const {
        const auto found = std::find_if(findings.begin(), findings.end(),
                                        [&](const Finding& f) { return f.file.ends_with(file_ending); });
        return found == findings.end() ? nullptr : &*found;
    }
};

Outcome check_partition(const std::string& directory, unsigned parts = kCheckAll) {
    Outcome outcome;
    CheckOptions options;
    options.parts = parts;
    Checker checker{options, [&](const Finding& finding) { outcome.findings.push_back(finding); }};
    outcome.status = checker.check_partition(directory);
    outcome.totals = checker.totals();
    return outcome;
}

class CheckTest : public ::testing::Test {
protected:
    std::string copy(std::string_view partition) {
        const std::string to = dir_ / std::string{std::filesystem::path{partition}.filename()};
        test::copy_tree(golden_path(partition), to);
        return to;
    }
    test::TempDir dir_;
};

TEST_F(CheckTest, EverySetOfABrokerThatStoppedCleanlyIsGood) {
    for (const std::string& set : test::golden_sets()) {
        if (set.starts_with("corrupt")) continue;
        for (const std::string& partition : test::partitions_of(set)) {
            const Outcome outcome = check_partition(golden_path(set + '/' + partition));
            ASSERT_TRUE(outcome.status) << outcome.status.error().message();
            EXPECT_TRUE(outcome.findings.empty()) << partition << ": " << outcome.findings.front().text;
        }
    }
}

TEST_F(CheckTest, AFlippedPayloadByteIsFoundWithItsBatch) {
    const std::string partition = copy("segmented/segmented-0");
    const std::string path = partition + "/00000000000000000659.log";
    std::string bytes = slurp(path);
    // The second batch begins where the first one's length field says.
    const std::size_t second = 12 + static_cast<std::size_t>(load_be<std::int32_t>(bytes.data() + 8));
    const auto second_size = 12 + static_cast<std::uint64_t>(load_be<std::int32_t>(bytes.data() + second + 8));
    bytes[second + 100] = static_cast<char>(bytes[second + 100] ^ 1);
    spill(path, bytes);
    const Outcome outcome = check_partition(partition);
    ASSERT_TRUE(outcome.status);
    ASSERT_EQ(outcome.findings.size(), 1u);
    EXPECT_EQ(outcome.findings[0].file, path);
    EXPECT_EQ(outcome.findings[0].position, second);
    EXPECT_EQ(outcome.findings[0].bytes, second_size);
    EXPECT_EQ(outcome.findings[0].offset, Offset{load_be<std::int64_t>(bytes.data() + second)});
}

TEST_F(CheckTest, AnIndexEntryThatPointsIntoABatchIsFound) {
    const std::string partition = copy("segmented/segmented-0");
    const std::string path = partition + "/00000000000000000000.index";
    std::string bytes = slurp(path);
    ++bytes[7];  // position of the first entry
    spill(path, bytes);
    const Outcome outcome = check_partition(partition);
    ASSERT_EQ(outcome.findings.size(), 1u);
    EXPECT_EQ(outcome.findings[0].file, path);
    EXPECT_EQ(outcome.findings[0].position, 0u);
    EXPECT_EQ(outcome.findings[0].bytes, 8u);
    EXPECT_TRUE(check_partition(partition, kCheckAll & ~kCheckIndex).findings.empty());
}

TEST_F(CheckTest, ATimestampThatNoRecordHasIsFoundInTheTimeIndex) {
    const std::string partition = copy("segmented/segmented-0");
    const std::string path = partition + "/00000000000000000000.timeindex";
    std::string bytes = slurp(path);
    ++bytes[7];
    spill(path, bytes);
    const Outcome outcome = check_partition(partition, kCheckTime);
    ASSERT_EQ(outcome.findings.size(), 1u);
    EXPECT_EQ(outcome.findings[0].file, path);
    EXPECT_EQ(outcome.findings[0].position, 0u);
}

TEST_F(CheckTest, AMissingAndAnInventedAbortedTransactionAreBothFound) {
    const std::string partition = copy("txn/txn-0");
    const std::string path = partition + "/00000000000000000013.txnindex";
    const std::string good = slurp(path);
    spill(path, good.substr(kAbortedTxnBytes));
    const Outcome missing = check_partition(partition);
    ASSERT_EQ(missing.findings.size(), 1u);
    EXPECT_EQ(missing.findings[0].offset, Offset{28});  // the first entry's marker, by the golden dump

    std::string invented = good;
    store_be<std::int64_t>(invented.data() + 10, 14);  // its first offset, which is 15
    spill(path, invented);
    EXPECT_EQ(check_partition(partition).findings.size(), 2u);
}

TEST_F(CheckTest, ASnapshotThatContradictsTheLogIsFound) {
    const std::string partition = copy("txn/txn-0");
    const std::string path = partition + "/00000000000000000141.snapshot";
    const auto good = read_snapshot(path);
    ASSERT_TRUE(good);
    ProducerState wrong = *good;
    ProducerEntry entry = wrong.entries().begin()->second;
    ++entry.batches.back().last_sequence;
    wrong.insert(entry);
    ASSERT_TRUE(write_snapshot(path, wrong));
    const Outcome outcome = check_partition(partition);
    ASSERT_EQ(outcome.findings.size(), 1u);
    EXPECT_EQ(outcome.findings[0].file, path);
    EXPECT_TRUE(check_partition(partition, kCheckAll & ~kCheckProducer).findings.empty());

    std::string bytes = slurp(path);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    spill(path, bytes);
    EXPECT_NE(check_partition(partition).in(".snapshot"), nullptr);
}

TEST_F(CheckTest, SegmentsThatOverlapAndIndexesThatAreMissingAreFound) {
    const std::string partition = copy("segmented/segmented-0");
    std::filesystem::copy_file(partition + "/00000000000000000659.log", partition + "/00000000000000000600.log");
    const Outcome outcome = check_partition(partition);
    EXPECT_NE(outcome.in("00000000000000000600.index"), nullptr);
    EXPECT_NE(outcome.in("00000000000000000600.log"), nullptr);
    EXPECT_NE(outcome.in("00000000000000000659.log"), nullptr);
}

TEST_F(CheckTest, ABatchOverTheLimitStillHasItsChecksumVerified) {
    const std::string partition = copy("codecs/codec-none-0");
    CheckOptions options;
    options.unit_limit_bytes = 100;
    std::vector<Finding> findings;
    Checker good{options, [&](const Finding& finding) { findings.push_back(finding); }};
    ASSERT_TRUE(good.check_partition(partition));
    EXPECT_TRUE(findings.empty());
    EXPECT_GT(good.totals().unread_batches, 0u);

    const std::string path = partition + "/00000000000000000000.log";
    std::string bytes = slurp(path);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    spill(path, bytes);
    Checker bad{options, [&](const Finding& finding) { findings.push_back(finding); }};
    ASSERT_TRUE(bad.check_partition(partition));
    EXPECT_EQ(findings.size(), 1u);
}

TEST_F(CheckTest, CheckpointsBeyondTheLogEndAreFoundInADataDirectory) {
    const std::string data = dir_ / "data";
    test::copy_tree(golden_path("plain"), data);
    spill(data + "/recovery-point-offset-checkpoint", "0\n1\nplain 0 99\n");
    std::vector<Finding> findings;
    Checker checker{{}, [&](const Finding& finding) { findings.push_back(finding); }};
    ASSERT_TRUE(checker.check_data_directory(data));
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].offset, Offset{99});
    EXPECT_TRUE(findings[0].file.ends_with("recovery-point-offset-checkpoint"));
}

std::string late_path;
std::string late_text;

os::Fault write_when_a_log_is_opened(os::Call call, std::string_view path, std::size_t) {
    if (call == os::Call::open && path.ends_with(".log")) spill(late_path, late_text);
    return {};
}

TEST_F(CheckTest, ALeaderEpochIsHeldAgainstTheCheckpointAsItIsByThen) {
    const std::string partition = copy("segmented/segmented-0");
    late_path = partition + "/leader-epoch-checkpoint";
    late_text = slurp(late_path);
    ASSERT_EQ(late_text, "0\n1\n0 0\n");
    const std::string another = "0\n1\n3 0\n";
    spill(late_path, another);
    const Outcome contradicted = check_partition(partition);
    ASSERT_TRUE(contradicted.status);
    ASSERT_EQ(contradicted.findings.size(), 1u);
    EXPECT_EQ(contradicted.findings[0].text, "leader epoch 0, leader-epoch-checkpoint says 3");
    os::set_fault_hook(write_when_a_log_is_opened);
    const Outcome meanwhile = check_partition(partition);
    os::set_fault_hook(nullptr);
    ASSERT_TRUE(meanwhile.status);
    EXPECT_TRUE(meanwhile.findings.empty()) << meanwhile.findings.front().text;
}

TEST_F(CheckTest, AFailedReadIsAnErrorNeverGood) {
    const std::string partition = copy("txn/txn-0");
    for (const os::Call call : {os::Call::open, os::Call::read, os::Call::stat, os::Call::list}) {
        test::FaultSweep sweep;
        sweep.errors = {EIO};
        sweep.short_transfers = false;
        sweep.only = call;
        const auto met = test::for_each_fault(sweep, [&](test::FaultRun& run) {
            const Outcome outcome = run.faulted(partition, [&] { return check_partition(partition); });
            EXPECT_TRUE(!run.fired() || !outcome.status) << run.describe();
        });
        EXPECT_GT(met, 0u);
    }
}

}  // namespace
}  // namespace mq::log
