#include "exec_command.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "cli/text.h"

namespace mq::consume {

using cli::cat;

namespace {

constexpr const char* kShell = "/bin/sh";

// Bytes that mean nothing to a shell, wherever in a word they stand.
bool is_plain(char c) {
    constexpr std::string_view kOthers = "_@%+:,./-";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != kOthers.npos;
}

// Nothing: it is not made of plain words.
std::vector<std::string> plain_words(std::string_view command) {
    std::vector<std::string> words;
    bool in_word = false;
    for (const char c : command) {
        if (c == ' ' || c == '\t') {
            in_word = false;
        } else if (is_plain(c) || (c == '=' && (words.size() > 1 || (words.size() == 1 && !in_word)))) {
            // NAME=value before a command is an assignment, behind it a word.
            if (!in_word) words.emplace_back();
            words.back() += c;
            in_word = true;
        } else {
            return {};
        }
    }
    return words;
}

bool is_program(const std::string& path) {
    const auto info = os::file_info(path, os::Follow::yes);
    return info && info->is_regular && ::access(path.c_str(), X_OK) == 0;
}

// Empty: there is none, or it is a shell's own.
std::string find_program(const std::string& name, std::string_view search_path) {
    if (name.find('/') != name.npos) return is_program(name) ? name : std::string{};
    while (!search_path.empty()) {
        const std::size_t end = std::min(search_path.find(':'), search_path.size());
        const std::string_view directory = search_path.substr(0, end);
        search_path.remove_prefix(std::min(end + 1, search_path.size()));
        std::string path = directory.empty() ? cat("./", name) : cat(directory, '/', name);
        if (is_program(path)) return path;
    }
    return {};
}

class SpawnSettings {
public:
    SpawnSettings(int in, int out) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawn_file_actions_adddup2(&actions_, in, STDIN_FILENO);
        if (out >= 0) ::posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
        sigset_t none;
        sigset_t defaults;
        sigemptyset(&none);
        sigemptyset(&defaults);
        for (const int signal : {SIGINT, SIGTERM, SIGPIPE}) sigaddset(&defaults, signal);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(&attributes_,
                                   POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    ~SpawnSettings() {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&actions_);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;

    // errno
    [[nodiscard]] int spawn(int& pid, const std::string& path, const std::vector<std::string>& words,
                            char* const* environment) const {
        std::vector<char*> argv;
        for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
        argv.push_back(nullptr);
        return ::posix_spawn(&pid, path.c_str(), &actions_, &attributes_, argv.data(), environment);
    }

private:
    posix_spawn_file_actions_t actions_;
    posix_spawnattr_t attributes_;
};

}  // namespace

std::string to_string(const ExecEnd& end) {
    return end.signal != 0 ? cat("signal ", end.signal) : cat("exit ", end.exit_status);
}

ExecCommand::ExecCommand(std::string command, std::string_view search_path)
    : command_(std::move(command)), words_(plain_words(command_)) {
    if (!words_.empty()) program_ = find_program(words_.front(), search_path);
}

Result<ExecProcess> ExecCommand::start(char* const* environment, int in, int out) const {
    ExecProcess process;
    // Room for the handle: a process that cannot be watched must not be there.
    os::File reserve = os::File::adopt(::fcntl(in, F_DUPFD_CLOEXEC, 0), "reserve", false);
    if (!reserve.is_open()) return fail(system_error(errno, "start a command", command_));
    const SpawnSettings settings{in, out};
    int error = needs_shell() ? 0 : settings.spawn(process.pid, program_, words_, environment);
    // A script without #!, or a program that was taken away: a shell knows what to do and what to say.
    const bool is_no_program = error == ENOEXEC || error == ENOENT || error == EACCES || error == ENOTDIR;
    if (needs_shell() || is_no_program) {
        // "--": a command may begin with a dash.
        error = settings.spawn(process.pid, kShell, {"sh", "-c", "--", command_}, environment);
    }
    if (error != 0) return fail(system_error(error, "start a command", command_));
    // Until it is waited for the process id cannot mean another process.
    static_cast<void>(reserve.close());
    const int handle = static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0));
    if (handle < 0) {
        // Another thread was quicker.
        const int why = errno;
        ::kill(process.pid, SIGKILL);
        static_cast<void>(end_of(process));
        return fail(system_error(why, "watch a command", command_));
    }
    process.handle = os::File::adopt(handle, "command", false);
    return process;
}

Result<ExecEnd> ExecCommand::end_of(const ExecProcess& process) {
    siginfo_t info{};
    int waited = 0;
    do {
        waited = ::waitid(P_PID, static_cast<id_t>(process.pid), &info, WEXITED);
    } while (waited < 0 && errno == EINTR);
    if (waited < 0) return fail(system_error(errno, "wait for a command", {}));
    ExecEnd end;
    (info.si_code == CLD_EXITED ? end.exit_status : end.signal) = info.si_status;
    return end;
}

Result<ExecPipe> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail(system_error(errno, "make a pipe", {}));
    return ExecPipe{os::File::adopt(ends[0], "pipe", false), os::File::adopt(ends[1], "pipe", false)};
}

}  // namespace mq::consume
