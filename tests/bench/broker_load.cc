#include "bench/broker_load.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "bench/figure.h"
#include "bench/sample.h"
#include "os/file.h"
#include "wire/messages/fetch.h"

namespace mq::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kEvery{1};

std::string one_record_batch() {
    record::BatchBuilder builder;
    builder.add(kFirstTimestamp, std::nullopt, sample_lines(1));
    return std::string{must(builder.finish())};
}

}  // namespace

store::DataDirectory open_for_writing(const std::string& path) {
    store::OpenOptions options;
    options.access = store::Access::write;
    return must(store::DataDirectory::open(path, options));
}

Scratch::Scratch(const std::string& parent) : path_(os::join(parent, "broker")) {
    if (must(os::exists(path_))) must(os::remove_directory_tree(path_));
    must(open_for_writing(path_).close());
}
Scratch::~Scratch() { must(os::remove_directory_tree(path_)); }

void Scratch::create(const std::string& topic, std::int32_t partitions) const {
    auto directory = open_for_writing(path_);
    static_cast<void>(must(directory.create_topic({topic, partitions, 1, {{"retention.ms", "-1"}}})));
    must(directory.close());
}

wire::ProduceRequest produce_request(std::int32_t partition, ByteView batch) {
    wire::ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = 30'000;
    request.topic_data = {{.name = "t", .partition_data = {{.index = partition, .records = batch}}}};
    return request;
}

Pace::Pace() : fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {
    constexpr timespec kPeriod{0, std::chrono::nanoseconds{kEvery}.count()};
    const itimerspec times{kPeriod, kPeriod};
    ::timerfd_settime(fd_, 0, &times, nullptr);
}
Pace::~Pace() { ::close(fd_); }

void Pace::wait() const {
    std::uint64_t times = 0;
    if (::read(fd_, &times, sizeof times) != sizeof times) std::exit(2);
}

Percentiles percentiles_of(std::vector<double> seconds) {
    std::sort(seconds.begin(), seconds.end());
    return {seconds[seconds.size() / 2], seconds[seconds.size() * 99 / 100]};
}

Percentiles through_the_broker(const BrokerProcess& broker, std::int64_t first, std::size_t records) {
    std::vector<Clock::time_point> sent(records);
    std::vector<double> seconds;
    std::thread reader{[&] {
        auto client = broker.connect();
        wire::FetchRequest fetch;
        fetch.max_wait_ms = 5'000;
        fetch.min_bytes = 1;
        fetch.topics = {{.topic = "t", .partitions = {{.fetch_offset = first, .partition_max_bytes = 1 << 20}}}};
        std::int64_t& next = fetch.topics[0].partitions[0].fetch_offset;
        while (seconds.size() < records) {
            const auto response = must(client.call(fetch, 11));
            const auto now = Clock::now();
            ByteView batches = response.responses.at(0).partitions.at(0).records.value_or(ByteView{});
            while (!batches.empty()) {
                const auto header = must(record::parse_batch_header(batches));
                seconds.push_back(Seconds{now - sent[static_cast<std::size_t>(next - first)]}.count());
                next = header.next_offset().value();
                batches.remove_prefix(header.size_bytes);
            }
        }
    }};
    auto client = broker.connect();
    const std::string batch = one_record_batch();
    const wire::ProduceRequest request = produce_request(0, batch);
    const Pace pace;
    for (std::size_t i = 0; i < records; ++i) {
        pace.wait();
        sent[i] = Clock::now();
        static_cast<void>(must(client.call(request, 7)));
    }
    reader.join();
    return percentiles_of(std::move(seconds));
}

}  // namespace mq::bench
