#include "storm/broker_storm.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <map>
#include <stdexcept>

#include "storm/piped_tool.h"
#include "storm/storm_client.h"
#include "support/kafka_client.h"

namespace mq::test {
namespace {

[[noreturn]] void broken_off(const std::string& what) { throw std::runtime_error{what}; }

}  // namespace

BrokerStorm::BrokerStorm(BrokerStormPlan plan)
    : plan_(std::move(plan)),
      broker_(broker_plan()),
      history_(clients() + 1, plan_.events_each),
      children_(clients()) {
    const ChildEnd made = run_in_child([&] {
        auto opened = open_data(broker_.data_directory());
        if (!opened) return 1;
        std::map<std::string, std::int32_t> topics;
        for (const auto& id : plan_.partitions) topics[id.topic] = std::max(topics[id.topic], id.partition + 1);
        for (const auto& [name, partitions] : topics) {
            const store::ConfigMap config{{"segment.bytes", "300000"}, {"retention.ms", "-1"}};
            if (!opened->create_topic({name, partitions, 1, config})) return 1;
        }
        return 0;
    });
    if (made != exited_with(0)) broken_off("no topics");
}

BrokerPlan BrokerStorm::broker_plan() {
    BrokerPlan plan{.data_directory = dir_ / "data",
                    .arguments = {"--override", "group.initial.rebalance.delay.ms=0"}};
    if (!plan_.chaos) return plan;
    plan.port = port_.number();
    proxy_ = std::make_unique<ChaosProxy>(plan.port, plan_.seed);
    plan.arguments.insert(plan.arguments.end(), {"--override", "advertised.listeners=PLAINTEXT://127.0.0.1:" +
                                                                   std::to_string(proxy_->port())});
    return plan;
}

unsigned BrokerStorm::clients() const {
    return plan_.idempotent_producers + plan_.plain_producers + plan_.tool_producers + plan_.consumers +
           plan_.tool_consumers;
}

BrokerStorm::Kind BrokerStorm::kind_of(unsigned number) const {
    const std::array counts{plan_.idempotent_producers, plan_.plain_producers, plan_.tool_producers, plan_.consumers};
    constexpr std::array kKinds{Kind::idempotent, Kind::plain, Kind::tool_producer, Kind::consumer};
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (number < counts[i]) return kKinds[i];
        number -= counts[i];
    }
    return Kind::tool_consumer;
}

int BrokerStorm::live(unsigned number) {
    try {
        switch (kind_of(number)) {
            case Kind::idempotent:
            case Kind::plain:
                produce(number, kind_of(number) == Kind::idempotent);
                break;
            case Kind::consumer:
                consume(number);
                break;
            case Kind::tool_producer:
                produce_by_tool(number);
                break;
            case Kind::tool_consumer:
                consume_by_tool(number);
                break;
        }
        return 0;
    } catch (const std::exception& error) {
        const std::string what = error.what();
        what.copy(board_->client[number].trouble.data(), board_->client[number].trouble.size() - 1);
        return 1;
    }
}

