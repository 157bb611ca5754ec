// Appends that wait in line, and flushes that do not come: in time, bounded, and at nobody else's cost.
#include <filesystem>
#include <thread>

#include "broker/housekeeping.h"
#include "broker/partitions.h"
#include "broker/worker_pool.h"
#include "os/process.h"
#include "produce_fixture.h"
#include "starved_workers.h"
#include "support/alloc_faults.h"
#include "support/faults.h"
#include "wire/messages/offsets.h"

namespace mq::broker {
namespace {

using mq::test::Child;
using mq::test::encode_batch;
using mq::test::FaultInjector;
using mq::test::HeldCalls;
using mq::test::numbered_batch;
using wire::ErrorCode;

class Waiting : public InTheWay {
protected:
    PartitionContext context() {
        return {
            .directory = broker->directory(), .wakeups = broker->wakeups(), .workers = broker->workers(), .log = log};
    }
    [[nodiscard]] std::string files() const { return config.log_dir + "/numbers-0"; }
    std::uint64_t send_batch(std::string batch, std::int16_t acks, std::int32_t timeout_ms = 30'000) {
        batches.push_back(std::move(batch));
        wire::ProduceRequest wanted = request("numbers", 0, batches.back(), acks);
        wanted.timeout_ms = timeout_ms;
        return send(wanted, kLatest);
    }
};

// A request of many partitions has them all in use.
TEST_F(Waiting, Row33_APartitionIsItselfHoweverManyAreInUse) {
    Partitions few{context(), 2};
    std::vector<std::shared_ptr<Partition>> in_use;
    for (int i = 0; i < 5; ++i) {
        in_use.push_back(few.find({"numbers", i}));
        EXPECT_EQ(in_use.back()->id().partition, i);
        EXPECT_EQ(few.find({"numbers", i}), in_use.back());
    }
    // And once they are not, no more are kept than should be.
    std::vector<std::weak_ptr<Partition>> known{in_use.begin(), in_use.end()};
    in_use.clear();
    static_cast<void>(few.find({"numbers", 9}));
    EXPECT_EQ(std::ranges::count_if(known, [](const auto& p) { return !p.expired(); }), 1);
}

// What decompresses to much is looked at by workers, who must not wait there for a stopped process.
TEST_F(Waiting, P5_LargeBatchesForAStuckPartitionLeaveTheWorkersToOthers) {
    record::BatchOptions options;
    options.codec = record::Codec::zstd;
    const std::string large = encode_batch({{"k", std::string(2'000'000, 'x'), 1000}}, options);
    ASSERT_EQ(produce(numbered_batch(0, 1)).error_code, ErrorCode::none);
    ASSERT_EQ(produce(numbered_batch(0, 1), 1, 1).error_code, ErrorCode::none);
    Child holder = holder_of(&shm::PartitionSlot::append);
    std::vector<std::uint64_t> waiting;
    for (int i = 0; i < 20; ++i) waiting.push_back(send_batch(large, 1));
    EXPECT_EQ(take_one(send_number(1, -1, 30'000, 1)).base_offset, 1);
    holder.send(SIGCONT);
    for (const std::uint64_t ticket : waiting) EXPECT_EQ(take_one(ticket).error_code, ErrorCode::none);
}

TEST_F(Waiting, P5_DeletionsOfRecordsOfAStuckPartitionLeaveTheWorkersToOthers) {
    ASSERT_EQ(produce(numbered_batch(0, 1)).error_code, ErrorCode::none);
    Child holder = holder_of(&shm::PartitionSlot::append);
    std::vector<std::uint64_t> waiting;
    for (int i = 0; i < 20; ++i)
        waiting.push_back(send(wire::DeleteRecordsRequest{.topics = {{"numbers", {{0, 1}}}}, .timeout_ms = 100}));
    EXPECT_EQ(take_one(send_number(1, -1, 30'000, 1)).base_offset, 0);
    for (const std::uint64_t ticket : waiting) {
        const auto answer = take<wire::DeleteRecordsRequest>(ticket);
        EXPECT_EQ(answer.topics.at(0).partitions.at(0).error_code, ErrorCode::request_timed_out);
    }
    holder.send(SIGCONT);
    EXPECT_EQ(holder.wait(), mq::test::exited_with(0));
}

TEST_F(Waiting, WhoHasLittleTimeIsNotHeldUpByThePatienceOfThoseBefore) {
    ASSERT_EQ(produce(numbered_batch(0, 1)).error_code, ErrorCode::none);
    Child holder = holder_of(&shm::PartitionSlot::append);
    const std::uint64_t patient = send_number(1, 1);
    const std::uint64_t hasty = send_number(2, 1, 1);
    EXPECT_EQ(take_one(hasty).error_code, ErrorCode::request_timed_out);
    EXPECT_FALSE(mailbox->has(patient));
    holder.send(SIGCONT);
    EXPECT_EQ(take_one(patient).base_offset, 1);
    EXPECT_EQ(take_one(send_number(3, 1)).base_offset, 2);
    EXPECT_EQ(content("numbers"), "0:v0 1:v1 2:v3 ");
}

// Clients come and go: what they left in line is bounded for itself.
TEST_F(Waiting, WhatWaitsToBeAppendedToOnePartitionIsBounded) {
    ASSERT_EQ(produce(numbered_batch(0, 1)).error_code, ErrorCode::none);
    Child holder = holder_of(&shm::PartitionSlot::append);
    const std::string batch = encode_batch({{"k", std::string(1'000'000, 'x'), 1000}});
    std::vector<std::uint64_t> waiting;
    for (int i = 0; i < 100; ++i) {
        waiting.push_back(send_batch(batch, 1));
        batches.clear();
    }
    std::size_t refused = 0;
    for (const std::uint64_t ticket : waiting) refused += mailbox->has(ticket) ? 1 : 0;
    EXPECT_GE(refused, 100 - kMostWaitingBytes / batch.size());
    EXPECT_LE(refused, 100 - kMostWaitingBytes / batch.size() + 1);
    holder.send(SIGCONT);
    std::size_t appended = 0;
    for (const std::uint64_t ticket : waiting) {
        const ErrorCode code = take_one(ticket).error_code;
        if (code == ErrorCode::none)
            ++appended;
        else
            EXPECT_EQ(code, ErrorCode::request_timed_out);
    }
    EXPECT_EQ(appended, waiting.size() - refused);
}

// ---- No flush on a connection's thread

thread_local int syncs_here = 0;

class Quick : public Waiting {
protected:
    void SetUp() override {
        Waiting::SetUp();
        os::set_fault_hook([](os::Call call, std::string_view, std::size_t) {
            if (call == os::Call::sync) ++syncs_here;
            return os::Fault{};
        });
    }
    void TearDown() override { os::set_fault_hook(nullptr); }
    [[nodiscard]] std::size_t segments(const std::string& partition) const {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::directory_iterator{config.log_dir + "/" + partition})
            count += entry.path().extension() == ".log" ? 1 : 0;
        return count;
    }
    // Appends of one record each, on this thread; the offset of the first.
    std::int64_t append_some(const std::string& topic, int count, TimestampMs between_ms) {
        std::int64_t first = -1;
        for (int i = 0; i < count; ++i) {
            syncs_here = 0;
            const auto answer = produce(request(topic, 0, numbered_batch(i, 1, 1000 + i * between_ms)));
            EXPECT_EQ(answer.error_code, ErrorCode::none);
            EXPECT_EQ(syncs_here, 0) << topic << ' ' << i;
            if (i == 0) first = answer.base_offset;
        }
        return first;
    }
};

TEST_F(Quick, ANewSegmentBySizeTimeOrFullIndexIsAWorkersTask) {
    make_topic("size", {{"retention.ms", "-1"}, {"segment.bytes", "200"}});
    make_topic("time", {{"retention.ms", "-1"}, {"segment.ms", "100"}});
    make_topic("index", {{"retention.ms", "-1"}, {"segment.index.bytes", "24"}, {"index.interval.bytes", "0"}});
    append_some("size", 10, 0);
    append_some("time", 10, 60);
    append_some("index", 10, 1);
    EXPECT_GE(segments("size-0"), 4u);
    EXPECT_GE(segments("time-0"), 4u);
    EXPECT_GE(segments("index-0"), 4u);
}

TEST_F(Quick, ATopicThatWasMadeAnewIsBroughtUpByAWorker) {
    append_some("numbers", 3, 1);
    const auto end = mq::test::run_in_child([&] {
        auto directory = store::DataDirectory::open(config.log_dir, {.access = store::Access::write, .on_wait = {}});
        if (!directory->delete_topic("numbers")) return 1;
        return directory->create_topic({"numbers", 2, 1, {}}) ? 0 : 2;
    });
    ASSERT_EQ(end, mq::test::exited_with(0));
    EXPECT_EQ(append_some("numbers", 3, 1), 0);
}

TEST_F(Quick, WhatAKilledProcessLeftIsRepairedByAWorker) {
    append_some("numbers", 3, 1);
    Child holder = holder_of(&shm::PartitionSlot::append);
    holder.send(SIGKILL);
    EXPECT_EQ(holder.wait(), mq::test::ended_by(SIGKILL));
    EXPECT_EQ(append_some("numbers", 3, 1), 3);
    EXPECT_EQ(content("numbers"), "0:v0 1:v1 2:v2 3:v0 4:v1 5:v2 ");
}

// ---- A disk that hangs, or fails

TEST_F(Waiting, ACK6_AnFsyncThatHangsIsATimeOutAndTheDataStays) {
    ASSERT_EQ(produce(numbered_batch(0, 1), -1).error_code, ErrorCode::none);
    HeldCalls disk{os::Call::sync, files()};
    const std::uint64_t patient = send_number(1, -1);
    ASSERT_TRUE(disk.wait_for(1));
    EXPECT_EQ(take_one(send_number(2, -1, 10)).error_code, ErrorCode::request_timed_out);
    EXPECT_EQ(take_one(send_number(3, -1, 0)).error_code, ErrorCode::request_timed_out);
    EXPECT_EQ(take_one(send_number(4, -1, -1)).error_code, ErrorCode::request_timed_out);
    EXPECT_EQ(take_one(send_number(5, 1)).base_offset, 5);
    EXPECT_FALSE(mailbox->has(patient));
    disk.let_go();
    EXPECT_EQ(take_one(patient).base_offset, 1);
    EXPECT_EQ(take_one(send_number(6, -1)).base_offset, 6);
    EXPECT_EQ(content("numbers"), "0:v0 1:v1 2:v2 3:v3 4:v4 5:v5 6:v6 ");
}

// Also where all who could flush hang.
TEST_F(Waiting, ACK6_AFlushThatNoWorkerIsLeftForIsATimeOut) {
    constexpr int kMoreThanWorkers = 20;
    make_topic("many", {}, kMoreThanWorkers);
    for (int i = 0; i < kMoreThanWorkers; ++i)
        ASSERT_EQ(produce(request("many", i, numbered_batch(0, 1))).error_code, ErrorCode::none);
    HeldCalls disk{os::Call::sync, config.log_dir};
    std::vector<std::uint64_t> tickets;
    for (int i = 0; i < kMoreThanWorkers; ++i) {
        batches.push_back(numbered_batch(1, 1));
        wire::ProduceRequest wanted = request("many", i, batches.back(), -1);
        wanted.timeout_ms = 10;
        tickets.push_back(send(wanted, kLatest));
    }
    for (const std::uint64_t ticket : tickets) EXPECT_EQ(take_one(ticket).error_code, ErrorCode::request_timed_out);
    disk.let_go();
    EXPECT_EQ(produce(request("many", 0, numbered_batch(2, 1), -1)).base_offset, 2);
}

TEST_F(Waiting, ACK6_AnAppendThatWaitsIsATimeOutAfterTheTimeOfTheRequest) {
    ASSERT_EQ(produce(numbered_batch(0, 1)).error_code, ErrorCode::none);
    Child holder = holder_of(&shm::PartitionSlot::append);
    EXPECT_EQ(take_one(send_number(1, -1, 1)).error_code, ErrorCode::request_timed_out);
    holder.send(SIGCONT);
    EXPECT_EQ(holder.wait(), mq::test::exited_with(0));
    EXPECT_EQ(take_one(send_number(2, 1)).error_code, ErrorCode::none);
}

// What was told to be late may come all the same; nothing is told twice.
TEST_F(Waiting, ACK6_WhatIsLateStaysInLine) {
    ASSERT_EQ(produce(numbered_batch(0, 1)).error_code, ErrorCode::none);
    Child holder = holder_of(&shm::PartitionSlot::append);
    std::string batch = numbered_batch(1, 1);
    std::atomic<int> late{0};
    std::atomic<int> done{0};
    Result<log::AppendResult> appended = log::AppendResult{};
    const std::int64_t now = os::monotonic_ms();
    const auto partition = broker->partitions().find({"numbers", 0});
    partition->append({.batches = batch,
                       .until_ms = now + 60'000,
                       .late_ms = now + 1,
                       .late = [&] { ++late; },
                       .done =
                           [&](Result<log::AppendResult> result) {
                               appended = std::move(result);
                               ++done;
                           }});
    while (late == 0) std::this_thread::yield();
    EXPECT_EQ(done, 0);
    holder.send(SIGCONT);
    EXPECT_EQ(take_one(send_number(2, 1)).base_offset, 2);
    EXPECT_EQ(done, 1);
    EXPECT_EQ(late, 1);
    ASSERT_TRUE(appended) << appended.error().message();
    EXPECT_EQ(appended->first_offset, Offset{1});
}

// A stop answers a line of appends and those who wait for a flush, and from no thread that holds a lock.
TEST_F(Waiting, AStopAnswersAllThatWait) {
    ASSERT_EQ(produce(numbered_batch(0, 1), -1).error_code, ErrorCode::none);
    Child flushing = holder_of(&shm::PartitionSlot::flush);
    const std::uint64_t unflushed = send_number(1, -1);
    Child appending = holder_of(&shm::PartitionSlot::append);
    std::vector<std::uint64_t> in_line;
    for (int i = 2; i < 10; ++i) in_line.push_back(send_number(i, i % 2 == 0 ? 1 : -1));
    const auto partition = broker->partitions().find({"numbers", 0});
    std::thread stopping{[&] { EXPECT_TRUE(broker->stop()); }};
    EXPECT_EQ(take_one(unflushed).error_code, ErrorCode::not_leader_or_follower);
    for (const std::uint64_t ticket : in_line)
        EXPECT_EQ(take_one(ticket).error_code, ErrorCode::not_leader_or_follower);
    // Whoever is told may come back at once.
    std::string batch = numbered_batch(1, 1);
    const std::int64_t later = os::monotonic_ms() + 60'000;
    std::atomic<int> answered{0};
    const auto count = [&](const Result<log::AppendResult>& result) {
        EXPECT_EQ(result.error().code, Errc::interrupted);
        ++answered;
    };
    partition->append({.batches = batch, .until_ms = later, .done = [&](const Result<log::AppendResult>& result) {
                           partition->append({.batches = batch, .until_ms = later, .done = count});
                           count(result);
                       }});
    while (answered < 2) std::this_thread::yield();
    flushing.send(SIGKILL);
    appending.send(SIGKILL);
    stopping.join();
    broker.reset();
}

// ---- No memory

struct Counter final : Responder {
    void respond(std::uint64_t, Reply) override { ++answers; }
    std::atomic<int> answers{0};
};

TEST_F(Waiting, P8_AWorkersWantOfMemoryStopsNeitherAppendsNorFlushes) {
    // Each append begins a segment, which is a worker's task, and those before it go.
    make_topic("short", {{"segment.bytes", "80"}, {"retention.bytes", "0"}}, 1);
    const auto counter = std::make_shared<Counter>();
    int asked = 0;
    for (std::uint64_t nth = 1;; nth += 1 + nth / 4) {
        ASSERT_EQ(produce(request("short", 0, numbered_batch(0, 1), -1)).error_code, ErrorCode::none) << nth;
        starve(broker->workers(), nth);
        for (int i = 0; i < 2; ++i) {
            std::string frame;
            wire::ProduceRequest wanted = request("short", 0, {}, -1);
            const std::string batch = numbered_batch(i, 1);
            wanted.topic_data[0].partition_data[0].records = batch;
            wanted.timeout_ms = 300'000;
            ASSERT_TRUE(wire::append_request(wanted, {{}, kLatest, 7, "test"}, frame));
            auto payload = std::make_shared<std::string>(frame.substr(wire::kLengthBytes));
            ++asked;
            broker->handle({client, {}, {payload->data(), payload->size()}, payload}, counter, 1);
        }
        while (counter->answers < asked) std::this_thread::yield();
        if (starve(broker->workers(), std::nullopt) == 0) break;
    }
    // How many allocations fall to one worker depends on how they share the tasks.
    EXPECT_GE(asked, 20);
}

// Of the thread that takes the request, at whatever allocation: the next one is flushed.
TEST_F(Waiting, P8_AConnectionsWantOfMemoryStopsNoFlushes) {
    const auto counter = std::make_shared<Counter>();
    std::string frame;
    wire::ProduceRequest wanted = request("numbers", 0, {}, -1);
    const std::string batch = numbered_batch(0, 1);
    wanted.topic_data[0].partition_data[0].records = batch;
    ASSERT_TRUE(wire::append_request(wanted, {{}, kLatest, 7, "test"}, frame));
    const auto failures = mq::test::for_each_alloc_failure([&](mq::test::AllocRun& run) {
        auto payload = std::make_shared<std::string>(frame.substr(wire::kLengthBytes));
        run.starved([&] { broker->handle({client, {}, {payload->data(), payload->size()}, payload}, counter, 1); });
        ASSERT_EQ(produce(numbered_batch(1, 1), -1).error_code, ErrorCode::none) << run.nth();
    });
    EXPECT_GT(failures, 20u);
}

TEST_F(Waiting, APP7_AFailedFsyncIsTheFailureOfAllWhoWaitForIt) {
    ASSERT_EQ(produce(numbered_batch(0, 1), -1).error_code, ErrorCode::none);
    {
        const FaultInjector fault{{.nth = 1, .below = files(), .only = os::Call::sync}};
        std::vector<std::uint64_t> tickets;
        for (int i = 1; i < 5; ++i) tickets.push_back(send_number(i, -1));
        for (const std::uint64_t ticket : tickets)
            EXPECT_EQ(take_one(ticket).error_code, ErrorCode::kafka_storage_error);
    }
    EXPECT_EQ(produce(numbered_batch(5, 1), 1).error_code, ErrorCode::kafka_storage_error);
    const std::string lines = log.lines();
    const std::size_t told = lines.find("Input/output error");
    EXPECT_NE(told, std::string::npos) << lines;
    EXPECT_EQ(lines.find("Input/output error", told + 1), std::string::npos) << "clients come again and again";
    EXPECT_EQ(produce(numbered_batch(0, 1), -1, 1).error_code, ErrorCode::none) << "another partition";
    // Whoever opens the partition next writes anew what was not flushed, the broker itself from time to time.
    broker->housekeeping().run(Housekeeping::Chore::retention);
    const auto healed = produce(numbered_batch(6, 1), -1);
    EXPECT_EQ(healed.error_code, ErrorCode::none);
    EXPECT_GE(healed.base_offset, 2);
}

}  // namespace
}  // namespace mq::broker
