#include "storm/storm.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <new>
#include <stdexcept>

#include "base/crc32c.h"
#include "offsets/offset_store.h"
#include "record/batch_builder.h"
#include "record/record.h"
#include "shm/control_file.h"
#include "storm/storm_client.h"

namespace mq::test {
namespace {

void futex_wake(std::atomic<std::uint32_t>& word) {
    syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAKE, INT32_MAX, nullptr, nullptr, 0);
}

}  // namespace

std::string text_of(const log::TopicPartition& partition) {
    return partition.topic + "-" + std::to_string(partition.partition);
}

// The kernel's own calls: what the storm tests is not what it stands on.
void futex_wait_change(const std::atomic<std::uint32_t>& word, std::uint32_t seen, int timeout_ms) {
    const timespec timeout{timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
    syscall(SYS_futex, reinterpret_cast<const std::uint32_t*>(&word), FUTEX_WAIT, seen, &timeout, nullptr, 0);
}

Result<store::DataDirectory> open_data(const std::string& directory, store::Access access) {
    store::OpenOptions options;
    options.access = access;
    return store::DataDirectory::open(directory, options);
}

std::string storm_value(const log::TopicPartition& to, std::uint64_t id) {
    std::string value = text_of(to) + "|" + std::to_string(id >> 40) + "|" + std::to_string(id);
    value += "|" + std::to_string(crc32c(value)) + "|";
    value.append(id * 7919 % 60, static_cast<char>('a' + id % 26));
    return value;
}

std::optional<std::uint64_t> storm_id(const log::TopicPartition& from, ByteView value) {
    const std::string_view text{value.data(), value.size()};
    const auto first = text.find('|');
    const auto second = first == std::string_view::npos ? first : text.find('|', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    std::uint64_t id = 0;
    for (std::size_t i = second + 1; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i)
        id = id * 10 + static_cast<std::uint64_t>(text[i] - '0');
    return storm_value(from, id) == text ? std::optional{id} : std::nullopt;
}

std::string storm_batch(const log::TopicPartition& to, std::uint64_t first_id, std::uint32_t count,
                        ProducerMark producer) {
    record::BatchOptions options;
    if (producer.id != kNoProducerId) {
        options.producer_id = producer.id;
        options.producer_epoch = 0;
        options.base_sequence = producer.sequence;
    }
    record::BatchBuilder builder{options};
    const TimestampMs now = wall_clock_ms();
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::string key = std::to_string((first_id + i) % 13);
        const std::string value = storm_value(to, first_id + i);
        builder.add(now, ByteView{key}, ByteView{value});
    }
    const auto batch = builder.finish();
    if (!batch) throw std::runtime_error{batch.error().message()};
    return std::string{*batch};
}

void wait_a_while(const Child& child, std::uint64_t microseconds) {
    const int fd = static_cast<int>(syscall(SYS_pidfd_open, child.pid(), 0));
    pollfd end{.fd = fd, .events = POLLIN, .revents = 0};
    const timespec timeout{static_cast<time_t>(microseconds / 1'000'000),
                           static_cast<long>(microseconds % 1'000'000 * 1000)};
    ppoll(&end, 1, &timeout, nullptr);
    close(fd);
}

Storm::Storm(std::string directory, StormPlan plan)
    : directory_(std::move(directory)),
      plan_(std::move(plan)),
      history_(clients() + 2, plan_.events_each),
      children_(clients()) {
    if (clients() > kMostClients || plan_.partitions.size() > kMostPartitions) throw std::length_error{"storm"};
    void* const memory = mmap(nullptr, sizeof(StormBoard), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc{};
    board_ = static_cast<StormBoard*>(memory);
    // In a child: the parent of forks holds no lock of the directory.
    const ChildEnd end = run_in_child([&] {
        auto opened = open_data(directory_);
        if (!opened) return trouble(0, opened.error().message());
        std::map<std::string, std::int32_t> topics;
        for (const auto& id : plan_.partitions) topics[id.topic] = std::max(topics[id.topic], id.partition + 1);
        for (const auto& [name, partitions] : topics) {
            if (opened->topic(name)) continue;
            const auto made = opened->create_topic({name, partitions, 1, plan_.config});
            if (!made) return trouble(0, made.error().message());
        }
        if (plan_.offsets_config.empty()) return 0;
        const auto made = opened->create_topic({"__consumer_offsets", 1, 1, plan_.offsets_config});
        return made ? 0 : trouble(0, made.error().message());
    });
    if (end != exited_with(0)) throw std::runtime_error{"storm: " + troubles()};
}

Storm::~Storm() {
    children_.clear();
    munmap(board_, sizeof(StormBoard));
}

int Storm::trouble(unsigned number, const std::string& what) const {
    auto& text = board_->client[number].trouble;
    if (text[0] == 0) std::strncpy(text.data(), what.c_str(), text.size() - 1);
    return 1;
}

std::string Storm::troubles() const {
    std::string all;
    for (unsigned i = 0; i <= clients(); ++i)
        if (board_->client[i].trouble[0] != 0)
            all += "client " + std::to_string(i) + ": " + board_->client[i].trouble.data() + "\n";
    return all;
}

store::OpenOptions Storm::options_of(unsigned number, store::Access access) const {
    store::OpenOptions options;
    options.access = access;
    options.on_wait = [this, number](const shm::Holder& holder, std::chrono::milliseconds waited) -> Status {
        board_->client[number].long_waits.fetch_add(1);
        board_->client[number].holder_pid.store(holder.pid);
        if (waited > kHangs) return fail(Errc::timed_out, "wait for " + holder.what, std::to_string(holder.pid));
        return {};
    };
    return options;
}

int Storm::produce(unsigned number) const {
    if (plan_.at_birth) plan_.at_birth(number);
    auto& board = board_->client[number];
    ClientLog log = history_.client(number);
    std::mt19937_64 random{plan_.seed ^ (number * 0x9e3779b97f4a7c15u) ^ board.next_record.load()};
    auto opened = store::DataDirectory::open(directory_, options_of(number, store::Access::write));
    if (!opened) return trouble(number, "open: " + opened.error().message());
    std::vector<std::unique_ptr<store::PartitionWriter>> writers(plan_.partitions.size());
    const bool idempotent = plan_.odd_producers_are_idempotent && number % 2 == 1;

    const auto send = [&](std::size_t step, std::uint16_t to, std::uint64_t first,
                          std::uint32_t count) -> std::string {
        auto& writer = writers[to];
        if (!writer) {
            auto made = opened->open_writer(plan_.partitions[to]);
            if (!made) return "open writer: " + made.error().message();
            writer = *std::move(made);
        }
        ProducerMark mark;
        if (idempotent) mark = {1000 + static_cast<ProducerId>(number), board.sequence[to].load()};
        std::string batch = storm_batch(plan_.partitions[to], first, count, mark);
        const auto result = writer->append(batch);
        if (!result) {
            log.fail(step);
            return "append: " + result.error().message();
        }
        log.acknowledge(step, result->first_offset.value(), result->last_offset.value());
        if (idempotent) board.sequence[to].store(mark.sequence + static_cast<std::int32_t>(count));
        board.progress.fetch_add(1);
        return {};
    };

    if (idempotent && log.used() > 0) {
        const auto events = history_.events(number);
        const HistoryEvent& last = events.back();
        if (last.kind == HistoryKind::send && last.outcome.load() == HistoryOutcome::indeterminate) {
            if (auto bad = send(events.size() - 1, last.partition, last.id, last.count); !bad.empty())
                return trouble(number, "again: " + bad);
        } else if (last.kind == HistoryKind::send && last.outcome.load() == HistoryOutcome::acknowledged) {
            // Died between the two notes of an answer: the sequence is what the log says it is.
            std::int32_t sequence = 0;
            for (const auto& event : events)
                if (event.kind == HistoryKind::send && event.partition == last.partition &&
                    event.outcome.load() == HistoryOutcome::acknowledged)
                    sequence += static_cast<std::int32_t>(event.count);
            board.sequence[last.partition].store(sequence);
        }
    }
    while (board_->stop.load() == 0) {
        const std::uint32_t turn = board_->turn.load();
        if (log.full() || board.progress.load() - board.turn_started.load() >= plan_.sends_a_turn) {
            if (board_->stop.load() == 0) futex_wait_change(board_->turn, turn, 1000);
            continue;
        }
        const auto to = static_cast<std::uint16_t>(random() % plan_.partitions.size());
        const auto count = static_cast<std::uint32_t>(1 + random() % 4);
        const std::uint64_t first = storm_record(number, board.next_record.fetch_add(count));
        const auto step = log.begin_send(to, first, count);
        if (auto bad = send(step, to, first, count); !bad.empty()) return trouble(number, bad);
        if (!plan_.maintain) continue;
        const auto chance = random() % 200;
        Status done;
        if (chance == 0) done = writers[to]->roll();
        if (chance == 1) done = writers[to]->checkpoint();
        if (chance >= 2 && chance < 8) done = writers[to]->flush();
        if (!done) return trouble(number, "maintain: " + done.error().message());
    }
    return 0;
}

int Storm::consume(unsigned number) const {
    if (plan_.at_birth) plan_.at_birth(number);
    auto& board = board_->client[number];
    ClientLog log = history_.client(number);
    auto opened = store::DataDirectory::open(directory_, options_of(number, store::Access::read));
    if (!opened) return trouble(number, "open: " + opened.error().message());
    std::vector<std::unique_ptr<store::PartitionReader>> readers;
    std::vector<store::PartitionReader*> waited;
    // A new life goes on near the end of what the last one read: it would only read the same again.
    std::map<std::uint16_t, std::int64_t> resume;
    for (const auto& event : history_.events(number))
        if (event.kind == HistoryKind::read) resume[event.partition] = event.last + 1;
    for (std::uint16_t i = 0; i < plan_.partitions.size(); ++i) {
        auto reader = opened->open_reader(plan_.partitions[i]);
        if (!reader) return trouble(number, "open reader: " + reader.error().message());
        const std::int64_t from = resume.contains(i) ? resume[i] : 0;
        (*reader)->seek(Offset{from});
        log.seek(i, from);
        waited.push_back(reader->get());
        readers.push_back(*std::move(reader));
    }
    store::Waiter waiter;
    for (;;) {
        const bool last_turn = board_->drain.load() != 0;
        std::uint64_t count = 0;
        for (std::uint16_t i = 0; i < readers.size(); ++i) {
            const auto got = read_on(*readers[i], i, log, 5000);
            if (!got) return trouble(number, got.error().message());
            count += got->records;
        }
        board.progress.fetch_add(count);
        if (log.full()) return 0;
        if (count == 0 && last_turn) return 0;
        const auto woken = waiter.wait(waited, 200);
        if (!woken) return trouble(number, "wait: " + woken.error().message());
    }
}

void Storm::revive(unsigned number) {
    children_[number].reset();
    children_[number] = std::make_unique<Child>(plan_.fork([this, number] {
        if (is_producer(number)) return produce(number);
        return is_member(number) ? work(number) : consume(number);
    }));
}

void Storm::start() {
    for (unsigned i = 0; i < clients(); ++i) revive(i);
}

void Storm::replace(unsigned number, int signal) {
    history_.client(clients() + 1).kill(number);
    child(number).send(signal);
    const ChildEnd end = child(number).wait();
    if (end != ended_by(signal) && board_->client[number].trouble[0] == 0 && !(end == exited_with(0)))
        trouble(number, "ended by itself");
    revive(number);
}

void Storm::turn() {
    for (unsigned i = 0; i < plan_.producers; ++i)
        board_->client[i].turn_started.store(board_->client[i].progress.load());
    board_->turn.fetch_add(1);
    futex_wake(board_->turn);
}

std::string Storm::await_progress(unsigned number, std::uint64_t before) {
    const auto deadline = std::chrono::steady_clock::now() + kHangs;
    while (progress(number) == before) {
        if (auto bad = troubles(); !bad.empty()) return bad;
        if (std::chrono::steady_clock::now() > deadline) return "client " + std::to_string(number) + " hangs";
        wait_a_while(child(number), 1000);
    }
    return {};
}

std::string Storm::read_everything() const {
    const ChildEnd end = run_in_child([&] {
        const unsigned number = clients();
        ClientLog log = history_.client(number);
        auto opened = store::DataDirectory::open(directory_, options_of(number, store::Access::read));
        if (!opened) return trouble(number, "open: " + opened.error().message());
        for (std::uint16_t i = 0; i < plan_.partitions.size(); ++i) {
            auto reader = opened->open_reader(plan_.partitions[i]);
            if (!reader) return trouble(number, "open reader: " + reader.error().message());
            const auto bounds = (*reader)->bounds();
            if (!bounds) return trouble(number, "bounds: " + bounds.error().message());
            log.seek(i, 0);
            const auto read = read_on(**reader, i, log, UINT64_MAX);
            if (!read) return trouble(number, read.error().message());
            // Without transactions and deletions every offset holds a record.
            if (static_cast<std::int64_t>(read->records) != bounds->log_end.value())
                return trouble(number, text_of(plan_.partitions[i]) + ": holes: " + std::to_string(read->records) +
                                           " records below offset " + std::to_string(bounds->log_end.value()));
        }
        if (plan_.members == 0) return 0;
        const auto checked = offsets::OffsetStore{*opened}.check();
        if (!checked) return trouble(number, "check: " + checked.error().message());
        return checked->problems.empty() ? 0 : trouble(number, "check: " + checked->problems.front());
    });
    if (end == exited_with(0)) return {};
    auto bad = troubles();
    return bad.empty() ? "the last reader did not end well" : bad;
}

std::string Storm::finish() {
    board_->stop.store(1);
    turn();
    std::string bad;
    for (unsigned i = 0; i < plan_.producers; ++i)
        if (child(i).wait(kHangs) != exited_with(0)) bad += "producer " + std::to_string(i) + " did not end well\n";
    board_->drain.store(1);
    for (unsigned i = plan_.producers; i < clients(); ++i)
        if (child(i).wait(kHangs) != exited_with(0))
            bad += (is_member(i) ? "member " : "consumer ") + std::to_string(i) + " did not end well\n";
    bad += troubles();
    if (!bad.empty()) return bad;
    bad = read_everything();
    if (history_.overflowed()) bad += "the history is too small\n";
    if (!bad.empty()) return bad;
    verdict_ = judge(history_);
    return verdict_.text();
}

}  // namespace mq::test
