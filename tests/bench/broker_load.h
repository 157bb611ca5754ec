// What the figures of the broker share: a data directory, and a good client's load.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "bench/broker_process.h"
#include "store/data_directory.h"
#include "wire/messages/produce.h"

namespace mq::bench {

[[nodiscard]] store::DataDirectory open_for_writing(const std::string& path);

// An empty data directory; gone with the object.
class Scratch {
public:
    explicit Scratch(const std::string& parent);
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    void create(const std::string& topic, std::int32_t partitions) const;

private:
    std::string path_;
};

// To topic "t", with acks=all.
[[nodiscard]] wire::ProduceRequest produce_request(std::int32_t partition, ByteView batch);

// Comes once in a millisecond.
class Pace {
public:
    Pace();
    ~Pace();
    Pace(const Pace&) = delete;
    Pace& operator=(const Pace&) = delete;
    void wait() const;

private:
    int fd_;
};

struct Percentiles {
    double median = 0;
    double p99 = 0;
};
[[nodiscard]] Percentiles percentiles_of(std::vector<double> seconds);

// Single records of 100 bytes from one client by way of topic "t", partition 0, to another that waits: a thousand a
// second, so many, the first at offset `first`. How long each was on its way.
[[nodiscard]] Percentiles through_the_broker(const BrokerProcess& broker, std::int64_t first, std::size_t records);

}  // namespace mq::bench
