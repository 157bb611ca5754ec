// RELIABILITY row 40: a broker under a mixed load keeps no descriptor, mapping, file or memory that it needs no more.
// Clients come and go, groups form and fall apart, topics are made and deleted, old segments go, shell tools work on
// the same topics; what the broker holds is counted meanwhile, and must not grow from the second quarter of the time
// to the last.
//
//     tests/run storm/Endurance                            20 seconds
//     MQ_ENDURANCE_SECONDS=120 tests/run storm/Endurance   as long as row 40's P; --long: a day
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "storm/piped_tool.h"
#include "storm/shared.h"
#include "storm/storm.h"
#include "support/broker_process.h"
#include "support/fast_dir.h"
#include "support/kafka_client.h"

namespace mq::test {
namespace {

using Clock = std::chrono::steady_clock;

std::chrono::seconds duration() {
    const char* const told = std::getenv("MQ_ENDURANCE_SECONDS");
    return std::chrono::seconds{told != nullptr ? std::stoull(told) : test_scale(20, 24 * 3600)};
}

struct Sample {
    double descriptors = 0;
    double mappings = 0;
    double threads = 0;
    double files = 0;
    double memory_mib = 0;  // that is the process's own: what it maps of files is the page cache's
};

std::size_t entries_of(const std::string& directory) {
    std::error_code gone;
    const std::filesystem::directory_iterator begin{directory, gone};
    return gone ? 0 : static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator{}));
}

std::size_t sockets_of(const BrokerProcess& broker) {
    std::size_t sockets = 0;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc/" + std::to_string(broker.pid()) + "/fd"}) {
        std::error_code gone;
        if (std::filesystem::read_symlink(entry.path(), gone).string().starts_with("socket:")) ++sockets;
    }
    return sockets;
}

Sample sample(const BrokerProcess& broker) {
    const std::string proc = "/proc/" + std::to_string(broker.pid());
    Sample now{.descriptors = static_cast<double>(entries_of(proc + "/fd")),
               .threads = static_cast<double>(entries_of(proc + "/task"))};
    std::ifstream maps{proc + "/maps"};
    for (std::string line; std::getline(maps, line);) ++now.mappings;
    std::ifstream status{proc + "/status"};
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("RssAnon:")) now.memory_mib = std::stod(line.substr(8)) / 1024;
    }
    for (const auto& entry : std::filesystem::directory_iterator{broker.data_directory()}) {
        ++now.files;
        if (entry.is_directory()) now.files += static_cast<double>(entries_of(entry.path()));
    }
    return now;
}

