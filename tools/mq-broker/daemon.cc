#include "daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "broker/broker.h"
#include "cli/signals.h"
#include "cli/text.h"
#include "dev_directory.h"
#include "http_listener.h"
#include "log_writer.h"
#include "server/server.h"
#include "service_manager.h"
#include "store/data_directory.h"
#include "watch_page.h"

namespace mq::broker_tool {
namespace {

using cli::cat;
using cli::ExitCode;

// How long answers may take to be sent once it stops.
constexpr std::int64_t kGraceMs = 5000;

// Partitions and connections take a descriptor each; the soft limit is that of programs that use select(2).
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

// Where one of the three is closed the next file that is opened, of the log perhaps, would take its place, and get
// the words that are meant for it.
void fill_standard_descriptors() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        // The lowest one that is free: this one.
        if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) static_cast<void>(::open("/dev/null", O_RDWR));
    }
}

os::File hangup_signals() {
    sigset_t hangup;
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    // Before any thread is started: all of them leave it to this descriptor.
    ::pthread_sigmask(SIG_BLOCK, &hangup, nullptr);
    return os::File::adopt(::signalfd(-1, &hangup, SFD_CLOEXEC | SFD_NONBLOCK), "SIGHUP", false);
}

std::string where(const server::Endpoint& endpoint) {
    if (!endpoint.path.empty()) return cat("unix:", endpoint.path);
    const std::string host =
        endpoint.host.find(':') == std::string::npos ? endpoint.host : cat('[', endpoint.host, ']');
    return cat(host, ':', endpoint.port);
}

std::string joined(const std::vector<std::string>& words) {
    std::string all;
    for (const std::string& word : words) all += cat(all.empty() ? "" : ", ", word);
    return all;
}

class Daemon {
public:
    Daemon(const Args& args, Settings settings, const cli::Diagnostics& diagnostics)
        : args_(args), settings_(std::move(settings)), diagnostics_(diagnostics) {}

    Ending run() {
        // Of a client that is gone, and of a file that may not grow: errors like others.
        std::signal(SIGPIPE, SIG_IGN);
        std::signal(SIGXFSZ, SIG_IGN);
        raise_descriptor_limit();
        if (const Status started = start(); !started) return {.code = refuse(started.error())};
        announce();
        Ending ending = wait();
        if (const Status stopped = stop(); !stopped) {
            log_->error(cat("stop: ", stopped.error().message()));
            ending = {.code = cli::exit_code_for(stopped.error().code)};
        }
        return ending;
    }

private:
    Status start() {
        MQ_ASSIGN(log_, LogWriter::open(args_.log_format, settings_.log_level, args_.log_file));
        tell_warnings(settings_);
        if (args_.dev) {
            MQ_ASSIGN(DevDirectory made, DevDirectory::make());
            dev_ = std::make_unique<DevDirectory>(std::move(made));
            settings_.config.log_dir = dev_->data();
        }
        MQ_ASSIGN(broker_, broker::Broker::open(settings_.config, *log_));
        MQ_ASSIGN(server_, server::Server::open(*broker_, *log_));
        if (settings_.metrics) {
            MQ_ASSIGN(pages_, HttpListener::open(*settings_.metrics, [this](std::string_view path) {
                          return watch_page(path, *broker_, *server_);
                      }));
        }
        return server_->start();
    }

    void tell_warnings(const Settings& settings) {
        for (const std::string& warning : settings.warnings) log_->warning(warning);
        if (!settings.without_effect.empty())
            log_->info(cat("settings without effect here: ", settings.without_effect));
    }

    // Before it serves: on the terminal as all tools do it, for a machine in the form of the log.
    ExitCode refuse(const Error& error) {
        ExitCode code = cli::exit_code_for(error.code);
        if (code == ExitCode::usage || code == ExitCode::not_found) code = ExitCode::configuration;
        if (log_ == nullptr || (args_.log_format == LogFormat::text && !args_.log_file))
            return diagnostics_.fail(code, error.message());
        log_->error(error.message());
        return code;
    }

