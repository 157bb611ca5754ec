// RELIABILITY row 7 with groups: the power goes while a group reads and commits. What was committed and flushed is
// there; a commit that is ahead of what is left of the data takes nothing away from what comes after it (REC-3).
// Promise P9.

#include <gtest/gtest.h>
#include <csignal>
#include <set>

#include "record/record.h"
#include "storm/cut_disk.h"
#include "storm/recording_member.h"
#include "storm/shared.h"

namespace mq::test {
namespace {

constexpr unsigned kWriters = 2;
constexpr unsigned kMembers = 2;

struct GroupCutBoard {
    std::array<std::atomic<std::uint64_t>, 8> next_record;
    std::array<std::atomic<std::uint64_t>, 8> durable_events;  // of the member's history, by its last flush
    std::atomic<std::uint64_t> commits;
    std::atomic<std::uint64_t> ahead;  // commits found past the end of the log
    std::atomic<std::uint64_t> noted;  // resumptions that said so
    std::atomic<std::uint32_t> cutting;
    std::array<char, 400> trouble;

    int fail(const std::string& what) {
        if (trouble[0] == 0) what.copy(trouble.data(), trouble.size() - 1);
        return 1;
    }
};

RecordedGroup cut_group() {
    RecordedGroup group;
    group.number = 1;
    group.partitions = {{"ahead", 0}, {"ahead", 1}};
    group.may_be_cut = true;
    return group;
}

// Nothing of the data is ever flushed: the kernel writes some of it back, as it likes.
int write_until_the_cut(const std::string& data, History& history, GroupCutBoard& board, unsigned number) {
    ClientLog log = history.client(number);
    auto opened = open_data(data);
    if (!opened) return 1;
    std::vector<std::unique_ptr<store::PartitionWriter>> writers;
    for (const auto& id : cut_group().partitions) {
        auto writer = opened->open_writer(id);
        if (!writer) return 1;
        writers.push_back(*std::move(writer));
    }
    for (std::uint64_t i = 0;; ++i) {
        // Not so far ahead that the disk fills.
        while (i > 20 * (board.commits.load() + 20)) futex_wait_change(board.cutting, 0, 1);
        const auto to = static_cast<std::uint16_t>(i % 2);
        const std::uint64_t first = storm_record(number, board.next_record[number].fetch_add(2));
        const auto step = log.begin_send(to, first, 2);
        std::string batch = storm_batch(cut_group().partitions[to], first, 2);
        const auto result = writers[to]->append(batch);
        if (!result && board.cutting.load() == 0) return board.fail("append: " + result.error().message());
        if (!result) return 1;
        log.acknowledge(step, result->first_offset.value(), result->last_offset.value());
    }
}

int consume_until_the_cut(const std::string& data, History& history, GroupCutBoard& board, unsigned number) {
    const auto body = [&]() -> Status {
        MQ_ASSIGN(auto directory, open_data(data));
        offsets::OffsetStore offsets{directory};
        RecordingMember member{directory, offsets, cut_group(), history.client(number)};
        ClientLog log = history.client(number);
        MQ_TRY(member.join());
        for (;;) {
            MQ_ASSIGN(const std::uint64_t count, member.step(20));
            MQ_TRY(member.commit_all());
            const std::uint64_t events = log.used();
            MQ_TRY(offsets.flush(cut_group().name()));
            if (board.cutting.load() != 0) return {};
            board.durable_events[number].store(events);
            if (count > 0) board.commits.fetch_add(1);
            if (count == 0) MQ_TRY(member.rest());
        }
    };
    const Status done = body();
    if (!done && board.cutting.load() == 0) return board.fail("member: " + done.error().message());
    return 1;
}

// By id: what members have read in any life.
std::set<std::uint64_t> ids_read(const History& history) {
    std::set<std::uint64_t> ids;
    for (unsigned i = 0; i < history.clients(); ++i)
        for (const auto& event : history.events(i))
            if (event.kind == HistoryKind::read)
                for (std::uint32_t r = 0; r < event.count; ++r) ids.insert(event.id + r);
    return ids;
}

Result<std::map<std::int64_t, std::uint64_t>> ids_in_log(store::DataDirectory& directory, std::uint16_t number) {
    const auto id = cut_group().partitions[number];
    MQ_ASSIGN(auto reader, directory.open_reader(id));
    std::map<std::int64_t, std::uint64_t> ids;
    log::ScannedBatch batch;
    record::RecordReader records;
    for (;;) {
        MQ_ASSIGN(const auto outcome, reader->next(batch));
        if (outcome != log::ReadOutcome::batch) return ids;
        MQ_TRY(records.open(batch.bytes));
        for (record::RecordView record; records.next(record);) {
            const auto one = record.value ? storm_id(id, *record.value) : std::nullopt;
            if (!one) return fail(broken("a torn record"));
            ids[record.offset.value()] = *one;
        }
    }
}

class Row07GroupPowerCut : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Row07GroupPowerCut);

TEST_P(Row07GroupPowerCut, P9_REC3_ACommitAheadOfTheDataSkipsNothingThatComesAfterTheCut) {
    CutDisk disk{GetParam()};
    std::mt19937_64 random{test_seed()};
    const std::string data = disk.path() + "/data";
    History history{8, test_scale(400'000, 4'000'000)};
    Shared<GroupCutBoard> board;
    ASSERT_EQ(run_in_child([&] {
                  auto opened = open_data(data);
                  if (!opened) return board->fail(opened.error().message());
                  const auto made = opened->create_topic({"ahead", 2, 1, {{"retention.ms", "-1"}}});
                  return made ? 0 : board->fail(made.error().message());
              }),
              exited_with(0))
        << board->trouble.data();
    const std::uint64_t cuts = test_scale(15, 1'000);
    // What was flushed is committed, in later lives too. What was committed only may be gone with the life.
    std::map<std::uint16_t, std::int64_t> durable;
    std::map<std::uint16_t, std::uint64_t> latest;
    // On until a commit was ahead: what of the data comes to the disk with it is the kernel's choice.
    for (std::uint64_t cut = 0; cut < cuts || (board->ahead.load() == 0 && cut < 4 * cuts); ++cut) {
        SCOPED_TRACE("cut " + std::to_string(cut) + " of seed " + std::to_string(test_seed()));
        board->cutting.store(0);
        board->commits.store(0);
        std::array<std::uint64_t, kMembers> begin{};
        for (unsigned i = 0; i < kMembers; ++i) begin[i] = history.client(i).used();
        {
            std::vector<Child> children;
            for (unsigned i = 0; i < kMembers; ++i)
                children.push_back(Child::fork([&, i] { return consume_until_the_cut(data, history, *board, i); }));
            for (unsigned i = kMembers; i < kMembers + kWriters; ++i)
                children.push_back(Child::fork([&, i] { return write_until_the_cut(data, history, *board, i); }));
            const std::uint64_t wanted = 3 + random() % 30;
            for (int waited = 0; board->commits.load() < wanted && waited < 60'000 && board->trouble[0] == 0;
                 ++waited)
                wait_a_while(children[0], 500);
            ASSERT_GE(board->commits.load(), wanted) << board->trouble.data();
            board->cutting.store(1);
            disk.cut();
            for (auto& child : children) child.send(SIGKILL);
        }
        disk.restart();
        forget_boot(data);

        for (unsigned i = 0; i < kMembers; ++i) {
            const auto events = history.events(i);
            for (std::uint64_t number = begin[i]; number < board->durable_events[i].load(); ++number) {
                const auto& event = events[number];
                if (event.kind != HistoryKind::commit_offset || event.ticket < latest[event.partition] ||
                    event.outcome.load() != HistoryOutcome::acknowledged)
                    continue;
                latest[event.partition] = event.ticket;
                durable[event.partition] = event.first;
            }
        }
        ASSERT_EQ(run_in_child([&] {
                      const auto body = [&]() -> Status {
                          MQ_ASSIGN(auto directory, open_data(data));
                          offsets::OffsetStore offsets{directory};
                          const RecordedGroup group = cut_group();
                          for (std::uint16_t i = 0; i < group.partitions.size(); ++i) {
                              MQ_ASSIGN(const auto found, offsets.fetch(group.name(), group.partitions[i]));
                              MQ_ASSIGN(auto reader, directory.open_reader(group.partitions[i]));
                              MQ_ASSIGN(const auto bounds, reader->bounds());
                              const std::int64_t committed = found ? found->offset.value() : 0;
                              if (committed < durable[i])
                                  return fail(broken("committed and flushed: " + std::to_string(durable[i]) +
                                                     ", found: " + std::to_string(committed)));
                              if (committed > bounds.log_end.value()) board->ahead.fetch_add(1);
                          }
                          // New records, so many that they reach past what was committed.
                          for (std::uint16_t i = 0; i < group.partitions.size(); ++i) {
                              MQ_ASSIGN(auto writer, directory.open_writer(group.partitions[i]));
                              MQ_ASSIGN(const auto bounds, writer->bounds());
                              const std::int64_t beyond =
                                  std::max(durable[i] - bounds.log_end.value(), std::int64_t{0});
                              for (std::int64_t more = 0; more <= beyond + 10; more += 50) {
                                  const std::uint64_t first = storm_record(6, board->next_record[6].fetch_add(50));
                                  std::string batch = storm_batch(group.partitions[i], first, 50);
                                  MQ_TRY(writer->append(batch));
                              }
                              MQ_TRY(writer->flush());
                          }
                          RecordingMember member{directory, offsets, group, history.client(5)};
                          MQ_TRY(member.join());
                          MQ_TRY(member.finish());
                          MQ_TRY(member.leave());
                          MQ_TRY(offsets.flush());
                          board->noted.fetch_add(member.notes().size());
                          const auto read = ids_read(history);
                          for (std::uint16_t i = 0; i < group.partitions.size(); ++i) {
                              MQ_ASSIGN(const auto there, ids_in_log(directory, i));
                              for (const auto& [offset, id] : there)
                                  if (!read.contains(id))
                                      return fail(broken("never delivered: offset " + std::to_string(offset) +
                                                         " of " + text_of(group.partitions[i])));
                          }
                          MQ_ASSIGN(const auto checked, offsets.check());
                          return checked.problems.empty() ? Status{} : fail(broken(checked.problems[0]));
                      };
                      const Status done = body();
                      return done ? 0 : board->fail(done.error().message());
                  }),
                  exited_with(0))
            << board->trouble.data();
    }
    ASSERT_FALSE(history.overflowed());
    // Else nothing was tested.
    EXPECT_GT(board->ahead.load(), 0u);
    EXPECT_GE(board->noted.load(), board->ahead.load());
}

INSTANTIATE_TEST_SUITE_P(Ext4, Row07GroupPowerCut, testing::ValuesIn(cut_disk_modes()), [](const auto& mode) {
    std::string name = mode.param;
    std::replace(name.begin(), name.end(), '=', '_');
    return name;
});

}  // namespace
}  // namespace mq::test
