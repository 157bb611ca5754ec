// Which threads may take robust locks (CONCURRENCY LCK-2): those whose TID no other process of the directory has, in
// whatever PID namespace.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "base/function_ref.h"
#include "os/file.h"

namespace mq::shm {

// Byte 2^32 + TID of the control file, write-locked through one open file description for the whole process.
// Thread-safe.
class ThreadClaims {
public:
    // `file`: the control file, open for writing; must outlive this.
    explicit ThreadClaims(const os::File& file);
    ~ThreadClaims();
    ThreadClaims(const ThreadClaims&) = delete;
    ThreadClaims& operator=(const ThreadClaims&) = delete;

    // Whether the calling thread's TID is claimed.
    [[nodiscard]] bool held_here() const;
    // Runs `work` here if the TID is claimed or can be, else on another thread, and waits for it. What `work` throws
    // is thrown here.
    [[nodiscard]] Status run(FunctionRef<Status()> work);

    // In the child of a fork, where they do not exist: they cannot be joined.
    void forget_threads();

private:
    class Worker;
    [[nodiscard]] Result<bool> claim_here();
    [[nodiscard]] Result<std::unique_ptr<Worker>> make_worker();

    const os::File& file_;
    const std::uint64_t id_;
    std::mutex mutex_;
    std::size_t workers_ = 0;
    std::vector<std::unique_ptr<Worker>> idle_;  // with room for all
};

}  // namespace mq::shm