    void announce() {
        for (const auto& endpoint : server_->endpoints()) log_->info(cat("listening on ", where(endpoint)));
        if (pages_) log_->info(cat("metrics at http://", pages_->address(), "/metrics"));
        log_->info(cat("serving ", settings_.config.log_dir));
        service_manager_.ready("Serving");
        if (!args_.dev) return;
        std::string line = "BROKERS=";
        for (const auto& endpoint : server_->endpoints()) {
            if (endpoint.path.empty()) line += cat(line.ends_with('=') ? "" : ",", where(endpoint));
        }
        // Whoever started it may be gone, and nobody else wants to know.
        static_cast<void>(os::File::adopt(STDOUT_FILENO, "stdout", true).write_all(line + '\n'));
        dev_->remove_those_of_the_dead();
    }

    Ending wait() {
        enum : std::size_t { kEnd, kHangup, kInput };
        pollfd events[] = {{cli::FirstSignal::fd(), POLLIN, 0},
                           {hangups_.fd(), POLLIN, 0},
                           {args_.until_eof ? STDIN_FILENO : -1, POLLIN, 0}};
        const auto every = service_manager_.alive_every();
        for (;;) {
            const int timeout = every ? static_cast<int>(std::min<std::int64_t>(every->count(), 1 << 30)) : -1;
            const int ready = ::poll(events, std::size(events), timeout);
            if (every && is_healthy(*server_)) service_manager_.alive();
            if (cli::FirstSignal::taken() != 0) return {.signal = cli::FirstSignal::taken()};
            if (ready <= 0) continue;
            if (events[kHangup].revents != 0) reload();
            if (events[kInput].revents != 0 && input_ended()) return {};
        }
    }

    static bool input_ended() {
        char ignored[4096];
        const ssize_t got = ::read(STDIN_FILENO, ignored, sizeof ignored);
        return got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
    }

    void reload() {
        signalfd_siginfo taken{};
        static_cast<void>(!::read(hangups_.fd(), &taken, sizeof taken));
        service_manager_.reloading();
        if (const Status reopened = log_->reopen(); !reopened) log_->error(reopened.error().message());
        if (const Status changed = change_settings(); !changed)
            log_->error(cat("nothing of the configuration was changed: ", changed.error().message()));
        service_manager_.ready("Serving");
    }

    Status change_settings() {
        MQ_ASSIGN(Settings next, read_settings(args_));
        tell_warnings(next);
        const Differences differences = compare(settings_.config, next.config);
        if (!differences.at_once.empty()) {
            // What waits for the next start is told again at the next reload.
            broker::SetKeys set = settings_.config.set;
            for (const std::string& key : differences.at_once) {
                const auto value = next.config.set.find(key);
                if (value == next.config.set.end())
                    set.erase(key);
                else
                    set[key] = value->second;
            }
            MQ_TRY(broker_->change(next.config.topic_defaults, set));
            settings_.config.set = std::move(set);
            server_->limit_connections(next.config.max_connections, next.config.max_connections_per_host);
            log_->set_least(next.log_level);
            log_->info(cat("changed: ", joined(differences.at_once)));
        }
        if (!differences.at_next_start.empty())
            log_->warning(cat("these settings change at the next start only: ", joined(differences.at_next_start)));
        if (differences.at_once.empty() && differences.at_next_start.empty()) log_->info("no setting has changed");
        return {};
    }

    Status stop() {
        service_manager_.stopping();
        log_->info("stopping");
        pages_.reset();
        server_->stop_taking();
        const Status stopped = broker_->stop();
        if (!server_->stop(kGraceMs)) log_->warning("some answers were not taken in time");
        if (stopped) log_->info("stopped");
        return stopped;
    }

    const Args& args_;
    Settings settings_;
    const cli::Diagnostics& diagnostics_;
    cli::FirstSignal signals_;
    os::File hangups_ = hangup_signals();
    ServiceManager service_manager_;
    // The directory goes last but for the log, which hears of all.
    std::unique_ptr<LogWriter> log_;
    std::unique_ptr<DevDirectory> dev_;
    std::unique_ptr<broker::Broker> broker_;
    std::unique_ptr<server::Server> server_;
    std::unique_ptr<HttpListener> pages_;
};

}  // namespace

Ending serve(const Args& args, Settings settings, const cli::Diagnostics& diagnostics) {
    fill_standard_descriptors();
    return Daemon{args, std::move(settings), diagnostics}.run();
}

}  // namespace mq::broker_tool
