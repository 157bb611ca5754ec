// Clients of the network and shell tools on the same topics, while their broker is killed and started again:
// librdkafka producers and consumers, mq-produce and mq-consume, each in a process of its own that records what it
// did.
//
//     BrokerStorm storm{{.rounds = 20}};
//     EXPECT_EQ(storm.run(), "");
//     EXPECT_GT(storm.verdict().acknowledged, 1000);
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "storm/shared.h"
#include "storm/storm.h"
#include "support/broker_process.h"
#include "support/chaos_proxy.h"
#include "support/fast_dir.h"
#include "support/history.h"
#include "support/listener.h"

namespace mq::test {

struct BrokerStormPlan {
    unsigned idempotent_producers = 2;  // of librdkafka: they try again, and nothing is doubled
    unsigned plain_producers = 2;       // they do not: what they were not told of may be there or not
    unsigned consumers = 2;             // of librdkafka
    unsigned tool_producers = 1;        // mq-produce, which is killed now and then, too
    unsigned tool_consumers = 1;        // mq-consume
    std::vector<log::TopicPartition> partitions{{"gale", 0}, {"gale", 1}, {"gale", 2}, {"squall", 0}};
    unsigned rounds = 10;                 // kill -9 of the broker
    std::uint64_t longest_life_ms = 500;  // of the broker
    // Of one producer in a round: an unbounded storm would only fill memory.
    std::uint64_t sends_a_round = 1'500;
    std::size_t events_each = 1'000'000;
    std::uint64_t seed = test_seed();
    bool kills = true;
    // Clients of the network reach the broker by a network that fails on purpose.
    bool chaos = false;
};

class BrokerStorm {
public:
    explicit BrokerStorm(BrokerStormPlan plan);

    // Empty, or what is wrong.
    [[nodiscard]] std::string run();
    [[nodiscard]] const Verdict& verdict() const { return verdict_; }

private:
    struct Client {
        std::atomic<std::uint64_t> next_record;
        std::atomic<std::uint64_t> progress;  // sends answered, or records read
        std::array<char, 400> trouble;
    };
    struct Board {
        std::atomic<std::uint32_t> stop;     // producers end
        std::atomic<std::uint32_t> drain;    // consumers end at the end of the log
        std::atomic<std::uint64_t> allowed;  // sends of one producer so far
        std::array<Client, kMostClients> client;
    };
    enum class Kind : unsigned char { idempotent, plain, tool_producer, consumer, tool_consumer };

    [[nodiscard]] Kind kind_of(unsigned number) const;
    [[nodiscard]] bool is_producer(unsigned number) const { return kind_of(number) <= Kind::tool_producer; }
    [[nodiscard]] unsigned clients() const;
    [[nodiscard]] std::string address() const {
        return proxy_ ? "127.0.0.1:" + std::to_string(proxy_->port()) : broker_.address();
    }
    [[nodiscard]] BrokerPlan broker_plan();

    // Bodies of children: an exit status.
    int live(unsigned number);
    void produce(unsigned number, bool idempotent);
    void consume(unsigned number);
    void produce_by_tool(unsigned number);
    void consume_by_tool(unsigned number);
    void note_read(ClientLog& log, std::uint16_t partition, std::int64_t offset, ByteView value, unsigned number);
    [[nodiscard]] std::vector<std::int64_t> log_ends() const;
    [[nodiscard]] std::uint16_t number_of(std::string_view topic, std::int32_t partition) const;

    [[nodiscard]] std::string await_progress();
    [[nodiscard]] std::string read_everything();
    [[nodiscard]] std::string troubles() const;

    BrokerStormPlan plan_;
    FastDir dir_;
    ReservedPort port_;  // of the broker behind the proxy
    std::unique_ptr<ChaosProxy> proxy_;
    BrokerProcess broker_;
    History history_;
    Shared<Board> board_;
    std::vector<std::unique_ptr<Child>> children_;
    Verdict verdict_;
};

}  // namespace mq::test
