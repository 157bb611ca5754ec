// Commits of one partition each, by one process and by two at once:
//
//   bench_offsets commits | commits-2  DIRECTORY
//
// DIRECTORY is an existing one on the file system that is measured.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "bench/figure.h"
#include "bench/sample.h"
#include "offsets/offset_store.h"

namespace mq::bench {
namespace {

constexpr std::int32_t kPartitions = 6;

store::DataDirectory open_for_writing(const std::string& path) {
    store::OpenOptions options;
    options.access = store::Access::write;
    return must(store::DataDirectory::open(path, options));
}

void commit(offsets::OffsetStore& store, std::size_t number) {
    const offsets::Commit one{.topic = "jobs",
                              .partition = static_cast<std::int32_t>(number) % kPartitions,
                              .offset = Offset{static_cast<std::int64_t>(number)},
                              .leader_epoch = 0};
    must(store.commit("workers", {&one, 1}));
}

// An empty data directory; gone with the object.
class Scratch {
public:
    explicit Scratch(const std::string& parent) : path_(os::join(parent, "offsets")) {
        if (must(os::exists(path_))) must(os::remove_directory_tree(path_));
        auto directory = open_for_writing(path_);
        offsets::OffsetStore store{directory};
        commit(store, 0);
    }
    ~Scratch() { must(os::remove_directory_tree(path_)); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

// Seconds until each of `processes` has made `count` commits of the same group, opening not measured.
double together(const std::string& parent, int processes, std::size_t count) {
    const Scratch scratch{parent};
    int ready[2];
    int go[2];
    if (::pipe(ready) != 0 || ::pipe(go) != 0) must(Status{fail(Errc::io, "pipe", {})});
    for (int i = 0; i < processes; ++i) {
        if (::fork() != 0) continue;
        ::close(go[1]);
        auto directory = open_for_writing(scratch.path());
        offsets::OffsetStore store{directory};
        commit(store, 0);
        char c = 'r';
        bool good = ::write(ready[1], &c, 1) == 1;
        good = ::read(go[0], &c, 1) == 0 && good;  // until the parent closes its end
        for (std::size_t n = 0; n < count; ++n) commit(store, n);
        ::_exit(good ? 0 : 1);
    }
    char c = 0;
    bool good = true;
    for (int i = 0; i < processes; ++i) good = ::read(ready[0], &c, 1) == 1 && good;
    const double seconds = seconds_of([&] {
        ::close(go[1]);
        for (int i = 0; i < processes; ++i) {
            int status = 0;
            good = ::wait(&status) > 0 && status == 0 && good;
        }
    });
    for (const int fd : {ready[0], ready[1], go[0]}) ::close(fd);
    if (!good) must(Status{fail(Errc::io, "commit", "a process failed")});
    return seconds;
}

// Against the time that `per_second` of each process would take.
bool commits(const std::string& parent, const char* name, int processes, double per_second) {
    constexpr std::size_t kCommits = 150'000;
    const auto ours = [&] { return together(parent, processes, kCommits); };
    const auto limit = [&] { return static_cast<double>(kCommits) / per_second; };
    return print_figure({name, 1}, measure_pairs(9, ours, limit));
}

}  // namespace
}  // namespace mq::bench

int main(int argc, char** argv) {
    using namespace mq::bench;
    const std::string_view what = argc == 3 ? argv[1] : "";
    if (what == "commits") return commits(argv[2], "commits", 1, 300'000) ? 0 : 1;
    if (what == "commits-2") return commits(argv[2], "commits-2", 2, 100'000) ? 0 : 1;
    std::fputs("usage: bench_offsets commits | commits-2  DIRECTORY\n", stderr);
    return 64;
}
