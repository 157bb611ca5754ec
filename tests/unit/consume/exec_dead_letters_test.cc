// --dead-letter: what lies in the topic afterwards, read by the store's own reader.
#include "exec_fixture.h"

namespace mq::consume {
namespace {

using Headers = std::vector<std::pair<std::string, std::optional<std::string>>>;

struct Found {
    std::optional<std::string> key;
    std::optional<std::string> value;
    Headers headers;
    TimestampMs timestamp = 0;
};

std::optional<std::string> copy(NullableBytes bytes) {
    return bytes ? std::optional<std::string>{*bytes} : std::nullopt;
}

class ExecDeadLettersTest : public ExecTest {
protected:
    ExecDeadLettersTest() {
        directory_ =
            std::move(*store::DataDirectory::open(dir_ / "data", {.access = store::Access::write, .on_wait = {}}));
        options_.dead_letter = "dead";
    }
    [[nodiscard]] std::vector<Found> read(const log::TopicPartition& id = {"dead", 0}) {
        std::vector<Found> found;
        auto reader = directory_->open_reader(id);
        EXPECT_TRUE(reader);
        log::ScannedBatch batch;
        record::RecordReader records;
        while (*(*reader)->next(batch) == log::ReadOutcome::batch) {
            EXPECT_TRUE(records.open(batch.bytes));
            for (record::RecordView record; records.next(record);) {
                Found one{copy(record.key), copy(record.value), {}, record.timestamp};
                record::HeaderReader headers{record};
                for (record::Header header; headers.next(header);)
                    one.headers.emplace_back(std::string{header.key}, copy(header.value));
                found.push_back(std::move(one));
            }
        }
        return found;
    }
    static Headers errors(const std::string& offset, const std::string& status, const std::string& attempts) {
        return {{"mq.error.topic", "t"},
                {"mq.error.partition", "0"},
                {"mq.error.offset", offset},
                {"mq.error.status", status},
                {"mq.error.attempts", attempts}};
    }
};

TEST_F(ExecDeadLettersTest, ARecordWhoseCommandFailsForGoodIsThereAsItWas) {
    options_.retries = 2;
    options_.backoff_ms = 1;
    start("test $MQ_OFFSET -ne 1 || exit 3");
    const MadeBatch batch{
        {{.value = "a"},
         {.key = "k", .value = std::nullopt, .headers = {{"h", "1"}, {"h", std::nullopt}}, .timestamp = 17},
         {.value = "c"}}};
    for (const auto& record : batch.views()) offer(record);
    wait_until_idle();
    EXPECT_EQ(reached(), 3);
    EXPECT_FALSE(runner_->failure());
    EXPECT_EQ(runner_->counts().dead_letters, 1u);
    EXPECT_EQ(runner_->counts().succeeded, 2u);
    EXPECT_EQ(directory_->topic("dead")->partitions, 1);
    const auto found = read();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].key, "k");
    EXPECT_EQ(found[0].value, std::nullopt);
    EXPECT_EQ(found[0].timestamp, 17);
    Headers expected{{"h", "1"}, {"h", std::nullopt}};
    for (const auto& header : errors("1", "exit 3", "3")) expected.push_back(header);
    EXPECT_EQ(found[0].headers, expected);
}

TEST_F(ExecDeadLettersTest, ASignalIsTold) {
    start("kill -9 $$");
    offer_values({"v"});
    wait_until_idle();
    const auto found = read();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].headers, errors("0", "signal 9", "1"));
}

TEST_F(ExecDeadLettersTest, OfABatchAllRecordsGoThere) {
    options_.batch = true;
    start("cat >&-; exit 4");
    ASSERT_TRUE(runner_->needs_records());
    std::vector<MadeRecord> made;
    for (int i = 0; i < 1000; ++i) made.push_back({.value = std::string(1000, 'x') + std::to_string(i)});
    const MadeBatch batch{made};
    for (const auto& record : batch.views()) {
        runner_->batch_output().write(*record.value);
        runner_->keep({"t", 0}, record);
        runner_->printed({"t", 0}, record.offset + 1, 0, 1);
    }
    runner_->hand_over();
    wait_until_idle();
    EXPECT_EQ(reached(), 1000);
    const auto found = read();
    ASSERT_EQ(found.size(), 1000u);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(found[static_cast<std::size_t>(i)].value, made[static_cast<std::size_t>(i)].value);
        EXPECT_EQ(found[static_cast<std::size_t>(i)].headers, errors(std::to_string(i), "exit 4", "1"));
    }
}

TEST_F(ExecDeadLettersTest, ATopicThatIsThereIsUsedWithThePartitionsItHas) {
    ASSERT_TRUE(directory_->create_topic({.name = "dead", .partitions = 2, .config = {}}));
    start("false");
    offer_values({"v"}, {"t", 0});
    offer_values({"w"}, {"t", 3});
    wait_until_idle();
    ASSERT_EQ(read({"dead", 0}).size(), 1u);
    ASSERT_EQ(read({"dead", 1}).size(), 1u);
    EXPECT_EQ(read({"dead", 1})[0].value, "w");
}

TEST_F(ExecDeadLettersTest, ARecordOfThatTopicIsNotPutThereAgain) {
    start("false");
    offer_values({"v"}, {"dead", 0});
    wait_until_idle();
    ASSERT_TRUE(runner_->failure());
    EXPECT_EQ(runner_->failure()->status, cli::ExitCode::usage);
    EXPECT_EQ(reached({"dead", 0}), -1);
}

TEST_F(ExecDeadLettersTest, ARecordThatTheTopicDoesNotTakeIsNotDone) {
    ASSERT_TRUE(directory_->create_topic({.name = "dead", .config = {{"max.message.bytes", "1000"}}}));
    start("false");
    offer_values({std::string(2000, 'x')});
    wait_until_idle();
    ASSERT_TRUE(runner_->failure());
    EXPECT_EQ(runner_->failure()->status, cli::ExitCode::bad_data);
    EXPECT_EQ(reached(), -1);
}

}  // namespace
}  // namespace mq::consume
