#include "record/internal_topics.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "bytes.h"
#include "record/consumer_protocol.h"

namespace mq::record {
namespace {

// Figures of Java's String.hashCode and Kafka's Utils.abs.
TEST(PartitionForId, IsTheAbsoluteJavaHashNotTheMaskedOne) {
    EXPECT_EQ(java_string_hash("test-group"), 627841412);
    EXPECT_EQ(java_string_hash("my-group"), -1906497762);
    EXPECT_EQ(java_string_hash("billing"), -109829509);
    EXPECT_EQ(java_string_hash("consumer-group-42"), 277006467);
    EXPECT_EQ(partition_for_id("test-group", 50), 12);
    EXPECT_EQ(partition_for_id("my-group", 50), 12);
    EXPECT_EQ(partition_for_id("billing", 50), 9);
    EXPECT_EQ(partition_for_id("consumer-group-42", 50), 17);
    EXPECT_EQ(partition_for_id("", 50), 0);
}

TEST(PartitionForId, TheHashOfTheSmallestIntegerIsPartitionZero) {
    // A well-known string whose hashCode is -2147483648.
    EXPECT_EQ(java_string_hash("polygenelubricants"), std::numeric_limits<std::int32_t>::min());
    EXPECT_EQ(partition_for_id("polygenelubricants", 7), 0);
}

// By hand: h = 31 * h + unit.
TEST(JavaStringHash, CountsUtf16UnitsOfUtf8Text) {
    EXPECT_EQ(java_string_hash("\xc3\xa9"), 0xe9);                          // U+00E9
    EXPECT_EQ(java_string_hash("\xe2\x82\xac"), 0x20ac);                    // U+20AC
    EXPECT_EQ(java_string_hash("\xf0\x9f\x98\x80"), 31 * 0xd83d + 0xde00);  // U+1F600
    EXPECT_EQ(java_string_hash("\xff"), 0xfffd);                            // no UTF-8
    EXPECT_EQ(java_string_hash("\xe2\x82"), 31 * 0xfffd + 0xfffd);          // cut short
    EXPECT_EQ(java_string_hash("\xc0\x80"), 31 * 0xfffd + 0xfffd);          // over-long
}

TEST(OffsetsKey, VersionsZeroToTwoAreReadAndWritten) {
    const std::string commit =
        "0003"
        "677270"
        "0002"
        "7470"
        "00000007";
    for (const std::int16_t version : {0, 1}) {
        const std::string bytes = from_hex("000" + std::to_string(version) + commit);
        const auto key = parse_offsets_key(bytes);
        ASSERT_TRUE(key);
        const OffsetCommitKey expected{version, "grp", "tp", 7};
        EXPECT_EQ(std::get<OffsetCommitKey>(*key), expected);
        EXPECT_EQ(encode(expected), bytes);
    }
    const std::string bytes = from_hex("0002 0003 677270");
    const auto key = parse_offsets_key(bytes);
    ASSERT_TRUE(key);
    EXPECT_EQ(std::get<GroupMetadataKey>(*key).group, "grp");
    EXPECT_EQ(encode(std::get<GroupMetadataKey>(*key)), bytes);
}

TEST(OffsetsKey, AnUnknownVersionIsNamedForSkipping) {
    EXPECT_EQ(std::get<UnknownKey>(parse_offsets_key(from_hex("0003 0001 67")).value()).version, 3);
    EXPECT_EQ(std::get<UnknownKey>(parse_offsets_key(from_hex("ffff")).value()).version, -1);
    EXPECT_EQ(std::get<UnknownKey>(parse_transaction_key(from_hex("0001")).value()).version, 1);
    EXPECT_EQ(parse_offsets_key("").error().code, Errc::corrupt);
    EXPECT_EQ(parse_offsets_key(std::string(1, '\0')).error().code, Errc::corrupt);
}

// Position of each field by version: see the table of the format.
TEST(OffsetCommitValue, EveryVersionIsReadAndWrittenAsTheSchemaSays) {
    const std::string offset = "0000000000000102";
    const std::string epoch = "00000005";
    const std::string metadata = "0002 6d64";
    const std::string committed = "0000000000000203";
    const std::string expires = "0000000000000304";
    OffsetCommitValue expected{0, 0x102, -1, "md", 0x203, -1};
    const auto expect_both_ways = [&](const std::string& hex) {
        const std::string bytes = from_hex(hex);
        const auto value = parse_offset_commit_value(bytes);
        ASSERT_TRUE(value) << value.error().message();
        EXPECT_EQ(*value, expected);
        EXPECT_EQ(encode(expected), bytes);
    };
    expect_both_ways("0000" + offset + metadata + committed);
    expected.version = 2;
    expect_both_ways("0002" + offset + metadata + committed);
    expected.version = 1;
    expected.expire_timestamp = 0x304;
    expect_both_ways("0001" + offset + metadata + committed + expires);
    expected.version = 3;
    expected.expire_timestamp = -1;
    expected.leader_epoch = 5;
    expect_both_ways("0003" + offset + epoch + metadata + committed);
    expected.version = 4;
    expect_both_ways("0004" + offset + epoch + "03 6d64" + committed + "00");
}

TEST(OffsetCommitValue, UnknownTaggedFieldsOfTheFlexibleVersionAreSkipped) {
    const auto value =
        parse_offset_commit_value(from_hex("0004 0000000000000102 00000005 01 0000000000000203"
                                           "02 00 03 aabbcc 8101 00"));
    ASSERT_TRUE(value) << value.error().message();
    EXPECT_EQ(value->offset, 0x102);
    EXPECT_EQ(value->metadata, "");
}

TEST(OffsetCommitValue, LaterVersionsAreUnsupportedAndBytesTooManyOrTooFewCorrupt) {
    EXPECT_EQ(parse_offset_commit_value(from_hex("0005")).error().code, Errc::unsupported);
    EXPECT_EQ(parse_offset_commit_value(from_hex("ffff")).error().code, Errc::corrupt);
    const std::string whole = encode(OffsetCommitValue{3, 1, 2, "metadata", 3, -1});
    EXPECT_EQ(parse_offset_commit_value(whole + "x").error().code, Errc::corrupt);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_EQ(parse_offset_commit_value(ByteView{whole}.substr(0, size)).error().code, Errc::corrupt) << size;
    }
}

GroupMetadataValue group_of_one(std::int16_t version) {
    GroupMetadataValue v;
    v.version = version;
    v.protocol_type = "c";
    v.generation = 6;
    v.protocol = "p";
    if (version >= 2) v.current_state_timestamp = 0x11;
    GroupMember& m = v.members.emplace_back();
    m.member_id = "m";
    if (version >= 3) m.group_instance_id = "i";
    m.client_id = "d";
    m.client_host = "h";
    m.session_timeout_ms = 0x21;
    m.rebalance_timeout_ms = version >= 1 ? 0x22 : 0x21;
    m.subscription = "s";
    m.assignment = "aa";
    return v;
}

TEST(GroupMetadataValue, EveryVersionIsReadAndWrittenAsTheSchemaSays) {
    const std::string head = "0001 63 00000006 0001 70 ffff";
    const std::string state = "0000000000000011";
    const std::string names = "0001 64 0001 68";
    const std::string bytes = "00000001 73 00000002 6161";
    const std::vector<std::string> encoded{
        "0000" + head + "00000001 0001 6d" + names + "00000021" + bytes,
        "0001" + head + "00000001 0001 6d" + names + "00000022 00000021" + bytes,
        "0002" + head + state + "00000001 0001 6d" + names + "00000022 00000021" + bytes,
        "0003" + head + state + "00000001 0001 6d 0001 69" + names + "00000022 00000021" + bytes,
        "0004 02 63 00000006 02 70 00" + state + "02 02 6d 02 69 02 64 02 68 00000022 00000021 02 73 03 6161 00 00",
    };
    for (std::int16_t version = 0; version <= 4; ++version) {
        SCOPED_TRACE(version);
        const std::string raw = from_hex(encoded[static_cast<std::size_t>(version)]);
        const auto value = parse_group_metadata_value(raw);
        ASSERT_TRUE(value) << value.error().message();
        EXPECT_EQ(*value, group_of_one(version));
        EXPECT_EQ(encode(group_of_one(version)), raw);
        for (std::size_t size = 0; size < raw.size(); ++size) {
            EXPECT_FALSE(parse_group_metadata_value(ByteView{raw}.substr(0, size))) << size;
        }
    }
}

TEST(GroupMetadataValue, ACountThatLiesIsCorruptAndReservesNothing) {
    const std::string head = "0003 0001 63 00000006 ffff ffff 0000000000000011";
    EXPECT_EQ(parse_group_metadata_value(from_hex(head + "7fffffff")).error().code, Errc::corrupt);
    EXPECT_EQ(parse_group_metadata_value(from_hex(head + "ffffffff")).error().code, Errc::corrupt);
    EXPECT_EQ(parse_group_metadata_value(from_hex(head + "80000000")).error().code, Errc::corrupt);
    // Flexible: a count of 2^32 - 2, and a varint that never ends.
    const std::string flexible = "0004 02 63 00000006 00 00 0000000000000011";
    EXPECT_EQ(parse_group_metadata_value(from_hex(flexible + "ffffffff0f")).error().code, Errc::corrupt);
    EXPECT_EQ(parse_group_metadata_value(from_hex(flexible + "ffffffffffffff")).error().code, Errc::corrupt);
}

TEST(TransactionValue, BothVersionsAreReadAndWrittenAsTheSchemaSays) {
    TransactionValue expected;
    expected.producer_id = 9;
    expected.producer_epoch = 2;
    expected.timeout_ms = 60000;
    expected.status = TransactionStatus::ongoing;
    expected.partitions = {{"t", {3, 4}}};
    expected.last_update_timestamp = 0x31;
    expected.start_timestamp = 0x30;
    const std::string head = "0000000000000009 0002 0000ea60 01";
    const std::string times = "0000000000000031 0000000000000030";
    const auto expect_both_ways = [&](const std::string& hex) {
        const std::string bytes = from_hex(hex);
        const auto value = parse_transaction_value(bytes);
        ASSERT_TRUE(value) << value.error().message();
        EXPECT_EQ(*value, expected);
        EXPECT_EQ(encode(expected), bytes);
    };
    expect_both_ways("0000" + head + "00000001 0001 74 00000002 00000003 00000004" + times);
    expected.version = 1;
    expect_both_ways("0001" + head + "02 02 74 03 00000003 00000004 00" + times + "00");
    expected.partitions.reset();
    expect_both_ways("0001" + head + "00" + times + "00");
    expected.version = 0;
    expect_both_ways("0000" + head + "ffffffff" + times);
    EXPECT_EQ(parse_transaction_value(from_hex("0002")).error().code, Errc::unsupported);
    EXPECT_EQ(to_string(static_cast<TransactionStatus>(-3)), "Unknown");
}

TEST(ConsumerProtocol, EveryVersionIsReadAndALaterOnesExtraBytesAreIgnored) {
    ConsumerSubscription expected;
    expected.topics = {"a", "b"};
    expected.user_data = "u";
    const std::string head = "00000002 0001 61 0001 62 00000001 75";
    const std::string owned = "00000001 0001 61 00000001 00000005";
    const auto expect_both_ways = [&](const std::string& hex) {
        const std::string bytes = from_hex(hex);
        const auto parsed = parse_consumer_subscription(bytes);
        ASSERT_TRUE(parsed) << parsed.error().message();
        EXPECT_EQ(*parsed, expected);
        EXPECT_EQ(encode(expected), bytes);
    };
    expect_both_ways("0000" + head);
    expected.version = 1;
    expected.owned_partitions = {{"a", {5}}};
    expect_both_ways("0001" + head + owned);
    expected.version = 2;
    expected.generation = 8;
    expect_both_ways("0002" + head + owned + "00000008");
    expected.version = 3;
    expected.rack_id = "r";
    expect_both_ways("0003" + head + owned + "00000008 0001 72");
    expected.version = 9;
    EXPECT_EQ(parse_consumer_subscription(from_hex("0009" + head + owned + "00000008 0001 72 ffff")).value(),
              expected);

    const ConsumerAssignment assignment{1, {{"grp", {1, 3}}}, std::nullopt};
    const std::string bytes = from_hex("0001 00000001 0003 677270 00000002 00000001 00000003 ffffffff");
    EXPECT_EQ(parse_consumer_assignment(bytes).value(), assignment);
    EXPECT_EQ(encode(assignment), bytes);
    EXPECT_EQ(parse_consumer_assignment(from_hex("ffff")).error().code, Errc::corrupt);
    EXPECT_EQ(parse_consumer_assignment("").error().code, Errc::corrupt);
    EXPECT_EQ(parse_consumer_assignment(from_hex("0000 00000009")).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace mq::record
