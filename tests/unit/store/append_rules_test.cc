// The rules of an append, by what is asked of the system meanwhile: every call passes the fault seam, where it is
// seen.

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "log/log_reader.h"
#include "log/offset_index.h"
#include "log/segment_files.h"
#include "log/time_index.h"
#include "os/fault.h"
#include "os/process.h"
#include "record/record.h"
#include "store/data_directory.h"
#include "support/batches.h"
#include "support/child.h"
#include "support/temp_dir.h"

namespace mq::store {
namespace {

using test::exited_with;
using test::run_in_child;
using test::TempDir;

const log::TopicPartition kId{"numbers", 0};

struct SeenCall {
    os::Call call;
    std::string path;
    int thread;
};

// All calls of any thread while it lives; some of them fail if asked to.
class Watch {
public:
    Watch() {
        current_ = this;
        os::set_fault_hook(&Watch::hook);
    }
    ~Watch() {
        os::set_fault_hook(nullptr);
        current_ = nullptr;
        while (inside_.load() != 0) std::this_thread::yield();
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    std::function<os::Fault(os::Call, std::string_view)> decide;

    // Changes what `decide` looks at, while nobody does.
    void between_calls(const std::function<void()>& change) {
        const std::scoped_lock lock{mutex_};
        change();
    }
    [[nodiscard]] std::size_t count(os::Call call, std::string_view suffix) const {
        std::size_t n = 0;
        for (const SeenCall& seen : calls_) n += seen.call == call && seen.path.ends_with(suffix);
        return n;
    }
    [[nodiscard]] const std::vector<SeenCall>& calls() const { return calls_; }
    void clear() { calls_.clear(); }

private:
    static os::Fault hook(os::Call call, std::string_view path, std::size_t) {
        ++inside_;
        Watch* const watch = current_.load();
        const os::Fault fault = watch == nullptr ? os::Fault{} : watch->see(call, path);
        --inside_;
        return fault;
    }
    os::Fault see(os::Call call, std::string_view path) {
        const std::scoped_lock lock{mutex_};
        calls_.push_back({call, std::string{path}, os::thread_id()});
        return decide ? decide(call, path) : os::Fault{};
    }

    static std::atomic<Watch*> current_;
    static std::atomic<unsigned> inside_;  // threads in its hook, which may still look at it when it is to go
    std::mutex mutex_;
    std::vector<SeenCall> calls_;
};
std::atomic<Watch*> Watch::current_{nullptr};
std::atomic<unsigned> Watch::inside_{0};

class AppendRules : public testing::Test {
protected:
    void make_topic(ConfigMap config = {}) {
        config.try_emplace("retention.ms", "-1");
        NewTopic wanted;
        wanted.name = kId.topic;
        wanted.config = std::move(config);
        directory_.create_topic(wanted).value();
        writer_ = directory_.open_writer(kId).value();
    }
    static DataDirectory open(const std::string& path) {
        OpenOptions options;
        options.access = Access::write;
        return DataDirectory::open(path, options).value();
    }
    log::AppendResult append(int first, int count = 1, const record::BatchOptions& options = {}) {
        std::string batch = test::numbered_batch(first, count, 1000, options);
        return writer_->append(batch).value();
    }
    std::string file(const std::string& name) const { return dir_.path() + "/numbers-0/" + name; }
    std::string first_log() const { return file("00000000000000000000.log"); }

