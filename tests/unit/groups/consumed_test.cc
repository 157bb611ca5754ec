// Who holds back the records of a topic with retention.consumed.

#include "groups/consumed.h"

#include <gtest/gtest.h>

#include "groups/local_member.h"
#include "support/fast_dir.h"

namespace mq::groups {
namespace {

const log::TopicPartition kJobs{"jobs", 0};

store::DataDirectory open_for_writing(const std::string& path) {
    store::OpenOptions options;
    options.access = store::Access::write;
    return store::DataDirectory::open(path, options).value();
}

bool commit(offsets::OffsetStore& offsets, std::string_view group, std::int64_t offset) {
    const offsets::Commit one{.topic = "jobs", .partition = 0, .offset = Offset{offset}};
    return offsets.commit(group, {&one, 1}).has_value();
}

TEST(Consumed, AGroupWhoseMembersReadTheTopicHoldsItBackBeforeItsFirstCommit) {
    const test::FastDir dir;
    auto directory = open_for_writing(dir.path());
    offsets::OffsetStore offsets{directory};
    static_cast<void>(directory.create_topic({"jobs", 1, 1, {}}).value());
    static_cast<void>(directory.create_topic({"mail", 1, 1, {}}).value());
    EXPECT_EQ(consumed_below(directory, offsets, kJobs).value(), std::nullopt);
    ASSERT_TRUE(commit(offsets, "workers", 10));
    EXPECT_EQ(consumed_below(directory, offsets, kJobs).value(), Offset{10});

    const auto join = [&](const std::string& group, const std::string& topic) {
        JoinOptions how;
        how.group = group;
        const SubscribedTopic subscribed{topic, 1};
        return LocalMember::join(directory, offsets, how, {&subscribed, 1}).value();
    };
    const auto elsewhere = join("readers of mail", "mail");
    EXPECT_EQ(consumed_below(directory, offsets, kJobs).value(), Offset{10});
    auto auditor = join("auditors", "jobs");
    EXPECT_EQ(consumed_below(directory, offsets, kJobs).value(), std::nullopt);
    ASSERT_TRUE(commit(offsets, "auditors", 4));
    EXPECT_EQ(consumed_below(directory, offsets, kJobs).value(), Offset{4});
    // Its offset stays with the group when the last member has gone.
    ASSERT_TRUE(auditor->leave());
    auditor.reset();
    EXPECT_EQ(consumed_below(directory, offsets, kJobs).value(), Offset{4});
}

}  // namespace
}  // namespace mq::groups
