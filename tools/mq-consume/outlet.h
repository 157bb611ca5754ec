// Where records go, and which of them are done with, so that their group may commit them.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "ack_ledger.h"
#include "ack_reader.h"
#include "base/function_ref.h"
#include "cli/output.h"
#include "delivery.h"
#include "exec_runner.h"
#include "output_ledger.h"

namespace mq::consume {

// Of one partition, what was wanted of [from, next).
struct Delivered {
    Offset from{0};
    Offset behind_last{0};  // the last record that was wanted stands right below; `from` if none was
    Offset next{0};
    LeaderEpoch leader_epoch = -1;
};

// Not thread-safe.
class Outlet {
public:
    virtual ~Outlet() = default;

    // Before records of the partition are printed: where each of them is to be marked; nullptr: delivered() is
    // enough.
    virtual OutputLedger* begin(const log::TopicPartition&, LeaderEpoch) { return nullptr; }
    virtual void delivered(const log::TopicPartition& id, const Delivered& what) = 0;

    using Settle = FunctionRef<void(const log::TopicPartition&, const Progress&)>;
    // Tells how far partitions have come. Errors: those of reading acknowledgements.
    [[nodiscard]] virtual Status collect(Settle settle) = 0;
    // So much waits for collect() that it should not wait longer.
    [[nodiscard]] virtual bool is_full() const { return false; }

    // As of the last collect(): nothing that was delivered is still under way.
    [[nodiscard]] virtual bool is_done() const = 0;
    [[nodiscard]] virtual bool is_done(const log::TopicPartition& id) const = 0;
    // Nothing more will be done, whether is_done() or not: who would say so has gone.
    [[nodiscard]] virtual bool is_over() const { return false; }
    // Changes when collect() may have more to tell; nullptr: nothing tells of it.
    [[nodiscard]] virtual const std::atomic<std::uint32_t>* word() const { return nullptr; }

    // The partition goes to another member: nothing more of it will be delivered.
    virtual void let_go(const log::TopicPartition&) {}
    // It has gone.
    virtual void forget(const log::TopicPartition&) {}
};

// Printed records, done with when the next program has taken their bytes.
class PrintedOutlet : public Outlet {
public:
    PrintedOutlet(Delivery& delivery, const cli::Output& out) : delivery_(delivery), out_(out) {}

    OutputLedger* begin(const log::TopicPartition& id, LeaderEpoch epoch) override;
    void delivered(const log::TopicPartition& id, const Delivered& what) override;
    [[nodiscard]] Status collect(Settle settle) override;
    [[nodiscard]] bool is_full() const override;
    [[nodiscard]] bool is_done() const override { return ledger_.empty(); }
    [[nodiscard]] bool is_done(const log::TopicPartition& id) const override;
    [[nodiscard]] bool is_over() const override { return delivery_.reader_gone(); }

private:
    [[nodiscard]] OutputLedger::Source source_of(const log::TopicPartition& id);

    Delivery& delivery_;
    const cli::Output& out_;
    OutputLedger ledger_;
    std::map<log::TopicPartition, OutputLedger::Source> sources_;
    std::vector<const log::TopicPartition*> ids_;  // by source: keys of sources_
};

// Printed records, done with when another program says so: --ack-fd.
class AckedOutlet : public Outlet {
public:
    AckedOutlet(std::unique_ptr<AckReader> reader, const cli::Diagnostics& diagnostics)
        : reader_(std::move(reader)), diagnostics_(diagnostics) {}

    void delivered(const log::TopicPartition& id, const Delivered& what) override;
    [[nodiscard]] Status collect(Settle settle) override;
    [[nodiscard]] bool is_done() const override { return ledger_.complete(); }
    [[nodiscard]] bool is_done(const log::TopicPartition& id) const override;
    [[nodiscard]] bool is_over() const override { return reader_->at_end(); }
    [[nodiscard]] const std::atomic<std::uint32_t>* word() const override { return &reader_->word(); }
    void forget(const log::TopicPartition& id) override;
    // Acknowledgements that fitted nothing.
    [[nodiscard]] bool has_refused() const { return refused_; }

private:
    std::unique_ptr<AckReader> reader_;
    const cli::Diagnostics& diagnostics_;
    AckLedger ledger_;
    std::map<log::TopicPartition, Offset> left_;  // behind the last record that is not acknowledged
    bool refused_ = false;
};

// Records that commands get, done with when those have succeeded.
class CommandOutlet : public Outlet {
public:
    explicit CommandOutlet(std::unique_ptr<ExecRunner> runner) : runner_(std::move(runner)) {}

    [[nodiscard]] ExecRunner& runner() { return *runner_; }

    void delivered(const log::TopicPartition& id, const Delivered& what) override;
    [[nodiscard]] Status collect(Settle settle) override;
    [[nodiscard]] bool is_done() const override { return runner_->idle(); }
    [[nodiscard]] bool is_done(const log::TopicPartition& id) const override { return runner_->idle(id); }
    [[nodiscard]] const std::atomic<std::uint32_t>* word() const override { return &runner_->word(); }
    void let_go(const log::TopicPartition& id) override {
        let_go_.insert(id);
        runner_->forget(id);
    }
    void forget(const log::TopicPartition& id) override { let_go_.erase(id); }

private:
    std::unique_ptr<ExecRunner> runner_;
    std::set<log::TopicPartition> let_go_;
};

}  // namespace mq::consume
