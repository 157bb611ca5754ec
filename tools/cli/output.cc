#include "cli/output.h"

#include <cerrno>
#include <csignal>

namespace mq::cli {

Output::Output(int fd, std::string name) : file_(os::File::adopt(fd, std::move(name), true)) {}

void Output::put(ByteView bytes) {
    if (!status_ || bytes.empty()) return;
    status_ = file_.write_all(bytes);
    if (!status_ && status_.error().sys_errno == EPIPE) {
        // The signal was ignored or blocked by whoever started us; die of it all the same.
        std::signal(SIGPIPE, SIG_DFL);
        sigset_t pipe_only;
        sigemptyset(&pipe_only);
        sigaddset(&pipe_only, SIGPIPE);
        pthread_sigmask(SIG_UNBLOCK, &pipe_only, nullptr);
        std::raise(SIGPIPE);
    }
}

bool Output::drain() {
    put(buffer_.view());
    buffer_.clear();
    return status_.has_value();
}

bool Output::write_large(ByteView bytes) {
    if (drain()) put(bytes);
    return status_.has_value();
}

Status Output::flush() {
    static_cast<void>(drain());
    return status_;
}

}  // namespace mq::cli
