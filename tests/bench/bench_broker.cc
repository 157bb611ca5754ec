// What mq-broker costs, measured by clients of our own:
//
//   bench_broker start-broker | start-broker-10000 | fetch-stream | idle-1000 | latency-1000 | two-clients | kcat
//   DIRECTORY
//
// DIRECTORY is an existing one on the file system that is measured.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "bench/broker_load.h"
#include "bench/broker_process.h"
#include "bench/figure.h"
#include "bench/sample.h"
#include "os/file.h"
#include "record/batch_builder.h"
#include "store/data_directory.h"
#include "wire/messages/fetch.h"
#include "wire/messages/produce.h"

namespace mq::bench {
namespace {

constexpr std::size_t kRecords = 2'000;

// From exec to the first ApiVersions that is answered, against 50 ms.
bool start_broker(const std::string& name, const std::string& parent, int topics) {
    constexpr double kGoalSeconds = 0.05;
    const Scratch scratch{parent};
    {
        auto directory = open_for_writing(scratch.path());
        for (int i = 0; i < topics; ++i)
            static_cast<void>(must(directory.create_topic({"topic-" + std::to_string(i), 100, 1, {}})));
        must(directory.close());
    }
    const auto ours = [&] { return BrokerProcess{scratch.path()}.start_seconds(); };
    return print_figure({name, 1}, measure_pairs(15, ours, [&] { return kGoalSeconds; }));
}

// ---- a stream of bytes between two processes, by the loopback interface

struct Connected {
    int here = -1;
    int there = -1;
};
Connected loopback() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    Connected pair{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), -1};
    if (::bind(listener, generic, size) != 0 || ::listen(listener, 1) != 0 ||
        ::getsockname(listener, generic, &size) != 0 || ::connect(pair.here, generic, size) != 0)
        std::exit(2);
    pair.there = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    ::close(listener);
    const int on = 1;
    for (const int fd : {pair.here, pair.there}) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return pair;
}

void read_exactly(int fd, char* to, std::size_t bytes) {
    while (bytes > 0) {
        const ssize_t got = ::recv(fd, to, bytes, 0);
        if (got <= 0) std::exit(2);
        to += got;
        bytes -= static_cast<std::size_t>(got);
    }
}
void write_exactly(int fd, const char* from, std::size_t bytes) {
    while (bytes > 0) {
        const ssize_t sent = ::send(fd, from, bytes, MSG_NOSIGNAL);
        if (sent <= 0) std::exit(2);
        from += sent;
        bytes -= static_cast<std::size_t>(sent);
    }
}

// The other side of the figures runs in a process of its own too.
class Peer {
public:
    template <typename Body>
    explicit Peer(const Body& body) : pid_(::fork()) {
        if (pid_ == 0) {
            body();
            ::_exit(0);
        }
    }
    ~Peer() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

private:
    pid_t pid_;
};

