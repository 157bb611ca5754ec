// Blocks of producer ids: TXN-L2 of the concurrency contract, PID-2 and PID-3.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "os/kill_point.h"
#include "store/data_directory.h"
#include "support/batches.h"
#include "support/child.h"
#include "support/fast_dir.h"
#include "support/faults.h"
#include "support/golden.h"
#include "support/scale.h"
#include "support/temp_dir.h"

namespace mq::store {
namespace {

DataDirectory open_directory(const std::string& path) {
    auto directory = DataDirectory::open(path, {.access = Access::write, .on_wait = {}});
    if (!directory) throw std::runtime_error(directory.error().message());
    return std::move(*directory);
}

TEST(ProducerIds, TXN_L2_PID2_BlocksCountFrom0AndAreRecorded) {
    const test::TempDir dir;
    {
        DataDirectory directory = open_directory(dir / "data");
        EXPECT_EQ(directory.claim_producer_ids(1000).value(), 0);
        EXPECT_EQ(directory.claim_producer_ids(1).value(), 1000);
        ASSERT_TRUE(directory.create_topic({"numbers", 2, 1, {{"retention.ms", "5"}}}));
        EXPECT_EQ(directory.claim_producer_ids(1000).value(), 1001);
        EXPECT_EQ(directory.topic("numbers")->config.at("retention.ms"), "5");
        EXPECT_EQ(directory.claim_producer_ids(0).error().code, Errc::too_many);
        EXPECT_EQ(directory.claim_producer_ids(INT64_MAX).error().code, Errc::too_many);
    }
    DataDirectory directory = open_directory(dir / "data");
    EXPECT_EQ(directory.claim_producer_ids(1000).value(), 2001);
}

// A Kafka broker with ZooKeeper kept its count there, and throws the rest of its block away when it starts again.
TEST(ProducerIds, PID3_TheFirstBlockBeginsAboveAllThatTheLogsTellOf) {
    const test::TempDir dir;
    std::filesystem::create_directories(dir / "snapshots");
    for (const std::string& partition : test::partitions_of("txn")) {
        std::filesystem::copy(test::golden_path("txn/" + partition), dir / ("snapshots/" + partition),
                              std::filesystem::copy_options::recursive);
    }
    EXPECT_EQ(open_directory(dir / "snapshots").claim_producer_ids(1000).value(), 1000);
    EXPECT_EQ(open_directory(dir / "snapshots").claim_producer_ids(1000).value(), 2000);

    // Behind the last snapshot, and without any.
    for (const auto& [name, producer] : {std::pair{"logs", 12'999}, {"block", 13'000}}) {
        DataDirectory directory = open_directory(dir / name);
        ASSERT_TRUE(directory.create_topic({"numbers", 1, 1, {}}));
        auto writer = directory.open_writer({"numbers", 0});
        ASSERT_TRUE(writer);
        for (const ProducerId id : {ProducerId{7}, ProducerId{producer}, ProducerId{8}, kFirstChosenProducerId + 5}) {
            record::BatchOptions options;
            options.producer_id = id;
            options.producer_epoch = 0;
            options.base_sequence = 0;
            std::string batch = test::numbered_batch(0, 1, 1000, options);
            ASSERT_TRUE((*writer)->append(batch));
            if (id == 7) {
                ASSERT_TRUE((*writer)->checkpoint());
            }
        }
        EXPECT_EQ(directory.claim_producer_ids(1000).value(), producer == 12'999 ? 13'000 : 14'000);
    }
}

// The slots know their topics without a look into the file, and still do.
TEST(ProducerIds, PUB8_AClaimChangesNoTopic) {
    const test::TempDir dir;
    DataDirectory directory = open_directory(dir / "data");
    ASSERT_TRUE(directory.create_topic({"numbers", 2, 1, {{"segment.bytes", "12345"}}}));
    auto writer = directory.open_writer({"numbers", 1});
    ASSERT_TRUE(writer);
    const std::uint32_t generation = directory.catalogue_generation();
    ASSERT_TRUE(directory.claim_producer_ids(1000));
    EXPECT_EQ(directory.catalogue_generation(), generation);
    EXPECT_EQ((*writer)->config()->segment_bytes, 12345u);
    EXPECT_EQ(directory.shape("numbers")->log.segment_bytes, 12345u);
}

TEST(ProducerIds, PID3_ManyProcessesNeverGetTheSameIdAlsoWhereSomeDie) {
    const test::TempDir dir;
    const std::string path = dir / "data";
    ASSERT_TRUE(open_directory(path).create_topic({"numbers", 1, 1, {}}));
    const std::uint64_t rounds = test::test_scale(20, 2000);
    std::vector<test::Child> children;
    for (int process = 0; process < 4; ++process) {
        children.push_back(test::Child::fork([path, process, rounds] {
            for (std::uint64_t round = 0; round < rounds; ++round) {
                // A life of the directory each, and a death in every third.
                const auto end = test::run_in_child([&] {
                    if (round % 3 == 2 && !os::arm_kill_point("producer_ids.after_catalogue", 1)) return 3;
                    DataDirectory mine = open_directory(path);
                    const auto first = mine.claim_producer_ids(10);
                    if (!first) return 1;
                    test::spill(path + "/claimed-" + std::to_string(*first), std::to_string(process));
                    return 0;
                });
                const auto expected = round % 3 == 2 ? test::ended_by(SIGKILL) : test::exited_with(0);
                if (end != expected) return 2;
            }
            return 0;
        }));
    }
    for (test::Child& child : children) EXPECT_EQ(child.wait(), test::exited_with(0));
    DataDirectory directory = open_directory(path);
    std::size_t claimed = 0;
    const std::int64_t next = directory.claim_producer_ids(10).value();
    for (std::int64_t first = 0; first < next; first += 10)
        claimed += std::filesystem::exists(path + "/claimed-" + std::to_string(first)) ? 1 : 0;
    EXPECT_EQ(next, static_cast<std::int64_t>(4 * rounds * 10));
    EXPECT_EQ(claimed, 4 * (rounds - rounds / 3));
    EXPECT_EQ(directory.topic("numbers")->partitions, 1);
}

TEST(ProducerIds, P8_AFailedSystemCallGivesNoIdTwice) {
    test::for_each_fault({.errors = {EIO, ENOSPC}}, [&](test::FaultRun& run) {
        const test::FastDir dir;
        const std::string path = dir / "data";
        DataDirectory directory = open_directory(path);
        ASSERT_EQ(directory.claim_producer_ids(10).value(), 0);
        Result<ProducerId> claimed = 0;
        static_cast<void>(run.faulted(path, [&]() -> Status {
            claimed = directory.claim_producer_ids(10);
            return claimed.map([](ProducerId) {});
        }));
        EXPECT_EQ(claimed.value_or(10), 10);
        EXPECT_GE(directory.claim_producer_ids(10).value(), claimed ? 20 : 10);
    });
}

}  // namespace
}  // namespace mq::store
