#include "mq-produce/checkpoint.h"

#include <gtest/gtest.h>

#include "mq-produce/pace.h"

namespace mq::produce {
namespace {

CheckpointState some_state() {
    CheckpointState state;
    state.topic = "numbers";
    state.topic_id = "6RbxAY8BTsOVJ0MnbF4XLg";
    state.producer_id = choose_producer_id();
    state.file = " =a\\b\nc:\xff";
    state.mark = {2, 1'000'000, 41, 7, 4096, 0xffffffff, {}};
    state.partitions = {{0, Offset{0}}, {2'147'483'647, Offset{9'000'000'000}}};
    return state;
}

TEST(Checkpoint, TheTextHoldsAllOfIt) {
    const CheckpointState state = some_state();
    EXPECT_GE(state.producer_id, std::int64_t{1} << 62);
    const auto back = parse_checkpoint(format_checkpoint(state));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(back->topic, state.topic);
    EXPECT_EQ(back->topic_id, state.topic_id);
    EXPECT_EQ(back->producer_id, state.producer_id);
    EXPECT_EQ(back->file, state.file);
    EXPECT_EQ(back->mark.file, 2u);
    EXPECT_EQ(back->mark.position, 1'000'000u);
    EXPECT_EQ(back->mark.records, 41u);
    EXPECT_EQ(back->mark.placed, 7u);
    EXPECT_EQ(back->mark.check_bytes, 4096u);
    EXPECT_EQ(back->mark.check_crc, 0xffffffffu);
    ASSERT_EQ(back->partitions.size(), 2u);
    EXPECT_EQ(back->partitions[1].sequence, 2'147'483'647);
    EXPECT_EQ(back->partitions[1].offset, Offset{9'000'000'000});
}

TEST(Checkpoint, ADamagedOneIsCorruptAndNeverBelieved) {
    const std::string text = format_checkpoint(some_state());
    EXPECT_FALSE(parse_checkpoint(""));
    // Cut off anywhere: the last line but its end is needed.
    for (std::size_t size = 0; size + 2 < text.size(); ++size) {
        const auto state = parse_checkpoint(std::string_view{text}.substr(0, size));
        EXPECT_TRUE(!state || state->partitions.size() == 2);
    }
    for (const std::string_view line :
         {"version=2", "producer.id=-1", "partitions=0", "partitions=100001", "input.file=x",
          "input.check.bytes=1000001", "partition.1.sequence=2147483648"}) {
        EXPECT_FALSE(parse_checkpoint(text + std::string{line} + "\n")) << line;
    }
}

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(Pace, RecordsASecond) {
    Args args;
    args.rate_records = 10;
    Pace pace{args};
    std::int64_t now = 5 * kSecond;
    const std::int64_t start = now;
    for (int i = 0; i < 50; ++i) {
        now += pace.wait_ns(now, {});
        EXPECT_EQ(pace.wait_ns(now, {}), 0);
        pace.sent(now, 1);
    }
    // The first one at once, the other 49 a tenth of a second after another.
    EXPECT_NEAR(static_cast<double>(now - start), 4.9 * kSecond, 1000);
    // After a pause at most a tenth of a second is made up for.
    now += 100 * kSecond;
    int at_once = 0;
    for (; pace.wait_ns(now, {}) == 0; ++at_once) pace.sent(now, 1);
    EXPECT_LE(at_once, 3);
}

TEST(Pace, BytesASecond) {
    Args args;
    args.rate_bytes = 1000;
    Pace pace{args};
    std::int64_t now = kSecond;
    for (int i = 0; i < 11; ++i) {
        now += pace.wait_ns(now, {});
        pace.sent(now, 100);
    }
    EXPECT_NEAR(static_cast<double>(now), 2.0 * kSecond, 1000);
}

TEST(Pace, ReplayKeepsTheSpacingOfTheTimestamps) {
    Args args;
    args.replay_speed = 2;
    Pace pace{args};
    EXPECT_EQ(pace.wait_ns(kSecond, 1'700'000'000'000), 0);
    EXPECT_EQ(pace.wait_ns(kSecond, 1'700'000'010'000), 5 * kSecond);
    EXPECT_EQ(pace.wait_ns(3 * kSecond, 1'700'000'010'000), 3 * kSecond);
    EXPECT_EQ(pace.wait_ns(3 * kSecond, 1'600'000'000'000), 0);  // one that is late
    EXPECT_EQ(pace.wait_ns(3 * kSecond, std::nullopt), 0);
}

}  // namespace
}  // namespace mq::produce
