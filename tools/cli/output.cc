#include "cli/output.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include "cli/signals.h"

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

// Writes pieces in their order, while another thread fills the next. Who waits is woken late, when there is much to
// do: waking a thread costs as much as writing some ten kilobytes.
class Output::Writer {
public:
    explicit Writer(const Output& output) : output_(output) {
        // A SIGPIPE is raised by the write itself.
        thread_ = start_without_signals([this] { run(); });
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

    // Takes over what `full` holds and gives an empty buffer for it; waits where much is left to be written.
    Status hand_over(Buffer& full) {
        std::unique_lock lock{mutex_};
        if (pending_ == kPieces) MQ_TRY(wait_until(lock, kPieces / 2));
        std::swap(full, pieces_[(first_ + pending_) % kPieces]);
        full.clear();
        if (++pending_ == 1) changed_.notify_all();
        return status_;
    }
    Status wait() {
        std::unique_lock lock{mutex_};
        MQ_TRY(wait_until(lock, 0));
        return status_;
    }

private:
    // Until no more than `pieces` are left to be written.
    Status wait_until(std::unique_lock<std::mutex>& lock, std::size_t pieces) {
        const auto reached = [&] { return pending_ <= pieces; };
        if (!output_.meanwhile_) {
            changed_.wait(lock, reached);
            return {};
        }
        while (!changed_.wait_for(lock, kLookInterval, reached)) {
            lock.unlock();
            Status said = output_.meanwhile_();
            lock.lock();
            MQ_TRY(said);
        }
        return {};
    }

    void run() {
        sigset_t pipe_only;
        sigemptyset(&pipe_only);
        sigaddset(&pipe_only, SIGPIPE);
        pthread_sigmask(SIG_UNBLOCK, &pipe_only, nullptr);
        std::unique_lock lock{mutex_};
        for (;;) {
            changed_.wait(lock, [this] { return pending_ > 0 || ending_; });
            if (pending_ == 0) return;
            if (status_) {
                const ByteView piece = pieces_[first_].view();
                lock.unlock();
                Status written = output_.sink_ ? output_.sink_(piece) : write_out(output_.file_, piece);
                lock.lock();
                status_ = std::move(written);
            }
            first_ = (first_ + 1) % kPieces;
            --pending_;
            if (pending_ == kPieces / 2 || pending_ == 0) changed_.notify_all();
        }
    }

    static constexpr std::size_t kPieces = 4;
    static constexpr std::chrono::milliseconds kLookInterval{100};

    const Output& output_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::array<Buffer, kPieces> pieces_;
    std::size_t first_ = 0;    // the piece that is written
    std::size_t pending_ = 0;  // handed over, not written yet
    bool ending_ = false;
    Status status_;
    std::thread thread_;
};

Output::Output(int fd, std::string name) : file_(os::File::adopt(fd, std::move(name), true)) {}
Output::Output(Taker taker) : taker_(std::move(taker)) {}
Output::~Output() = default;

void Output::write_through(std::function<Status(ByteView)> sink, std::function<Status()> meanwhile) {
    sink_ = std::move(sink);
    meanwhile_ = std::move(meanwhile);
    writer_ = std::make_unique<Writer>(*this);
}

bool Output::drain() {
    handed_over_ += buffer_.size();
    if (taker_) {
        taker_(buffer_);
        buffer_.clear();
        return true;
    }
    if (sink_ && !status_) {
        buffer_.clear();
        return false;
    }
    if (writer_) {
        if (Status handed = writer_->hand_over(buffer_); status_) status_ = std::move(handed);
        return status_.has_value();
    }
    if (status_) status_ = write_out(file_, buffer_.view());
    buffer_.clear();
    constexpr unsigned kPiecesBeforeThread = 2;
    if (write_behind_ && ++pieces_ == kPiecesBeforeThread) {
        try {
            writer_ = std::make_unique<Writer>(*this);
        } catch (const std::bad_alloc&) {
            // No thread to be had: it goes on without one.
            write_behind_ = false;
        }
    }
    return status_.has_value();
}

bool Output::write_large(ByteView bytes) {
    if (sink_ || taker_) {
        buffer_.append(bytes);
        return drain();
    }
    if (flush()) status_ = write_out(file_, bytes);
    handed_over_ += bytes.size();
    return status_.has_value();
}

Status Output::flush() {
    if (taker_) {
        if (!buffer_.empty()) static_cast<void>(drain());
        return {};
    }
    if (!buffer_.empty() && !writer_) {
        handed_over_ += buffer_.size();
        // A flush is no sign of much to come: it counts for no piece.
        if (status_) status_ = write_out(file_, buffer_.view());
        buffer_.clear();
    }
    // After an error of `meanwhile` the writer may still wait for the reader.
    if (sink_ && !status_) return status_;
    if (writer_) {
        if (!buffer_.empty()) static_cast<void>(drain());
        if (Status written = writer_->wait(); status_) status_ = std::move(written);
    }
    return status_;
}

}  // namespace mq::cli
