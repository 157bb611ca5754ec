#include "process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include "os/file.h"

namespace mq::broker_tool {
namespace {

void add(Exposition& page, std::string_view name, std::string_view type, std::string_view help, double value) {
    page.family(name, type, help);
    page.sample(value);
}

// "size resident shared ..." in pages. Source: proc(5).
double resident_bytes() {
    const auto pages = os::read_file("/proc/self/statm");
    if (!pages) return 0;
    const std::size_t space = pages->find(' ');
    if (space == std::string::npos) return 0;
    return static_cast<double>(std::strtoull(pages->c_str() + space, nullptr, 10)) *
           static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

void add_process(Exposition& page) {
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0) {
        add(page, "process_cpu_seconds_total", "counter", "Time that the processors worked for it",
            seconds(usage.ru_utime) + seconds(usage.ru_stime));
    }
    add(page, "process_resident_memory_bytes", "gauge", "Memory in use, the mapped files' among it",
        resident_bytes());
    std::uint64_t descriptors = 0;
    if (os::visit_directory("/proc/self/fd", [&](std::string_view, bool) { ++descriptors; }))
        add(page, "process_open_fds", "gauge", "Open descriptors", static_cast<double>(descriptors));
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
        add(page, "process_max_fds", "gauge", "Descriptors that may be open", static_cast<double>(limit.rlim_cur));
}

}  // namespace mq::broker_tool
