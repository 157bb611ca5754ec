// Two processes that wake each other: through two partitions of a data directory, and through two bare words.
//
//   bench_wake DIRECTORY
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>

#include "base/clock.h"
#include "bench/figure.h"
#include "bench/sample.h"
#include "os/futex.h"
#include "record/batch_builder.h"
#include "store/data_directory.h"

namespace mq::bench {
namespace {

constexpr int kRounds = 5000;
constexpr unsigned kPairs = 9;
constexpr double kGoal = 1.4;

// Seconds of one round of `ours`, while another process runs `theirs`.
double round_trip(const std::function<void()>& ours, const std::function<void()>& theirs) {
    const pid_t child = fork();
    if (child == 0) {
        theirs();
        _exit(0);
    }
    const double seconds = seconds_of(ours);
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) must(Status{fail(Errc::io, "the other process", {})});
    return seconds / kRounds;
}

struct Words {
    alignas(64) std::atomic<std::uint32_t> ours{0};
    alignas(64) std::atomic<std::uint32_t> theirs{0};
};

store::DataDirectory open_for_writing(const std::string& path) {
    store::OpenOptions options;
    options.access = store::Access::write;
    return must(store::DataDirectory::open(path, options));
}

// `first` begins; each waits for its own word to reach the round, and raises the other's.
void play_bare(std::atomic<std::uint32_t>& mine, std::atomic<std::uint32_t>& other, bool first) {
    for (std::uint32_t round = 1; round <= kRounds; ++round) {
        const auto tell = [&] {
            other.store(round);
            os::futex_wake_all(other);
        };
        if (first) tell();
        for (std::uint32_t now = mine.load(); now < round; now = mine.load()) {
            const os::FutexWord word{&mine, now};
            must(os::futex_wait({&word, 1}, -1));
        }
        if (!first) tell();
    }
}

double bare() {
    void* const memory = mmap(nullptr, sizeof(Words), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    auto& words = *new (memory) Words;
    const double seconds = round_trip([&] { play_bare(words.ours, words.theirs, true); },
                                      [&] { play_bare(words.theirs, words.ours, false); });
    munmap(memory, sizeof(Words));
    return seconds;
}

// Each partition gets a record a round; `from` is where this exchange begins in both.
void play_store(const std::string& path, std::int32_t mine, Offset from, bool first) {
    store::DataDirectory directory = open_for_writing(path);
    const auto reader = must(directory.open_reader({"wake", mine}));
    const auto writer = must(directory.open_writer({"wake", 1 - mine}));
    reader->seek(from);
    store::Waiter waiter;
    store::PartitionReader* const readers[] = {reader.get()};
    record::BatchBuilder builder;
    log::ScannedBatch batch;
    for (int round = 0; round < kRounds; ++round) {
        const auto tell = [&] {
            builder.clear();
            builder.add(wall_clock_ms(), std::nullopt, std::string_view{"ping"});
            const ByteView encoded = must(builder.finish());
            must(writer->append({builder.finished_data(), encoded.size()}));
        };
        if (first) tell();
        while (must(reader->next(batch)) != log::ReadOutcome::batch) must(waiter.wait(readers, -1));
        if (!first) tell();
    }
}

double through_store(const std::string& path, Offset from) {
    return round_trip([&] { play_store(path, 0, from, true); }, [&] { play_store(path, 1, from, false); });
}

}  // namespace
}  // namespace mq::bench

int main(int argc, char** argv) {
    using namespace mq::bench;
    if (argc != 2) return 64;
    const std::string path = argv[1];
    if (must(mq::os::exists(path))) must(mq::os::remove_directory_tree(path));
    {
        mq::store::NewTopic topic;
        topic.name = "wake";
        topic.partitions = 2;
        auto directory = open_for_writing(path);
        must(directory.create_topic(topic));
    }
    mq::Offset from{0};
    const auto ours = [&] {
        const double seconds = through_store(path, from);
        from += kRounds;
        return seconds;
    };
    const auto pairs = measure_pairs(kPairs, ours, [] { return bare(); });
    return print_figure({.name = "wake", .goal = kGoal}, pairs) ? 0 : 1;
}
