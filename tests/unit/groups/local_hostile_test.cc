// RELIABILITY: who may write to the control file may write anything; readers end, and stay inside of it.
#include <gtest/gtest.h>
#include <random>
#include <thread>

#include "local_fixture.h"
#include "os/mapping.h"
#include "shm/group_table.h"
#include "support/scale.h"

namespace mq::groups {
namespace {

using test::Child;
using test::FastDir;

TEST(LocalHostile, GRP_L1_ReadersSurviveWhateverStandsInThePlaceOfAGroup) {
    const FastDir dir;
    Party party{dir.path()};
    const auto member = party.join({.group = "g"}, {{"t", 6}, {"u", 3}});
    ASSERT_EQ(member->poll().value().taken.size(), 9u);
    std::mt19937_64 random{test::test_seed()};
    SCOPED_TRACE("MQ_TEST_SEED=" + std::to_string(test::test_seed()));

    const auto file = os::File::open(dir / ".mq-control", os::OpenMode::read_write).value();
    auto mapping = os::Mapping::map(file, os::MapAccess::read_write, shm::kControlFileBytes).value();
    const auto words_of = [&](std::size_t at, std::size_t bytes) {
        return std::span{reinterpret_cast<std::atomic<std::uint64_t>*>(mapping.bytes().data() + at), bytes / 8};
    };
    // But for its lock and its name, which would only make the group another one.
    const std::size_t head_at = shm::kGroupTableAt + offsetof(shm::GroupHead, dirty);
    const auto head = words_of(head_at, sizeof(shm::GroupHead) - offsetof(shm::GroupHead, dirty));
    const auto body = words_of(shm::kGroupTableAt + shm::kGroupHeadsBytes, shm::kGroupBodyBytes);
    const auto any = [&]() -> std::uint64_t {
        switch (random() % 4) {
            case 0:
                return random();
            case 1:
                return random() % 300;
            case 2:
                return (random() % 520) << 32 | random() % 8;
            default:
                return (random() % 130) << 32 | random() % 130;
        }
    };
    for (std::uint64_t round = 0; round < test::test_scale(300, 20'000); ++round) {
        for (int i = 0; i < 20; ++i) head[random() % head.size()].store(any());
        for (int i = 0; i < 2000; ++i) body[random() % body.size()].store(any());
        head[0].store(0);  // not in the middle of a change: else each look takes its 50 turns
        const auto group = describe(party.directory, "g");
        ASSERT_TRUE(group);
        ASSERT_LE(group->members.size(), kMostMembers);
        ASSERT_TRUE(active_groups(party.directory));
    }
    // And beside a writer that never rests.
    std::atomic<bool> stop{false};
    std::thread writer{[&] {
        std::mt19937_64 its_random{test::test_seed() + 1};
        while (!stop.load()) {
            body[its_random() % body.size()].store(its_random());
            head[its_random() % head.size()].store(its_random());
        }
    }};
    for (int round = 0; round < 5; ++round) {
        EXPECT_TRUE(describe(party.directory, "g"));
        EXPECT_TRUE(active_groups(party.directory));
    }
    stop.store(true);
    writer.join();
    // What is left of it is not to be mended here.
    for (auto& word : body) word.store(0);
    for (auto& word : head) word.store(0);
}

}  // namespace
}  // namespace mq::groups
