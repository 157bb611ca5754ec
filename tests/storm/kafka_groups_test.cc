// A Kafka broker uses the directory between two lives of ours and its group coordinator commits meanwhile, simulated:
// it takes .lock as Java does and appends to __consumer_offsets by a log opened alone. DIR-6, DIR-7, OFF-1; promise
// P9.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <csignal>

#include "log/cleaner.h"
#include "log/log.h"
#include "os/kill_point.h"
#include "record/batch_builder.h"
#include "storm/recording_member.h"
#include "storm/shared.h"
#include "support/fast_dir.h"

namespace mq::test {
namespace {

const std::string kGroup = "group-1";

struct Visit {
    const char* name;
    bool our_tail;     // we died with a commit written and not published
    bool clean;        // it shut down in order
    bool checkpoints;  // it had time to write its checkpoints
    bool rolls;        // it went on in a new segment
    bool truncates;    // it cut our last commit off, published or not: its own stands where ours stood
    bool compacts;     // and cleaned the log
};
const std::array kVisits{
    Visit{"clean", false, true, true, false, false, false},
    Visit{"clean_and_rolled", false, true, true, true, false, false},
    Visit{"clean_and_compacted", false, true, true, true, false, true},
    Visit{"killed", false, false, true, false, false, false},
    Visit{"killed_before_a_checkpoint", false, false, false, false, false, false},
    Visit{"killed_before_a_checkpoint_and_rolled", false, false, false, true, false, false},
    Visit{"our_tail_adopted", true, true, true, false, false, false},
    Visit{"our_tail_cut", true, true, true, false, true, false},
    Visit{"our_commit_cut", false, true, true, false, true, false},
    Visit{"our_commit_cut_then_killed", false, false, false, false, true, false},
    Visit{"our_tail_cut_then_killed", true, false, false, false, true, false},
};

struct Said {
    std::array<char, 400> text;
    int fail(const std::string& what) {
        what.copy(text.data(), text.size() - 1);
        return 1;
    }
};

std::string commit_batch(const std::vector<std::pair<log::TopicPartition, std::optional<std::int64_t>>>& commits) {
    record::BatchBuilder builder;
    for (const auto& [id, offset] : commits) {
        const std::string key = record::encode(record::OffsetCommitKey{1, kGroup, id.topic, id.partition});
        std::string value;
        if (offset) {
            record::OffsetCommitValue committed;
            committed.offset = *offset;
            committed.leader_epoch = 0;
            committed.metadata = "kafka";
            committed.commit_timestamp = wall_clock_ms();
            value = record::encode(committed);
        }
        builder.add(wall_clock_ms(), ByteView{key}, offset ? NullableBytes{value} : std::nullopt);
    }
    return std::string{builder.finish().value()};
}

// The broker commits 40 of work-0, forgets work-1, and commits 7 of work-2.
int be_kafka(const std::string& data, const Visit& visit, std::int64_t round, Said& said) {
    const int lock = open((data + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    struct flock whole {};
    whole.l_type = F_WRLCK;
    if (fcntl(lock, F_SETLK, &whole) != 0) return said.fail("the lock is taken");
    (void)os::remove_file(data + "/.kafka_cleanshutdown");
    const log::TopicPartition id{"__consumer_offsets", record::partition_for_id(kGroup, 50)};
    const auto body = [&]() -> Status {
        log::PublishedState state;
        log::LogConfig config;
        config.retention_ms = log::kNoLimit;
        log::OpenOptions how;
        how.trust = log::Trust::segments;
        auto points = log::read_offset_checkpoint(data + "/recovery-point-offset-checkpoint");
        if (points && points->contains(id)) how.recovery_point = (*points)[id];
        MQ_ASSIGN(auto taken, log::Log::open(data + "/" + log::partition_directory(id), config, state, how));
        if (visit.truncates) MQ_TRY(taken.truncate_to(taken.log_end() - 1));
        if (visit.rolls) MQ_TRY(taken.roll());
        const auto epoch = static_cast<LeaderEpoch>(taken.leader_epochs().latest().value_or(0) + 1);
        MQ_TRY(taken.start_leader_epoch(epoch));
        log::AppendOptions options;
        options.leader_epoch = epoch;
        std::string batch =
            commit_batch({{{"work", 0}, 40 + round}, {{"work", 1}, std::nullopt}, {{"work", 2}, 7 + round}});
        MQ_TRY(taken.append(batch, options));
        if (visit.compacts) {
            MQ_TRY(taken.roll());
            MQ_TRY(log::clean(taken, Offset{0}));
        }
        const Offset end = taken.log_end();
        if (visit.clean) MQ_TRY(taken.close());
        if (visit.checkpoints) {
            const log::OffsetCheckpoint at_end{{id, end}};
            for (const auto name : {log::kRecoveryPointCheckpoint, log::kHighWatermarkCheckpoint})
                MQ_TRY(log::write_offset_checkpoint(data + "/" + std::string{name}, at_end));
        }
        if (visit.clean) spill(data + "/.kafka_cleanshutdown", "{\"version\":0,\"brokerEpoch\":1}");
        return {};
    };
    const Status done = body();
    return done ? 0 : said.fail("kafka: " + done.error().message());
}

// What is committed now, "topic-partition=offset ...".
Result<std::string> committed(offsets::OffsetStore& offsets) {
    MQ_ASSIGN(const auto all, offsets.fetch_all(kGroup));
    std::string text;
    for (const auto& [id, one] : all) {
        text += text_of(id) + "=" + std::to_string(one.offset.value()) + " ";
        MQ_ASSIGN(const auto alone, offsets.fetch(kGroup, id));
        if (!alone || *alone != one) return fail(broken("fetch says something else of " + text_of(id)));
    }
    MQ_ASSIGN(const auto checked, offsets.check());
    if (!checked.problems.empty()) return fail(broken(checked.problems[0]));
    return text;
}

class KafkaInBetweenGroups : public testing::TestWithParam<Visit> {
protected:
    // Our life: says what it finds, then commits of work-0 and work-1.
    std::string be_us(store::Access access, std::int64_t offset) {
        Shared<Said> found;
        const ChildEnd end = run_in_child([&] {
            const auto body = [&]() -> Status {
                MQ_ASSIGN(auto directory, open_data(data_, access));
                offsets::OffsetStore offsets{directory};
                MQ_ASSIGN(const std::string text, committed(offsets));
                text.copy(found->text.data(), found->text.size() - 1);
                if (access == store::Access::read) return {};
                for (const bool last : {false, true}) {
                    if (last && !GetParam().our_tail) break;
                    if (last && !os::arm_kill_point("append.after_write")) return fail(broken("no such point"));
                    // Later only of one: what the broker said of the others stays.
                    std::vector<offsets::Commit> some{{"work", 0, Offset{offset + (last ? 1 : 0)}, 0, {}, {}},
                                                      {"work", 1, Offset{offset + (last ? 1 : 0)}, 0, {}, {}}};
                    if (offset > 10 && !last) some.pop_back();
                    MQ_TRY(offsets.commit(kGroup, some));
                    MQ_TRY(committed(offsets));
                }
                return directory.close();
            };
            const Status done = body();
            return done ? 0 : said_->fail(done.error().message());
        });
        const bool dies = access == store::Access::write && GetParam().our_tail;
        EXPECT_EQ(end, dies ? ended_by(SIGKILL) : exited_with(0)) << said_->text.data();
        return found->text.data();
    }

    FastDir dir_;
    std::string data_ = dir_ / "data";
    Shared<Said> said_;
};

TEST_P(KafkaInBetweenGroups, P9_DIR6_DIR7_OFF1_CommitsOfTheBrokerAreSeen) {
    ASSERT_EQ(run_in_child([&] {
                  auto opened = open_data(data_);
                  if (!opened) return said_->fail(opened.error().message());
                  const auto made = opened->create_topic({"work", 3, 1, {}});
                  return made ? 0 : said_->fail(made.error().message());
              }),
              exited_with(0))
        << said_->text.data();
    EXPECT_EQ(be_us(store::Access::write, 10), "");
    for (std::int64_t round = 0; round < 3; ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        ASSERT_EQ(run_in_child([&] { return be_kafka(data_, GetParam(), round, *said_); }), exited_with(0))
            << said_->text.data();
        const std::string theirs =
            "work-0=" + std::to_string(40 + round) + " work-2=" + std::to_string(7 + round) + " ";
        // A reader comes first in one round, a writer in the others.
        if (round == 1) {
            EXPECT_EQ(be_us(store::Access::read, 0), theirs);
        }
        EXPECT_EQ(be_us(store::Access::write, 20 + round), theirs);
    }
}

INSTANTIATE_TEST_SUITE_P(Visits, KafkaInBetweenGroups, testing::ValuesIn(kVisits),
                         [](const auto& visit) { return std::string{visit.param.name}; });

}  // namespace
}  // namespace mq::test