// Fetch of everything in a topic, one request after another as a consumer does it that asks for much, against as many
// bytes through a bare connection.
bool fetch_stream(const std::string& parent) {
    constexpr std::size_t kBytes = std::size_t{512} << 20;
    constexpr std::size_t kPiece = std::size_t{1} << 18;
    const Scratch scratch{parent};
    scratch.create("t", 1);
    std::size_t total = 0;
    {
        auto directory = open_for_writing(scratch.path());
        const auto writer = must(directory.open_writer({"t", 0}));
        const std::string lines = sample_lines(100'000);
        record::BatchBuilder builder;
        for (std::size_t at = 0; total < kBytes;) {
            at = fill_batch(builder, lines, at, kFirstTimestamp);
            std::string batch{must(builder.finish())};
            total += batch.size();
            static_cast<void>(must(writer->append(batch)));
        }
        must(directory.close());
    }
    std::vector<char> buffer(kPiece);
    const auto theirs = [&] {
        const Connected pair = loopback();
        const Peer sender{[&] {
            const std::vector<char> bytes(std::size_t{1} << 20, 'x');
            for (std::size_t left = total; left > 0;) {
                const std::size_t now = std::min(left, bytes.size());
                write_exactly(pair.there, bytes.data(), now);
                left -= now;
            }
            ::pause();
        }};
        const double seconds = seconds_of([&] {
            for (std::size_t left = total; left > 0;) {
                const ssize_t got = ::recv(pair.here, buffer.data(), std::min(left, buffer.size()), 0);
                if (got <= 0) std::exit(2);
                left -= static_cast<std::size_t>(got);
            }
        });
        ::close(pair.here);
        ::close(pair.there);
        return seconds;
    };
    const BrokerProcess broker{scratch.path()};
    // Only so much of a response is looked at as tells where the next request begins: what follows is payload.
    const auto ours = [&] {
        const auto socket = must(os::Socket::connect("127.0.0.1", broker.port(), 10'000));
        ::fcntl(socket.fd(), F_SETFL, 0);  // it waits by itself
        constexpr std::int16_t kVersion = 4;
        constexpr std::size_t kHead =
            8 + 4 + 4 + 2 + 1 + 4 + 4 + 2 + 8 + 8 + 4 + 4;  // up to the records, for topic "t"
        return seconds_of([&] {
            std::int64_t next = 0;
            std::string request;
            for (std::size_t received = 0; received < total;) {
                wire::FetchRequest fetch;
                fetch.max_wait_ms = 500;
                fetch.min_bytes = 1;
                fetch.max_bytes = 50 << 20;
                fetch.topics = {
                    {.topic = "t", .partitions = {{.fetch_offset = next, .partition_max_bytes = 50 << 20}}}};
                request.clear();
                must(wire::append_request(fetch, {{}, kVersion, 1, "bench"}, request));
                write_exactly(socket.fd(), request.data(), request.size());
                char head[kHead];
                read_exactly(socket.fd(), head, kHead);
                auto left = static_cast<std::size_t>(load_be<std::uint32_t>(head + kHead - 4));
                if (left == 0 || load_be<std::uint32_t>(head) != left + kHead - 4) std::exit(2);
                received += left;
                // Where batches end is known from their headers, which are read as they pass.
                while (left > 0) {
                    char batch[record::kBatchHeaderBytes];
                    if (left < sizeof batch) {
                        read_exactly(socket.fd(), buffer.data(), left);
                        received -= left;
                        break;
                    }
                    read_exactly(socket.fd(), batch, sizeof batch);
                    const auto header = must(record::parse_batch_header({batch, sizeof batch}));
                    const bool whole = header.size_bytes <= left;
                    std::size_t rest = std::min<std::size_t>(header.size_bytes, left) - sizeof batch;
                    left -= rest + sizeof batch;
                    if (whole) {
                        next = header.next_offset().value();
                    } else {
                        received -= rest + sizeof batch;
                    }
                    while (rest > 0) {
                        const ssize_t got = ::recv(socket.fd(), buffer.data(), std::min(rest, buffer.size()), 0);
                        if (got <= 0) std::exit(2);
                        rest -= static_cast<std::size_t>(got);
                    }
                }
            }
        });
    };
    Figure figure{"fetch-stream", 1 / 0.7};
    figure.unit = Unit::gigabytes_per_second;
    figure.bytes = static_cast<double>(total);
    return print_figure(figure, measure_pairs(9, ours, theirs));
}

// A thousand connections that have asked for the versions and then say nothing, against 64 MiB.
bool idle_1000(const std::string& parent) {
    const Scratch scratch{parent};
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const auto ours = [&] {
        const BrokerProcess broker{scratch.path()};
        std::vector<wire::Client> clients;
        for (int i = 0; i < 1000; ++i) clients.push_back(broker.connect());
        return broker.resident_bytes();
    };
    Figure figure{"idle-1000", 1};
    figure.unit = Unit::mebibytes;
    return print_figure(figure, measure_pairs(3, ours, [] { return 64.0 * (1 << 20); }));
}

// A message of 100 bytes there and back, a thousand times a second.
Percentiles through_a_socket() {
    const Connected pair = loopback();
    const Peer echo{[&] {
        char bytes[kValueBytes];
        for (;;) {
            read_exactly(pair.there, bytes, sizeof bytes);
            write_exactly(pair.there, bytes, sizeof bytes);
        }
    }};
    std::vector<double> seconds;
    char bytes[kValueBytes] = {};
    const Pace pace;
    for (std::size_t i = 0; i < kRecords; ++i) {
        pace.wait();
        seconds.push_back(seconds_of([&] {
            write_exactly(pair.here, bytes, sizeof bytes);
            read_exactly(pair.here, bytes, sizeof bytes);
        }));
    }
    ::close(pair.here);
    ::close(pair.there);
    return percentiles_of(std::move(seconds));
}
// A thousand single records a second from one client by way of the broker to another that waits, acks=all, against a
// message of 100 bytes there and back, as often. Of each run the median and the 99th percentile.
bool latency_1000(const std::string& parent) {
    const Scratch scratch{parent};
    scratch.create("t", 1);
    const BrokerProcess broker{scratch.path()};
    std::vector<Pair> medians;
    std::vector<Pair> p99s;
    std::int64_t first = 0;
    for (int i = 0; i < 8; ++i, first += kRecords) {
        const Percentiles theirs = through_a_socket();
        const Percentiles ours = through_the_broker(broker, first, kRecords);
        if (i == 0) continue;  // unmeasured
        medians.push_back({ours.median, theirs.median});
        p99s.push_back({ours.p99, theirs.p99});
    }
    const bool first_good = print_figure({"latency-p50", 5}, medians);
    const bool second_good = print_figure({"latency-p99", 5}, p99s);
    return first_good && second_good;
}

// Clients that send batches of 100 lines and wait for each answer: the work of one, done by two at once.
bool two_clients(const std::string& parent) {
    constexpr unsigned kBatches = 6'000;
    const Scratch scratch{parent};
    scratch.create("t", 2);
    const BrokerProcess broker{scratch.path()};
    record::BatchBuilder builder;
    const std::string lines = sample_lines(100);
    for (std::size_t i = 0; i < 100; ++i)
        builder.add(kFirstTimestamp, std::nullopt, ByteView{lines}.substr(i * kValueBytes, kValueBytes));
    const std::string batch{must(builder.finish())};
    const auto send = [&](std::int32_t partition, unsigned count) {
        auto client = broker.connect();
        const wire::ProduceRequest request = produce_request(partition, batch);
        for (unsigned i = 0; i < count; ++i) static_cast<void>(must(client.call(request, 7)));
    };
    const auto ours = [&] {
        return seconds_of([&] {
            std::thread other{[&] { send(1, kBatches / 2); }};
            send(0, kBatches / 2);
            other.join();
        });
    };
    const auto theirs = [&] { return seconds_of([&] { send(0, kBatches); }); };
    return print_figure({"two-clients", 0.9}, measure_pairs(9, ours, theirs));
}

void run(const std::string& command) {
    if (std::system(command.c_str()) != 0) {
        std::fprintf(stderr, "bench: %s\n", command.c_str());
        std::exit(2);
    }
}

// A million lines of 100 bytes by kcat into the broker and out of it. In against kcat and librdkafka's own mock
// cluster in one process; out, and the broker's time of the processors both ways, against Kafka 2.4's on such a
// machine, which took 0.35 s of the processors in at its best; nobody has measured it out.
bool kcat(const std::string& parent) {
    constexpr double kKafkaOut = 1.79;
    constexpr double kKafkaCpu = 0.35;
    const Scratch scratch{parent};
    const std::string lines = os::join(scratch.path(), "../million");
    run("awk 'BEGIN { rest = sprintf(\"%086d\", 0); for (i = 0; i < 1000000; ++i) printf \"%12d %s\\n\", i, rest }' "
        ">" +
        lines);
    scratch.create("in", 4);
    scratch.create("out", 4);
    const BrokerProcess broker{scratch.path()};
    const std::string address = "127.0.0.1:" + std::to_string(broker.port());
    run("kcat -P -b " + address + " -t out -l " + lines);
    std::vector<Pair> cpu_in;
    std::vector<Pair> cpu_out;
    const auto timed = [&](const std::string& command, std::vector<Pair>& cpu) {
        const double before = broker.cpu_seconds();
        const double seconds = seconds_of([&] { run(command); });
        cpu.push_back({broker.cpu_seconds() - before, kKafkaCpu});
        return seconds;
    };
    const auto in = measure_pairs(
        9, [&] { return timed("kcat -P -b " + address + " -t in -l " + lines, cpu_in); },
        [&] {
            return seconds_of(
                [&] { run("kcat -P -X test.mock.num.brokers=1 -X log_level=0 -b mock -t in -l " + lines); });
        });
    const auto out = measure_pairs(
        9, [&] { return timed("kcat -C -q -e -o beginning -b " + address + " -t out >/dev/null", cpu_out); },
        [&] { return kKafkaOut; });
    must(os::remove_file(lines));
    bool good = print_figure({"kcat-in", 1}, in);
    good = print_figure({"kcat-in-cpu", 1}, cpu_in) && good;
    good = print_figure({"kcat-out", 1}, out) && good;
    return print_figure({"kcat-out-cpu", 1}, cpu_out) && good;
}

}  // namespace
}  // namespace mq::bench

int main(int argc, char** argv) {
    using namespace mq::bench;
    const std::string_view what = argc == 3 ? argv[1] : "";
    const std::string parent = argc == 3 ? argv[2] : "";
    std::signal(SIGPIPE, SIG_IGN);
    bool good = false;
    if (what == "start-broker") {
        good = start_broker("start-broker", parent, 0);
    } else if (what == "start-broker-10000") {
        good = start_broker("start-10000", parent, 100);
    } else if (what == "fetch-stream") {
        good = fetch_stream(parent);
    } else if (what == "idle-1000") {
        good = idle_1000(parent);
    } else if (what == "latency-1000") {
        good = latency_1000(parent);
    } else if (what == "two-clients") {
        good = two_clients(parent);
    } else if (what == "kcat") {
        good = kcat(parent);
    } else {
        std::fputs("usage: bench_broker FIGURE DIRECTORY\n", stderr);
        return 64;
    }
    return good ? 0 : 1;
}
