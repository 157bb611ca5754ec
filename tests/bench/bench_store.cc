// Appends to partitions of a data directory, by one process and by four, and opening a large one:
//
//   bench_store append-one | append-durable | producers-4 | producers-4x4 | open-10000  DIRECTORY
//
// DIRECTORY is an existing one on the file system that is measured.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "bench/figure.h"
#include "bench/sample.h"
#include "record/batch_builder.h"
#include "store/data_directory.h"

namespace mq::bench {
namespace {

store::DataDirectory open_for_writing(const std::string& path) {
    store::OpenOptions options;
    options.access = store::Access::write;
    return must(store::DataDirectory::open(path, options));
}

void remove_tree(const std::string& path) {
    if (must(os::exists(path))) must(os::remove_directory_tree(path));
}

// An empty data directory with one topic, "t"; gone with the object.
class Scratch {
public:
    Scratch(const std::string& parent, std::int32_t partitions) : path_(os::join(parent, "store")) {
        remove_tree(path_);
        auto directory = open_for_writing(path_);
        static_cast<void>(must(directory.create_topic({"t", partitions, 1, {}})));
        must(directory.close());
    }
    ~Scratch() { must(os::remove_directory_tree(path_)); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

std::string batch_of(std::size_t records) {
    const std::string lines = sample_lines(records);
    record::BatchBuilder builder;
    for (std::size_t i = 0; i < records; ++i)
        builder.add(kFirstTimestamp, std::nullopt, ByteView{lines}.substr(i * kValueBytes, kValueBytes));
    return std::string{must(builder.finish())};
}

// The median of `count` calls, each timed for itself.
template <typename Work>
double median_of(std::size_t count, const Work& work) {
    std::vector<double> seconds(count);
    for (double& one : seconds) {
        const auto start = std::chrono::steady_clock::now();
        work();
        one = Seconds{std::chrono::steady_clock::now() - start}.count();
    }
    std::nth_element(seconds.begin(), seconds.begin() + static_cast<std::ptrdiff_t>(count / 2), seconds.end());
    return seconds[count / 2];
}

// A batch of one record with 100 bytes, against write(2) of the same bytes to a file opened with O_APPEND; a producer
// of lines that come one by one does nothing else.
bool append_one(const std::string& parent) {
    constexpr std::size_t kAppends = 20'000;
    std::string batch = batch_of(1);
    const std::string plain = os::join(parent, "append.plain");
    const auto ours = [&] {
        const Scratch scratch{parent, 1};
        auto directory = open_for_writing(scratch.path());
        const auto writer = must(directory.open_writer({"t", 0}));
        return median_of(kAppends, [&] { static_cast<void>(must(writer->append(batch))); });
    };
    const auto theirs = [&] {
        const int fd = ::open(plain.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
        const double median = median_of(kAppends, [&] {
            if (::write(fd, batch.data(), batch.size()) < 0) std::perror("write");
        });
        ::close(fd);
        must(os::remove_file(plain));
        return median;
    };
    return print_figure({"append-one", 1.25}, measure_pairs(15, ours, theirs));
}

// The same, and on the disk before the next.
bool append_durable(const std::string& parent) {
    constexpr std::size_t kAppends = 200;
    std::string batch = batch_of(1);
    const std::string plain = os::join(parent, "append.plain");
    const auto ours = [&] {
        const Scratch scratch{parent, 1};
        auto directory = open_for_writing(scratch.path());
        const auto writer = must(directory.open_writer({"t", 0}));
        static_cast<void>(must(writer->append(batch)));
        must(writer->flush());
        return median_of(kAppends, [&] {
            static_cast<void>(must(writer->append(batch)));
            must(writer->flush());
        });
    };
    const auto theirs = [&] {
        const auto file = must(os::File::open(plain, os::OpenMode::create_truncate));
        FilePosition position{0};
        const auto append = [&] {
            must(file.write_at(batch, position));
            must(file.sync_data());
            position += batch.size();
        };
        append();
        const double median = median_of(kAppends, append);
        must(os::remove_file(plain));
        return median;
    };
    return print_figure({"append-durable", 1.1}, measure_pairs(15, ours, theirs));
}

// Seconds that `processes` take together for `appends` batches of 64 KiB each, opening not measured. Process i writes
// to partition i % partitions.
double together(const std::string& parent, int processes, std::int32_t partitions, std::size_t appends) {
    constexpr std::size_t kRecords = 600;
    const Scratch scratch{parent, partitions};
    int ready[2];
    int go[2];
    if (::pipe(ready) != 0 || ::pipe(go) != 0) must(Status{fail(Errc::io, "pipe", {})});
    for (int i = 0; i < processes; ++i) {
        if (::fork() != 0) continue;
        ::close(go[1]);
        std::string batch = batch_of(kRecords);
        auto directory = open_for_writing(scratch.path());
        const auto writer = must(directory.open_writer({"t", i % partitions}));
        static_cast<void>(must(writer->append(batch)));
        char c = 'r';
        bool good = ::write(ready[1], &c, 1) == 1;
        good = ::read(go[0], &c, 1) == 0 && good;  // until the parent closes its end
        for (std::size_t n = 0; n < appends; ++n) static_cast<void>(must(writer->append(batch)));
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
    if (!good) must(Status{fail(Errc::io, "append", "a process failed")});
    return seconds;
}

// Four processes, against one that appends as much to one partition.
bool producers(const std::string& parent, const char* name, std::int32_t partitions) {
    constexpr std::size_t kAppends = 2000;
    const auto ours = [&] { return together(parent, 4, partitions, kAppends); };
    const auto theirs = [&] { return together(parent, 1, 1, 4 * kAppends); };
    return print_figure({name, 1 / 0.9}, measure_pairs(9, ours, theirs));
}

constexpr std::int32_t kTopics = 100;
constexpr std::int32_t kPartitions = 100;  // of each

// 10,000 partitions with a record each, kept for the next run.
std::string make_large(const std::string& parent) {
    const std::string path = os::join(parent, "open-10000");
    const std::string done = path + ".done";
    if (must(os::exists(done))) return path;
    remove_tree(path);
    auto directory = open_for_writing(path);
    std::string batch = batch_of(1);
    for (std::int32_t t = 0; t < kTopics; ++t) {
        const std::string topic = "topic-" + std::to_string(t);
        static_cast<void>(must(directory.create_topic({topic, kPartitions, 1, {}})));
        for (std::int32_t p = 0; p < kPartitions; ++p)
            static_cast<void>(must(must(directory.open_writer({topic, p}))->append(batch)));
    }
    must(directory.close());
    must(os::create_directory(done));
    return path;
}

// Opened by a process that finds nobody there, a record appended to one partition and read back; against the limit.
bool open_large(const std::string& parent) {
    constexpr double kLimitSeconds = 0.010;
    const std::string path = make_large(parent);
    std::string batch = batch_of(1);
    std::vector<Pair> pairs;
    for (int run = 0; run < 31; ++run) {
        int answer[2];
        if (::pipe(answer) != 0) must(Status{fail(Errc::io, "pipe", {})});
        if (::fork() == 0) {
            const log::TopicPartition id{"topic-" + std::to_string(run * 7 % kTopics), run * 13 % kPartitions};
            const double seconds = seconds_of([&] {
                auto directory = open_for_writing(path);
                const auto appended = must(must(directory.open_writer(id))->append(batch));
                const auto reader = must(directory.open_reader(id));
                reader->seek(appended.first_offset);
                log::ScannedBatch read;
                if (must(reader->next(read)) != log::ReadOutcome::batch)
                    must(Status{fail(Errc::corrupt, "read", path, "the record is not there")});
            });
            ::_exit(::write(answer[1], &seconds, sizeof seconds) == sizeof seconds ? 0 : 1);
        }
        double seconds = 0;
        int status = 0;
        ::close(answer[1]);
        const bool good = ::read(answer[0], &seconds, sizeof seconds) == sizeof seconds && ::wait(&status) > 0;
        ::close(answer[0]);
        if (!good || status != 0) must(Status{fail(Errc::io, "open", path)});
        pairs.push_back({seconds, kLimitSeconds});
    }
    return print_figure({"open-10000", 1}, pairs);
}

}  // namespace
}  // namespace mq::bench

int main(int argc, char** argv) {
    using namespace mq::bench;
    const std::string_view what = argc == 3 ? argv[1] : "";
    if (what == "append-one") return append_one(argv[2]) ? 0 : 1;
    if (what == "append-durable") return append_durable(argv[2]) ? 0 : 1;
    if (what == "producers-4") return producers(argv[2], "producers-4", 1) ? 0 : 1;
    if (what == "producers-4x4") return producers(argv[2], "producers-4x4", 4) ? 0 : 1;
    if (what == "open-10000") return open_large(argv[2]) ? 0 : 1;
    std::fputs(
        "usage: bench_store append-one | append-durable | producers-4 | producers-4x4 | open-10000  DIRECTORY\n",
        stderr);
    return 64;
}
