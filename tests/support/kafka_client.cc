#include "support/kafka_client.h"

#include <stdexcept>

namespace mq::test {
namespace {

constexpr std::chrono::seconds kHangs{60};

[[noreturn]] void broken(const std::string& what) { throw std::runtime_error{what}; }

KafkaClient& client_of(void* opaque) { return *static_cast<KafkaClient*>(opaque); }

std::optional<std::string> text_of(const void* bytes, std::size_t size) {
    if (bytes == nullptr) return std::nullopt;
    return std::string{static_cast<const char*>(bytes), size};
}

KafkaRecord record_of(const rd_kafka_message_t& message) {
    KafkaRecord record{.topic = rd_kafka_topic_name(message.rkt),
                       .partition = message.partition,
                       .key = text_of(message.key, message.key_len),
                       .value = text_of(message.payload, message.len),
                       .timestamp_ms = rd_kafka_message_timestamp(&message, nullptr),
                       .offset = message.offset};
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        const char* name = nullptr;
        const void* value = nullptr;
        std::size_t size = 0;
        for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; ++i)
            record.headers.emplace_back(name, text_of(value, size));
    }
    return record;
}

}  // namespace

std::vector<TopicPlace> places_of(const rd_kafka_topic_partition_list_t* list) {
    std::vector<TopicPlace> places;
    for (int i = 0; list != nullptr && i < list->cnt; ++i) {
        const auto& place = list->elems[i];
        places.push_back({place.topic, place.partition, place.offset, place.err});
    }
    return places;
}

TopicList list_of(const std::vector<TopicPlace>& places) {
    TopicList list{rd_kafka_topic_partition_list_new(static_cast<int>(places.size()))};
    for (const TopicPlace& place : places)
        rd_kafka_topic_partition_list_add(list.get(), place.topic.c_str(), place.partition)->offset = place.offset;
    return list;
}

// Callbacks get the client by the opaque of the configuration. They come from calls of this client only.
KafkaClient::KafkaClient(rd_kafka_type_t type, const std::string& address, const Settings& settings) {
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    Settings all = settings;
    all["bootstrap.servers"] = address;
    all.emplace("log_level", "0");  // a broker that is killed on purpose is no news
    char reason[512];
    for (const auto& [name, value] : all) {
        if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason, sizeof reason) != RD_KAFKA_CONF_OK)
            broken(reason);
    }
    rd_kafka_conf_set_opaque(conf, this);
    if (type == RD_KAFKA_PRODUCER) {
        rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
            client_of(opaque).delivered(*message);
        });
    } else {
        rd_kafka_conf_set_rebalance_cb(
            conf, [](rd_kafka_t*, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t* list, void* opaque) {
                client_of(opaque).rebalanced(what, list);
            });
    }
    client_ = rd_kafka_new(type, conf, reason, sizeof reason);
    if (client_ == nullptr) broken(reason);
}

KafkaClient::~KafkaClient() { rd_kafka_destroy(client_); }

std::string KafkaClient::fatal_error() const {
    char text[512];
    return rd_kafka_fatal_error(client_, text, sizeof text) == RD_KAFKA_RESP_ERR_NO_ERROR ? "" : text;
}

bool KafkaProducer::send(const KafkaRecord& record, std::uint64_t tag) {
    rd_kafka_headers_t* headers = nullptr;
    if (!record.headers.empty()) {
        headers = rd_kafka_headers_new(record.headers.size());
        for (const auto& [name, value] : record.headers)
            rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()),
                                value ? value->data() : nullptr, value ? static_cast<ssize_t>(value->size()) : 0);
    }
    const auto bytes = [](const std::optional<std::string>& text) {
        return text ? const_cast<char*>(text->data()) : nullptr;
    };
    const auto size = [](const std::optional<std::string>& text) { return text ? text->size() : 0; };
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        client_, RD_KAFKA_V_TOPIC(record.topic.c_str()), RD_KAFKA_V_PARTITION(record.partition),
        RD_KAFKA_V_KEY(bytes(record.key), size(record.key)),
        RD_KAFKA_V_VALUE(bytes(record.value), size(record.value)), RD_KAFKA_V_TIMESTAMP(record.timestamp_ms),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_OPAQUE(reinterpret_cast<void*>(tag)), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR && headers != nullptr) rd_kafka_headers_destroy(headers);
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) return false;
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) broken(rd_kafka_err2str(error));
    return true;
}

