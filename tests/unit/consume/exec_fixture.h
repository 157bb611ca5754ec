// An ExecRunner with its output in a file, and records to give to it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "mq-consume/exec_runner.h"
#include "os/file.h"
#include "os/futex.h"
#include "record/batch_builder.h"
#include "support/temp_dir.h"

namespace mq::consume {

struct MadeRecord {
    std::optional<std::string> key{};
    std::optional<std::string> value{};
    std::vector<std::pair<std::string, std::optional<std::string>>> headers{};
    TimestampMs timestamp = 1'700'000'000'000;
};

// One batch whose first record has the offset `base`.
class MadeBatch {
public:
    explicit MadeBatch(const std::vector<MadeRecord>& records, std::int64_t base = 0) {
        record::BatchOptions options;
        options.base_offset = Offset{base};
        record::BatchBuilder builder{options};
        for (const MadeRecord& made : records) {
            std::vector<record::Header> headers;
            for (const auto& [name, value] : made.headers)
                headers.push_back({name, value ? NullableBytes{*value} : std::nullopt});
            builder.add(made.timestamp, made.key ? NullableBytes{*made.key} : std::nullopt,
                        made.value ? NullableBytes{*made.value} : std::nullopt, headers);
        }
        bytes_ = *builder.finish();
        EXPECT_TRUE(reader_.open(bytes_));
        for (record::RecordView view; reader_.next(view);) views_.push_back(view);
    }
    [[nodiscard]] const std::vector<record::RecordView>& views() const { return views_; }

private:
    std::string bytes_;
    record::RecordReader reader_;
    std::vector<record::RecordView> views_;
};

class ExecTest : public testing::Test {
protected:
    static constexpr std::chrono::seconds kPatience{60};

    // With the command and what else is set in options_.
    void start(const std::string& command) {
        options_.command = command;
        file_ = *os::File::open(dir_ / "out", os::OpenMode::create);
        out_.emplace(file_.fd(), "out");
        auto started =
            ExecRunner::start({options_, directory_ ? &*directory_ : nullptr, &diagnostics_, &*out_, &interrupt_});
        ASSERT_TRUE(started) << started.error().message();
        runner_ = *std::move(started);
    }
    // Sleeps on the runner's word until `is_true`.
    template <typename Condition>
    void wait_until(const Condition& is_true) {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        for (;;) {
            const std::uint32_t seen = runner_->word().load();
            take_progress();
            if (is_true()) return;
            ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "it never came";
            const os::FutexWord word{&runner_->word(), seen};
            static_cast<void>(os::futex_wait({&word, 1}, 1000));
        }
    }
    void offer(const record::RecordView& record, const log::TopicPartition& id = {"t", 0}) {
        wait_until([&] { return runner_->has_room() || runner_->failure(); });
        if (runner_->has_room()) runner_->offer(id, record, 0);
    }
    // Records with these values, from offset 0 on.
    void offer_values(const std::vector<std::string>& values, const log::TopicPartition& id = {"t", 0}) {
        std::vector<MadeRecord> records;
        for (const std::string& value : values) records.push_back({.value = value});
        const MadeBatch batch{records};
        for (const record::RecordView& record : batch.views()) offer(record, id);
    }
    void take_progress() {
        for (const ExecProgress& progress : runner_->take_progress()) {
            reached_[progress.id] = progress.next.value();
            told_.push_back(progress);
        }
    }
    void wait_until_idle() {
        wait_until([&] { return runner_->idle(); });
        take_progress();
    }
    // Where a commit would stand; -1: nowhere.
    [[nodiscard]] std::int64_t reached(const log::TopicPartition& id = {"t", 0}) const {
        const auto found = reached_.find(id);
        return found == reached_.end() ? -1 : found->second;
    }
    [[nodiscard]] std::string output() const { return *os::read_file(dir_ / "out"); }
    // What commands wrote to a file of the test's directory; empty if none has.
    [[nodiscard]] std::string left_in(const std::string& name) const {
        return os::read_file(dir_ / name).value_or("");
    }

    test::TempDir dir_;
    cli::Diagnostics diagnostics_{"test"};
    std::optional<store::DataDirectory> directory_;
    std::atomic<std::uint32_t> interrupt_{0};
    os::File file_;
    std::optional<cli::Output> out_;
    ExecOptions options_;
    std::unique_ptr<ExecRunner> runner_;
    std::map<log::TopicPartition, std::int64_t> reached_;
    std::vector<ExecProgress> told_;
};

}  // namespace mq::consume
