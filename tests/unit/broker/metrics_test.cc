#include "broker/metrics.h"

#include <gtest/gtest.h>

#include <thread>

namespace mq::broker {
namespace {

constexpr std::int64_t kMicrosecond = 1000;

TEST(Durations, QuantilesAreRightToAnEighthFromAMicrosecondToADay) {
    for (std::uint64_t us = 1; us < 86'400'000'000; us = us * 3 / 2 + 1) {
        Durations times;
        times.record_ns(static_cast<std::int64_t>(us) * kMicrosecond);
        const auto taken = times.snapshot();
        EXPECT_EQ(taken.count, 1u);
        EXPECT_EQ(taken.sum_us, us);
        const std::uint64_t end = taken.quantile_us(0.5);
        EXPECT_GT(end, us);
        // Steps are a quarter of the power of two that they begin with, at most a quarter of their begin.
        EXPECT_LE(end, us + std::max<std::uint64_t>(1, us / 4)) << us;
    }
}

TEST(Durations, AQuantileIsTheValueBelowWhichThatShareLies) {
    Durations times;
    EXPECT_EQ(times.snapshot().quantile_us(0.99), 0u);
    // 1000 values, ten of them slow: the 99th percentile still is quick, the 99.9th slow.
    for (int i = 0; i < 990; ++i) times.record_ns(100 * kMicrosecond);
    for (int i = 0; i < 10; ++i) times.record_ns(50'000 * kMicrosecond);
    const auto taken = times.snapshot();
    EXPECT_EQ(taken.count, 1000u);
    EXPECT_EQ(taken.sum_us, 990u * 100 + 10u * 50'000);
    EXPECT_NEAR(static_cast<double>(taken.quantile_us(0.5)), 100, 25);
    EXPECT_NEAR(static_cast<double>(taken.quantile_us(0.99)), 100, 25);
    EXPECT_NEAR(static_cast<double>(taken.quantile_us(0.999)), 50'000, 12'500);
}

TEST(Durations, NeitherATimeBeforeTheStartNorOneOfAYearGoesAstray) {
    Durations times;
    times.record_ns(-5);
    times.record_ns(365LL * 86'400 * 1'000'000'000);
    EXPECT_EQ(times.snapshot().count, 2u);
}

TEST(Metrics, ATopicCountsForItselfAndForAll) {
    Metrics metrics;
    metrics.produced("a", 3, 100);
    metrics.produced("b", 1, 10);
    metrics.fetched("a", 60);
    metrics.produce_failed("a");
    metrics.fetch_failed("b");
    const TopicCounts sum = metrics.all_topics();
    EXPECT_EQ(sum.records_in, 4u);
    EXPECT_EQ(sum.bytes_in, 110u);
    EXPECT_EQ(sum.bytes_out, 60u);
    EXPECT_EQ(sum.produce_requests, 3u);
    EXPECT_EQ(sum.fetch_requests, 2u);
    const auto topics = metrics.topics();
    ASSERT_EQ(topics.size(), 2u);
    EXPECT_EQ(topics[0].first, "a");
    EXPECT_EQ(topics[0].second.records_in, 3u);
    EXPECT_EQ(topics[0].second.failed_produce_requests, 1u);
    EXPECT_EQ(topics[1].second.failed_fetch_requests, 1u);
    metrics.forget("a");
    EXPECT_EQ(metrics.topics().size(), 1u);
    EXPECT_EQ(metrics.all_topics().records_in, 4u);
}

TEST(Metrics, NamesThatDoNotExistFillNoMemory) {
    Metrics metrics;
    for (std::size_t i = 0; i < 3 * Metrics::kMostTopics; ++i) {
        metrics.produce_failed("made up " + std::to_string(i));
        metrics.fetch_failed("made up " + std::to_string(i));
    }
    EXPECT_TRUE(metrics.topics().empty());
    for (std::size_t i = 0; i < 3 * Metrics::kMostTopics; ++i) metrics.produced("real " + std::to_string(i), 1, 1);
    EXPECT_EQ(metrics.topics().size(), Metrics::kMostTopics);
    EXPECT_EQ(metrics.all_topics().records_in, 3 * Metrics::kMostTopics);
}

TEST(Metrics, NoCountOfSeveralThreadsIsLost) {
    Metrics metrics;
    constexpr std::uint64_t kEach = 20'000;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&metrics] {
            for (std::uint64_t i = 0; i < kEach; ++i) {
                metrics.produced("t" + std::to_string(i % 7), 2, 5);
                metrics.of(wire::ApiKey::produce).total.record_ns(static_cast<std::int64_t>(i));
            }
        });
    }
    for (auto& thread : threads) thread.join();
    std::uint64_t records = 0;
    for (const auto& [name, counts] : metrics.topics()) records += counts.records_in;
    EXPECT_EQ(records, 4 * kEach * 2);
    EXPECT_EQ(metrics.all_topics().bytes_in, 4 * kEach * 5);
    EXPECT_EQ(metrics.of(wire::ApiKey::produce).total.snapshot().count, 4 * kEach);
}

TEST(RequestMetrics, AVersionThatNobodyKnowsCountsWithTheLast) {
    RequestMetrics counts;
    counts.count(-1, 10);
    counts.count(32'767, 10);
    counts.count(3, 10);
    EXPECT_EQ(counts.requests[3].value(), 1u);
    EXPECT_EQ(counts.requests[RequestMetrics::kVersions - 1].value(), 2u);
    EXPECT_EQ(counts.request_bytes.value(), 30u);
}

}  // namespace
}  // namespace mq::broker
