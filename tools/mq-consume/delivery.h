// Writes to a descriptor and knows how much of it the program behind it has taken.
//
// On a pipe what still lies in it (FIONREAD) does not count; on a socket what the other end has not acknowledged
// (SIOCOUTQ) does not; in a file, or on a terminal, bytes have arrived when write(2) returns. Where others write to
// the same pipe their bytes count as ours that are still in it: too little is said then, never too much.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/function_ref.h"

namespace mq::consume {

// write() by one thread, everything else by one other. SIGPIPE means nothing any more once there is one of it in the
// process: whose reader has gone learns it from write(), says what was taken, and dies of the signal then.
class Delivery {
public:
    // `name` stands for the descriptor in messages.
    Delivery(int fd, std::string name);
    ~Delivery();
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;

    // All of `bytes`. Errors: io with EPIPE (the reader has gone), interrupted (abandon()), those of write(2).
    [[nodiscard]] Status write(ByteView bytes);
    // A write() that waits for the reader ends soon, and every later one fails.
    void abandon() { abandoned_.store(true); }

    // Never falls. Costs one system call, on a file none.
    [[nodiscard]] std::uint64_t taken();
    [[nodiscard]] bool is_immediate() const { return kind_ == Kind::file; }
    [[nodiscard]] bool reader_gone() const;

    // Waits until the first `bytes` have been taken. Nothing tells of an empty pipe: it looks again after 1 ms, 2 ms
    // and so on up to 50 ms, at once when the reader goes. False: it has gone, or `gives_up` says so.
    [[nodiscard]] bool wait_until_taken(std::uint64_t bytes, FunctionRef<bool()> gives_up);

private:
    enum class Kind : unsigned char { file, pipe, socket };

    [[nodiscard]] long write_some(ByteView bytes);

    int fd_;
    int own_fd_ = -1;  // the same pipe, opened once more, whose writes do not wait
    std::string name_;
    Kind kind_ = Kind::file;
    std::atomic<bool> abandoned_{false};
    std::atomic<std::uint64_t> written_{0};
    std::uint64_t taken_ = 0;
};

}  // namespace mq::consume
