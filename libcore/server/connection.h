// One client: its requests in their order, and their answers in the same.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "broker/answer.h"
#include "broker/call.h"
#include "broker/quiet_log.h"
#include "os/socket.h"
#include "server/frame_decoder.h"
#include "server/loop.h"
#include "server/outbox.h"
#include "server/room.h"
#include "server/server.h"

namespace mq::server {

class Connection;

// How many bytes came and went, and why connections ended; of all connections together.
struct Tally {
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::uint64_t> idle{0};
    std::atomic<std::uint64_t> expelled{0};
    std::atomic<std::uint64_t> received_bytes{0};
    std::atomic<std::uint64_t> sent_bytes{0};
};

// What all connections of one loop share. It outlives those that are open.
struct Surroundings {
    const Handler& handle;
    broker::QuietLog& log;
    Tally& tally;
    const Limits& limits;
    std::size_t max_frame_bytes = 0;
    std::int64_t idle_ms = 0;
    std::function<void(Connection&)> gone;  // on the loop's thread, once for each
    std::shared_ptr<Room> room;
    std::deque<std::shared_ptr<Connection>> waiting{};  // for the loop's thread: those that wait for room
};

// Everything but respond() and let_next_begin() is for the thread of its loop, but where that has nothing else to do
// for it a small answer is sent by the thread that gives it. It lives as long as it is open, and as one of its
// requests waits for its answer.
class Connection final : public Waiter, public broker::Responder, public std::enable_shared_from_this<Connection> {
public:
    Connection(std::shared_ptr<Loop> loop, Surroundings& around, os::Socket socket,
               std::shared_ptr<const broker::Client> client);

    void begin();
    // From now on no request is taken; once nothing is left to answer and to send, it closes.
    void stop_taking();
    // At once. No answer is sent any more, nor waited for.
    void close();
    // There is room again for the rest of a request.
    void go_on();
    // Of a request that has begun to come: what it takes, whether it waits for room, and since when nothing of it
    // came.
    struct Unfinished {
        std::size_t bytes = 0;
        bool waits = false;
        std::int64_t since_ms = 0;
    };
    [[nodiscard]] Unfinished unfinished();
    // Closes it, so that the requests of others find room.
    void give_way();
    // Closes it if it has been idle, or stuck, for too long.
    void check(std::int64_t now);
    [[nodiscard]] const broker::Client& client() const { return *client_; }

    void respond(std::uint64_t ticket, broker::Reply reply) override;
    void let_next_begin(std::uint64_t ticket) override;
    void on_ready(Side side) override;
    void on_woken() override;

private:
    // A request that was handed to the broker.
    struct Pending {
        std::size_t bytes = 0;
        bool lets_next_begin = false;
        std::optional<broker::Reply> reply;
    };
    // What another thread had to say.
    struct Message {
        std::uint64_t ticket = 0;
        std::optional<broker::Reply> reply;  // without: let the next begin
    };
    // A span in which at least so many bytes must move.
    struct Progress {
        std::int64_t begin_ms = 0;
        std::uint64_t moved_bytes = 0;
    };

    void advance();
    void serve();
    void end();
    [[nodiscard]] bool settle_inbox();
    [[nodiscard]] bool is_served_from_here();
    void receive();
    void handle(Slice frame);
    void settle(Message message);
    void send_to_thread(Message message);
    void collect();
    [[nodiscard]] bool send();
    void keep_input();
    void wait();
    [[nodiscard]] bool may_begin(const Slice& frame) const;
    [[nodiscard]] bool may_receive() const;
    [[nodiscard]] bool may_grow() const;
    [[nodiscard]] bool has_room() const;
    void count_room();
    [[nodiscard]] bool is_stuck(Progress& progress, std::uint64_t moved_bytes, std::int64_t now) const;
    void expel(broker::QuietLog::Kind kind, FunctionRef<std::string()> why);
    void expel_for_memory();

    const std::shared_ptr<Loop> loop_;
    Surroundings& around_;  // as long as it is open
    os::Socket socket_;
    const std::shared_ptr<const broker::Client> client_;
    std::unique_ptr<Loop::Watch> watch_;  // null: not begun, or closed

    std::mutex serving_mutex_;  // of what follows

    FrameDecoder decoder_;
    Slice input_;                // received, and not decoded
    std::optional<Slice> next_;  // decoded, and not begun
    std::vector<Pending> pending_;
    std::uint64_t first_ticket_ = 0;  // of pending_
    std::size_t pending_bytes_ = 0;
    Room::Share share_;
    Outbox outbox_;

    bool is_taking_ = true;
    bool is_closing_ = false;  // once its answers are sent
    bool is_closed_ = false;
    bool is_serving_ = false;  // for the loop's thread
    bool waits_to_read_ = false;
    bool waits_to_write_ = false;
    bool may_have_more_ = false;  // the last call received as much as it could

    std::uint64_t received_bytes_ = 0;
    std::uint64_t frames_begun_ = 0;
    std::int64_t active_ms_ = 0;       // something was received, or sent
    std::int64_t come_ms_ = 0;         // something was received, or it began to wait for room
    std::int64_t frame_begun_ms_ = 0;  // when the frame that is not whole began
    Progress received_;
    Progress sent_;

    std::atomic<bool> has_lost_answer_{false};  // for lack of memory

    std::mutex inbox_mutex_;  // of what follows
    std::vector<Message> inbox_;
    bool takes_messages_ = true;
};

}  // namespace mq::server
