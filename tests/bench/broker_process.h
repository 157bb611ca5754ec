// An mq-broker to be measured: $MQ_BIN/mq-broker on a data directory, with the settings that it has by itself.
#pragma once

#include <sys/types.h>
#include <cstdint>
#include <string>

#include "os/socket.h"
#include "wire/client.h"

namespace mq::bench {

class BrokerProcess {
public:
    // Returns when it has answered a request. Whatever fails ends the program.
    explicit BrokerProcess(const std::string& data_directory);
    ~BrokerProcess();  // by SIGTERM
    BrokerProcess(const BrokerProcess&) = delete;
    BrokerProcess& operator=(const BrokerProcess&) = delete;

    // From exec to the first answer.
    [[nodiscard]] double start_seconds() const { return start_seconds_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] wire::Client connect() const;
    [[nodiscard]] double resident_bytes() const;
    [[nodiscard]] double cpu_seconds() const;  // of all its threads so far

private:
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
    double start_seconds_ = 0;
};

// A port of the loopback interface that nobody listens on.
[[nodiscard]] std::uint16_t free_port();

}  // namespace mq::bench
