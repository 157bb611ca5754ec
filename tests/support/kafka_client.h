// Clients of librdkafka, as little as tests need of it: what goes wrong is thrown as runtime_error.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mq::test {

using Settings = std::map<std::string, std::string>;

struct KafkaRecord {
    std::string topic{};
    std::int32_t partition = RD_KAFKA_PARTITION_UA;
    std::optional<std::string> key{};
    std::optional<std::string> value{};
    std::vector<std::pair<std::string, std::optional<std::string>>> headers{};
    std::int64_t timestamp_ms = 0;  // 0: now
    std::int64_t offset = -1;
    bool operator==(const KafkaRecord&) const = default;
};

struct TopicPlace {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t offset = RD_KAFKA_OFFSET_INVALID;
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    auto operator<=>(const TopicPlace&) const = default;
};

// What a list of librdkafka holds, in its order.
[[nodiscard]] std::vector<TopicPlace> places_of(const rd_kafka_topic_partition_list_t* list);
struct ListDeleter {
    void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
};
using TopicList = std::unique_ptr<rd_kafka_topic_partition_list_t, ListDeleter>;
[[nodiscard]] TopicList list_of(const std::vector<TopicPlace>& places);

class KafkaClient {
public:
    KafkaClient(rd_kafka_type_t type, const std::string& address, const Settings& settings);
    virtual ~KafkaClient();
    KafkaClient(const KafkaClient&) = delete;
    KafkaClient& operator=(const KafkaClient&) = delete;
    [[nodiscard]] rd_kafka_t* handle() const { return client_; }
    // The first error that no retry mends, "" if there is none.
    [[nodiscard]] std::string fatal_error() const;

protected:
    virtual void delivered(const rd_kafka_message_t&) {}
    virtual void rebalanced(rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t*) {}
    rd_kafka_t* client_ = nullptr;
};

class KafkaProducer : public KafkaClient {
public:
    KafkaProducer(const std::string& address, const Settings& settings)
        : KafkaClient(RD_KAFKA_PRODUCER, address, settings) {}

    // Called from poll() and flush(), with the `tag` of the record; an offset, or an error.
    std::function<void(std::uint64_t tag, std::int64_t offset, rd_kafka_resp_err_t error, bool may_be_there)>
        on_answer;

    // False: there is no room for more now.
    [[nodiscard]] bool send(const KafkaRecord& record, std::uint64_t tag = 0);
    void poll(int ms) { rd_kafka_poll(client_, ms); }
    // Everything is answered.
    void flush(int ms = 60'000);
    // Sends and waits: the offset.
    std::int64_t put(const KafkaRecord& record);

private:
    void delivered(const rd_kafka_message_t& message) override;
};

class KafkaConsumer : public KafkaClient {
public:
    // auto.offset.reset is earliest unless said otherwise; every consumer needs a group.id.
    KafkaConsumer(const std::string& address, const Settings& settings);
    ~KafkaConsumer() override;

    void subscribe(const std::vector<std::string>& topics);
    void assign(const std::vector<TopicPlace>& places);
    // The next record; nothing after `ms`, or when the end of a partition is told (enable.partition.eof). Errors of
    // the group are kept in last_error().
    [[nodiscard]] std::optional<KafkaRecord> poll(int ms);
    // `count` records, in the order in which they came.
    [[nodiscard]] std::vector<KafkaRecord> read(std::size_t count);
    void commit();
    // Leaves the group; the destructor does so too.
    void close() { rd_kafka_consumer_close(client_); }
    [[nodiscard]] std::vector<TopicPlace> assignment() const;
    [[nodiscard]] rd_kafka_resp_err_t last_error() const { return last_error_; }
    // Of the partitions that came and went with each rebalance: "+3", "-1".
    [[nodiscard]] const std::vector<std::string>& rebalances() const { return rebalances_; }
    std::function<void(bool taken, const std::vector<TopicPlace>& places)> on_rebalance;

private:
    void rebalanced(rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t* list) override;
    rd_kafka_resp_err_t last_error_ = RD_KAFKA_RESP_ERR_NO_ERROR;
    std::vector<std::string> rebalances_;
};

// Does `step` until it is true; throws runtime_error after a minute.
void until(const std::string& what, const std::function<bool()>& step);

}  // namespace mq::test
