// A process that is stopped while it holds a lock, where the broker is to start or to compact. LCK-6.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "broker/housekeeping.h"
#include "broker_fixture.h"
#include "shm/control_file.h"
#include "store/data_directory.h"
#include "support/batches.h"
#include "support/child.h"

namespace mq::broker {
namespace {

class HeldLocks : public BrokerTest {
protected:
    void SetUp() override {
        // Compactions are begun by hand.
        config.cleaner_backoff_ms = 3'600'000;
        BrokerTest::SetUp();
    }
    // Stops itself while it holds what `work` gives it, from when `begin` is opened. Forked while no broker runs.
    test::Child fork_holder(const test::Gate& begin, const std::function<Status(store::DataDirectory&)>& work) {
        return test::Child::fork([&begin, work, path = config.log_dir] {
            store::OpenOptions how;
            how.access = store::Access::write;
            if (!begin.wait()) return 1;
            auto directory = store::DataDirectory::open(path, how);
            return directory && work(*directory) ? 0 : 2;
        });
    }
    static Status stop_with_the_catalogue(store::DataDirectory& directory) {
        shm::ControlFile& control = *directory.control();
        return control.on_claimed_thread([&]() -> Status {
            MQ_ASSIGN(const shm::Guard guard, control.lock(control.header().catalogue, "the catalogue lock"));
            raise(SIGSTOP);
            return {};
        });
    }
    void expect_told(const std::string& text, const test::Child& holder) {
        EXPECT_NE(text.find(config.log_dir + "/.mq-control"), std::string::npos) << text;
        EXPECT_NE(text.find("process " + std::to_string(holder.pid()) + " has held the catalogue lock"),
                  std::string::npos)
            << text;
        EXPECT_NE(text.find("kill -CONT " + std::to_string(holder.pid())), std::string::npos) << text;
    }
};

TEST_F(HeldLocks, LCK6_AStartGivesUpWaitingAndNamesFileHolderAndRemedy) {
    stop();
    config.start_patience_ms = 1200;
    // A directory to be made, and one that is there and is to get other settings.
    for (const bool is_new : {true, false}) {
        if (is_new) std::filesystem::remove_all(config.log_dir);
        if (!is_new) config.topic_defaults = {{"segment.bytes", "1048576"}};
        const test::Gate begin;
        test::Child holder = fork_holder(begin, stop_with_the_catalogue);
        begin.open();
        ASSERT_TRUE(holder.wait_until_stopped());
        const auto refused = Broker::open(config, log);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::in_use);
        expect_told(refused.error().message(), holder);
        holder.send(SIGCONT);
        EXPECT_EQ(holder.wait(), test::exited_with(0));
        start();
        stop();
    }
}

// Who asks has signals to look at.
TEST_F(HeldLocks, LCK6_AChangeOfTheConfigurationGivesUpWaitingAndChangesNothing) {
    stop();
    const test::Gate begin;
    test::Child holder = fork_holder(begin, stop_with_the_catalogue);
    start();
    begin.open();
    ASSERT_TRUE(holder.wait_until_stopped());
    const Status refused = broker->change({{"segment.bytes", "1048576"}}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::timed_out);
    EXPECT_NE(refused.error().message().find("process " + std::to_string(holder.pid())), std::string::npos);
    holder.send(SIGCONT);
    EXPECT_EQ(holder.wait(), test::exited_with(0));
    EXPECT_TRUE(broker->change({{"segment.bytes", "1048576"}}, {}));
}

TEST_F(HeldLocks, LCK6_ACompactionIsPutOffAndToldOnceAndOtherPartitionsAreCompacted) {
    store::OpenOptions how;
    for (const char* name : {"held", "other"}) {
        ASSERT_TRUE(broker->directory().create_topic(
            {.name = name, .config = {{"retention.ms", "-1"}, {"min.cleanable.dirty.ratio", "0"}}}));
        auto writer = broker->directory().open_writer({name, 0}).value();
        for (int i = 0; i < 3; ++i) {
            std::string batch = test::encode_batch({{.key = "k", .value = std::to_string(i)}});
            ASSERT_TRUE(writer->append(batch));
            ASSERT_TRUE(writer->roll());
        }
        ASSERT_TRUE(broker->directory().change_config(name, {{"cleanup.policy", "compact"}}));
    }
    stop();
    const test::Gate begin;
    test::Child holder = fork_holder(begin, [](store::DataDirectory& directory) -> Status {
        MQ_ASSIGN(auto writer, directory.open_writer({"held", 0}));
        return writer->change([](log::Log&) -> Status {
            raise(SIGSTOP);
            return {};
        });
    });
    start();
    begin.open();
    ASSERT_TRUE(holder.wait_until_stopped());
    for (int round = 0; round < 2; ++round) broker->housekeeping().run(Housekeeping::Chore::compaction);
    const std::string lines = log.lines();
    const auto told = lines.find("held-0: compaction is put off");
    ASSERT_NE(told, std::string::npos) << lines;
    EXPECT_EQ(lines.find("held-0: compaction is put off", told + 1), std::string::npos) << lines;
    EXPECT_NE(lines.find("process " + std::to_string(holder.pid()), told), std::string::npos) << lines;
    EXPECT_NE(lines.find("kill -CONT", told), std::string::npos) << lines;
    EXPECT_NE(lines.find("other-0: compaction kept 1 of 3 records"), std::string::npos) << lines;
    holder.send(SIGCONT);
    EXPECT_EQ(holder.wait(), test::exited_with(0));
    broker->housekeeping().run(Housekeeping::Chore::compaction);
    EXPECT_NE(log.lines().find("held-0: compaction kept 1 of 3 records"), std::string::npos) << log.lines();
}

}  // namespace
}  // namespace mq::broker
