#include "crash/scenario.h"

#include <stdexcept>

#include "support/faults.h"

namespace mq::test {
namespace {

constexpr ProducerId kTransactionalId = 7;

// One life: the log, and the journal of what is done to it.
class Life {
public:
    Life(const std::string& data_directory, Journal& journal, log::Log& log)
        : directory_(data_directory), journal_(journal), log_(log) {
        for (std::uint32_t i = 0; i < journal_.steps.load(); ++i)
            if (journal_.step[i].kind == Step::Kind::append)
                next_id_ = journal_.step[i].first_id + journal_.step[i].count;
        epoch_ = log_.leader_epochs().latest().value_or(0);
    }

    void append(int count, const record::BatchOptions& options = {}) {
        std::string batch = batch_of(next_id_, count, options);
        Step& step =
            begin({Step::Kind::append, 0, next_id_, static_cast<std::uint64_t>(count), log_.log_end().value()});
        next_id_ += static_cast<RecordId>(count);
        const auto result = log_.append(batch, {.leader_epoch = epoch_});
        if (!result) throw std::runtime_error(result.error().message());
        if (result->first_offset.value() != step.offset) throw std::runtime_error("appended elsewhere");
        step.done = 1;
    }
    void transactional(int count) {
        record::BatchOptions options;
        options.transactional = true;
        options.producer_id = kTransactionalId;
        options.producer_epoch = 0;
        options.base_sequence = sequence_;
        sequence_ += count;
        append(count, options);
    }
    void end_transaction(bool abort) {
        std::string batch = marker_batch(kTransactionalId, abort);
        Step& step = begin({Step::Kind::marker, 0, 0, 1, log_.log_end().value()});
        must(log_.append(batch, {.origin = log::AppendOrigin::coordinator, .leader_epoch = epoch_}));
        step.done = 1;
    }
    void new_epoch() {
        ++epoch_;
        other([&] { must(log_.start_leader_epoch(epoch_)); });
    }
    void flush() {
        other([&] { must(log_.flush()); });
        journal_.flushed.store(log_.log_end().value());
    }
    void checkpoint() {
        other([&] { must(log_.checkpoint()); });
        journal_.flushed.store(log_.log_end().value());
    }
    void roll() {
        other([&] { must(log_.roll()); });
    }
    void truncate(Offset end) {
        journal_.flushed.store(std::min(journal_.flushed.load(), end.value()));
        Step& step =
            begin({Step::Kind::truncate, 0, static_cast<std::uint64_t>(end.value()), 0, log_.log_end().value()});
        must(log_.truncate_to(end));
        // A batch goes whole.
        step.offset = log_.log_end().value();
        step.done = 1;
        sequence_ = 0;
        if (const auto* entry = log_.producers().find(kTransactionalId)) sequence_ = entry->last_sequence() + 1;
    }
    void empty(Offset at) {
        journal_.flushed.store(at.value());
        Step& step = begin({Step::Kind::empty, 0, static_cast<std::uint64_t>(at.value()), 0, 0});
        must(log_.truncate_fully_and_start_at(at));
        step.done = 1;
        sequence_ = 0;
    }
    void raise_start(Offset offset) {
        Step& step = begin({Step::Kind::start, 0, static_cast<std::uint64_t>(offset.value()), 0, 0});
        must(log_.raise_log_start(offset));
        must(log_.apply_retention(fixed_clock()));
        step.done = 1;
    }
    // One call of the next append fails; the one after it repairs.
    void failing_append(os::Call call, unsigned nth) {
        std::string batch = batch_of(next_id_, 3);
        begin({Step::Kind::append, 0, next_id_, 3, log_.log_end().value()});
        {
            const FaultInjector fault{{.nth = nth, .error = ENOSPC, .only = call}};
            if (log_.append(batch, {.leader_epoch = epoch_})) throw std::runtime_error("it did not fail");
        }
        // Refused, and repaired by what comes next: the step is taken back.
        journal_.step[journal_.steps.load() - 1].kind = Step::Kind::other;
        append(1);
    }
    void failing_flush() {
        append(1);
        {
            const FaultInjector fault{{.nth = 1, .error = EIO, .only = os::Call::sync}};
            if (log_.flush()) throw std::runtime_error("it did not fail");
        }
        other([&] { must(log_.clear_poison()); });
        append(1);
    }
    // A replacement of the closed segments [first, last] by one with the same batches, as a cleaner that finds
    // nothing to drop.
    void replace(std::size_t first_index, std::size_t last_index) {
        const auto bases = log_.segment_bases();
        const Offset first = bases.at(first_index);
        const std::string partition = partition_of(directory_);
        const auto to = log::segment_paths(partition, first, log::FileSuffix::cleaned);
        std::string bytes;
        for (std::size_t i = first_index; i <= last_index; ++i)
            bytes += os::read_file(log::segment_paths(partition, bases[i]).log).value();
        other([&] {
            spill(to.log, bytes);
            log::ProducerState producers;  // of the log's beginning, where `first` is
            must(log::recover_segment(partition, first, log_.config(), {}, {&producers, nullptr}, true,
                                      log::FileSuffix::cleaned));
            for (const std::string& path : {to.log, to.offset_index, to.time_index, to.txn_index})
                if (os::exists(path).value()) must(os::File::open(path, os::OpenMode::read).value().sync());
            must(log_.replace_segments(first, bases.at(last_index)));
        });
    }
    void close() {
        other([&] { must(log_.close()); });
    }
    [[nodiscard]] Offset end() const { return log_.log_end(); }
    [[nodiscard]] std::vector<Offset> bases() const { return log_.segment_bases(); }

private:
    template <typename R>
    static void must(const R& result) {
        if (!result) throw std::runtime_error(result.error().message());
    }
    Step& begin(const Step& step) {
        Step& slot = journal_.step.at(journal_.steps.load());
        slot = step;
        journal_.steps.fetch_add(1);
        return slot;
    }
    void other(const std::function<void()>& what) {
        Step& step = begin({Step::Kind::other, 0, 0, 0, 0});
        what();
        step.done = 1;
    }

