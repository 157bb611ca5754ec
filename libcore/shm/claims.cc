#include "shm/claims.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <system_error>
#include <thread>

#include "os/process.h"
#include "shm/control_file.h"

namespace mq::shm {
namespace {

constexpr std::uint64_t kThreadBytes = std::uint64_t{1} << 32;
constexpr int kMostAttempts = 256;  // threads in a row whose TIDs others have
constexpr std::size_t kMostRemembered = 16;

std::atomic<std::uint64_t> next_id{1};

// The claims of this thread by ThreadClaims::id_, the latest last. Forgetting one costs a system call.
thread_local std::vector<std::uint64_t> claimed_here;

}  // namespace

// A thread with a claimed TID that does the work of one that has none.
class ThreadClaims::Worker {
public:
    explicit Worker(ThreadClaims& claims) : thread_([this, &claims] { serve(claims); }) {}
    ~Worker() {
        {
            const std::scoped_lock lock{mutex_};
            stop_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // Whether its TID was free; waits until it has tried.
    Result<bool> claimed() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return tried_; });
        return claimed_;
    }

    Status run(FunctionRef<Status()> work) {
        std::unique_lock lock{mutex_};
        work_ = &work;
        thrown_ = nullptr;
        changed_.notify_all();
        changed_.wait(lock, [&] { return work_ == nullptr; });
        if (thrown_) std::rethrow_exception(thrown_);
        return std::move(result_);
    }

private:
    void serve(ThreadClaims& claims) {
        Result<bool> claimed = claims.claim_here();
        std::unique_lock lock{mutex_};
        claimed_ = std::move(claimed);
        tried_ = true;
        changed_.notify_all();
        for (;;) {
            changed_.wait(lock, [&] { return stop_ || work_ != nullptr; });
            if (stop_) return;
            const auto* work = work_;
            lock.unlock();
            try {
                result_ = (*work)();
            } catch (...) {
                thrown_ = std::current_exception();
            }
            lock.lock();
            work_ = nullptr;
            changed_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    bool tried_ = false;
    bool stop_ = false;
    Result<bool> claimed_ = false;
    const FunctionRef<Status()>* work_ = nullptr;
    Status result_;
    std::exception_ptr thrown_;
    std::thread thread_;  // last: it uses all of the above
};

ThreadClaims::ThreadClaims(const os::File& file) : file_(file), id_(next_id.fetch_add(1)) {}
ThreadClaims::~ThreadClaims() = default;

void ThreadClaims::forget_threads() {
    for (auto& worker : idle_) static_cast<void>(worker.release());
    idle_.clear();
}

bool ThreadClaims::held_here() const {
    return !claimed_here.empty() &&
           (claimed_here.back() == id_ || std::ranges::find(claimed_here, id_) != claimed_here.end());
}

Result<bool> ThreadClaims::claim_here() {
    if (held_here()) return true;
    const auto byte = kThreadBytes + static_cast<std::uint64_t>(os::thread_id());
    MQ_ASSIGN(const bool claimed, os::try_lock(file_, os::LockKind::exclusive, byte, 1));
    if (!claimed) return false;
    if (claimed_here.size() == kMostRemembered) claimed_here.erase(claimed_here.begin());
    claimed_here.push_back(id_);
    return true;
}

Result<std::unique_ptr<ThreadClaims::Worker>> ThreadClaims::make_worker() {
    // Those that fail stay until one succeeds: the next thread would be given their TID again.
    std::vector<std::unique_ptr<Worker>> failed;
    try {
        for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
            auto worker = std::make_unique<Worker>(*this);
            MQ_ASSIGN(const bool claimed, worker->claimed());
            if (claimed) return worker;
            failed.push_back(std::move(worker));
        }
    } catch (const std::system_error& e) {
        return fail(system_error(e.code().value(), "start thread", file_.path()));
    }
    return fail(Errc::in_use, "claim thread id", file_.path(),
                "the ids of " + std::to_string(kMostAttempts) + " threads are used by other processes");
}

Status ThreadClaims::run(FunctionRef<Status()> work) {
    MQ_ASSIGN(const bool claimed, claim_here());
    if (claimed) return work();
    std::unique_ptr<Worker> worker;
    {
        const std::scoped_lock lock{mutex_};
        if (!idle_.empty()) {
            worker = std::move(idle_.back());
            idle_.pop_back();
        }
    }
    if (!worker) {
        MQ_ASSIGN(worker, make_worker());
        const std::scoped_lock lock{mutex_};
        idle_.reserve(++workers_);
    }
    struct Return {
        ThreadClaims& claims;
        std::unique_ptr<Worker>& worker;
        ~Return() {
            const std::scoped_lock lock{claims.mutex_};
            claims.idle_.push_back(std::move(worker));
        }
    };
    const Return give_back{*this, worker};
    if (!Briefly::is_on()) return worker->run(work);
    return worker->run([&, most_ms = Briefly::most_ms()] {
        const Briefly as_here{most_ms};
        return work();
    });
}

}  // namespace mq::shm
