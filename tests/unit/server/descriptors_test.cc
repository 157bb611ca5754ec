// A process may have only so many files and sockets open: what is kept open leaves room for the rest.
#include "broker/descriptors.h"

#include <sys/resource.h>

#include <fstream>
#include <thread>

#include "store/data_directory.h"
#include "support/batches.h"
#include "support/child.h"
#include "support/golden.h"
#include "unit/server/server_fixture.h"
#include "wire/client.h"
#include "wire/messages/all.h"

namespace mq::server {
namespace {

using broker::DescriptorShares;
using broker::share_out;
using wire::ErrorCode;

TEST(Descriptors, SharesFitTogether) {
    for (std::uint64_t limit = 128; limit <= 1u << 20; limit += limit / 16) {
        const DescriptorShares shares = share_out(limit);
        const std::uint64_t kept = shares.partitions * broker::kDescriptorsOfPartition +
                                   shares.offsets_partitions * broker::kDescriptorsOfOffsetsPartition +
                                   shares.connections;
        EXPECT_LE(kept, limit - std::min(std::max<std::uint64_t>(limit / 8, 100), limit / 2)) << limit;
    }
    // 65536: half for partitions, of which 350 for those of offsets, three eighths for connections.
    EXPECT_EQ(share_out(65536).connections, 24576u);
    EXPECT_EQ(share_out(65536).offsets_partitions, 50u);
    EXPECT_EQ(share_out(65536).partitions, (32768u - 350u) / 16u);
    EXPECT_EQ(share_out(1u << 20).partitions, 4096u);
    for (const std::uint64_t limit : {0, 1, 20}) {
        const DescriptorShares shares = share_out(limit);
        EXPECT_GE(std::min({shares.partitions, shares.offsets_partitions, shares.connections, shares.files_of_fetch}),
                  1u);
    }
}

constexpr std::int32_t kPartitions = 60;
constexpr std::size_t kClients = 90;
// (256 - 100) / 7 * 3
constexpr std::size_t kAccepted = 66;
// Each partition is flushed when it is made, and when it is left.
constexpr std::chrono::minutes kDeadline{5};

class FewDescriptors : public ServerTest {
protected:
    // The broker, with 256 descriptors, until `end` is opened; its port and its log are left in files.
    int serve(const test::Gate& ready, const test::Gate& end) {
        const rlimit few{256, 256};
        if (setrlimit(RLIMIT_NOFILE, &few) != 0) return 2;
        auto broker = broker::Broker::open(config, log);
        if (!broker) return 3;
        const bool made =
            (*broker)
                ->directory()
                .create_topic({.name = "t", .partitions = kPartitions, .config = {{"retention.ms", "-1"}}})
                .has_value();
        auto opened = Server::open(**broker, log);
        if (!made || !opened || !(*opened)->start()) return 4;
        std::ofstream{dir / "port"} << (*opened)->endpoints().front().port;
        ready.open();
        if (!end.wait(kDeadline)) return 5;
        (*opened)->stop_taking();
        const Status stopped = (*broker)->stop();
        (*opened)->stop(kAwaitMs);
        std::ofstream{dir / "log"} << log.lines();
        return stopped ? 0 : 6;
    }
    static void produce(wire::Client& client, std::int32_t partition, std::int16_t acks) {
        const std::string batch = test::numbered_batch(0, 1);
        wire::ProduceRequest request{
            .acks = acks, .timeout_ms = kAwaitMs, .topic_data = {{"t", {{partition, batch}}}}};
        const auto response = client.call(request, 9);
        ASSERT_TRUE(response) << response.error().message();
        const auto& told = response->responses.at(0).partition_responses.at(0);
        ASSERT_EQ(told.error_code, ErrorCode::none) << partition;
    }
    // How many of the partitions answered with records; none must fail.
    static std::size_t fetch(wire::Client& client, std::int32_t first, std::int32_t end) {
        wire::FetchRequest request;
        request.isolation_level = static_cast<std::int8_t>(end % 2);
        request.max_bytes = 50 << 20;
        request.topics.push_back({.topic = "t"});
        for (std::int32_t partition = first; partition < end; ++partition)
            request.topics[0].partitions.push_back({.partition = partition, .partition_max_bytes = 1 << 20});
        const auto response = client.call(request, 12);
        if (!response) throw std::runtime_error{response.error().message()};
        std::size_t with_records = 0;
        for (const auto& partition : response->responses.at(0).partitions) {
            EXPECT_EQ(partition.error_code, ErrorCode::none) << partition.partition_index;
            EXPECT_GT(partition.high_watermark, 0) << partition.partition_index;
            if (!partition.records.value_or("").empty()) ++with_records;
        }
        return with_records;
    }
    static void commit(wire::Client& client, const std::string& group, std::int64_t offset) {
        wire::OffsetCommitRequest request;
        request.group_id = group;
        request.topics = {{"t", {{.partition_index = 0, .committed_offset = offset}}}};
        wire::OffsetFetchRequest ask;
        ask.group_id = group;
        ask.topics = {{{"t", {0}}}};
        // Its groups may be about to be loaded.
        ErrorCode told = ErrorCode::coordinator_load_in_progress;
        while (told == ErrorCode::coordinator_load_in_progress) {
            const auto response = client.call(request, 8);
            ASSERT_TRUE(response) << response.error().message();
            told = response->topics.at(0).partitions.at(0).error_code;
        }
        ASSERT_EQ(told, ErrorCode::none) << group;
        const auto response = client.call(ask, 7);
        ASSERT_TRUE(response) << response.error().message();
        ASSERT_EQ(response->topics.at(0).partitions.at(0).committed_offset, offset) << group;
    }
    test::TempDir dir;
};

TEST_F(FewDescriptors, WhoIsAcceptedIsServedByEveryPartitionAndTheOthersAreRefused) {
    config.log_dir = dir / "data";
    const test::Gate ready;
    const test::Gate end;
    test::Child child = test::Child::fork([&] { return serve(ready, end); });
    ASSERT_TRUE(ready.wait(kDeadline));
    const auto port = static_cast<std::uint16_t>(std::stoi(test::slurp(dir / "port")));
    std::vector<wire::Client> clients;
    for (std::size_t i = 0; i < kClients; ++i) {
        auto socket = os::Socket::connect("127.0.0.1", port, kAwaitMs);
        ASSERT_TRUE(socket);
        auto client = wire::Client::open(*std::move(socket));
        if (client) clients.push_back(*std::move(client));
    }
    EXPECT_EQ(clients.size(), kAccepted);
    const auto serve_some = [&](std::size_t begin) {
        for (std::size_t i = begin; i < clients.size(); i += 8) {
            for (std::int32_t partition = 0; partition < kPartitions; ++partition) {
                produce(clients[i], partition, partition % 10 == 0 ? -1 : 1);
                EXPECT_EQ(fetch(clients[i], partition, partition + 1), 1u);
            }
            commit(clients[i], "group" + std::to_string(i), static_cast<std::int64_t>(i));
            // 256 / 32 files in one answer; the others have their turn later.
            EXPECT_EQ(fetch(clients[i], 0, kPartitions), 8u);
        }
    };
    std::vector<std::thread> threads;
    for (std::size_t begin = 0; begin < 8; ++begin) threads.emplace_back(serve_some, begin);
    for (std::thread& thread : threads) thread.join();
    end.open();
    EXPECT_EQ(child.wait(kDeadline), test::exited_with(0));
    const std::string lines = test::slurp(dir / "log");
    EXPECT_NE(lines.find("there are 66 connections already"), std::string::npos) << lines;
    EXPECT_EQ(lines.find("no file descriptors"), std::string::npos) << lines;
    EXPECT_EQ(lines.find("open files"), std::string::npos) << lines;
}

}  // namespace
}  // namespace mq::server