double median(const std::vector<Sample>& samples, std::size_t first, std::size_t last, double Sample::*what) {
    std::vector<double> values;
    for (std::size_t i = first; i < last; ++i) values.push_back(samples[i].*what);
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

struct Board {
    std::atomic<std::uint32_t> stop;
    std::array<std::atomic<std::uint64_t>, 8> turns;
    std::array<char, 400> trouble;
};

class Endurance : public testing::Test {
protected:
    // A child that takes turns until it is told to stop.
    void start(unsigned number, std::function<void(std::uint64_t turn)> take_turn) {
        children_.push_back(std::make_unique<Child>(Child::fork([this, number, take_turn] {
            try {
                while (board_->stop.load() == 0) take_turn(board_->turns[number].fetch_add(1));
                return 0;
            } catch (const std::exception& error) {
                std::string{error.what()}.copy(board_->trouble.data(), board_->trouble.size() - 1);
                return 1;
            }
        })));
    }

    void produce_and_leave(std::uint64_t turn) const {
        KafkaProducer producer{broker_.address(), {{"enable.idempotence", turn % 2 == 0 ? "true" : "false"}}};
        for (int i = 0; i < 2'000; ++i) {
            while (!producer.send({.topic = "busy", .key = std::to_string(i % 50), .value = std::string(200, 'x')}))
                producer.poll(10);
            producer.poll(0);
        }
        producer.flush();
    }
    // In a process of its own, which ends without rd_kafka_destroy(): in librdkafka 2.0 that waits forever if records
    // that were fetched are deleted meanwhile (its issue 4514).
    void consume_in_a_group(std::uint64_t turn) const {
        const ChildEnd end = run_in_child([&] {
            auto* const consumer = new KafkaConsumer{broker_.address(),
                                                     {{"group.id", "crew-" + std::to_string(turn % 3)},
                                                      {"session.timeout.ms", "6000"},
                                                      {"heartbeat.interval.ms", "100"}}};
            consumer->subscribe({"busy"});
            for (int i = 0; i < 500; ++i) static_cast<void>(consumer->poll(20));
            consumer->close();
            return 0;
        });
        if (end == exited_with(0)) return;
        std::ostringstream how;
        how << "a consumer of a group: " << end;
        throw std::runtime_error{how.str()};
    }
    void make_and_delete(std::uint64_t turn) const {
        const std::string topic = "passing-" + std::to_string(turn % 5);
        run_tool({"mq-topics", "create", topic, "--partitions", "3"});
        KafkaProducer producer{broker_.address(), {}};
        static_cast<void>(producer.put({.topic = topic, .value = "x"}));
        run_tool({"mq-topics", "delete", "-y", topic});
    }
    void use_tools(std::uint64_t) const {
        PipedTool producer{{MQ_BIN_DIR "/mq-produce", "-q", "-D", broker_.data_directory(), "busy"}};
        for (int i = 0; i < 1'000; ++i) producer.write(std::string(100, 'y') + '\n');
        PipedTool consumer{
            {MQ_BIN_DIR "/mq-consume", "-D", broker_.data_directory(), "-o", "-1000", "-c", "500", "busy"}};
        while (consumer.read_line()) {
        }
    }
    void run_tool(std::vector<std::string> argv) const {
        argv[0] = std::string{MQ_BIN_DIR "/"} + argv[0];
        const ProgramResult result =
            run_program({.argv = argv, .environment = {"MQ_DATA_DIR=" + broker_.data_directory()}});
        if (result.end != exited_with(0)) throw std::runtime_error{argv[1] + ": " + result.err};
    }

    FastDir dir_;
    BrokerProcess broker_{
        {.data_directory = dir_ / "data",
         .arguments = {"--override", "log.retention.check.interval.ms=500", "--override",
                       "group.initial.rebalance.delay.ms=0", "--override", "offsets.topic.num.partitions=4"}}};
    Shared<Board> board_;
    std::vector<std::unique_ptr<Child>> children_;
};

TEST_F(Endurance, Row40_NothingThatTheBrokerHoldsGrows) {
    run_tool({"mq-topics", "create", "busy", "--partitions", "4", "--config", "segment.bytes=1048576", "--config",
              "retention.bytes=4194304"});
    const std::size_t sockets_before = sockets_of(broker_);
    start(0, [this](std::uint64_t turn) { produce_and_leave(turn); });
    start(1, [this](std::uint64_t turn) { produce_and_leave(turn); });
    start(2, [this](std::uint64_t turn) { consume_in_a_group(turn); });
    start(3, [this](std::uint64_t turn) { consume_in_a_group(turn); });
    start(4, [this](std::uint64_t turn) { make_and_delete(turn); });
    start(5, [this](std::uint64_t turn) { use_tools(turn); });

    std::vector<Sample> samples;
    // By samples, and not by the clock: while the machine stands still nothing is learnt.
    constexpr std::chrono::milliseconds kBetween{100};
    const auto wanted = static_cast<std::size_t>(duration() / kBetween);
    for (auto next = Clock::now(); samples.size() < wanted && board_->trouble[0] == 0;) {
        next = std::max(next + kBetween, Clock::now());
        samples.push_back(sample(broker_));
        const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(next - Clock::now()).count();
        wait_a_while(*children_[0], static_cast<std::uint64_t>(std::max<std::int64_t>(rest, 0)));
    }
    board_->stop.store(1);
    for (const auto& child : children_) EXPECT_EQ(child->wait(std::chrono::seconds{120}), exited_with(0));
    ASSERT_STREQ(board_->trouble.data(), "") << broker_.log();
    for (std::size_t i = 0; i < children_.size(); ++i) EXPECT_GE(board_->turns[i].load(), 1U) << "client " << i;

    const std::size_t quarter = samples.size() / 4;
    const auto growth = [&](double Sample::*what) {
        return median(samples, 3 * quarter, samples.size(), what) - median(samples, quarter, 2 * quarter, what);
    };
    // Noise: what the clients happen to have open at the time.
    EXPECT_LE(growth(&Sample::descriptors), 40);
    EXPECT_LE(growth(&Sample::mappings), 60);
    EXPECT_LE(growth(&Sample::threads), 2);
    EXPECT_LE(growth(&Sample::files), 60);
    EXPECT_LE(growth(&Sample::memory_mib), 8);
    const Sample& last = samples.back();
    RecordProperty("descriptors", static_cast<int>(last.descriptors));
    RecordProperty("mappings", static_cast<int>(last.mappings));
    RecordProperty("files", static_cast<int>(last.files));
    RecordProperty("memory_mib", static_cast<int>(last.memory_mib));

    // Nobody is there any more: what served them is gone.
    until("connections are closed", [&] { return sockets_of(broker_) <= sockets_before; });
    EXPECT_EQ(broker_.stop(), ended_by(SIGTERM)) << broker_.log();
}

}  // namespace
}  // namespace mq::test
