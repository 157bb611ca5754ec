// Compares two commands, or the memory of one with a limit:
//
//   pair [-n PAIRS] [-k REPEATS] [-b BEFORE] NAME GOAL OURS THEIRS
//   pair -m LIMIT_MIB NAME COMMAND
//
// Commands are split at blanks, and given to sh -c only where they hold characters of the shell. Their output goes to
// /dev/null. BEFORE runs unmeasured before each. Exit status 0: the goal is met, 1: missed, 2: a command failed.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "bench/figure.h"

extern char** environ;

namespace {

using mq::bench::Figure;
using mq::bench::Pair;
using mq::bench::Unit;

class Command {
public:
    explicit Command(std::string text) : text_(std::move(text)) {
        // An option's --name=VALUE needs none; an assignment before the command does.
        const bool assigns = text_.substr(0, text_.find(' ')).find('=') != std::string::npos;
        if (assigns || text_.find_first_of("|&;<>()$`\\\"'*?[]#~{}\n") != std::string::npos) {
            words_ = {"sh", "-c", text_};
        } else {
            std::istringstream in{text_};
            for (std::string word; in >> word;) words_.push_back(word);
        }
        if (words_.empty()) throw std::runtime_error("an empty command");
        for (auto& word : words_) argv_.push_back(word.data());
        argv_.push_back(nullptr);
    }

    [[nodiscard]] pid_t start() const {
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
        pid_t pid = -1;
        const int error = posix_spawnp(&pid, argv_[0], &actions, nullptr, argv_.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        if (error != 0) throw std::runtime_error(text_ + ": " + std::strerror(error));
        return pid;
    }
    void finish(pid_t pid) const {
        int status = 0;
        if (waitpid(pid, &status, 0) != pid || status != 0)
            throw std::runtime_error(text_ + ": status " + std::to_string(status));
    }
    void run() const { finish(start()); }

private:
    std::string text_;
    std::vector<std::string> words_;
    std::vector<char*> argv_;
};

// RssAnon of a process now; 0 once it has ended.
double anonymous_bytes(pid_t pid) {
    std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("RssAnon:")) return std::strtod(line.c_str() + 8, nullptr) * 1024;
    return 0;
}

// The largest amount seen, looked at every millisecond until its end.
double peak_anonymous_bytes(const Command& command) {
    const pid_t pid = command.start();
    pollfd ended{.fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0)), .events = POLLIN, .revents = 0};
    if (ended.fd < 0) throw std::runtime_error("pidfd_open");
    double peak = 0;
    do peak = std::max(peak, anonymous_bytes(pid));
    while (poll(&ended, 1, 1) == 0);
    close(ended.fd);
    command.finish(pid);
    return peak;
}

int usage() {
    std::fputs(
        "usage: pair [-n PAIRS] [-k REPEATS] [-b BEFORE] NAME GOAL OURS THEIRS\n"
        "       pair -m LIMIT_MIB NAME COMMAND\n",
        stderr);
    return 64;
}

int compare(int argc, char** argv) {
    unsigned pairs = 9;
    unsigned repeats = 1;
    double limit_mib = 0;
    std::string before = "true";
    for (int option; (option = getopt(argc, argv, "n:k:b:m:")) != -1;) {
        switch (option) {
            case 'n':
                pairs = static_cast<unsigned>(std::atoi(optarg));
                break;
            case 'k':
                repeats = static_cast<unsigned>(std::atoi(optarg));
                break;
            case 'b':
                before = optarg;
                break;
            case 'm':
                limit_mib = std::atof(optarg);
                break;
            default:
                return usage();
        }
    }
    const int words = argc - optind;
    char** const word = argv + optind;
    if (limit_mib > 0) {
        if (words != 2) return usage();
        const Command command{word[1]};
        std::vector<Pair> runs;
        for (int i = 0; i < 3; ++i) runs.push_back({peak_anonymous_bytes(command), limit_mib * (1 << 20)});
        return print_figure({.name = word[0], .goal = 1, .unit = Unit::mebibytes}, runs) ? 0 : 1;
    }
    if (words != 4 || pairs == 0 || repeats == 0) return usage();
    const Command prepare{before};
    const auto timed = [&](const Command& command) {
        prepare.run();
        return mq::bench::seconds_of([&] {
                   for (unsigned i = 0; i < repeats; ++i) command.run();
               }) /
               repeats;
    };
    const Command ours{word[2]};
    const Command theirs{word[3]};
    const auto measured = mq::bench::measure_pairs(
        pairs, [&] { return timed(ours); }, [&] { return timed(theirs); });
    return print_figure({.name = word[0], .goal = std::atof(word[1])}, measured) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try { return compare(argc, argv); } catch (const std::exception& error) {
    std::fprintf(stderr, "pair: %s\n", error.what());
    return 2;
}
