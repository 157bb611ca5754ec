// Processes that are members of one group, on a topic of six partitions.
#pragma once

#include <gtest/gtest.h>

#include "storm/recording_member.h"
#include "storm/shared.h"
#include "support/fast_dir.h"

namespace mq::test {

inline constexpr unsigned kSeats = 8;

struct CrewBoard {
    struct Seat {
        std::atomic<std::uint32_t> leave;
        std::atomic<std::uint32_t> owned;
        std::atomic<std::uint64_t> read;
        std::atomic<std::uint64_t> idle;  // turns in which there was nothing to do, one after the other
        std::atomic<std::uint64_t> turns;
    };
    std::array<Seat, kSeats> seat;
    std::atomic<std::uint64_t> next_record;
    std::atomic<std::int64_t> number;
    std::atomic<std::int64_t> other;
    std::array<char, 400> text;

    int fail(const std::string& what) {
        what.copy(text.data(), text.size() - 1);
        return 1;
    }
};

// A topic of six partitions, and processes that are members of one group which reads it.
class Crew : public testing::Test {
protected:
    Crew() {
        group_.number = 1;
        for (std::int32_t i = 0; i < 6; ++i) group_.partitions.push_back({"crew", i});
        EXPECT_EQ(in_child([&](store::DataDirectory& directory) -> Status {
                      MQ_TRY(directory.create_topic({"crew", 6, 1, {{"retention.ms", "-1"}}}));
                      return {};
                  }),
                  exited_with(0))
            << board_->text.data();
        produce(10);
    }

    template <typename Body>
    [[nodiscard]] ChildEnd in_child(const Body& body) {
        return run_in_child([&] {
            auto opened = open_data(data_);
            if (!opened) return board_->fail("open: " + opened.error().message());
            const Status done = body(*opened);
            return done ? 0 : board_->fail(done.error().message());
        });
    }

    void produce(std::uint32_t records) {
        ASSERT_EQ(in_child([&](store::DataDirectory& directory) -> Status {
                      ClientLog log = history_.client(kSeats);
                      for (std::uint16_t i = 0; i < group_.partitions.size(); ++i) {
                          MQ_ASSIGN(auto writer, directory.open_writer(group_.partitions[i]));
                          const std::uint64_t first = 1 + board_->next_record.fetch_add(records);
                          const auto step = log.begin_send(i, first, records);
                          std::string batch = storm_batch(group_.partitions[i], first, records);
                          MQ_ASSIGN(const auto result, writer->append(batch));
                          log.acknowledge(step, result.first_offset.value(), result.last_offset.value());
                      }
                      return {};
                  }),
                  exited_with(0))
            << board_->text.data();
        produced_ += records;
    }

    int be_member(unsigned number) {
        const auto body = [&]() -> Status {
            MQ_ASSIGN(auto directory, open_data(data_));
            offsets::OffsetStore offsets{directory};
            RecordingMember member{directory, offsets, group_, history_.client(number)};
            auto& seat = board_->seat[number];
            MQ_TRY(member.join());
            while (seat.leave.load() == 0) {
                MQ_ASSIGN(const std::uint64_t count, member.step(100));
                // Before it says what it has read: the commit is still to come.
                seat.idle.store(count == 0 ? seat.idle.load() + 1 : 0);
                seat.read.fetch_add(count);
                MQ_TRY(member.commit_all());
                seat.owned.store(static_cast<std::uint32_t>(member.owned()));
                seat.turns.fetch_add(1);
                if (count == 0) MQ_TRY(member.rest());
            }
            return member.leave();
        };
        const Status done = body();
        return done ? 0 : board_->fail("member " + std::to_string(number) + ": " + done.error().message());
    }
    Child start(unsigned number) {
        board_->seat[number].leave.store(0);
        board_->seat[number].owned.store(0);
        board_->seat[number].idle.store(0);
        return Child::fork([this, number] { return be_member(number); });
    }
    [[nodiscard]] bool await(const Child& child, const std::function<bool()>& condition) const {
        const auto deadline = std::chrono::steady_clock::now() + kHangs;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline || board_->text[0] != 0) return false;
            wait_a_while(child, 2'000);
        }
        return true;
    }
    [[nodiscard]] bool await_owned(const Child& child, unsigned number, std::uint32_t owned) const {
        return await(child, [&] { return board_->seat[number].owned.load() == owned; });
    }
    // A whole turn from now on: what it was told of before is done, and it rests, holding no lock, if nothing is new.
    [[nodiscard]] bool await_turn(const Child& child, unsigned number) const {
        const std::uint64_t before = board_->seat[number].turns.load();
        return await(child, [&] { return board_->seat[number].turns.load() >= before + 2; });
    }
    void leave(Child& child, unsigned number) {
        board_->seat[number].leave.store(1);
        EXPECT_EQ(child.wait(), exited_with(0)) << board_->text.data();
    }
    [[nodiscard]] std::uint64_t read_by_all() const {
        std::uint64_t sum = 0;
        for (const auto& seat : board_->seat) sum += seat.read.load();
        return sum;
    }
    [[nodiscard]] std::uint64_t in_all() const { return produced_ * group_.partitions.size(); }

    FastDir dir_;
    std::string data_ = dir_ / "data";
    RecordedGroup group_;
    History history_{kSeats + 2, 20'000};
    Shared<CrewBoard> board_;
    std::uint64_t produced_ = 0;
};

}  // namespace mq::test