    const std::string& directory_;
    Journal& journal_;
    log::Log& log_;
    RecordId next_id_ = 1;
    std::int32_t sequence_ = 0;
    LeaderEpoch epoch_ = 0;
};

}  // namespace

std::string_view to_string(StartState state) {
    switch (state) {
        case StartState::fresh:
            return "fresh";
        case StartState::first_batch:
            return "first batch";
        case StartState::mid_segment:
            return "mid segment";
        case StartState::roll_due:
            return "roll due";
        case StartState::index_full:
            return "index full";
    }
    return "";
}

SharedJournal::SharedJournal() {
    void* memory = mmap(nullptr, sizeof(Journal), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc{};
    journal_ = new (memory) Journal{};
}

SharedJournal::~SharedJournal() { munmap(journal_, sizeof(Journal)); }

log::LogConfig scenario_config() {
    log::LogConfig config;
    config.segment_bytes = 1500;
    config.index_interval_bytes = 150;
    config.segment_index_bytes = 72;  // nine offset index entries, six time index entries
    config.retention_ms = log::kNoLimit;
    return config;
}

std::string partition_of(const std::string& data_directory) { return data_directory + "/t-0"; }

Result<log::Log> open_partition(const std::string& data_directory, log::PublishedState& state, log::Trust trust) {
    const PointFile point{data_directory + "/point"};
    log::OpenOptions options;
    options.trust = trust;
    options.recovery_point = point.read();
    options.persist_recovery_point = point.writer();
    options.new_epoch_after_recovery = true;
    options.clock = fixed_clock;
    return log::Log::open(partition_of(data_directory), scenario_config(), state, options);
}

void prepare(StartState start, const std::string& data_directory, Journal& journal) {
    if (start == StartState::fresh) return;
    auto log = open_partition(data_directory, journal.state, log::Trust::segments).value();
    Life life{data_directory, journal, log};
    const auto& state = log.state();
    switch (start) {
        case StartState::fresh:
            break;
        case StartState::first_batch:
            break;  // a segment, and nothing in it
        case StartState::mid_segment:
            for (int i = 0; i < 4; ++i) life.append(2);
            break;
        case StartState::roll_due:
            for (int i = 0; i < 6; ++i) life.append(3);
            while (state.read().active_size_bytes + 250 < log.config().segment_bytes) life.append(1);
            break;
        case StartState::index_full:
            while (state.read().time_index_entries + 1 < log.config().segment_index_bytes / log::kTimeIndexEntryBytes)
                life.append(1);
            break;
    }
    life.flush();
    // Not closed: the next process finds what a dead one left.
}

void live(const std::string& data_directory, Journal& journal) {
    auto log = open_partition(data_directory, journal.state, log::Trust::recovery_point).value();
    journal.live.store(1);
    Life life{data_directory, journal, log};
    life.append(1);
    for (int i = 0; i < 4; ++i) life.append(3);
    life.new_epoch();
    life.transactional(2);
    life.append(1);
    life.end_transaction(true);
    life.flush();
    life.transactional(1);
    life.end_transaction(false);
    life.roll();
    for (int i = 0; i < 12; ++i) life.append(2);
    life.checkpoint();
    for (int i = 0; i < 6; ++i) life.append(2);
    life.failing_append(os::Call::write, 1);
    life.truncate(life.end() - 3);
    life.append(2);
    life.transactional(1);
    life.end_transaction(true);
    life.transactional(1);
    life.end_transaction(true);
    life.roll();
    life.append(1);
    life.roll();
    life.append(2);
    life.truncate(life.bases().at(life.bases().size() - 2));
    life.append(2);
    life.roll();
    life.replace(0, 1);
    // Into a closed segment, with aborted transactions on both sides of the cut.
    life.transactional(1);
    life.end_transaction(true);
    life.append(1);
    life.transactional(1);
    life.end_transaction(true);
    life.roll();
    life.append(2);
    life.truncate(life.end() - 4);
    life.append(3);
    life.failing_flush();
    life.roll();
    life.append(4);
    life.raise_start(life.bases().at(life.bases().size() - 2) + 1);
    life.append(2);
    life.checkpoint();
    life.append(1);
    life.empty(life.end() + 5);
    life.append(2);
    life.close();
}

Allowed allowed_by(const Journal& journal) {
    Allowed allowed;
    std::int64_t end = 0;
    for (std::uint32_t i = 0; i < journal.steps.load(); ++i) {
        const Step& step = journal.step[i];
        const bool done = step.done != 0;
        allowed.may_be_empty = false;
        switch (step.kind) {
            case Step::Kind::append:
            case Step::Kind::marker:
                for (std::uint64_t k = 0; k < step.count; ++k)
                    allowed.content[step.offset + static_cast<std::int64_t>(k)] =
                        step.kind == Step::Kind::marker ? std::nullopt : std::optional<RecordId>{step.first_id + k};
                if (done) end = step.offset + static_cast<std::int64_t>(step.count);
                break;
            case Step::Kind::truncate:
                end = step.offset;
                if (done) {
                    allowed.content.erase(allowed.content.lower_bound(end), allowed.content.end());
                } else {
                    // At least what lies below the whole batches that reach past the cut.
                    end = static_cast<std::int64_t>(step.first_id) - 3;
                }
                break;
            case Step::Kind::empty:
                allowed.may_be_empty = true;
                allowed.empty_at = static_cast<std::int64_t>(step.first_id);
                end = 0;
                allowed.start_at_least = 0;
                if (done) {
                    allowed.content.clear();
                    end = allowed.start_at_least = allowed.start_at_most = allowed.empty_at;
                }
                break;
            case Step::Kind::start:
                allowed.start_at_most = static_cast<std::int64_t>(step.first_id);
                // Kept in memory only; segments that are gone are gone.
                break;
            case Step::Kind::other:
                break;
        }
        allowed.end_at_least = end;
    }
    return allowed;
}

std::string judge(const Allowed& allowed, const log::Log& log, const ReadBack& found) {
    if (!found.trouble.empty()) return found.trouble;
    const std::int64_t start = log.log_start().value();
    const std::int64_t end = log.log_end().value();
    if (allowed.may_be_empty && start == end) return {};
    if (start < allowed.start_at_least || start > allowed.start_at_most)
        return "starts at " + std::to_string(start) + ", not in " + std::to_string(allowed.start_at_least) + ".." +
               std::to_string(allowed.start_at_most);
    if (end < allowed.end_at_least)
        return "lost: ends at " + std::to_string(end) + ", not " + std::to_string(allowed.end_at_least);
    if (static_cast<std::int64_t>(found.content.size()) != end - start) return "not every offset has a record";
    for (const auto& [offset, id] : found.content) {
        const auto expected = allowed.content.find(offset);
        if (expected == allowed.content.end()) return "invented: offset " + std::to_string(offset);
        if (expected->second != id) return "another record at offset " + std::to_string(offset);
    }
    return {};
}

}  // namespace mq::test
