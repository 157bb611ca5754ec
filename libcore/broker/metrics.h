// What is counted while requests are served, for mq-broker's page of metrics: one relaxed addition each.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "wire/api.h"
#include "wire/error_code.h"

namespace mq::broker {

class Counter {
public:
    void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

// How long something took, to an eighth: four steps to each power of two of microseconds, up to some days.
class Durations {
public:
    static constexpr std::size_t kSteps = 4;
    static constexpr std::size_t kBuckets = 37 * kSteps;

    struct Snapshot {
        std::array<std::uint64_t, kBuckets> counts{};
        std::uint64_t count = 0;
        std::uint64_t sum_us = 0;
        // In microseconds, the upper end of the step it lies in; 0 if nothing was recorded.
        [[nodiscard]] std::uint64_t quantile_us(double quantile) const;
    };

    void record_ns(std::int64_t ns);
    [[nodiscard]] Snapshot snapshot() const;

private:
    std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
    std::atomic<std::uint64_t> sum_us_{0};
};

struct RequestMetrics {
    static constexpr std::size_t kVersions = 20;
    // By version; those above the last count there.
    std::array<Counter, kVersions> requests;
    // By code, UNKNOWN_SERVER_ERROR (-1) first; those above the last count there.
    static constexpr std::size_t kErrors = 140;
    std::array<Counter, kErrors> errors;
    Counter request_bytes;
    Counter response_bytes;
    Counter closed;  // answered by closing the connection
    Durations total;  // from the last byte of the request to its answer
    Durations queue;  // waiting for a worker
    Durations local;  // in the handler, without what it waits for afterwards

    [[nodiscard]] Counter& errors_of(wire::ErrorCode error) {
        return errors[std::min(static_cast<std::size_t>(static_cast<std::int16_t>(error)) + 1, kErrors - 1)];
    }
    void count(std::int16_t version, std::uint64_t bytes) {
        requests[std::min(static_cast<std::size_t>(version), kVersions - 1)].add();
        request_bytes.add(bytes);
    }
};

struct TopicCounts {
    std::uint64_t records_in = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t produce_requests = 0;  // one for each partition named in a request, as Kafka counts
    std::uint64_t fetch_requests = 0;
    std::uint64_t failed_produce_requests = 0;
    std::uint64_t failed_fetch_requests = 0;
};

// Thread-safe.
class Metrics {
public:
    // Topics beyond that count only in the sum of all: a client that makes up names fills no memory.
    static constexpr std::size_t kMostTopics = 2000;

    [[nodiscard]] RequestMetrics& of(wire::ApiKey key) { return requests_[static_cast<std::size_t>(key)]; }

    Counter unreadable_requests;  // what was no request, or none that is answered here

    // One partition of a Produce or Fetch request, and how it came out. A failure alone makes no topic known.
    void produced(std::string_view topic, std::uint64_t records, std::uint64_t bytes);
    void produce_failed(std::string_view topic);
    void fetched(std::string_view topic, std::uint64_t bytes);
    void fetch_failed(std::string_view topic);
    // The topic was deleted. What it counted stays in the sum.
    void forget(std::string_view topic);

    [[nodiscard]] TopicCounts all_topics() const { return sum_.counts(); }
    [[nodiscard]] std::vector<std::pair<std::string, TopicCounts>> topics() const;

private:
    struct Topic {
        Counter records_in;
        Counter bytes_in;
        Counter bytes_out;
        Counter produce_requests;
        Counter fetch_requests;
        Counter failed_produce_requests;
        Counter failed_fetch_requests;
        [[nodiscard]] TopicCounts counts() const;
    };
    template <typename Count>
    void count(std::string_view topic, bool makes_known, const Count& count);

    std::array<RequestMetrics, wire::kApis.size()> requests_;
    Topic sum_;
    mutable std::shared_mutex mutex_;
    std::map<std::string, Topic, std::less<>> topics_;
};

}  // namespace mq::broker
