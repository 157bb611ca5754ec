// Answers on their way to one client, in their order: pieces of memory and of files.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/answer.h"
#include "os/socket.h"
#include "os/window.h"

namespace mq::server {

class Outbox {
public:
    // Of the kind `frame`.
    void push(broker::Reply reply);

    [[nodiscard]] bool empty() const { return replies_.empty(); }
    [[nodiscard]] std::size_t unsent_bytes() const { return unsent_; }
    [[nodiscard]] std::uint64_t sent_bytes() const { return sent_; }  // since the start

    enum class State : unsigned char {
        sent,     // nothing is left
        blocked,  // the socket takes no more
        goes_on   // it might, but others have their turn
    };
    // Errors: those of the socket, and truncated (a file ends before what is to be sent of it).
    [[nodiscard]] Result<State> send(const os::Socket& socket);

private:
    // Of the reply at `first_`, the piece that is being sent: bytes before a splice (even), or a splice (odd).
    struct Place {
        std::size_t reply = 0;
        std::size_t piece = 0;
        std::size_t sent = 0;
    };
    [[nodiscard]] std::size_t piece_count(const broker::Reply& reply) const { return 2 * reply.splices.size() + 1; }
    [[nodiscard]] ByteView memory_at(const Place& place) const;
    [[nodiscard]] std::size_t size_at(const Place& place) const;
    [[nodiscard]] const wire::Splice* file_at(const Place& place) const;
    // To the next piece; false: there is none.
    bool step(Place& place) const;
    void advance(std::size_t bytes);
    [[nodiscard]] os::Socket::Moved send_some(const os::Socket& socket);
    [[nodiscard]] os::Socket::Moved send_file(const os::Socket& socket, const wire::Splice& splice);

    std::vector<broker::Reply> replies_;
    Place at_;
    os::Window window_;  // of the file that is being sent
    std::size_t unsent_ = 0;
    std::uint64_t sent_ = 0;
};

}  // namespace mq::server
