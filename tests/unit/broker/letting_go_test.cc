// Files that are gone keep their space for as long as somebody has them open: the broker lets go of them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "broker/housekeeping.h"
#include "broker/partitions.h"
#include "broker/worker_pool.h"
#include "broker_fixture.h"
#include "offsets/offset_store.h"
#include "store/data_directory.h"
#include "support/batches.h"
#include "support/child.h"

namespace mq::broker {
namespace {

namespace fs = std::filesystem;
using Chore = Housekeeping::Chore;

class LettingGo : public BrokerTest {
protected:
    void SetUp() override {
        // Rounds are begun by hand: before the test looks, none has let go of anything.
        config.let_go_ms = config.retention_check_ms = config.cleaner_backoff_ms = 3'600'000;
        BrokerTest::SetUp();
    }
    // Descriptors of this process whose files were deleted.
    std::vector<std::string> deleted() {
        std::vector<std::string> found;
        for (const auto& entry : fs::directory_iterator{"/proc/self/fd"}) {
            std::error_code gone;
            const std::string target = fs::read_symlink(entry.path(), gone).string();
            if (!gone && target.starts_with(config.log_dir) && target.ends_with("(deleted)")) found.push_back(target);
        }
        return found;
    }
    // On a thread that may open a partition.
    Status on_worker(const std::function<Status()>& work) {
        std::promise<Status> done;
        EXPECT_TRUE(broker->workers().post([&] { done.set_value(work()); }));
        return done.get_future().get();
    }
    void make(const std::string& name, store::ConfigMap settings) {
        ASSERT_TRUE(broker->directory().create_topic({.name = name, .config = std::move(settings)}));
    }
    // Has it written, rolled, flushed and read, as clients do it.
    void use(const std::string& topic) {
        const auto partition = broker->partitions().find({topic, 0});
        const auto write = [](store::PartitionWriter& writer) -> Status {
            for (int i = 0; i < 3; ++i) {
                std::string batch = test::encode_batch({{.key = "k", .value = std::to_string(i)}});
                MQ_TRY(writer.append(batch));
                MQ_TRY(writer.roll());
            }
            return {};
        };
        const Status written = on_worker([&] { return partition->with_writer(write); });
        ASSERT_TRUE(written) << written.error().message();
        for (const auto isolation : {log::Isolation::read_uncommitted, log::Isolation::read_committed}) {
            const auto look = [](store::PartitionReader& reader) -> Status {
                log::RecordRange range;
                MQ_TRY(reader.read_range(Offset{0}, 1, true, range));
                log::ScannedBatch batch;
                MQ_TRY(reader.next(batch));
                return {};
            };
            const Status read = on_worker([&] { return partition->with_reader(look, isolation); });
            ASSERT_TRUE(read) << read.error().message();
        }
    }
    std::int64_t records_of(const std::string& topic) {
        std::int64_t end = -1;
        static_cast<void>(on_worker([&]() -> Status {
            MQ_ASSIGN(const store::Bounds bounds, broker->partitions().find({topic, 0})->bounds());
            end = bounds.log_end.value();
            return {};
        }));
        return end;
    }
    // Does `work` in another process once `go` is opened; forked while no broker runs.
    test::Child fork_other(const test::Gate& go, const std::function<Status(store::DataDirectory&)>& work) {
        return test::Child::fork([&go, work, path = config.log_dir] {
            store::OpenOptions how;
            how.access = store::Access::write;
            if (!go.wait()) return 1;
            auto directory = store::DataDirectory::open(path, how);
            return directory && work(*directory) ? 0 : 2;
        });
    }
};

TEST_F(LettingGo, OfWhatRetentionAndCompactionReplaceNothingStaysOpen) {
    make("old", {{"retention.ms", "-1"}});
    make("keyed", {{"retention.ms", "-1"}, {"min.cleanable.dirty.ratio", "0"}});
    use("old");
    use("keyed");
    ASSERT_TRUE(broker->directory().change_config("old", {{"retention.ms", "1000"}}));
    broker->housekeeping().run(Chore::retention);
    EXPECT_EQ(deleted(), std::vector<std::string>{});
    ASSERT_TRUE(broker->directory().change_config("keyed", {{"cleanup.policy", "compact"}}));
    broker->housekeeping().run(Chore::compaction);
    EXPECT_NE(log.lines().find("keyed-0: compaction kept"), std::string::npos) << log.lines();
    EXPECT_EQ(deleted(), std::vector<std::string>{});
    EXPECT_EQ(records_of("old"), 3);
    EXPECT_EQ(records_of("keyed"), 3);
    use("old");
    EXPECT_EQ(records_of("old"), 6);
}

TEST_F(LettingGo, OfWhatOtherProcessesReplaceOrDeleteNothingStaysOpen) {
    stop();
    const test::Gate go;
    test::Child other = fork_other(go, [](store::DataDirectory& directory) -> Status {
        MQ_TRY(directory.change_config("old", {{"retention.ms", "1000"}}));
        MQ_ASSIGN(auto old, directory.open_writer({"old", 0}));
        MQ_TRY(old->expire());
        MQ_ASSIGN(auto keyed, directory.open_writer({"keyed", 0}));
        MQ_TRY(keyed->compact());
        MQ_TRY(directory.delete_topic("gone"));
        MQ_ASSIGN(auto commits, directory.open_writer({"__consumer_offsets", 0}));
        MQ_TRY(commits->compact());
        return directory.close();
    });
    config.offsets_topic.partitions = 1;
    start();
    make("old", {{"retention.ms", "-1"}});
    make("keyed", {{"retention.ms", "-1"}, {"cleanup.policy", "compact"}});
    make("gone", {{"retention.ms", "-1"}});
    for (const char* name : {"old", "keyed", "gone"}) use(name);
    for (std::int64_t offset = 1; offset < 4; ++offset) {
        const offsets::Commit commit{.topic = "old", .partition = 0, .offset = Offset{offset}};
        ASSERT_TRUE(broker->offsets().commit("group", {&commit, 1}));
    }
    go.open();
    ASSERT_EQ(other.wait(), test::exited_with(0));
    EXPECT_NE(deleted(), std::vector<std::string>{});
    broker->housekeeping().run(Chore::letting_go);
    EXPECT_EQ(deleted(), std::vector<std::string>{});
    EXPECT_EQ(records_of("old"), 3);
    EXPECT_EQ(records_of("gone"), -1);
    const auto committed = broker->offsets().fetch("group", {"old", 0});
    ASSERT_TRUE(committed && *committed);
    EXPECT_EQ((*committed)->offset, Offset{3});
    use("keyed");
    EXPECT_EQ(records_of("keyed"), 6);
}

TEST_F(LettingGo, ByItselfBeforeLong) {
    stop();
    config.let_go_ms = 10;
    start();
    make("old", {{"retention.ms", "-1"}});
    use("old");
    ASSERT_TRUE(broker->directory().change_config("old", {{"retention.ms", "1000"}}));
    // As if another process did it.
    ASSERT_TRUE(broker->directory().open_writer({"old", 0}).value()->expire());
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (!deleted().empty() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    EXPECT_EQ(deleted(), std::vector<std::string>{});
}

TEST_F(LettingGo, WhatDidNotChangeStaysOpen) {
    make("t", {{"retention.ms", "-1"}});
    use("t");
    for (int round = 0; round < 2; ++round) {
        broker->housekeeping().run(Chore::letting_go);
        EXPECT_EQ(records_of("t"), 3);
    }
    // This thread may not open it again.
    EXPECT_TRUE(broker->partitions().find({"t", 0})->bounds());
}

}  // namespace
}  // namespace mq::broker
