#include "os/process.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <charconv>
#include <ctime>

#include "os/file.h"

namespace mq::os {
namespace {

// /proc files say that they hold nothing: read to the end instead of to the size.
Result<std::string> read_proc(const std::string& path) {
    MQ_ASSIGN(const File file, File::open(path, OpenMode::read, Follow::yes));
    std::string content(4096, '\0');
    MQ_ASSIGN(const std::size_t got, file.read_at(content, FilePosition{0}));
    content.resize(got);
    return content;
}

std::atomic<unsigned> forks{0};

}  // namespace

int process_id() { return ::getpid(); }

int thread_id() { return ::gettid(); }

std::uint32_t effective_user() { return ::geteuid(); }

std::uint64_t process_start_time(int pid) {
    // By its own name, a process finds itself in the /proc of another PID namespace too.
    const auto stat = read_proc("/proc/" + (pid == process_id() ? "self" : std::to_string(pid)) + "/stat");
    if (!stat) return 0;
    // "12 (a name) with )) S 1 ...": field 3 begins after the last parenthesis; the start time is field 22.
    std::size_t at = stat->rfind(')');
    for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat->find(' ', at + 1);
    if (at == std::string::npos) return 0;
    std::uint64_t ticks = 0;
    const char* begin = stat->data() + at + 1;
    if (std::from_chars(begin, stat->data() + stat->size(), ticks).ec != std::errc{}) return 0;
    return ticks;
}

Result<std::string> boot_id() {
    MQ_ASSIGN(std::string id, read_proc("/proc/sys/kernel/random/boot_id"));
    while (!id.empty() && id.back() == '\n') id.pop_back();
    if (id.size() != 36)
        return fail(Errc::unsupported, "read", "/proc/sys/kernel/random/boot_id", "not 36 characters");
    return id;
}

std::uint64_t pid_namespace() {
    struct stat st {};
    return ::stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

std::int64_t monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

unsigned fork_generation() {
    static const int counted = ::pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1); });
    static_cast<void>(counted);
    return forks.load();
}

void take_no_signals() {
    sigset_t all;
    sigfillset(&all);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&all, own);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

std::uint64_t descriptor_limit() {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}

std::uint64_t memory_limit() {
    std::uint64_t least =
        static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    // A line "0::/system.slice/x.service"; each of the groups above may have a limit of its own.
    const auto groups = read_proc("/proc/self/cgroup");
    const std::size_t at = groups ? groups->find("0::/") : std::string::npos;
    if (at == std::string::npos) return least;
    std::string group = groups->substr(at + 3, groups->find('\n', at) - at - 3);
    for (;;) {
        const auto limit = read_proc("/sys/fs/cgroup" + group + "/memory.max");
        std::uint64_t bytes = 0;
        if (limit && std::from_chars(limit->data(), limit->data() + limit->size(), bytes).ec == std::errc{})
            least = std::min(least, bytes);
        if (group.size() <= 1) return least;
        group.resize(group.rfind('/'));
    }
}

}  // namespace mq::os
