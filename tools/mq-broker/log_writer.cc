#define FMT_HEADER_ONLY
#include "log_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>

#include "cli/json.h"
#include "cli/text.h"
#include "cli/times.h"
#include "os/file.h"
#include "os/process.h"

namespace mq::broker_tool {
namespace {

using broker::Severity;

// Lines that wait to be written; the oldest go when there are more.
constexpr std::size_t kQueuedLines = 1024;
// How long a full pipe is waited for before its line is dropped.
constexpr int kPatienceMs = 1000;
// What poll() promises of a pipe.
constexpr std::size_t kPieceBytes = 4096;

spdlog::level::level_enum level_of(Severity severity) {
    switch (severity) {
        case Severity::debug:
            return spdlog::level::debug;
        case Severity::info:
            return spdlog::level::info;
        case Severity::warning:
            return spdlog::level::warn;
        case Severity::error:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

void append_line(std::string& line, LogFormat format, spdlog::level::level_enum level, TimestampMs time,
                 std::string_view text) {
    const bool is_json = format == LogFormat::json;
    std::string_view name = level == spdlog::level::debug  ? "DEBUG"
                            : level == spdlog::level::info ? "INFO"
                            : level == spdlog::level::warn ? "WARNING"
                                                           : "ERROR";
    if (!is_json) {
        cli::append_iso_time(line, time);
        line += cli::cat(' ', name, ' ', cli::printable(text), '\n');
        return;
    }
    std::string lower{name};
    for (char& c : lower) c = static_cast<char>(c | 0x20);
    line += "{\"time\":\"";
    cli::append_iso_time(line, time);
    line += cli::cat("\",\"level\":\"", lower, "\",\"message\":");
    cli::append_json_string(line, cli::is_utf8(text) ? std::string{text} : cli::printable(text));
    line += "}\n";
}

// One write for a line, unless it is longer than what a pipe takes at once.
class Sink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    Sink(LogFormat format, os::File file) : format_(format), file_(std::move(file)) {}

    void replace(os::File file) {
        const std::lock_guard lock{mutex_};
        file_ = std::move(file);
    }
    // Lines that were pushed out of the queue.
    void lost_before(std::size_t lines) { overrun_.store(lines, std::memory_order_relaxed); }

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const std::size_t overrun = overrun_.load(std::memory_order_relaxed);
        const auto time = TimestampMs{
            std::chrono::duration_cast<std::chrono::milliseconds>(message.time.time_since_epoch()).count()};
        std::string line;
        if (const std::size_t lost = dropped_ + overrun - told_; lost > 0) {
            append_line(line, format_, spdlog::level::warn, time,
                        cli::cat(cli::counted(lost, "line"), " of the log could not be written in time"));
        }
        append_line(line, format_, message.level, time, {message.payload.data(), message.payload.size()});
        if (write(line)) {
            told_ = dropped_ + overrun;
        } else {
            ++dropped_;
        }
    }
    void flush_() override {}

private:
    [[nodiscard]] bool write(std::string_view bytes) const {
        while (!bytes.empty()) {
            pollfd out{file_.fd(), POLLOUT, 0};
            if (::poll(&out, 1, kPatienceMs) <= 0) return false;
            const ssize_t written = ::write(file_.fd(), bytes.data(), std::min(bytes.size(), kPieceBytes));
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
        return true;
    }

    const LogFormat format_;
    os::File file_;
    std::atomic<std::size_t> overrun_{0};
    std::size_t dropped_ = 0;
    std::size_t told_ = 0;
};

Result<os::File> open_log(const std::optional<std::string>& file) {
    if (!file) return os::File::adopt(STDERR_FILENO, "standard error", true);
    constexpr mode_t kForTheGroupToRead = 0640;
    const int fd = ::open(file->c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, kForTheGroupToRead);
    if (fd < 0) return fail(system_error(errno, "open log", *file));
    return os::File::adopt(fd, *file, false);
}

}  // namespace

struct LogWriter::Impl {
    std::optional<std::string> file;
    std::shared_ptr<Sink> sink;
    std::shared_ptr<spdlog::details::thread_pool> thread;
    std::shared_ptr<spdlog::async_logger> logger;
};

Result<std::unique_ptr<LogWriter>> LogWriter::open(LogFormat format, Severity least,
                                                   const std::optional<std::string>& file) {
    MQ_ASSIGN(os::File opened, open_log(file));
    auto impl = std::make_unique<Impl>();
    impl->file = file;
    impl->sink = std::make_shared<Sink>(format, std::move(opened));
    impl->thread = std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1, &os::take_no_signals);
    impl->logger = std::make_shared<spdlog::async_logger>("mq-broker", impl->sink, impl->thread,
                                                          spdlog::async_overflow_policy::overrun_oldest);
    impl->logger->set_level(level_of(least));
    return std::unique_ptr<LogWriter>(new LogWriter{std::move(impl)});
}

LogWriter::LogWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LogWriter::~LogWriter() = default;

bool LogWriter::wants(Severity severity) const { return impl_->logger->should_log(level_of(severity)); }

void LogWriter::event(Severity severity, const std::string& text) {
    impl_->logger->log(level_of(severity), spdlog::string_view_t{text});
    if (const std::size_t lost = impl_->thread->overrun_counter(); lost > 0) impl_->sink->lost_before(lost);
}

void LogWriter::set_least(Severity least) { impl_->logger->set_level(level_of(least)); }

Status LogWriter::reopen() {
    if (!impl_->file) return {};
    MQ_ASSIGN(os::File opened, open_log(impl_->file));
    impl_->sink->replace(std::move(opened));
    return {};
}

}  // namespace mq::broker_tool
