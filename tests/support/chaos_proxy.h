// A network that fails on purpose (RELIABILITY row 23): a proxy in front of a port of the loopback interface, which
// does to each connection what its seed says.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace mq::test {

enum class Trouble : unsigned char {
    none,
    delay,        // every piece comes later, by up to some milliseconds
    drip,         // byte by byte
    flap,         // some milliseconds nothing, then some milliseconds all, again and again
    reset,        // both ends are reset once so many bytes went to the server
    lose_answer,  // the request arrives, its answer does not: the client is reset instead
    half_close,   // once so many bytes went to the server it sees the end, while its answers still go back
    deaf_server,  // from then on nothing reaches the server, while its answers still go back
    deaf_client,  // from then on nothing reaches the client
    blackhole     // from then on nothing reaches anybody, and nobody is told
};
inline constexpr int kTroubles = static_cast<int>(Trouble::blackhole) + 1;

// What happens to one connection.
struct Schedule {
    Trouble trouble = Trouble::none;
    std::uint64_t after_bytes = 0;  // to the server
    int delay_ms = 0;
    bool operator==(const Schedule&) const = default;
};
// The same for the same seed. `among`: one of these troubles; none of them: any.
[[nodiscard]] Schedule draw_schedule(std::uint64_t seed, std::uint64_t connection,
                                     const std::vector<Trouble>& among = {});

// Runs a thread of its own. Every failure to set it up throws runtime_error.
class ChaosProxy {
public:
    // To 127.0.0.1:`port`; connections are drawn schedules by their numbers, from 0 on.
    ChaosProxy(std::uint16_t port, std::uint64_t seed, std::vector<Trouble> among = {});
    ~ChaosProxy();
    ChaosProxy(const ChaosProxy&) = delete;
    ChaosProxy& operator=(const ChaosProxy&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    // For failure messages: "chaos seed 42, 17 connections".
    [[nodiscard]] std::string describe() const;
    // The network is well again: what hangs is reset, and all that comes passes.
    void calm();
    // Resets every connection there is, and goes on.
    void cut_all();
    // How many connections were drawn, and how many of them have met their trouble.
    [[nodiscard]] std::uint64_t connections() const { return connections_; }
    [[nodiscard]] std::uint64_t troubled() const { return troubled_; }

private:
    class Link;
    void run();
    void wake() const;
    void accept_all();

    const std::uint16_t target_;
    const std::uint64_t seed_;
    const std::vector<Trouble> among_;
    std::uint16_t port_ = 0;
    int listener_ = -1;
    int waker_ = -1;
    std::atomic<bool> is_stopping_{false};
    std::atomic<bool> is_calm_{false};
    std::atomic<bool> cuts_all_{false};
    std::atomic<std::uint64_t> connections_{0};
    std::atomic<std::uint64_t> troubled_{0};
    std::vector<std::unique_ptr<Link>> links_;  // of the thread
    std::thread thread_;
};

}  // namespace mq::test
