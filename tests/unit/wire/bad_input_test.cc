// Bytes of strangers: an error that names the field, never a crash, and memory in proportion to the bytes.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <random>

#include "hex.h"
#include "support/scale.h"
#include "walk.h"
#include "wire/messages/fetch.h"
#include "wire/messages/groups.h"
#include "wire/messages/metadata.h"
#include "wire/messages/topics.h"
#include "wire/messages/versions.h"

namespace {

thread_local std::size_t allocated_bytes = 0;

}  // namespace

// The sanitizers have allocators of their own, which must not be replaced by half; there nothing is counted.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void* operator new(std::size_t size) {
    allocated_bytes += size;
    if (void* p = std::malloc(size)) return p;
    throw std::bad_alloc{};
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
#endif

namespace mq::wire::test {
namespace {

// All that was allocated on the way, for a budget of 65,536 + 16 bytes a byte, the strings and the error.
void expect_bounded(const auto& decode_it, std::size_t encoded_bytes) {
    const std::size_t before = allocated_bytes;
    decode_it();
    EXPECT_LE(allocated_bytes - before, 70'000 + 24 * encoded_bytes);
}

TEST(BadInput, EveryMessageCutAtAnyByteIsAnError) {
    for (const MessageRow& row : all_messages()) {
        for (std::int16_t version = row.api->lowest; version <= row.api->highest; ++version) {
            std::string whole = row.encode_random(mq::test::test_seed(), version).value();
            for (std::uint64_t seed = 1; whole.size() > 2000; ++seed)
                whole = row.encode_random(seed, version).value();
            for (std::size_t size = 0; size < whole.size(); ++size) {
                const auto cut = row.recode(ByteView{whole}.substr(0, size), version);
                ASSERT_FALSE(cut) << row.name << " v" << version << " cut at " << size;
                ASSERT_EQ(cut.error().code, Errc::corrupt) << cut.error().message();
            }
        }
    }
}

// What is understood all the same can be written, or names what the version cannot say.
TEST(BadInput, FlippedBytesGiveAnErrorOrAMessageInBoundedMemory) {
    std::mt19937_64 random{mq::test::test_seed()};
    const std::uint64_t count = mq::test::test_scale(300, 10'000);
    for (const MessageRow& row : all_messages()) {
        for (std::int16_t version = row.api->lowest; version <= row.api->highest; ++version) {
            const std::string whole = row.encode_random(mq::test::test_seed(), version).value();
            for (std::uint64_t i = 0; i < count && !whole.empty(); ++i) {
                std::string bytes = whole;
                for (int flips = 0; flips < 3; ++flips) {
                    constexpr unsigned char kLimits[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
                    bytes[random() % bytes.size()] = static_cast<char>(kLimits[random() % sizeof kLimits]);
                }
                expect_bounded([&] { static_cast<void>(row.recode(bytes, version)); }, 4 * bytes.size());
            }
        }
    }
}

template <Message T>
std::string error_of(std::string_view hex, std::int16_t version) {
    const auto read = decode<T>(from_hex(hex), version);
    if (read) return "no error";
    EXPECT_EQ(read.error().code, Errc::corrupt);
    return read.error().detail;
}

TEST(BadInput, NullWhereTheVersionHasNoneIsRefused) {
    EXPECT_EQ(error_of<HeartbeatRequest>("ffff 00000007 0001 6d", 0), "GroupId: null where there is none");
    EXPECT_EQ(error_of<HeartbeatRequest>("00 00000007 02 6d 00 00", 4), "GroupId: null where there is none");
    EXPECT_EQ(error_of<MetadataRequest>("ffffffff", 0), "Topics: null where there is none");
    EXPECT_EQ(error_of<CreateTopicsRequest>("ffffffff 00000000", 0), "Topics: null where there is none");
    EXPECT_EQ(error_of<MetadataRequest>("02 00 00 00 00 00 00", 9), "Name: null where there is none");
    EXPECT_EQ(error_of<SyncGroupResponse>("0000 ffffffff", 0), "Assignment: null where there is none");
}

TEST(BadInput, LyingLengthsAndCountsAreRefused) {
    EXPECT_EQ(error_of<HeartbeatRequest>("fffe 00000007 0001 6d", 0), "GroupId: the bytes end before it does");
    EXPECT_EQ(error_of<HeartbeatRequest>("0009 67 00000007", 0), "GroupId: the bytes end before it does");
    EXPECT_EQ(error_of<HeartbeatRequest>("ffffffff0f 67", 4), "GroupId: a string of more than 32767 bytes");
    EXPECT_EQ(error_of<HeartbeatRequest>("808080808000 67", 4), "GroupId: a varint of more than 5 bytes");
    EXPECT_EQ(error_of<MetadataRequest>("00000003 0000", 0), "Topics: more items than bytes");
    EXPECT_EQ(error_of<MetadataRequest>("7fffffff 0000", 0), "Topics: more items than bytes");
    EXPECT_EQ(error_of<MetadataRequest>("fffffffe 0000", 1), "Topics: more items than bytes");
    EXPECT_EQ(error_of<MetadataRequest>("ffffffff0f 0000", 9), "Topics: more items than bytes");
}

TEST(BadInput, TagsOutOfOrderTwiceOrOfTheWrongSizeAreRefused) {
    const std::string head = "0000 01 00000000 ";
    EXPECT_EQ(error_of<ApiVersionsResponse>(head + "02 03 01 01 01 08 0000000000000005", 3),
              "ZkMigrationReady: tags that do not ascend");
    EXPECT_EQ(error_of<ApiVersionsResponse>(head + "02 03 01 01 03 01 01", 3),
              "ZkMigrationReady: tags that do not ascend");
    EXPECT_EQ(error_of<ApiVersionsResponse>(head + "02 09 01 01 09 01 01", 3),
              "ThrottleTimeMs: tags that do not ascend");
    EXPECT_EQ(error_of<ApiVersionsResponse>(head + "01 03 02 01 00", 3),
              "ZkMigrationReady: a tagged field shorter than its size");
    EXPECT_EQ(error_of<ApiVersionsResponse>(head + "01 01 04 00000005", 3),
              "FinalizedFeaturesEpoch: the bytes end before it does");
    EXPECT_EQ(error_of<ApiVersionsResponse>(head + "01 03 09 01", 3), "ThrottleTimeMs: the bytes end before it does");
    EXPECT_EQ(error_of<ApiVersionsResponse>(head + "ffffffff0f", 3), "ThrottleTimeMs: the bytes end before it does");
}

TEST(BadInput, AKnownTagOfAnotherVersionIsRefused) {
    // ReplicaState, tag 1, exists since version 15.
    FetchRequest request;
    request.replica_state = {.replica_id = 1, .replica_epoch = 2};
    const std::string bytes = encoded(request, 15).value();
    const std::string as_14 = std::string(4, '\0') + bytes;
    const auto read = decode<FetchRequest>(as_14, 14);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().detail, "ReplicaState: its tag is not of this version");
}

TEST(BadInput, AFrameOfEmptyItemsMeetsTheBudgetNotTheMemory) {
    // A million topics of one byte each: 16 MB of budget, where they would take 56 MB.
    const std::size_t topics = 1'000'000;
    const std::string bytes = from_hex("c1843d") + std::string(2 * topics, '\1');
    for (const std::size_t budget : {std::size_t{1'000}, 16 * topics}) {
        const std::size_t before = allocated_bytes;
        const auto read = decode<MetadataRequest>(bytes, 9, budget);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().code, Errc::too_large);
        EXPECT_EQ(read.error().detail, "Topics: items that take too much memory");
        EXPECT_LE(allocated_bytes - before, 1'000);
    }
    expect_bounded([&] { static_cast<void>(decode<MetadataRequest>(bytes, 9)); }, bytes.size());
}

}  // namespace
}  // namespace mq::wire::test
