// A real mq-broker, in a process of its own, for tests from outside.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/child.h"
#include "support/listener.h"
#include "support/temp_dir.h"

namespace mq::test {

struct BrokerPlan {
    std::string data_directory{};          // empty: mq-broker --dev
    std::vector<std::string> arguments{};  // more of the command line
    std::uint16_t port = 0;                // 0: any that is free, and stays its own; or one of ReservedPort
};

// Answers when the constructor, or start(), returns; both throw runtime_error, with the broker's log, if it does not.
class BrokerProcess {
public:
    explicit BrokerProcess(BrokerPlan plan = {});

    // After its end, on the same port.
    void start();
    // With -9.
    void kill();
    // By SIGTERM. It ends by that signal once it has stopped in order.
    ChildEnd stop();

    [[nodiscard]] pid_t pid() const { return child_->pid(); }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    // Where local tools meet it.
    [[nodiscard]] std::string data_directory() const;
    // Of all its lives so far.
    [[nodiscard]] std::string log() const;

private:
    BrokerPlan plan_;
    TempDir dir_;
    ReservedPort reserved_;
    std::uint16_t port_ = 0;
    std::unique_ptr<Child> child_;
};

}  // namespace mq::test
