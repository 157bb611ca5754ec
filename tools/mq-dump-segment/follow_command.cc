// --follow
#include <unistd.h>

#include <csignal>

#include "cli/signals.h"
#include "mq-dump-segment/commands.h"
#include "mq-dump-segment/follow.h"
#include "os/watch.h"

namespace mq::dump {
namespace {

// Not every file system tells of every change: a look now and then costs nothing.
constexpr int kLookMs = 1000;
constexpr int kLookSoonMs = 100;

// A data directory stands for its partitions.
Result<std::vector<std::string>> followed_paths(const std::string& path) {
    MQ_ASSIGN(const os::FileInfo info, os::file_info(path, os::Follow::yes));
    std::vector<std::string> paths;
    if (info.is_directory) {
        MQ_ASSIGN(const auto entries, os::list_directory(path));
        for (const auto& entry : entries) {
            if (entry.is_directory && log::parse_partition_directory(entry.name))
                paths.push_back(os::join(path, entry.name));
        }
    }
    if (paths.empty()) paths.push_back(path);
    return paths;
}

struct Followed {
    std::vector<FollowedLog> logs;
    os::Watch watch;
    bool is_watched = true;  // all of them
    cli::ExitCode status = cli::ExitCode::ok;
};

Followed open_logs(const Context& context, const FollowPrinters& printers) {
    Followed followed;
    std::vector<std::string> paths;
    std::vector<Input> inputs;
    for (const std::string& operand : context.options.paths) {
        const auto some = followed_paths(operand);
        if (!some) followed.status = worse(followed.status, context.fail(some.error()));
        if (some) paths.insert(paths.end(), some->begin(), some->end());
    }
    for (const std::string& path : paths) {
        if (const auto known = expand(path)) inputs.insert(inputs.end(), known->begin(), known->end());
    }
    if (printers.rows != nullptr) printers.rows->set_bounds(inputs);
    if (auto watch = os::Watch::create()) {
        followed.watch = *std::move(watch);
    } else {
        followed.is_watched = false;
    }
    for (const std::string& path : paths) {
        followed.is_watched = followed.is_watched && followed.watch.add(path);
        auto log = FollowedLog::open(path, printers);
        if (!log) {
            followed.status = worse(followed.status, context.fail(log.error()));
            continue;
        }
        followed.logs.push_back(*std::move(log));
    }
    if (!followed.is_watched) context.words.detail("no watch to be had from the system: looking ten times a second");
    return followed;
}

// Prints what has come. True if some of the logs may grow further.
bool print_all(const Context& context, Followed& followed) {
    std::erase_if(followed.logs, [&](FollowedLog& log) {
        if (!context.out.status() || context.stopped()) return false;
        const Status printed = log.print();
        if (!printed) followed.status = worse(followed.status, context.fail(printed.error()));
        return !printed || log.is_over();
    });
    return context.out.flush() && !followed.logs.empty();
}

void follow(const Context& context, Followed& followed, const LogPrinter* rows) {
    while (print_all(context, followed) && !(rows != nullptr && rows->done()) && !context.stopped()) {
        const bool soon = !followed.is_watched || std::any_of(followed.logs.begin(), followed.logs.end(),
                                                              [](const auto& log) { return log.is_in_flight(); });
        const auto woken = followed.watch.wait(soon ? kLookSoonMs : kLookMs, cli::FirstSignal::fd(), STDOUT_FILENO);
        if (!woken) {
            followed.status = worse(followed.status, context.fail(woken.error()));
            return;
        }
        // Who waits for the next record would else not notice before it comes.
        if (*woken == os::Woken::output_closed) cli::die_of(SIGPIPE);
    }
}

}  // namespace

cli::ExitCode follow_logs(const Context& plain) {
    const cli::FirstSignal signals;
    const Context context{plain.options, plain.words, plain.out, cli::FirstSignal::word()};
    Followed followed;
    if (context.options.kafka) {
        Sink err{2, "stderr"};
        KafkaDump dump{kafka_options(context.options), context.out, err};
        dump.stop = context.stop;
        followed = open_logs(context, {nullptr, &dump});
        follow(context, followed, nullptr);
        dump.finish();
        if (dump.found_damage()) followed.status = worse(followed.status, cli::ExitCode::bad_data);
    } else {
        Rows rows = make_rows(context);
        auto printer = LogPrinter::make(context, rows);
        if (!printer) return context.fail(printer.error());
        followed = open_logs(context, {&*printer, nullptr});
        follow(context, followed, &*printer);
        followed.status = worse(followed.status, printer->status());
    }
    if (context.stopped() && context.out.flush()) cli::die_of(cli::FirstSignal::taken());
    return followed.status;
}

}  // namespace mq::dump