// One without retries may lose what was under way; that is then neither acknowledged nor refused.
void BrokerStorm::produce(unsigned number, bool idempotent) {
    constexpr std::uint64_t kUnderWay = 64;
    ClientLog log = history_.client(number);
    auto& me = board_->client[number];
    Settings settings{{"acks", "all"},
                      {"linger.ms", "2"},
                      {"reconnect.backoff.ms", "10"},
                      {"reconnect.backoff.max.ms", "50"},
                      {"socket.timeout.ms", "2000"},
                      {"request.timeout.ms", "1500"},
                      {"message.timeout.ms", "120000"}};
    settings.insert(idempotent ? std::pair{"enable.idempotence", "true"}
                               : std::pair{"message.send.max.retries", "0"});
    KafkaProducer producer{address(), settings};
    std::uint64_t under_way = 0;
    producer.on_answer = [&](std::uint64_t step, std::int64_t offset, rd_kafka_resp_err_t error, bool may_be_there) {
        --under_way;
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            if (offset < 0) broken_off("acknowledged without an offset");
            log.acknowledge(step, offset, offset);
            me.progress.fetch_add(1);
        } else if (!may_be_there) {
            log.fail(step);
        } else if (idempotent) {
            broken_off(std::string{"an idempotent record failed: "} + rd_kafka_err2str(error));
        }
    };
    std::mt19937_64 random{plan_.seed + number};
    while (board_->stop.load() == 0 && !log.full()) {
        if (me.next_record.load() >= board_->allowed.load()) {
            producer.poll(10);
            continue;
        }
        const auto partition = static_cast<std::uint16_t>(random() % plan_.partitions.size());
        const log::TopicPartition& to = plan_.partitions[partition];
        const std::uint64_t id = storm_record(number, ++me.next_record);
        const std::size_t step = log.begin_send(partition, id, 1);
        ++under_way;
        if (!producer.send({.topic = to.topic, .partition = to.partition, .value = storm_value(to, id)}, step))
            broken_off("no room");
        do producer.poll(under_way < kUnderWay ? 0 : 10);
        while (under_way >= kUnderWay && producer.fatal_error().empty());
        if (!producer.fatal_error().empty()) broken_off(producer.fatal_error());
    }
    producer.flush();
}

void BrokerStorm::note_read(ClientLog& log, std::uint16_t partition, std::int64_t offset, ByteView value,
                            unsigned number) {
    const auto id = storm_id(plan_.partitions[partition], value);
    if (!id)
        broken_off("a torn or foreign record at offset " + std::to_string(offset) + " of " +
                   text_of(plan_.partitions[partition]) + ": " + std::string{value.substr(0, 80)});
    log.read(partition, offset, *id, 1);
    board_->client[number].progress.fetch_add(1);
}

std::uint16_t BrokerStorm::number_of(std::string_view topic, std::int32_t partition) const {
    for (std::size_t i = 0; i < plan_.partitions.size(); ++i) {
        if (plan_.partitions[i].topic == topic && plan_.partitions[i].partition == partition)
            return static_cast<std::uint16_t>(i);
    }
    broken_off("a record of " + std::string{topic} + '-' + std::to_string(partition));
}

std::vector<std::int64_t> BrokerStorm::log_ends() const {
    auto opened = open_data(broker_.data_directory(), store::Access::read);
    if (!opened) broken_off(opened.error().message());
    std::vector<std::int64_t> ends;
    for (const auto& id : plan_.partitions) {
        auto reader = opened->open_reader(id);
        if (!reader) broken_off(reader.error().message());
        const auto bounds = (*reader)->bounds();
        if (!bounds) broken_off(bounds.error().message());
        ends.push_back(bounds->log_end.value());
    }
    return ends;
}

