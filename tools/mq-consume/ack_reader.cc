#include "ack_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "cli/signals.h"
#include "cli/text.h"
#include "os/file.h"
#include "os/futex.h"

namespace mq::consume {

namespace {

// Then it reads no further until they are taken.
constexpr std::size_t kMostWaiting = 65'536;

}  // namespace

struct AckReader::Impl {
    Impl(int descriptor, os::File wake_descriptor) : fd(descriptor), wake(std::move(wake_descriptor)) {
        thread = cli::start_without_signals([this] { run(); });
    }
    ~Impl() {
        {
            const std::lock_guard lock{mutex};
            quitting = true;
        }
        has_room.notify_all();
        const std::uint64_t one = 1;
        static_cast<void>(!::write(wake.fd(), &one, sizeof one));
        thread.join();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void run() {
        Status status;
        try {
            status = read_all();
        } catch (const std::bad_alloc&) {
            status = fail(system_error(ENOMEM, "read", "--ack-fd"));
        }
        {
            const std::lock_guard lock{mutex};
            end = std::move(status);
            ended = true;
        }
        tell();
    }

    Status read_all() {
        std::array<char, 4096> bytes;
        for (;;) {
            std::array<pollfd, 2> polled{{{fd, POLLIN, 0}, {wake.fd(), POLLIN, 0}}};
            if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR)
                return fail(system_error(errno, "poll", "--ack-fd"));
            if (polled[1].revents != 0) return {};
            if (polled[0].revents == 0) continue;
            const ssize_t n = ::read(fd, bytes.data(), bytes.size());
            if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (n < 0) return fail(system_error(errno, "read", "--ack-fd"));
            if (n == 0) return parser.finish();
            std::vector<Ack> come;
            const Status fed = parser.feed({bytes.data(), static_cast<std::size_t>(n)}, come);
            {
                std::unique_lock lock{mutex};
                waiting.insert(waiting.end(), std::make_move_iterator(come.begin()),
                               std::make_move_iterator(come.end()));
                if (!come.empty()) tell();
                has_room.wait(lock, [this] { return waiting.size() < kMostWaiting || quitting; });
            }
            MQ_TRY(fed);
        }
    }

    void tell() {
        word.fetch_add(1);
        os::futex_wake_all(word);
    }

    const int fd;
    os::File wake;  // an eventfd, readable when the thread is to end
    std::atomic<std::uint32_t> word{0};
    AckParser parser;  // of the thread

    std::mutex mutex;
    std::condition_variable has_room;
    std::vector<Ack> waiting;
    Status end;
    bool ended = false;
    bool quitting = false;
    std::thread thread;
};

AckReader::AckReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AckReader::~AckReader() = default;

Result<std::unique_ptr<AckReader>> AckReader::start(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_WRONLY) {
        return fail(Errc::bad_argument, "acknowledgement", "--ack-fd",
                    cli::cat("descriptor ", fd, flags < 0 ? " is not open" : " is not open for reading"));
    }
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0) return fail(system_error(errno, "eventfd", {}));
    auto impl = std::make_unique<Impl>(fd, os::File::adopt(wake, "eventfd", false));
    return std::unique_ptr<AckReader>{new AckReader{std::move(impl)}};
}

Result<std::vector<Ack>> AckReader::take() {
    std::vector<Ack> taken;
    {
        const std::lock_guard lock{impl_->mutex};
        if (impl_->waiting.empty() && impl_->ended && !impl_->end) return fail(impl_->end.error());
        taken = std::exchange(impl_->waiting, {});
        // The error that comes next was told of when these had not been taken.
        if (impl_->ended) impl_->tell();
    }
    impl_->has_room.notify_all();
    return taken;
}

bool AckReader::at_end() const {
    const std::lock_guard lock{impl_->mutex};
    return impl_->ended && impl_->end && impl_->waiting.empty();
}

const std::atomic<std::uint32_t>& AckReader::word() const { return impl_->word; }

}  // namespace mq::consume
