// RELIABILITY row 7: the power goes while processes write. What flush() acknowledged is there, the rest is a prefix
// of what was sent, nothing is invented. Promises P2, P3; rules APP-6, REC-1, REC-2, DIR-3. RELIABILITY row 9: every
// short sequence of operations, and the power goes after it.

#include <gtest/gtest.h>
#include <csignal>
#include <map>
#include <set>

#include "record/record.h"
#include "storm/cut_disk.h"
#include "storm/shared.h"
#include "storm/storm.h"

namespace mq::test {
namespace {

constexpr unsigned kWriters = 3;
const log::TopicPartition kPartition{"cut", 0};

// Of one life between two cuts.
struct CutBoard {
    std::array<std::atomic<std::uint64_t>, kWriters> durable_events;  // of the writer's history, by its last flush
    std::array<std::atomic<std::uint64_t>, kWriters> next_record;
    std::atomic<std::uint64_t> appends;
    // The cut has begun. A sync under way then may return success though the journal has stopped under it: what
    // counts is what was answered before.
    std::atomic<std::uint32_t> cutting;
    std::atomic<std::uint32_t> topics_made;     // "made-0" .. are durable
    std::atomic<std::uint32_t> topics_deleted;  // those below are gone for good
    std::atomic<std::uint32_t> topics_begun;    // a creation was under way
    std::atomic<std::uint32_t> deletions_begun;
    std::array<char, 400> trouble;
};

const store::ConfigMap kConfig{{"segment.bytes", "20000"}, {"index.interval.bytes", "400"}, {"retention.ms", "-1"}};

// Writes until the disk is gone: every error is the end of it.
int write_until_the_cut(const std::string& directory, const History& history, CutBoard& board, unsigned number,
                        std::uint64_t seed) {
    std::mt19937_64 random{seed};
    ClientLog log = history.client(number);
    auto opened = open_data(directory);
    if (!opened) return 1;
    auto writer = opened->open_writer(kPartition);
    if (!writer) return 1;
    for (;;) {
        const auto count = static_cast<std::uint32_t>(1 + random() % 5);
        const std::uint64_t first = storm_record(number, board.next_record[number].fetch_add(count));
        const auto step = log.begin_send(0, first, count);
        std::string batch = storm_batch(kPartition, first, count);
        const auto result = (*writer)->append(batch);
        if (!result) return 1;
        log.acknowledge(step, result->first_offset.value(), result->last_offset.value());
        board.appends.fetch_add(1);
        const std::uint64_t events = log.used();
        const auto chance = random() % 100;
        if (chance < 8) {
            if (!(*writer)->flush() || board.cutting.load() != 0) return 1;
            board.durable_events[number].store(events);
        } else if (chance < 10) {
            if (!(*writer)->checkpoint() || board.cutting.load() != 0) return 1;
            board.durable_events[number].store(events);
        } else if (chance == 10) {
            if (!(*writer)->roll()) return 1;
        } else if (number == 0 && chance == 11) {
            const std::uint32_t topic = board.topics_made.load();
            board.topics_begun.store(topic + 1);
            if (!opened->create_topic({"made-" + std::to_string(topic), 2, 1, {}}) || board.cutting.load() != 0)
                return 1;
            board.topics_made.store(topic + 1);
        } else if (number == 0 && chance == 12 && board.topics_deleted.load() < board.topics_made.load()) {
            const std::uint32_t topic = board.topics_deleted.load();
            board.deletions_begun.store(topic + 1);
            if (!opened->delete_topic("made-" + std::to_string(topic)) || board.cutting.load() != 0) return 1;
            board.topics_deleted.store(topic + 1);
        }
    }
}

std::vector<store::Topic> topics_of(const store::DataDirectory& directory) {
    auto topics = directory.topics();
    return topics ? *std::move(topics) : std::vector<store::Topic>{};
}

struct Found {
    std::map<std::int64_t, std::uint64_t> at;
    std::int64_t end = 0;
    std::int32_t highest_epoch = -1;
};

Result<Found> find_all(store::DataDirectory& directory, const log::TopicPartition& partition) {
    Found found;
    MQ_ASSIGN(auto reader, directory.open_reader(partition));
    MQ_ASSIGN(const auto bounds, reader->bounds());
    found.end = bounds.log_end.value();
    reader->seek(bounds.log_start);
    std::int64_t next = bounds.log_start.value();
    log::ScannedBatch batch;
    record::RecordReader records;
    for (;;) {
        MQ_ASSIGN(const auto outcome, reader->next(batch));
        if (outcome != log::ReadOutcome::batch) break;
        found.highest_epoch = std::max(found.highest_epoch, batch.header.leader_epoch);
        MQ_TRY(records.open(batch.bytes));
        for (record::RecordView record; records.next(record); ++next) {
            const auto id = record.value ? storm_id(partition, *record.value) : std::nullopt;
            if (!id || record.offset.value() != next)
                return fail(Errc::corrupt, "read", {}, "a torn record or a hole at " + std::to_string(next));
            found.at[next] = *id;
        }
    }
    if (next != found.end) return fail(Errc::corrupt, "read", {}, "ends at " + std::to_string(next));
    return found;
}

// What is there must be what was there before the life plus a prefix of what the life sent, at least what is durable.
std::string judge_cut(const History& history, const CutBoard& board, const Found& before, const Found& found) {
    std::map<std::int64_t, std::uint64_t> acknowledged;
    std::set<std::uint64_t> sent;
    std::int64_t durable_end = before.end;
    for (unsigned writer = 0; writer < kWriters; ++writer) {
        std::uint64_t number = 0;
        for (const auto& event : history.events(writer)) {
            for (std::uint32_t i = 0; i < event.count; ++i) sent.insert(event.id + i);
            if (event.outcome.load() == HistoryOutcome::acknowledged) {
                for (std::uint32_t i = 0; i < event.count; ++i) acknowledged[event.first + i] = event.id + i;
                if (number < board.durable_events[writer].load()) durable_end = std::max(durable_end, event.last + 1);
            }
            ++number;
        }
    }
    if (found.end < durable_end)
        return "durable up to " + std::to_string(durable_end) + ", found up to " + std::to_string(found.end);
    std::set<std::uint64_t> seen;
    for (const auto& [offset, id] : found.at) {
        const std::string where = " at offset " + std::to_string(offset);
        if (!seen.insert(id).second) return "a record twice" + where;
        if (offset < before.end) {
            const auto old = before.at.find(offset);
            if (old == before.at.end() || old->second != id) return "an old record changed" + where;
            continue;
        }
        if (!sent.contains(id)) return "an invented record" + where;
        const auto answer = acknowledged.find(offset);
        if (answer != acknowledged.end() && answer->second != id) return "another record" + where;
    }
    for (const auto& [offset, id] : before.at)
        if (!found.at.contains(offset)) return "an old record is gone at offset " + std::to_string(offset);
    return {};
}

std::string judge_topics(const CutBoard& board, const std::vector<store::Topic>& topics) {
    std::set<std::string> names;
    for (const auto& topic : topics) names.insert(topic.name);
    for (std::uint32_t i = 0; i < board.topics_made.load(); ++i) {
        const std::string name = "made-" + std::to_string(i);
        const bool may_be_gone = i < board.deletions_begun.load();
        if (!names.contains(name) && !may_be_gone) return "topic " + name + " was made and is gone";
        if (names.contains(name) && i < board.topics_deleted.load())
            return "topic " + name + " was deleted and is back";
        names.erase(name);
    }
    names.erase("made-" + std::to_string(board.topics_made.load()));
    names.erase(kPartition.topic);
    return names.empty() ? "" : "a topic from nowhere: " + *names.begin();
}

class Row07PowerCut : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Row07PowerCut);

TEST_P(Row07PowerCut, P2_P3_REC1_REC2_APP6_DIR3_KeepsWhatWasFlushedAndInventsNothing) {
    CutDisk disk{GetParam()};
    std::mt19937_64 random{test_seed()};
    const std::string data = disk.path() + "/data";
    const std::uint64_t cuts = test_scale(167, 3334);
    std::uint64_t lost = 0;
    std::uint64_t kept = 0;
    Found before;
    std::int32_t epoch_before = -1;
    for (std::uint64_t cut = 0; cut < cuts; ++cut) {
        SCOPED_TRACE("cut " + std::to_string(cut) + " of seed " + std::to_string(test_seed()));
        Shared<CutBoard> board;
        const History history{kWriters, 100'000};
        // A fresh partition now and then, so that the disk does not fill.
        const bool fresh = cut % 20 == 0;
        if (fresh) before = {}, epoch_before = -1;
        const std::uint64_t generation = cut << 20;  // record numbers are never used twice
        for (auto& next : board->next_record) next.store(generation);
        ASSERT_EQ(run_in_child([&] {
                      auto opened = open_data(data);
                      if (!opened) return 1;
                      if (fresh) {
                          for (const auto& topic : topics_of(*opened))
                              if (!opened->delete_topic(topic.name)) return 2;
                          if (!opened->create_topic({kPartition.topic, 1, 1, kConfig})) return 3;
                      } else {
                          for (const auto& topic : topics_of(*opened))
                              if (topic.name != kPartition.topic && !opened->delete_topic(topic.name)) return 4;
                      }
                      return 0;
                  }),
                  exited_with(0));
        {
            std::vector<Child> writers;
            for (unsigned i = 0; i < kWriters; ++i)
                writers.push_back(Child::fork(
                    [&, i] { return write_until_the_cut(data, history, *board, i, random() + i * 977); }));
            const std::uint64_t wanted = random() % 400;
            const std::uint64_t longest_us = 2'000 + random() % 20'000;
            for (std::uint64_t waited = 0; waited < longest_us || board->appends.load() < 5; waited += 200) {
                if (board->appends.load() >= wanted + 5 || waited > 10'000'000) break;
                wait_a_while(writers[0], 200);
            }
            board->cutting.store(1);
            disk.cut();
            for (auto& writer : writers) writer.send(SIGKILL);
        }
        disk.restart();
        forget_boot(data);
        // Judged here: nobody is forked while this process holds the directory.
        {
            auto opened = open_data(data);
            ASSERT_TRUE(opened) << opened.error().message();
            const auto topics = opened->topics();
            ASSERT_TRUE(topics) << topics.error().message();
            ASSERT_EQ(judge_topics(*board, *topics), "");
            const auto found = find_all(*opened, kPartition);
            ASSERT_TRUE(found) << found.error().message();
            ASSERT_EQ(judge_cut(history, *board, before, *found), "");
            std::int64_t acknowledged_end = before.end;
            for (unsigned i = 0; i < kWriters; ++i)
                for (const auto& event : history.events(i))
                    acknowledged_end = std::max(acknowledged_end, event.last + 1);
            lost += static_cast<std::uint64_t>(std::max<std::int64_t>(0, acknowledged_end - found->end));
            kept += static_cast<std::uint64_t>(found->end - before.end);
            // The next record says that offsets may have been used before (REC-2).
            auto writer = opened->open_writer(kPartition);
            ASSERT_TRUE(writer) << writer.error().message();
            const std::uint64_t id = storm_record(90, cut);
            std::string batch = storm_batch(kPartition, id, 1);
            const auto appended = (*writer)->append(batch);
            ASSERT_TRUE(appended) << appended.error().message();
            ASSERT_EQ(appended->first_offset.value(), found->end);
            ASSERT_TRUE((*writer)->flush());
            const auto after = find_all(*opened, kPartition);
            ASSERT_TRUE(after) << after.error().message() << "; recovered up to offset " << found->end
                               << ", then appended";
            if (acknowledged_end > found->end) {
                ASSERT_GT(after->highest_epoch, std::max(epoch_before, found->highest_epoch));
            }
            before = *after;
            epoch_before = after->highest_epoch;
        }
    }
    // Else nothing was tested.
    EXPECT_GT(lost, 0u);
    EXPECT_GT(kept, 0u);
}

// No flush follows a change of settings that would take it along to the disk.
TEST_P(Row07PowerCut, P2_ASettingThatWasAcknowledgedIsThere) {
    CutDisk disk{GetParam()};
    const std::string data = disk.path() + "/data";
    ASSERT_EQ(run_in_child([&] {
                  auto opened = open_data(data);
                  return opened && opened->create_topic({"t", 1, 1, kConfig}) ? 0 : 1;
              }),
              exited_with(0));
    for (int i = 1; i <= 5; ++i) {
        const std::string retention = std::to_string(i * 1'000);
        Child child = Child::fork([&] {
            auto opened = open_data(data);
            if (!opened || !opened->change_config("t", {{"retention.ms", retention}})) return 1;
            raise(SIGSTOP);
            return 0;
        });
        ASSERT_TRUE(child.wait_until_stopped());
        disk.cut();
        child.send(SIGKILL);
        ASSERT_EQ(child.wait(), ended_by(SIGKILL));
        disk.restart();
        forget_boot(data);
        auto opened = open_data(data);
        ASSERT_TRUE(opened) << opened.error().message();
        const auto topic = opened->topic("t");
        ASSERT_TRUE(topic) << topic.error().message();
        ASSERT_EQ(topic->config.at("retention.ms"), retention);
    }
}

INSTANTIATE_TEST_SUITE_P(Ext4, Row07PowerCut, testing::ValuesIn(cut_disk_modes()), [](const auto& mode) {
    std::string name = mode.param;
    std::replace(name.begin(), name.end(), '=', '_');
    return name;
});

// ---- Row 9

enum class Op : unsigned char { append, sync, roll, truncate, create, remove };
constexpr unsigned kOps = 6;

// What the sequence left, and what of it is certain.
struct Model {
    bool exists = true;
    std::vector<std::uint64_t> records;
    std::size_t durable = 0;         // of records
    std::vector<std::uint64_t> was;  // content at the last sync, until the next change below it
};

std::string judge_sequence(const Model& model, store::DataDirectory& directory) {
    const log::TopicPartition partition{"row9", 0};
    const auto topic = directory.topic(partition.topic);
    if (topic.has_value() != model.exists) return model.exists ? "the topic is gone" : "the topic is back";
    if (!model.exists) return {};
    const auto found = find_all(directory, partition);
    if (!found) return found.error().message();
    if (found->at.size() < model.durable)
        return "durable: " + std::to_string(model.durable) + ", found: " + std::to_string(found->at.size());
    std::size_t i = 0;
    for (const auto& [offset, id] : found->at) {
        const bool now = i < model.records.size() && model.records[i] == id;
        // A truncation that was not flushed may be undone, as far as its records were on the disk.
        const bool earlier = i >= model.durable && i < model.was.size() && model.was[i] == id;
        if (!now && !earlier) return "not what was written at offset " + std::to_string(offset);
        ++i;
    }
    return {};
}

std::string text_of(const std::vector<Op>& ops) {
    std::string text;
    for (const Op op : ops) text += "ASRTCD"[static_cast<std::size_t>(op)];
    return text;
}

// In a child that then waits for the cut: nothing is closed. 0, or where it failed.
int run_sequence(const std::string& data, const std::vector<Op>& ops, std::uint64_t first_id, Shared<int>& done) {
    const log::TopicPartition partition{"row9", 0};
    auto opened = open_data(data);
    if (!opened) return 10;
    auto writer = opened->open_writer(partition);
    if (!writer) return 11;
    std::uint64_t id = first_id;
    for (const Op op : ops) {
        Status status;
        const bool exists = writer->get() != nullptr;
        switch (op) {
            case Op::append:
                for (int i = 0; exists && status && i < 3; ++i) {
                    std::string batch = storm_batch(partition, id, 2);
                    id += 2;
                    if (const auto result = (*writer)->append(batch); !result) status = fail(result.error());
                }
                break;
            case Op::sync:
                if (exists) status = (*writer)->flush();
                break;
            case Op::roll:
                if (exists) status = (*writer)->roll();
                break;
            case Op::truncate:
                if (exists) {
                    const auto bounds = (*writer)->bounds();
                    if (!bounds) return 12;
                    status = (*writer)->truncate_to(Offset{std::max<std::int64_t>(0, bounds->log_end.value() - 2)});
                }
                break;
            case Op::create:
                if (!exists) {
                    if (!opened->create_topic({partition.topic, 1, 1, kConfig})) return 13;
                    auto again = opened->open_writer(partition);
                    if (!again) return 14;
                    *writer = *std::move(again);
                }
                break;
            case Op::remove:
                if (exists) {
                    if (!opened->delete_topic(partition.topic)) return 15;
                    writer->reset();
                }
                break;
        }
        if (!status) {
            std::fprintf(stderr, "%s: %s\n", text_of(ops).c_str(), status.error().message().c_str());
            return 16;
        }
    }
    *done = 1;
    raise(SIGSTOP);
    return 0;
}

Model model_of(const std::vector<Op>& ops, std::uint64_t first_id) {
    Model model;
    std::uint64_t id = first_id;
    for (const Op op : ops) {
        switch (op) {
            case Op::append:
                for (int i = 0; model.exists && i < 6; ++i) model.records.push_back(id++);
                break;
            case Op::sync:
                model.durable = model.records.size();
                model.was = model.records;
                break;
            case Op::roll:
                break;
            case Op::truncate:
                if (model.exists && !model.records.empty()) {
                    if (model.was.size() < model.records.size()) model.was = model.records;
                    model.records.resize(model.records.size() - 2);
                    model.durable = std::min(model.durable, model.records.size());
                }
                break;
            case Op::create:
                if (!model.exists) model = {};
                break;
            case Op::remove:
                model = {.exists = false, .records = {}, .durable = 0, .was = {}};
                break;
        }
    }
    return model;
}

class Row09OpSequences : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Row09OpSequences);

TEST_P(Row09OpSequences, P2_P3_EveryShortSequenceSurvivesACutAfterIt) {
    CutDisk disk{GetParam()};
    const std::string data = disk.path() + "/data";
    const auto longest = static_cast<unsigned>(test_scale(3, 4));
    std::uint64_t number = 0;
    for (unsigned length = 1; length <= longest; ++length) {
        std::uint64_t sequences = 1;
        for (unsigned i = 0; i < length; ++i) sequences *= kOps;
        for (std::uint64_t code = 0; code < sequences; ++code) {
            std::vector<Op> ops;
            for (std::uint64_t rest = code, i = 0; i < length; ++i, rest /= kOps)
                ops.push_back(static_cast<Op>(rest % kOps));
            SCOPED_TRACE(text_of(ops));
            const std::uint64_t first_id = storm_record(1, ++number * 1000);
            ASSERT_EQ(run_in_child([&] {
                          auto opened = open_data(data);
                          if (!opened) return 1;
                          if (opened->topic("row9") && !opened->delete_topic("row9")) return 2;
                          return opened->create_topic({"row9", 1, 1, kConfig}) ? 0 : 3;
                      }),
                      exited_with(0));
            {
                Shared<int> done;
                Child child = Child::fork([&] { return run_sequence(data, ops, first_id, done); });
                ASSERT_TRUE(child.wait_until_stopped());
                disk.cut();
            }
            disk.restart();
            forget_boot(data);
            auto opened = open_data(data);
            ASSERT_TRUE(opened) << opened.error().message();
            ASSERT_EQ(judge_sequence(model_of(ops, first_id), *opened), "");
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Ext4, Row09OpSequences, testing::ValuesIn([] {
                             auto modes = cut_disk_modes();
                             if (!modes.empty() && !is_long_run()) modes.resize(1);
                             return modes;
                         }()),
                         [](const auto& mode) {
                             std::string name = mode.param;
                             std::replace(name.begin(), name.end(), '=', '_');
                             return name;
                         });

}  // namespace
}  // namespace mq::test
