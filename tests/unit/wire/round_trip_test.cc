#include <gtest/gtest.h>

#include "support/scale.h"
#include "walk.h"
#include "wire/messages/all.h"

namespace mq::wire::test {
namespace {

void for_each_version(const auto& visit) {
    for (const MessageRow& row : all_messages()) {
        for (std::int16_t version = row.api->lowest; version <= row.api->highest; ++version) visit(row, version);
    }
}

TEST(RoundTrip, DecodingWhatWasEncodedGivesTheSameMessageInEveryVersion) {
    const std::uint64_t count = mq::test::test_scale(1'000, 10'000);
    for_each_version([&](const MessageRow& row, std::int16_t version) {
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::uint64_t seed = mq::test::test_seed() + i;
            const std::string problem = row.round_trip(seed, version);
            ASSERT_EQ(problem, "") << row.name << " v" << version << ", seed " << seed;
        }
    });
}

TEST(RoundTrip, AMessageAsItBeginsCanBeSaidInEveryVersion) {
    for_each_version([](const MessageRow& row, std::int16_t version) {
        const auto bytes = row.encode_default(version);
        ASSERT_TRUE(bytes) << bytes.error().message();
        const auto again = row.recode(*bytes, version);
        ASSERT_TRUE(again) << again.error().message();
        EXPECT_EQ(*again, *bytes) << row.name << " v" << version;
    });
}

TEST(AllRequests, NamesEachMessageThatTheTestsWalkThrough) {
    std::size_t requests = 0;
    AllRequests::each([&]<typename T>(std::type_identity<T>) {
        ++requests;
        EXPECT_NE(find_message(T::kApi, true), nullptr);
        EXPECT_NE(find_message(T::kApi, false), nullptr);
    });
    EXPECT_EQ(all_messages().size(), 2 * requests);
    EXPECT_EQ(requests, 71);
    EXPECT_TRUE(AllRequests::find(
        ApiKey::fetch, []<typename T>(std::type_identity<T>) { EXPECT_TRUE((std::is_same_v<T, FetchRequest>)); }));
    EXPECT_FALSE(AllRequests::find(ApiKey::vote, [](auto) { FAIL(); }));
}

}  // namespace
}  // namespace mq::wire::test
