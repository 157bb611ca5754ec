#include "server/loop.h"

#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "os/process.h"

namespace mq::server {
namespace {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;
using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

// How long a thread that finds no memory waits before it tries again.
constexpr std::chrono::milliseconds kUntilMemory{1};

// Of the thread that runs it.
thread_local const Loop* current = nullptr;

}  // namespace

struct Loop::Impl {
    // What others hand over. One post fetches all of it: answers that one flush gives to many wake the thread once.
    struct Mail {
        std::vector<std::shared_ptr<Waiter>> woken;
        std::vector<std::function<void()>> work;
    };
    std::mutex mutex;
    Mail mail;
    bool is_called = false;  // the thread, to fetch it
    bool is_closed = false;

    asio::io_context io{1};
    std::optional<asio::executor_work_guard<Executor>> work{io.get_executor()};
    Timer timer{io.get_executor()};
    std::int64_t period_ms = 0;
    std::function<void()> tick;
    bool is_timed = false;
    std::shared_ptr<char[]> chunk;
    std::thread thread;

    template <typename Add>
    void hand_over(Add&& add) {
        {
            const std::lock_guard lock{mutex};
            if (is_closed) return;
            add(mail);
            if (std::exchange(is_called, true)) return;
        }
        try {
            asio::post(io, [this] { fetch(); });
        } catch (const std::bad_alloc&) {
            // The next tick fetches it, or who hands over something next.
            const std::lock_guard lock{mutex};
            is_called = false;
        }
    }
    void fetch() {
        Mail got;
        {
            const std::lock_guard lock{mutex};
            is_called = false;
            std::swap(got, mail);
        }
        for (const auto& work_item : got.work) work_item();
        for (const auto& who : got.woken) who->on_woken();
    }
    void wait_for_tick() {
        timer.expires_after(std::chrono::milliseconds{period_ms});
        timer.async_wait([this](const boost::system::error_code& error) {
            is_timed = false;
            if (error || !tick) return;
            fetch();
            if (!tick) return;  // that stopped it
            tick();
            wait_for_tick();
        });
        is_timed = true;
    }
    void run() {
        for (;;) {
            try {
                if (tick && !is_timed) wait_for_tick();
                io.run();
                return;
            } catch (const std::bad_alloc&) {
                // Only what Asio itself allocates: here, the wait for the next tick.
                std::unique_lock lock{mutex};
                std::condition_variable{}.wait_for(lock, kUntilMemory);
            }
        }
    }
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() { finish(); }

Status Loop::start() {
    try {
        impl_->thread = std::thread{[this] {
            os::take_no_signals();
            current = this;
            impl_->run();
        }};
    } catch (const std::system_error& error) {
        return fail(system_error(error.code().value(), "start a thread", {}));
    }
    return {};
}

void Loop::finish() {
    if (impl_->thread.joinable()) {
        impl_->work.reset();  // thread-safe, and needs no memory
        impl_->thread.join();
    }
    Impl::Mail dropped;
    const std::lock_guard lock{impl_->mutex};
    impl_->is_closed = true;
    std::swap(dropped, impl_->mail);
}

bool Loop::is_this_thread() const { return current == this; }

void Loop::wake(std::shared_ptr<Waiter> who) {
    impl_->hand_over([&](Impl::Mail& mail) { mail.woken.push_back(std::move(who)); });
}
void Loop::post(std::function<void()> work) {
    impl_->hand_over([&](Impl::Mail& mail) { mail.work.push_back(std::move(work)); });
}

void Loop::every(std::int64_t period_ms, std::function<void()> call) {
    impl_->period_ms = period_ms;
    impl_->tick = std::move(call);
    impl_->wait_for_tick();
}
void Loop::stop_timer() {
    impl_->tick = nullptr;
    impl_->timer.cancel();
}

std::shared_ptr<char[]> Loop::chunk() {
    if (impl_->chunk.use_count() != 1) impl_->chunk = std::make_shared_for_overwrite<char[]>(kChunkBytes);
    return impl_->chunk;
}

struct Loop::Watch::Impl {
    Descriptor descriptor;
};

Loop::Watch::Watch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Loop::Watch>> Loop::Watch::open(Loop& loop, int fd) {
    auto impl = std::unique_ptr<Impl>{new Impl{Descriptor{loop.impl_->io.get_executor()}}};
    auto watch = std::unique_ptr<Watch>{new Watch{std::move(impl)}};
    // Last: from here on only ~Watch lets go of it without closing it.
    boost::system::error_code error;
    watch->impl_->descriptor.assign(fd, error);
    if (error) return fail(system_error(error.value(), "wait for", {}));
    return watch;
}
Loop::Watch::~Watch() {
    // Ends what is waited for, without a call; the descriptor is somebody else's to close.
    if (impl_->descriptor.is_open()) static_cast<void>(impl_->descriptor.release());
}

void Loop::Watch::wait(Side side, std::shared_ptr<Waiter> who) {
    impl_->descriptor.async_wait(side == Side::read ? Descriptor::wait_read : Descriptor::wait_write,
                                 [side, who = std::move(who)](const boost::system::error_code& error) {
                                     if (error != asio::error::operation_aborted) who->on_ready(side);
                                 });
}

}  // namespace mq::server