    TempDir dir_;
    DataDirectory directory_ = open(dir_.path());
    std::unique_ptr<PartitionWriter> writer_;
};

TEST_F(AppendRules, APP1_TheChecksumIsTheEncodersAndOnlyOffsetAndEpochAreStamped) {
    make_topic();
    append(0, 5);
    std::string batch = test::numbered_batch(5, 3);
    const std::string before = batch;
    ASSERT_TRUE(writer_->append(batch));
    const std::string written = os::read_file(first_log()).value();
    const std::string_view second = std::string_view{written}.substr(written.size() - before.size());
    // Bytes 0 to 7 are the base offset, 12 to 15 the leader epoch; the checksum stands at 17 and covers what follows.
    EXPECT_EQ(second.substr(8, 4), std::string_view{before}.substr(8, 4));
    EXPECT_EQ(second.substr(16), std::string_view{before}.substr(16));
    EXPECT_EQ(second.substr(0, 8), std::string_view("\0\0\0\0\0\0\0\5", 8));
}

TEST_F(AppendRules, APP1_OfLogAppendTimeTheChecksumIsFinishedUnderTheLock) {
    make_topic({{"message.timestamp.type", "LogAppendTime"}});
    append(0, 5);
    const std::string written = os::read_file(first_log()).value();
    const auto header = record::parse_batch_header(written).value();
    EXPECT_EQ(header.timestamp_type(), record::TimestampType::log_append_time);
    EXPECT_TRUE(record::verify_batch_checksum(written, header));
}

TEST_F(AppendRules, APP2_OneWriteAtThePublishedEndThenPublished) {
    make_topic();
    append(0);
    const auto reader = directory_.open_reader(kId).value();
    Watch watch;
    std::vector<std::int64_t> ends_at_write;
    watch.decide = [&](os::Call call, std::string_view path) {
        if (call == os::Call::write && path.ends_with(".log"))
            ends_at_write.push_back(reader->bounds()->log_end.value());
        return os::Fault{};
    };
    append(1, 7);
    EXPECT_EQ(ends_at_write, (std::vector<std::int64_t>{1}));
    EXPECT_EQ(watch.count(os::Call::write, ".log"), 1u);
    EXPECT_EQ(watch.count(os::Call::sync, ""), 0u);
    EXPECT_EQ(reader->bounds()->log_end, Offset{8});
}

TEST_F(AppendRules, APP3_WhatOthersWroteWithAProducerIdIsReplayedAndElseNothingIsRead) {
    make_topic();
    append(0, 100);
    const auto second = directory_.open_writer(kId).value();
    Watch watch;
    std::string plain = test::numbered_batch(100, 1);
    ASSERT_TRUE(second->append(plain));
    EXPECT_EQ(watch.count(os::Call::read, ".log"), 0u);

    record::BatchOptions options;
    options.producer_id = 7;
    options.producer_epoch = 0;
    options.base_sequence = 0;
    const std::string batch = test::numbered_batch(101, 4, 1000, options);
    EXPECT_EQ(run_in_child([&] {
                  auto own = open(dir_.path());
                  const auto other = own.open_writer(kId).value();
                  std::string copy = batch;
                  return other->append(copy)->first_offset == Offset{101} ? 0 : 1;
              }),
              exited_with(0));
    std::string again = batch;
    const auto duplicate = second->append(again).value();
    EXPECT_TRUE(duplicate.duplicate);
    EXPECT_EQ(duplicate.first_offset, Offset{101});
    EXPECT_GT(watch.count(os::Call::read, ".log"), 0u);
    EXPECT_EQ(append(105).first_offset, Offset{105});
}

TEST_F(AppendRules, APP4_ClosedSegmentsAreNeverWrittenToNorCutInPlace) {
    make_topic({{"segment.bytes", "300"}, {"cleanup.policy", "compact"}, {"min.cleanable.dirty.ratio", "1"}});
    std::set<std::string> closed;
    std::vector<std::string> touched;
    Watch watch;
    watch.decide = [&](os::Call call, std::string_view path) {
        const bool changes = call == os::Call::write || call == os::Call::truncate;
        if (changes && closed.contains(std::string{path})) touched.emplace_back(path);
        return os::Fault{};
    };
    const auto note_closed = [&] {
        const auto listing = os::list_directory(dir_.path() + "/numbers-0").value();
        std::vector<std::string> logs;
        for (const auto& entry : listing)
            if (entry.name.ends_with(".log")) logs.push_back(file(entry.name));
        if (!logs.empty()) logs.pop_back();
        watch.between_calls([&] { closed = {logs.begin(), logs.end()}; });
    };
    for (int i = 0; i < 40; ++i) {
        append(i % 4);
        note_closed();
    }
    ASSERT_GT(closed.size(), 5u);
    ASSERT_TRUE(writer_->compact());
    note_closed();
    ASSERT_TRUE(writer_->truncate_to(writer_->bounds()->log_end - 20));
    note_closed();
    ASSERT_TRUE(writer_->trim(Offset{10}));
    watch.between_calls([&] { EXPECT_EQ(touched, std::vector<std::string>{}); });
}

TEST_F(AppendRules, APP7_AFailedFsyncPoisonsUntilWhatItCoveredIsWrittenToAFreshFile) {
    make_topic();
    append(0, 3);
    const std::uint64_t inode = os::file_info(first_log())->inode;
    {
        Watch watch;
        watch.decide = [](os::Call call, std::string_view path) {
            return call == os::Call::sync && path.ends_with(".log") ? os::Fault{EIO} : os::Fault{};
        };
        EXPECT_EQ(writer_->flush().error().sys_errno, EIO);
    }
    // The next fsync would succeed, and prove nothing.
    const auto flushed = writer_->flush();
    EXPECT_EQ(flushed.error().code, Errc::poisoned);
    EXPECT_EQ(flushed.error().sys_errno, EIO);
    std::string batch = test::numbered_batch(3, 1);
    EXPECT_EQ(writer_->append(batch).error().code, Errc::poisoned);

    const auto next = directory_.open_writer(kId).value();
    EXPECT_EQ(next->append(batch)->first_offset, Offset{3});
    EXPECT_FALSE(next->take_recovery_report().notes.empty());
    EXPECT_TRUE(next->flush());
    EXPECT_NE(os::file_info(first_log())->inode, inode);
    EXPECT_EQ(append(4).first_offset, Offset{4});
    EXPECT_TRUE(writer_->flush());
}

TEST_F(AppendRules, APP11_IndexFilesHaveTheirExactSize) {
    make_topic({{"index.interval.bytes", "100"}});
    for (int i = 0; i < 50; ++i) append(i * 10, 10);
    ASSERT_TRUE(writer_->checkpoint());
    const auto index =
        log::OffsetIndex::open(file("00000000000000000000.index"), Offset{0}, os::OpenMode::read).value();
    const auto entries = index.read_all().value();
    EXPECT_GT(entries.size(), 30u);
    EXPECT_EQ(os::file_info(file("00000000000000000000.index"))->size_bytes, entries.size() * 8);
    EXPECT_EQ(os::file_info(file("00000000000000000000.timeindex"))->size_bytes % 12, 0u);
}

TEST_F(AppendRules, LCK3_TheThreadThatTookTheLockDoesEveryCallUnderIt) {
    make_topic({{"segment.bytes", "300"}});
    Watch watch;
    for (int i = 0; i < 20; ++i) append(i);
    ASSERT_TRUE(writer_->flush());
    std::set<int> threads;
    for (const SeenCall& seen : watch.calls()) threads.insert(seen.thread);
    EXPECT_EQ(threads, std::set<int>{os::thread_id()});
}

TEST_F(AppendRules, PUB2_ReadingAndFlushingPublishNothing) {
    make_topic();
    append(0, 10);
    const auto reader = directory_.open_reader(kId).value();
    const Bounds before = reader->bounds().value();
    log::ScannedBatch batch;
    EXPECT_EQ(reader->next(batch).value(), log::ReadOutcome::batch);
    EXPECT_TRUE(reader->find_timestamp(1001).value());
    Watch watch;
    EXPECT_TRUE(writer_->flush());
    EXPECT_TRUE(writer_->bounds());
    EXPECT_EQ(watch.count(os::Call::write, ""), 0u);
    const Bounds after = reader->bounds().value();
    EXPECT_EQ(after.log_end, before.log_end);
    EXPECT_EQ(after.high_watermark, before.high_watermark);
}

}  // namespace
}  // namespace mq::store
