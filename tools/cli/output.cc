#include "cli/output.h"

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <system_error>
#include <thread>

namespace mq::cli {

namespace {

Status write_out(const os::File& file, ByteView bytes) {
    if (bytes.empty()) return {};
    Status written = file.write_all(bytes);
    if (!written && written.error().sys_errno == EPIPE) {
        // The signal was ignored or blocked by whoever started us; die of it all the same.
        std::signal(SIGPIPE, SIG_DFL);
        sigset_t pipe_only;
        sigemptyset(&pipe_only);
        sigaddset(&pipe_only, SIGPIPE);
        pthread_sigmask(SIG_UNBLOCK, &pipe_only, nullptr);
        std::raise(SIGPIPE);
    }
    return written;
}

}  // namespace

// Writes one buffer at a time, handed over by the thread that fills the next.
class Output::Writer {
public:
    explicit Writer(const os::File& file) : file_(file) {
        // Signals are for the thread that can act on them; a SIGPIPE is raised by the write itself.
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        try {
            thread_ = std::thread{[this] { run(); }};
        } catch (const std::system_error&) {
            pthread_sigmask(SIG_SETMASK, &before, nullptr);
            throw std::bad_alloc{};
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    ~Writer() {
        {
            const std::lock_guard lock{mutex_};
            ending_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    // Takes over what `full` holds once the piece before it is written, and gives an empty buffer for it.
    Status hand_over(Buffer& full) {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return !busy_; });
        std::swap(full, writing_);
        full.clear();
        busy_ = true;
        changed_.notify_all();
        return status_;
    }
    Status wait() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return !busy_; });
        return status_;
    }

private:
    void run() {
        sigset_t pipe_only;
        sigemptyset(&pipe_only);
        sigaddset(&pipe_only, SIGPIPE);
        pthread_sigmask(SIG_UNBLOCK, &pipe_only, nullptr);
        std::unique_lock lock{mutex_};
        for (;;) {
            changed_.wait(lock, [this] { return busy_ || ending_; });
            if (!busy_) return;
            if (status_) {
                lock.unlock();
                Status written = write_out(file_, writing_.view());
                lock.lock();
                status_ = std::move(written);
            }
            busy_ = false;
            changed_.notify_all();
        }
    }

    const os::File& file_;
    std::mutex mutex_;
    std::condition_variable changed_;
    Buffer writing_;
    bool busy_ = false;
    bool ending_ = false;
    Status status_;
    std::thread thread_;
};

Output::Output(int fd, std::string name) : file_(os::File::adopt(fd, std::move(name), true)) {}
Output::~Output() = default;

bool Output::drain() {
    if (writer_) {
        if (Status handed = writer_->hand_over(buffer_); status_) status_ = std::move(handed);
        return status_.has_value();
    }
    if (status_) status_ = write_out(file_, buffer_.view());
    buffer_.clear();
    constexpr unsigned kPiecesBeforeThread = 2;
    if (write_behind_ && ++pieces_ == kPiecesBeforeThread) {
        try {
            writer_ = std::make_unique<Writer>(file_);
        } catch (const std::bad_alloc&) {
            // No thread to be had: it goes on without one.
            write_behind_ = false;
        }
    }
    return status_.has_value();
}

bool Output::write_large(ByteView bytes) {
    if (flush()) status_ = write_out(file_, bytes);
    return status_.has_value();
}

Status Output::flush() {
    if (!buffer_.empty() && !writer_) {
        // A flush is no sign of much to come: it counts for no piece.
        if (status_) status_ = write_out(file_, buffer_.view());
        buffer_.clear();
    }
    if (writer_) {
        if (!buffer_.empty()) static_cast<void>(drain());
        if (Status written = writer_->wait(); status_) status_ = std::move(written);
    }
    return status_;
}

}  // namespace mq::cli
