// What the requests of all connections together may take of memory, from their first byte until they are answered.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>

namespace mq::server {

// Thread-safe.
class Room {
public:
    // `again` is called, on whatever thread, when it is no longer full and somebody waits for that.
    Room(std::size_t most, std::function<void()> again) : most_(most), again_(std::move(again)) {}
    // From now on nobody is called.
    void close();

    [[nodiscard]] std::size_t most() const { return most_; }
    [[nodiscard]] std::size_t used() const { return used_.load(); }
    [[nodiscard]] bool is_full() const { return used() >= most_; }
    // Of used(): requests that are whole, and wait for their answer.
    [[nodiscard]] std::size_t handled() const { return handled_.load(); }
    [[nodiscard]] bool is_waited_for() const { return waiting_.load() > 0; }

    // What one connection takes, and gives back at its end. Not thread-safe.
    class Share {
    public:
        explicit Share(std::shared_ptr<Room> room) : room_(std::move(room)) {}
        ~Share() { set(0, 0); }
        Share(const Share&) = delete;
        Share& operator=(const Share&) = delete;

        void set(std::size_t unfinished, std::size_t handled);
        [[nodiscard]] std::size_t bytes() const { return unfinished_ + handled_; }
        [[nodiscard]] std::size_t unfinished() const { return unfinished_; }
        void wait(bool waits);
        [[nodiscard]] bool waits() const { return waits_; }
        [[nodiscard]] const Room& room() const { return *room_; }

    private:
        std::shared_ptr<Room> room_;
        std::size_t unfinished_ = 0;
        std::size_t handled_ = 0;
        bool waits_ = false;
    };

private:
    const std::size_t most_;
    std::atomic<std::size_t> used_{0};
    std::atomic<std::size_t> handled_{0};
    std::atomic<std::size_t> waiting_{0};
    std::mutex mutex_;
    std::function<void()> again_;
};

}  // namespace mq::server
