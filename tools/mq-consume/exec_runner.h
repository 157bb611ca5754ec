// --exec and --exec-batch: a command for each record, or for many, and what may be committed when they have
// succeeded.
//
// A thread of its own starts the commands, feeds them, gathers what they print and waits for their ends, all in one
// poll(2); the consumer goes on reading meanwhile.
//
//     while (reading) {
//         if (!runner.has_room()) sleep on runner.word() (and what else can happen)
//         runner.offer(id, record, epoch) ... runner.passed(id, behind_the_batch, epoch)
//         for (const ExecProgress& p : runner.take_progress()) commit p.next, after flushing `out`
//     }
//     until (runner.idle()) sleep on runner.word(), take_progress()
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "cli/diagnostics.h"
#include "cli/output.h"
#include "exec_options.h"
#include "log/checkpoint_file.h"
#include "record/record.h"
#include "store/data_directory.h"

namespace mq::consume {

// Everything of a partition below `next` that was offered has been dealt with: it may be committed.
struct ExecProgress {
    log::TopicPartition id;
    Offset next{0};
    LeaderEpoch leader_epoch = -1;  // of the last record below `next`

    bool operator==(const ExecProgress&) const = default;
};

struct ExecCounts {
    std::uint64_t succeeded = 0;  // records
    std::uint64_t attempts = 0;   // commands that were started
    std::uint64_t skipped = 0;
    std::uint64_t dead_letters = 0;
};

// The calls are made by one thread. A command runs as in a shell: /bin/sh -c COMMAND, or the program itself where
// COMMAND is nothing but words. It gets
// - on stdin the value (--exec), or what the printer made of the records (--exec-batch); it need not read all of it;
// - --exec: MQ_TOPIC, MQ_PARTITION, MQ_OFFSET, MQ_TIMESTAMP, MQ_KEY (not set: null), MQ_HEADER_NAME (letters as
// capitals,
//   all but letters and digits as _; of several the last; not set: null), MQ_HEADERS (JSON as --json prints it),
//   MQ_VALUE_NULL=1 where the value is null, and MQ_ATTEMPT. An environment holds no NUL bytes and nothing too long:
//   a key with a NUL byte comes as MQ_KEY_BASE64; what is left out is named in MQ_OMITTED, the value never is;
// - --exec-batch: MQ_RECORDS and MQ_ATTEMPT;
// - none of our descriptors, the default action of SIGINT, SIGTERM and SIGPIPE, and a process group of its own:
// Ctrl-C
//   is for the consumer, and a running command finishes even if that dies.
// It has ended when its process has, whoever of its children keeps its stdout open. What it printed is passed on
// whole and by itself, in the order of ends, or with keep_order in the order of offsets of each partition: of several
// attempts the last one's. Beyond a mebibyte it is passed on as it comes, whatever becomes of the attempt, and the
// others wait. With --exec-batch and one job stdout is the consumer's own. Stderr always is.
class ExecRunner {
public:
    struct Setup {
        ExecOptions options;
        store::DataDirectory* directory = nullptr;  // written to if there is a dead_letter
        const cli::Diagnostics* diagnostics = nullptr;
        cli::Output* out = nullptr;  // of what commands print; used by the runner's thread, by others when idle()
        // Raised by a signal handler: no further command is started, and one that fails from then on is left undone.
        const std::atomic<std::uint32_t>* interrupt = nullptr;
    };
    // Everything must outlive the runner. Makes the dead letter topic, with one partition, if it is missing. Errors:
    // those of the data directory; no_descriptors, no_memory.
    [[nodiscard]] static Result<std::unique_ptr<ExecRunner>> start(Setup setup);
    // Does not wait for commands that still run; what they do is not known then.
    ~ExecRunner();
    ExecRunner(const ExecRunner&) = delete;
    ExecRunner& operator=(const ExecRunner&) = delete;

    // Whether more may be offered: so much is held that all jobs have work, and no more. False for good after stop()
    // and after a failure.
    [[nodiscard]] bool has_room() const;

    // --exec. Copies the record; of a partition in the order of offsets. Only if has_room().
    void offer(const log::TopicPartition& id, const record::RecordView& record, LeaderEpoch epoch);

    // --exec-batch. Records are printed to batch_output(), at most batch_room() of them (never 0 while has_room()),
    // then told of; a batch that has reached a limit goes to a command.
    [[nodiscard]] cli::Output& batch_output();
    [[nodiscard]] std::uint64_t batch_room() const;
    // True where each record must be shown to keep(), after it was printed: a dead letter needs them one by one.
    [[nodiscard]] bool needs_records() const;
    void keep(const log::TopicPartition& id, const record::RecordView& record);
    // `records` more were printed, the last of them right below `next`.
    void printed(const log::TopicPartition& id, Offset next, LeaderEpoch epoch, std::uint64_t records);
    // Starts the command of what was printed up to now: when nothing more is there to be read. Waits for room only as
    // has_room() says: call it again if it was false.
    void hand_over();

    // Nothing below `next` that was not offered will be: filtered, aborted, compacted away. Without it progress
    // stands behind the last record that was offered.
    void passed(const log::TopicPartition& id, Offset next, LeaderEpoch epoch);

    // What came to be done since the last call, the latest of each partition.
    [[nodiscard]] std::vector<ExecProgress> take_progress();
    // No command runs, and none that was offered waits to be started.
    [[nodiscard]] bool idle() const;
    [[nodiscard]] bool idle(const log::TopicPartition& id) const;
    // Changes whenever has_room(), idle(), failure() or progress may have; to sleep on with the value seen before
    // they were looked at.
    [[nodiscard]] const std::atomic<std::uint32_t>& word() const;

    // The partition goes to another member: what no command was started for is dropped, and not done. When
    // idle(id), take_progress() has the last of it, and nothing is known of the partition any more.
    void forget(const log::TopicPartition& id);
    // No further command is started, no repetition either. Those that run are waited for: until idle().
    void stop();

    // Why no further command is started: the command failed under OnExecFailure::stop (told already; the
    // consumer's status is ExitCode::no), or the dead letter topic or the output could not be written to.
    struct Failure {
        cli::ExitCode status = cli::ExitCode::no;
    };
    [[nodiscard]] std::optional<Failure> failure() const;
    [[nodiscard]] ExecCounts counts() const;

private:
    class Loop;
    explicit ExecRunner(std::unique_ptr<Loop> loop);
    std::unique_ptr<Loop> loop_;
};

}  // namespace mq::consume
