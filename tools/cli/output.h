// Data on stdout, in large writes.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/buffer.h"
#include "os/file.h"

namespace mq::cli {

// Buffers what is printed and writes it in pieces of about 256 KiB. When the reader has closed the pipe the process
// dies by SIGPIPE, as a filter should. After a failed write everything further is dropped and every call returns the
// error. Call flush() at the end: an error of the last write is an error. Not thread-safe.
class Output {
public:
    static constexpr std::size_t kWriteBytes = 256 << 10;

    // On stdout, or on another descriptor, which is not closed.
    explicit Output(int fd = 1, std::string name = "stdout");
    // Nothing is written: each piece is given away, with its memory; other memory may be left in its place.
    using Taker = std::function<void(Buffer& piece)>;
    explicit Output(Taker taker);
    ~Output();
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    // From the third piece on a thread of its own writes while the caller gathers more, four pieces at most.
    void write_behind() { write_behind_ = true; }

    // For who must know what has left: every byte goes through `sink`, on a thread of its own from the first piece
    // on. While that waits for the reader whoever writes or flushes calls `meanwhile` about ten times a second; an
    // error of either is one of the output. EPIPE is an error like others then. To be said before anything is
    // written.
    void write_through(std::function<Status(ByteView)> sink, std::function<Status()> meanwhile);
    // Bytes that were given to it, whether they have left or not.
    [[nodiscard]] std::uint64_t position() const { return handed_over_ + buffer_.size(); }

    // Appends; writes when enough has gathered. False: writing failed, status() says why; callers in a hot loop stop.
    bool write(ByteView bytes) {
        if (bytes.size() >= kWriteBytes) return write_large(bytes);
        buffer_.append(bytes);
        return buffer_.size() < kWriteBytes || drain();
    }
    // Where the next bytes go, with room for `size_bytes`; commit() tells how many were put there.
    [[nodiscard]] char* room(std::size_t size_bytes) {
        buffer_.make_room(size_bytes);
        return buffer_.end();
    }
    bool commit(std::size_t size_bytes) {
        buffer_.resize(buffer_.size() + size_bytes);
        return buffer_.size() < kWriteBytes || drain();
    }
    // Everything has been written when it returns.
    [[nodiscard]] Status flush();
    [[nodiscard]] const Status& status() const { return status_; }

private:
    class Writer;

    bool write_large(ByteView bytes);
    bool drain();

    os::File file_;
    Taker taker_;
    std::function<Status(ByteView)> sink_;
    std::function<Status()> meanwhile_;
    std::uint64_t handed_over_ = 0;
    Buffer buffer_;
    Status status_;
    bool write_behind_ = false;
    unsigned pieces_ = 0;
    std::unique_ptr<Writer> writer_;
};

}  // namespace mq::cli