void BrokerStorm::consume(unsigned number) {
    ClientLog log = history_.client(number);
    KafkaConsumer consumer{address(),
                           {{"group.id", "reader-" + std::to_string(number)},
                            {"auto.offset.reset", "error"},
                            {"enable.auto.commit", "false"},
                            {"fetch.wait.max.ms", "100"},
                            {"fetch.error.backoff.ms", "10"},
                            {"socket.timeout.ms", "2000"},
                            {"reconnect.backoff.ms", "10"},
                            {"reconnect.backoff.max.ms", "50"},
                            {"check.crcs", "true"}}};
    std::vector<TopicPlace> places;
    for (std::uint16_t i = 0; i < plan_.partitions.size(); ++i) {
        places.push_back({plan_.partitions[i].topic, plan_.partitions[i].partition, 0});
        log.seek(i, 0);
    }
    consumer.assign(places);
    std::vector<std::int64_t> next(places.size());
    std::vector<std::int64_t> ends;
    while (ends.empty() || next != ends) {
        if (ends.empty() && board_->drain.load() != 0) {
            ends = log_ends();
            continue;
        }
        log.begin_poll();
        for (unsigned i = 0; i < 100; ++i) {
            const auto record = consumer.poll(i == 0 ? 50 : 0);
            if (!record) break;
            const std::uint16_t at = number_of(record->topic, record->partition);
            note_read(log, at, record->offset, record->value.value_or(""), number);
            next[at] = record->offset + 1;
        }
        if (consumer.last_error() == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
            broken_off("records that were read are gone");
    }
}

// mq-produce, one burst after another; now and then it is killed in the middle of one.
void BrokerStorm::produce_by_tool(unsigned number) {
    ClientLog log = history_.client(number);
    auto& me = board_->client[number];
    std::mt19937_64 random{plan_.seed + number};
    std::unique_ptr<PipedTool> tool;
    std::uint16_t at = 0;
    while (board_->stop.load() == 0 && !log.full()) {
        if (tool == nullptr) {
            at = static_cast<std::uint16_t>(random() % plan_.partitions.size());
            const log::TopicPartition& to = plan_.partitions[at];
            tool = std::make_unique<PipedTool>(std::vector<std::string>{
                MQ_BIN_DIR "/mq-produce", "-q", "-D", broker_.data_directory(), "--no-create", "-p",
                std::to_string(to.partition), "--report", "%o\\n", to.topic});
        }
        if (me.next_record.load() >= board_->allowed.load()) {
            static_cast<void>(tool->has_line(10));
            continue;
        }
        const std::size_t burst = 1 + random() % 20;
        const bool dies = random() % 20 == 0;
        std::vector<std::size_t> steps;
        std::string lines;
        for (std::size_t i = 0; i < burst; ++i) {
            const std::uint64_t id = storm_record(number, ++me.next_record);
            steps.push_back(log.begin_send(at, id, 1));
            lines += storm_value(plan_.partitions[at], id) + '\n';
        }
        tool->write(lines);
        if (dies) tool->kill();
        for (const std::size_t step : steps) {
            const auto line = tool->read_line();
            if (!line && !dies) broken_off("mq-produce ended: " + tool->words());
            if (!line) break;
            const std::int64_t offset = std::stoll(*line);
            log.acknowledge(step, offset, offset);
            me.progress.fetch_add(1);
        }
        if (dies || random() % 50 == 0) tool.reset();
    }
}

void BrokerStorm::consume_by_tool(unsigned number) {
    ClientLog log = history_.client(number);
    std::vector<std::string> command{MQ_BIN_DIR "/mq-consume", "-D", broker_.data_directory(), "-o", "start", "-f",
                                     "%t %p %o %v\\n"};
    for (std::uint16_t i = 0; i < plan_.partitions.size(); ++i) {
        if (i == 0 || plan_.partitions[i].topic != plan_.partitions[i - 1U].topic)
            command.push_back(plan_.partitions[i].topic);
        log.seek(i, 0);
    }
    PipedTool tool{command};
    std::vector<std::int64_t> next(plan_.partitions.size());
    std::vector<std::int64_t> ends;
    while (ends.empty() || next != ends) {
        if (ends.empty() && board_->drain.load() != 0) {
            ends = log_ends();
            continue;
        }
        if (!tool.has_line(50)) continue;
        const auto line = tool.read_line();
        if (!line) broken_off("mq-consume ended: " + tool.words());
        const std::size_t a = line->find(' ');
        const std::size_t b = line->find(' ', a + 1);
        const std::size_t c = line->find(' ', b + 1);
        if (c == std::string::npos) broken_off("mq-consume printed " + *line);
        const std::uint16_t at = number_of(line->substr(0, a), std::stoi(line->substr(a + 1, b - a)));
        const std::int64_t offset = std::stoll(line->substr(b + 1, c - b));
        log.begin_poll();
        note_read(log, at, offset, std::string_view{*line}.substr(c + 1), number);
        next[at] = offset + 1;
    }
}

std::string BrokerStorm::troubles() const {
    std::string all;
    for (unsigned i = 0; i < clients(); ++i) {
        if (board_->client[i].trouble[0] != 0)
            all += "client " + std::to_string(i) + ": " + board_->client[i].trouble.data() + '\n';
    }
    return all;
}

// Everybody has done something since.
std::string BrokerStorm::await_progress() {
    std::vector<std::uint64_t> before;
    for (unsigned i = 0; i < clients(); ++i) before.push_back(board_->client[i].progress.load());
    const auto deadline = std::chrono::steady_clock::now() + kHangs;
    for (unsigned i = 0; i < clients(); ++i) {
        while (board_->client[i].progress.load() == before[i]) {
            if (auto bad = troubles(); !bad.empty()) return bad;
            if (std::chrono::steady_clock::now() > deadline)
                return "client " + std::to_string(i) + " makes no progress; the broker says:\n" + broker_.log();
            wait_a_while(*children_[i], 1'000);
        }
    }
    return {};
}

std::string BrokerStorm::run() {
    board_->allowed.store(plan_.sends_a_round);
    for (unsigned i = 0; i < clients(); ++i)
        children_[i] = std::make_unique<Child>(Child::fork([this, i] { return live(i); }));
    std::mt19937_64 random{plan_.seed};
    for (unsigned round = 0; round < plan_.rounds; ++round) {
        board_->allowed.fetch_add(plan_.sends_a_round);
        if (auto bad = await_progress(); !bad.empty()) return bad;
        wait_a_while(*children_[0], random() % (plan_.longest_life_ms * 1'000));
        if (!plan_.kills) continue;
        broker_.kill();
        broker_.start();
    }
    board_->allowed.fetch_add(plan_.sends_a_round);
    if (auto bad = await_progress(); !bad.empty()) return bad;
    std::string bad;
    if (proxy_) proxy_->calm();
    board_->stop.store(1);
    for (unsigned i = 0; i < clients(); ++i) {
        if (!is_producer(i)) board_->drain.store(1);
        if (children_[i]->wait(2 * kHangs) != exited_with(0))
            bad += "client " + std::to_string(i) + " did not end well\n";
    }
    bad += troubles();
    if (!bad.empty()) return bad + broker_.log();
    if (const ChildEnd end = broker_.stop(); end != ended_by(SIGTERM))
        return "the broker did not stop: " + broker_.log();
    bad = read_everything();
    if (history_.overflowed()) bad += "the history is too small\n";
    if (!bad.empty()) return bad;
    verdict_ = judge(history_);
    return verdict_.text();
}

std::string BrokerStorm::read_everything() {
    const unsigned number = clients();
    const ChildEnd end = run_in_child([&] {
        const auto body = [&]() -> Status {
            ClientLog log = history_.client(number);
            MQ_ASSIGN(auto directory, open_data(broker_.data_directory(), store::Access::read));
            for (std::uint16_t i = 0; i < plan_.partitions.size(); ++i) {
                MQ_ASSIGN(auto reader, directory.open_reader(plan_.partitions[i]));
                MQ_ASSIGN(const store::Bounds bounds, reader->bounds());
                log.seek(i, 0);
                MQ_ASSIGN(const ReadOn read, read_on(*reader, i, log, UINT64_MAX));
                // Every offset holds a record.
                if (static_cast<std::int64_t>(read.records) != bounds.log_end.value())
                    return tl::unexpected{broken("holes in " + text_of(plan_.partitions[i]))};
            }
            return {};
        };
        const Status done = body();
        if (!done) done.error().message().copy(board_->client[number].trouble.data(), 399);
        return done ? 0 : 1;
    });
    if (end == exited_with(0)) return {};
    return std::string{"the last reader: "} + board_->client[number].trouble.data();
}

}  // namespace mq::test