void KafkaProducer::delivered(const rd_kafka_message_t& message) {
    if (on_answer)
        on_answer(reinterpret_cast<std::uint64_t>(message._private), message.offset, message.err,
                  rd_kafka_message_status(&message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED);
}

void KafkaProducer::flush(int ms) {
    const rd_kafka_resp_err_t error = rd_kafka_flush(client_, ms);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) broken(std::string{"flush: "} + rd_kafka_err2str(error));
}

std::int64_t KafkaProducer::put(const KafkaRecord& record) {
    std::int64_t at = -1;
    rd_kafka_resp_err_t failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    auto others = std::exchange(on_answer, [&](std::uint64_t, std::int64_t offset, rd_kafka_resp_err_t error, bool) {
        at = offset;
        failed = error;
    });
    if (!send(record)) broken("no room");
    flush();
    on_answer = std::move(others);
    if (failed != RD_KAFKA_RESP_ERR_NO_ERROR) broken(rd_kafka_err2str(failed));
    return at;
}

KafkaConsumer::KafkaConsumer(const std::string& address, const Settings& settings)
    : KafkaClient(RD_KAFKA_CONSUMER, address, [&] {
          Settings all = settings;
          all.emplace("auto.offset.reset", "earliest");
          return all;
      }()) {
    rd_kafka_poll_set_consumer(client_);
}

KafkaConsumer::~KafkaConsumer() { close(); }

void KafkaConsumer::subscribe(const std::vector<std::string>& topics) {
    std::vector<TopicPlace> places;
    for (const std::string& topic : topics) places.push_back({topic, RD_KAFKA_PARTITION_UA});
    const rd_kafka_resp_err_t error = rd_kafka_subscribe(client_, list_of(places).get());
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) broken(rd_kafka_err2str(error));
}

void KafkaConsumer::assign(const std::vector<TopicPlace>& places) {
    const rd_kafka_resp_err_t error = rd_kafka_assign(client_, list_of(places).get());
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) broken(rd_kafka_err2str(error));
}

std::optional<KafkaRecord> KafkaConsumer::poll(int ms) {
    rd_kafka_message_t* const message = rd_kafka_consumer_poll(client_, ms);
    if (message == nullptr) return std::nullopt;
    std::optional<KafkaRecord> record;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        record = record_of(*message);
    } else {
        last_error_ = message->err;
    }
    rd_kafka_message_destroy(message);
    return record;
}

std::vector<KafkaRecord> KafkaConsumer::read(std::size_t count) {
    std::vector<KafkaRecord> records;
    until("records", [&] {
        if (auto record = poll(100)) records.push_back(*std::move(record));
        return records.size() == count;
    });
    return records;
}

void KafkaConsumer::commit() {
    const rd_kafka_resp_err_t error = rd_kafka_commit(client_, nullptr, 0);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) broken(rd_kafka_err2str(error));
}

std::vector<TopicPlace> KafkaConsumer::assignment() const {
    rd_kafka_topic_partition_list_t* list = nullptr;
    if (rd_kafka_assignment(client_, &list) != RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    const TopicList owned{list};
    return places_of(list);
}

void KafkaConsumer::rebalanced(rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t* list) {
    const bool taken = what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    const std::vector<TopicPlace> places = places_of(list);
    rebalances_.push_back((taken ? "+" : "-") + std::to_string(places.size()));
    if (on_rebalance) on_rebalance(taken, places);
    if (std::string_view{rd_kafka_rebalance_protocol(client_)} == "COOPERATIVE") {
        rd_kafka_error_t* const error =
            taken ? rd_kafka_incremental_assign(client_, list) : rd_kafka_incremental_unassign(client_, list);
        if (error != nullptr) rd_kafka_error_destroy(error);
    } else {
        rd_kafka_assign(client_, taken ? list : nullptr);
    }
}

void until(const std::string& what, const std::function<bool()>& step) {
    const auto deadline = std::chrono::steady_clock::now() + kHangs;
    while (!step()) {
        if (std::chrono::steady_clock::now() > deadline) broken("nothing came of: " + what);
    }
}

}  // namespace mq::test
