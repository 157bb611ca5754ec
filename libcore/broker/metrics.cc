#include "broker/metrics.h"

#include <algorithm>
#include <bit>
#include <mutex>

namespace mq::broker {
namespace {

// 0 1 2 3 | 4 5 6 7 | 8 10 12 14 | 16 20 24 28 | ...: where each step begins, in microseconds.
std::size_t bucket_of(std::uint64_t us) {
    if (us < Durations::kSteps) return us;
    const auto power = static_cast<std::size_t>(std::bit_width(us)) - 1;
    const std::size_t step = (us >> (power - 2)) & (Durations::kSteps - 1);
    return std::min((power - 1) * Durations::kSteps + step, Durations::kBuckets - 1);
}

std::uint64_t end_of(std::size_t bucket) {
    if (bucket < Durations::kSteps) return bucket + 1;
    const std::size_t power = bucket / Durations::kSteps + 1;
    const std::uint64_t step = bucket % Durations::kSteps;
    return (Durations::kSteps + step + 1) << (power - 2);
}

}  // namespace

void Durations::record_ns(std::int64_t ns) {
    const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0)) / 1000;
    counts_[bucket_of(us)].fetch_add(1, std::memory_order_relaxed);
    sum_us_.fetch_add(us, std::memory_order_relaxed);
}

Durations::Snapshot Durations::snapshot() const {
    Snapshot now;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        now.counts[i] = counts_[i].load(std::memory_order_relaxed);
        now.count += now.counts[i];
    }
    now.sum_us = sum_us_.load(std::memory_order_relaxed);
    return now;
}

std::uint64_t Durations::Snapshot::quantile_us(double quantile) const {
    if (count == 0) return 0;
    const auto rank = static_cast<std::uint64_t>(quantile * static_cast<double>(count - 1));
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        below += counts[i];
        if (below > rank) return end_of(i);
    }
    return end_of(kBuckets - 1);
}

template <typename Count>
void Metrics::count(std::string_view topic, bool makes_known, const Count& count) {
    count(sum_);
    {
        const std::shared_lock lock{mutex_};
        if (const auto found = topics_.find(topic); found != topics_.end()) return count(found->second);
        if (!makes_known || topics_.size() >= kMostTopics) return;
    }
    const std::unique_lock lock{mutex_};
    count(topics_.try_emplace(std::string{topic}).first->second);
}

void Metrics::produced(std::string_view topic, std::uint64_t records, std::uint64_t bytes) {
    count(topic, true, [&](Topic& counts) {
        counts.produce_requests.add();
        counts.records_in.add(records);
        counts.bytes_in.add(bytes);
    });
}

void Metrics::produce_failed(std::string_view topic) {
    count(topic, false, [](Topic& counts) {
        counts.produce_requests.add();
        counts.failed_produce_requests.add();
    });
}

void Metrics::fetched(std::string_view topic, std::uint64_t bytes) {
    count(topic, true, [&](Topic& counts) {
        counts.fetch_requests.add();
        counts.bytes_out.add(bytes);
    });
}

void Metrics::fetch_failed(std::string_view topic) {
    count(topic, false, [](Topic& counts) {
        counts.fetch_requests.add();
        counts.failed_fetch_requests.add();
    });
}

void Metrics::forget(std::string_view topic) {
    const std::unique_lock lock{mutex_};
    if (const auto found = topics_.find(topic); found != topics_.end()) topics_.erase(found);
}

TopicCounts Metrics::Topic::counts() const {
    return {
        .records_in = records_in.value(),
        .bytes_in = bytes_in.value(),
        .bytes_out = bytes_out.value(),
        .produce_requests = produce_requests.value(),
        .fetch_requests = fetch_requests.value(),
        .failed_produce_requests = failed_produce_requests.value(),
        .failed_fetch_requests = failed_fetch_requests.value(),
    };
}

std::vector<std::pair<std::string, TopicCounts>> Metrics::topics() const {
    std::vector<std::pair<std::string, TopicCounts>> all;
    const std::shared_lock lock{mutex_};
    for (const auto& [name, counts] : topics_) all.emplace_back(name, counts.counts());
    return all;
}

}  // namespace mq::broker
