#include "exec_runner.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "exec_loop.h"
#include "exec_shared.h"

namespace mq::consume {

namespace {

// Batches of this size and more end with a stored batch; printing record by record would cost too much.
constexpr std::uint64_t kCoarseBytes = std::uint64_t{1} << 20;

}  // namespace

class ExecRunner::Loop {
public:
    Loop(Setup setup_of, os::File wake)
        : setup(std::move(setup_of)), shared(setup.options, std::move(wake)), batch_out([this](Buffer& piece) {
              filling->input.push_back(shared.spare_buffer());
              std::swap(filling->input.back(), piece);
          }) {}

    void hand_over() {
        // Nothing is written by it: it does not fail.
        static_cast<void>(batch_out.flush());
        if (filling->parts.empty()) return;
        filling->size_bytes += filled_bytes();
        filled_from = batch_out.position();
        shared.queue(std::exchange(filling, std::make_unique<ExecWork>()));
    }
    [[nodiscard]] std::uint64_t filled_bytes() const { return batch_out.position() - filled_from; }

    const Setup setup;
    ExecShared shared;
    std::unique_ptr<ExecWork> filling = std::make_unique<ExecWork>();  // the batch that is printed
    cli::Output batch_out;
    std::uint64_t filled_from = 0;  // position of the batch in what is printed
    std::optional<ExecLoop> thread;
};

ExecRunner::ExecRunner(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
ExecRunner::~ExecRunner() = default;

Result<std::unique_ptr<ExecRunner>> ExecRunner::start(Setup setup) {
    std::optional<DeadLetters> dead_letters;
    if (setup.options.dead_letter) {
        MQ_ASSIGN(dead_letters, DeadLetters::open(*setup.directory, *setup.options.dead_letter));
    }
    // Where it is ignored the ends of children are not told.
    std::signal(SIGCHLD, SIG_DFL);
    const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0) return fail(system_error(errno, "eventfd", {}));
    auto loop = std::make_unique<Loop>(std::move(setup), os::File::adopt(wake, "eventfd", false));
    loop->thread.emplace(loop->setup, std::move(dead_letters), loop->shared);
    return std::unique_ptr<ExecRunner>{new ExecRunner{std::move(loop)}};
}

bool ExecRunner::has_room() const { return loop_->shared.has_room(); }

void ExecRunner::offer(const log::TopicPartition& id, const record::RecordView& record, LeaderEpoch epoch) {
    auto work = std::make_unique<ExecWork>();
    loop_->shared.add_part(*work, id, record.offset + 1, epoch);
    work->records.push_back({work->parts.front().partition->id, OwnedRecord{record}});
    work->size_bytes = work->records.front().record.size_bytes();
    work->record_count = 1;
    loop_->shared.queue(std::move(work));
}

cli::Output& ExecRunner::batch_output() { return loop_->batch_out; }

std::uint64_t ExecRunner::batch_room() const {
    const ExecOptions& options = loop_->setup.options;
    if (options.batch_bytes < kCoarseBytes) return 1;
    return options.batch_records - loop_->filling->record_count;
}

bool ExecRunner::needs_records() const { return loop_->setup.options.dead_letter.has_value(); }

void ExecRunner::keep(const log::TopicPartition& id, const record::RecordView& record) {
    ExecWork& work = *loop_->filling;
    loop_->shared.add_part(work, id, record.offset + 1, -1);
    const auto part = std::ranges::find_if(work.parts, [&](const auto& p) { return *p.partition->id == id; });
    work.records.push_back({part->partition->id, OwnedRecord{record}});
    work.size_bytes += work.records.back().record.size_bytes();
}

void ExecRunner::printed(const log::TopicPartition& id, Offset next, LeaderEpoch epoch, std::uint64_t records) {
    if (records == 0) return;
    ExecWork& work = *loop_->filling;
    work.is_batch = true;
    loop_->shared.add_part(work, id, next, epoch);
    work.record_count += records;
    const ExecOptions& options = loop_->setup.options;
    if (work.record_count >= options.batch_records || loop_->filled_bytes() >= options.batch_bytes) hand_over();
}

void ExecRunner::hand_over() { loop_->hand_over(); }

void ExecRunner::passed(const log::TopicPartition& id, Offset next, LeaderEpoch epoch) {
    for (ExecWork::Part& part : loop_->filling->parts) {
        if (*part.partition->id != id) continue;
        part.next = std::max(part.next, next);
        part.leader_epoch = epoch;
        return;
    }
    loop_->shared.pass(id, next, epoch);
}

std::vector<ExecProgress> ExecRunner::take_progress() { return loop_->shared.take_progress(); }
bool ExecRunner::idle() const { return loop_->shared.idle(); }
bool ExecRunner::idle(const log::TopicPartition& id) const { return loop_->shared.idle(id); }
const std::atomic<std::uint32_t>& ExecRunner::word() const { return loop_->shared.word(); }

void ExecRunner::forget(const log::TopicPartition& id) {
    const auto holds = [&](const ExecWork::Part& part) { return *part.partition->id == id; };
    if (std::ranges::any_of(loop_->filling->parts, holds)) hand_over();
    loop_->shared.forget(id);
}

void ExecRunner::stop() {
    loop_->shared.stop();
    hand_over();
}

std::optional<ExecRunner::Failure> ExecRunner::failure() const { return loop_->shared.failure(); }
ExecCounts ExecRunner::counts() const { return loop_->shared.counts(); }

}  // namespace mq::consume
