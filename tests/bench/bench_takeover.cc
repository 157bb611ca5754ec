// From kill -9 of a member of a group of three to the moment at which the others have taken what it owned.
//
//   bench_takeover DIRECTORY
//
// DIRECTORY is made anew.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <random>

#include "bench/figure.h"
#include "bench/sample.h"
#include "groups/local_member.h"
#include "os/futex.h"
#include "os/process.h"

namespace mq::bench {
namespace {

constexpr int kRounds = 300;
constexpr double kGoalSeconds = 0.2;
constexpr std::uint32_t kPartitions = 6;

// Partitions that were taken so far, by whom the test kills and by the others; futexes.
struct Taken {
    alignas(64) std::atomic<std::uint32_t> by_victims{0};
    alignas(64) std::atomic<std::uint32_t> by_others{0};
    std::atomic<std::int64_t> last_ns{0};
};

void serve(const std::string& path, Taken& taken, std::atomic<std::uint32_t>& count) {
    store::OpenOptions options;
    options.access = store::Access::write;
    auto directory = must(store::DataDirectory::open(path, options));
    offsets::OffsetStore offsets{directory};
    const std::vector<groups::SubscribedTopic> topics{{"jobs", kPartitions}};
    groups::JoinOptions join;
    join.group = "workers";
    const auto member = must(groups::LocalMember::join(directory, offsets, join, topics));
    for (;;) {
        const auto changes = must(member->poll());
        if (!changes.taken.empty()) {
            taken.last_ns.store(os::monotonic_ns());
            count.fetch_add(static_cast<std::uint32_t>(changes.taken.size()));
            os::futex_wake_all(count);
        }
        must(member->release(changes.revoked));
        const os::FutexWord word{&member->word(), member->seen()};
        static_cast<void>(must(os::futex_wait({&word, 1}, 500)));
    }
}

void await(const std::atomic<std::uint32_t>& count, std::uint32_t wanted) {
    for (std::uint32_t now = count.load(); now < wanted; now = count.load()) {
        const os::FutexWord word{&count, now};
        static_cast<void>(must(os::futex_wait({&word, 1}, 500)));
    }
}

template <typename Work>
pid_t start(const Work& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        work();
        ::_exit(0);
    }
    return child;
}

void end(pid_t child) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

std::vector<double> measure(const std::string& path) {
    void* const memory = ::mmap(nullptr, sizeof(Taken), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    auto& taken = *new (memory) Taken;
    std::vector<pid_t> others;
    for (int i = 0; i < 2; ++i) others.push_back(start([&] { serve(path, taken, taken.by_others); }));
    await(taken.by_others, kPartitions);
    std::minstd_rand random;
    const std::atomic<std::uint32_t> nobody{0};
    std::vector<double> seconds;
    for (int round = 0; round < kRounds; ++round) {
        const std::uint32_t before = taken.by_victims.load();
        const pid_t victim = start([&] { serve(path, taken, taken.by_victims); });
        await(taken.by_victims, before + kPartitions / 3);
        // At any moment between two looks of the others.
        const os::FutexWord word{&nobody, 0};
        static_cast<void>(must(os::futex_wait({&word, 1}, static_cast<int>(random() % 60))));
        const std::uint32_t wanted = taken.by_others.load() + kPartitions / 3;
        const std::int64_t killed_ns = os::monotonic_ns();
        ::kill(victim, SIGKILL);
        await(taken.by_others, wanted);
        seconds.push_back(static_cast<double>(taken.last_ns.load() - killed_ns) / 1e9);
        ::waitpid(victim, nullptr, 0);
    }
    for (const pid_t other : others) end(other);
    ::munmap(memory, sizeof(Taken));
    std::sort(seconds.begin(), seconds.end());
    return seconds;
}

}  // namespace
}  // namespace mq::bench

int main(int argc, char** argv) {
    using namespace mq::bench;
    if (argc != 2) return 64;
    const std::string path = argv[1];
    if (must(mq::os::exists(path))) must(mq::os::remove_directory_tree(path));
    const auto seconds = measure(path);
    const bool half = print_figure({"takeover-p50", 1}, {{seconds[seconds.size() / 2], kGoalSeconds}});
    const bool most = print_figure({"takeover-p99", 1}, {{seconds[seconds.size() * 99 / 100], kGoalSeconds}});
    return half && most ? 0 : 1;
}
