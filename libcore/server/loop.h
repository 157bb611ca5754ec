// One thread that waits for many sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/error.h"

namespace mq::server {

enum class Side : unsigned char { read, write };

// What waits in a loop. It is called on the loop's thread, and lives at least as long as it is waited for. What a
// loop calls does not throw.
class Waiter {
public:
    virtual ~Waiter() = default;
    // The socket is ready, or an error is there that the next call on it tells.
    virtual void on_ready(Side side) = 0;
    // Somebody called Loop::wake().
    virtual void on_woken() = 0;
};

class Loop {
public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Starts the thread. Errors: io.
    [[nodiscard]] Status start();
    // Ends the thread once nobody waits in the loop any more, and waits for that. What is woken or posted afterwards
    // is dropped.
    void finish();

    // Thread-safe, as is `wake` of the same waiter from several threads. Without memory they throw, and nothing is
    // called.
    [[nodiscard]] bool is_this_thread() const;
    void wake(std::shared_ptr<Waiter> who);
    void post(std::function<void()> work);

    // The rest is for the loop's own thread, or before it is started.

    // Calls it again and again, that far apart.
    void every(std::int64_t period_ms, std::function<void()> call);
    void stop_timer();

    // Where bytes are received before it is known whose they are: kChunkBytes, for the next read only, but kept by
    // whoever keeps the pointer.
    static constexpr std::size_t kChunkBytes = 64u << 10;
    [[nodiscard]] std::shared_ptr<char[]> chunk();

    // A descriptor in the loop. It does not own it, and goes first.
    class Watch {
    public:
        // Errors: io, no_memory.
        [[nodiscard]] static Result<std::unique_ptr<Watch>> open(Loop& loop, int fd);
        ~Watch();
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;

        // Once. Must not be asked again before it has come.
        void wait(Side side, std::shared_ptr<Waiter> who);

    private:
        struct Impl;
        explicit Watch(std::unique_ptr<Impl> impl);
        std::unique_ptr<Impl> impl_;
    };

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mq::server
