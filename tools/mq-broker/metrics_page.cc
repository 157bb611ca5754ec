#include "metrics_page.h"

#include <algorithm>

#include "broker/metrics.h"
#include "broker/topics.h"
#include "exposition.h"
#include "log_metrics.h"
#include "process_metrics.h"

namespace mq::broker_tool {
namespace {

using broker::Durations;
using broker::RequestMetrics;
using broker::TopicCounts;

constexpr std::string_view kCounter = "counter";
constexpr std::string_view kGauge = "gauge";
constexpr std::string_view kSummary = "summary";

struct TopicCounter {
    std::string_view name;
    std::string_view help;
    std::uint64_t TopicCounts::*count;
};
constexpr TopicCounter kTopicCounters[] = {
    {"kafka_server_brokertopicmetrics_messagesin_total", "Records appended", &TopicCounts::records_in},
    {"kafka_server_brokertopicmetrics_bytesin_total", "Bytes of batches appended", &TopicCounts::bytes_in},
    {"kafka_server_brokertopicmetrics_bytesout_total", "Bytes of batches fetched", &TopicCounts::bytes_out},
    {"kafka_server_brokertopicmetrics_totalproducerequests_total", "Partitions in Produce requests",
     &TopicCounts::produce_requests},
    {"kafka_server_brokertopicmetrics_totalfetchrequests_total", "Partitions in Fetch requests",
     &TopicCounts::fetch_requests},
    {"kafka_server_brokertopicmetrics_failedproducerequests_total", "Of these, answered with an error",
     &TopicCounts::failed_produce_requests},
    {"kafka_server_brokertopicmetrics_failedfetchrequests_total", "Of these, answered with an error",
     &TopicCounts::failed_fetch_requests},
};

void add_topics(Exposition& page, broker::Metrics& metrics) {
    const TopicCounts sum = metrics.all_topics();
    const auto topics = metrics.topics();
    for (const auto& [name, help, count] : kTopicCounters) {
        page.family(name, kCounter, help);
        page.sample(sum.*count);
        for (const auto& [topic, counts] : topics) page.sample(counts.*count, {{"topic", topic}});
    }
}

struct RequestTimes {
    std::string_view name;
    std::string_view help;
    Durations RequestMetrics::*times;
};
constexpr RequestTimes kRequestTimes[] = {
    {"kafka_network_requestmetrics_totaltimems", "From the end of a request to its answer", &RequestMetrics::total},
    {"kafka_network_requestmetrics_requestqueuetimems", "Waiting for a thread", &RequestMetrics::queue},
    {"kafka_network_requestmetrics_localtimems", "Without what is waited for", &RequestMetrics::local},
};

struct RequestCounter {
    std::string_view name;
    std::string_view help;
    broker::Counter RequestMetrics::*count;
};
constexpr RequestCounter kRequestBytes[] = {
    {"kafka_network_requestmetrics_requestbytes", "Bytes of requests", &RequestMetrics::request_bytes},
    {"kafka_network_requestmetrics_responsebytes", "Bytes of answers", &RequestMetrics::response_bytes},
};

struct Quantile {
    double of;
    std::string_view name;
};
constexpr Quantile kQuantiles[] = {{0.5, "0.50"},  {0.75, "0.75"}, {0.95, "0.95"},
                                   {0.98, "0.98"}, {0.99, "0.99"}, {0.999, "0.999"}};

std::uint64_t count_of(const RequestMetrics& counts) {
    std::uint64_t sum = 0;
    for (const auto& version : counts.requests) sum += version.value();
    return sum;
}

void add_requests(Exposition& page, broker::Metrics& metrics) {
    page.family("kafka_network_requestmetrics_requests_total", kCounter, "Requests");
    for (const wire::Api& api : wire::kApis) {
        const RequestMetrics& counts = metrics.of(api.key);
        for (std::size_t version = 0; version < RequestMetrics::kVersions; ++version) {
            if (const std::uint64_t count = counts.requests[version].value(); count > 0)
                page.sample(count, {{"request", api.name}, {"version", std::to_string(version)}});
        }
    }
    page.family("kafka_network_requestmetrics_errors_total", kCounter, "Errors in answers, NONE among them");
    for (const wire::Api& api : wire::kApis) {
        const RequestMetrics& counts = metrics.of(api.key);
        for (std::size_t i = 0; i < RequestMetrics::kErrors; ++i) {
            const auto code = static_cast<wire::ErrorCode>(static_cast<int>(i) - 1);
            if (const std::uint64_t count = counts.errors[i].value(); count > 0)
                page.sample(count, {{"request", api.name}, {"error", wire::to_string(code)}});
        }
    }
    constexpr double kMillisecond = 1000;
    for (const auto& [name, help, times] : kRequestTimes) {
        page.family(name, kSummary, help);
        for (const wire::Api& api : wire::kApis) {
            const Durations::Snapshot taken = (metrics.of(api.key).*times).snapshot();
            if (taken.count == 0) continue;
            for (const auto& [of, quantile] : kQuantiles) {
                page.sample(static_cast<double>(taken.quantile_us(of)) / kMillisecond,
                            {{"request", api.name}, {"quantile", quantile}});
            }
            page.part("_sum", static_cast<double>(taken.sum_us) / kMillisecond, {{"request", api.name}});
            page.part("_count", static_cast<double>(taken.count), {{"request", api.name}});
        }
    }
    for (const auto& [name, help, bytes] : kRequestBytes) {
        page.family(name, kSummary, help);
        for (const wire::Api& api : wire::kApis) {
            const RequestMetrics& counts = metrics.of(api.key);
            const std::uint64_t count = count_of(counts);
            if (count == 0) continue;
            page.part("_sum", static_cast<double>((counts.*bytes).value()), {{"request", api.name}});
            page.part("_count", static_cast<double>(count), {{"request", api.name}});
        }
    }
    page.family("mq_requests_closed_total", kCounter, "Requests answered by closing the connection");
    for (const wire::Api& api : wire::kApis) {
        if (const std::uint64_t count = metrics.of(api.key).closed.value(); count > 0)
            page.sample(count, {{"request", api.name}});
    }
    page.family("mq_requests_unreadable_total", kCounter, "What was no request, or none that is answered here");
    page.sample(metrics.unreadable_requests.value());
}

void add_connections(Exposition& page, const server::Counts& counts) {
    const auto gauge = [&page](std::string_view name, std::string_view help, std::uint64_t value) {
        page.family(name, kGauge, help);
        page.sample(value);
    };
    const auto counter = [&page](std::string_view name, std::string_view help, std::uint64_t value) {
        page.family(name, kCounter, help);
        page.sample(value);
    };
    gauge("kafka_server_socket_server_metrics_connection_count", "Open connections", counts.connections);
    gauge("kafka_network_socketserver_memorypoolused", "Bytes that requests take", counts.request_bytes);
    gauge("kafka_network_socketserver_memorypoolavailable", "Bytes that more requests may take",
          counts.most_request_bytes - std::min(counts.request_bytes, counts.most_request_bytes));
    counter("kafka_server_socket_server_metrics_connection_creation_total", "Connections accepted", counts.accepted);
    counter("kafka_server_socket_server_metrics_incoming_byte_total", "Bytes received", counts.received_bytes);
    counter("kafka_server_socket_server_metrics_outgoing_byte_total", "Bytes sent", counts.sent_bytes);
    page.family("mq_connections_closed_total", kCounter, "Connections that the broker closed");
    page.sample(counts.refused, {{"reason", "too many"}});
    page.sample(counts.idle, {{"reason", "idle"}});
    page.sample(counts.expelled, {{"reason", "misbehaved"}});
}

// One broker alone is all there is: what of several could be wrong is not.
void add_cluster(Exposition& page, std::uint64_t topics, std::uint64_t partitions) {
    struct Gauge {
        std::string_view name;
        std::string_view help;
        std::uint64_t value;
    };
    const Gauge gauges[] = {
        {"kafka_server_kafkaserver_brokerstate", "3: it serves", 3},
        {"kafka_server_replicamanager_partitioncount", "Partitions", partitions},
        {"kafka_server_replicamanager_leadercount", "Partitions that this broker leads", partitions},
        {"kafka_server_replicamanager_underreplicatedpartitions", "Partitions that lack a replica", 0},
        {"kafka_server_replicamanager_underminisrpartitioncount", "Partitions that lack several", 0},
        {"kafka_server_replicamanager_offlinereplicacount", "Replicas that are not served", 0},
        {"kafka_controller_kafkacontroller_activecontrollercount", "Whether this broker is the controller", 1},
        {"kafka_controller_kafkacontroller_activebrokercount", "Brokers", 1},
        {"kafka_controller_kafkacontroller_offlinepartitionscount", "Partitions without a leader", 0},
        {"kafka_controller_kafkacontroller_preferredreplicaimbalancecount", "Partitions led by another broker", 0},
        {"kafka_controller_kafkacontroller_globaltopiccount", "Topics", topics},
        {"kafka_controller_kafkacontroller_globalpartitioncount", "Partitions", partitions},
    };
    for (const auto& [name, help, value] : gauges) {
        page.family(name, kGauge, help);
        page.sample(value);
    }
}

}  // namespace

std::string metrics_page(broker::Broker& broker, const server::Server& server) {
    Exposition page;
    if (const auto picture = broker.topics().picture()) {
        std::uint64_t partitions = 0;
        for (const auto& topic : (*picture)->all()) partitions += static_cast<std::uint64_t>(topic.partitions);
        add_cluster(page, (*picture)->all().size(), partitions);
        add_logs(page, broker, **picture);
    }
    add_groups(page, broker);
    add_topics(page, broker.metrics());
    add_requests(page, broker.metrics());
    add_connections(page, server.counts());
    add_process(page);
    return page.text();
}

}  // namespace mq::broker_tool
