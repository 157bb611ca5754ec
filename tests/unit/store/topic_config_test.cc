// The settings of a topic. Expected names, types, defaults and ranges were taken by hand from Kafka 3.9's source:
// TopicConfig, LogConfig, ServerLogConfigs, QuotaConfigs, CompressionType.

#include "store/topic_config.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace mq::store {
namespace {

struct KafkaSetting {
    std::string name;
    ConfigType type;
    std::string default_value;
    std::vector<std::string> legal;
    std::vector<std::string> illegal;
};

constexpr auto kInteger = ConfigType::integer;
constexpr auto kBoolean = ConfigType::boolean;

const std::vector<KafkaSetting>& kafka_settings() {
    static const std::string int_max = "2147483647";
    static const std::string past_int = "2147483648";
    static const std::string long_max = "9223372036854775807";
    static const std::string past_long = "9223372036854775808";
    static const std::vector<KafkaSetting> settings = {
        {"cleanup.policy",
         ConfigType::list,
         "delete",
         {"delete", "compact", "compact,delete", "delete , compact", ""},
         {"none", "Delete", "compact;delete"}},
        {"compression.gzip.level", kInteger, "-1", {"-1", "1", "9"}, {"0", "10", "-2"}},
        {"compression.lz4.level", kInteger, "9", {"1", "17"}, {"0", "18"}},
        {"compression.type",
         ConfigType::text,
         "producer",
         {"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"},
         {"none", "Gzip", "", "zstd,lz4"}},
        {"compression.zstd.level", kInteger, "3", {"-131072", "0", "22"}, {"-131073", "23"}},
        {"delete.retention.ms", kInteger, "86400000", {"0", long_max}, {"-1", past_long}},
        {"file.delete.delay.ms", kInteger, "60000", {"0", long_max}, {"-1"}},
        {"flush.messages", kInteger, long_max, {"1", long_max}, {"0"}},
        {"flush.ms", kInteger, long_max, {"0", long_max}, {"-1"}},
        {"follower.replication.throttled.replicas",
         ConfigType::list,
         "",
         {"", "*", "0:101", "0:101,1:102", "0:1, 1:2"},
         {"0", "0:", ":1", "a:1", "0:1:2", "**"}},
        {"index.interval.bytes", kInteger, "4096", {"0", int_max}, {"-1", past_int}},
        {"leader.replication.throttled.replicas", ConfigType::list, "", {"", "*", "3:1"}, {"x"}},
        {"local.retention.bytes", kInteger, "-2", {"-2", "-1", long_max}, {"-3"}},
        {"local.retention.ms", kInteger, "-2", {"-2", "-1", long_max}, {"-3"}},
        {"max.compaction.lag.ms", kInteger, long_max, {"1", long_max}, {"0"}},
        {"max.message.bytes", kInteger, "1048588", {"0", int_max}, {"-1", past_int}},
        {"message.downconversion.enable", kBoolean, "true", {"true", "FALSE"}, {"1", "yes", ""}},
        {"message.format.version",
         ConfigType::text,
         "3.0-IV1",
         {"0.8.0", "0.10.2", "0.10.2-IV0", "0.10.2.1", "0.11.0-IV2", "1.0", "2.8.1", "3.0-IV1", "3.9", "3.7-IV4"},
         {"", "5.0", "3.0-IV2", "3", "0.10", "3.0-IV", "3.0-IVx", "latest"}},
        {"message.timestamp.after.max.ms", kInteger, long_max, {"0", long_max}, {"-1"}},
        {"message.timestamp.before.max.ms", kInteger, long_max, {"0", long_max}, {"-1"}},
        {"message.timestamp.difference.max.ms", kInteger, long_max, {"0", long_max}, {"-1"}},
        {"message.timestamp.type",
         ConfigType::text,
         "CreateTime",
         {"CreateTime", "LogAppendTime"},
         {"createtime", ""}},
        {"min.cleanable.dirty.ratio",
         ConfigType::number,
         "0.5",
         {"0", "1", "0.25", "5e-1", ".5"},
         {"-0.1", "1.01", "NaN", "inf", "x", ""}},
        {"min.compaction.lag.ms", kInteger, "0", {"0", long_max}, {"-1"}},
        {"min.insync.replicas", kInteger, "1", {"1", int_max}, {"0", past_int}},
        {"preallocate", kBoolean, "false", {"true", "false"}, {"on"}},
        {"remote.log.copy.disable", kBoolean, "false", {"true"}, {"-"}},
        {"remote.log.delete.on.disable", kBoolean, "false", {"true"}, {"0"}},
        {"remote.storage.enable", kBoolean, "false", {"true"}, {"t"}},
        {"retention.bytes", kInteger, "-1", {"-1", "-5", "0", long_max}, {past_long, "1G", ""}},
        {"retention.ms", kInteger, "604800000", {"-1", "0", long_max, "+5"}, {"-2", "7d", "1.5", "0x10", "+-5"}},
        {"segment.bytes", kInteger, "1073741824", {"14", int_max}, {"13", past_int}},
        {"segment.index.bytes", kInteger, "10485760", {"4", int_max}, {"3", past_int}},
        {"segment.jitter.ms", kInteger, "0", {"0", long_max}, {"-1"}},
        {"segment.ms", kInteger, "604800000", {"1", long_max}, {"0"}},
        {"unclean.leader.election.enable", kBoolean, "false", {"true"}, {"2"}},
    };
    return settings;
}

TEST(TopicConfig, HasEverySettingOfKafkaWithItsTypeAndDefault) {
    for (const KafkaSetting& expected : kafka_settings()) {
        const ConfigKey* key = find_config(expected.name);
        ASSERT_NE(key, nullptr) << expected.name;
        EXPECT_EQ(key->type, expected.type) << expected.name;
        EXPECT_EQ(key->default_value, expected.default_value) << expected.name;
        EXPECT_FALSE(key->ours) << expected.name;
        EXPECT_TRUE(key->help.ends_with('.')) << expected.name;
    }
}

TEST(TopicConfig, HasBesideThemRetentionConsumedAndWriteCachingOnly) {
    std::vector<std::string> ours;
    for (const ConfigKey& key : config_keys()) {
        if (key.ours) ours.emplace_back(key.name);
    }
    EXPECT_EQ(ours, (std::vector<std::string>{"retention.consumed", "write.caching"}));
    EXPECT_EQ(config_keys().size(), kafka_settings().size() + ours.size());
    for (const std::string& name : ours) {
        EXPECT_EQ(find_config(name)->type, kBoolean);
        EXPECT_EQ(find_config(name)->default_value, "false");
    }
}

TEST(TopicConfig, HoldsValuesAgainstKafkasRanges) {
    for (const KafkaSetting& setting : kafka_settings()) {
        for (const std::string& value : setting.legal)
            EXPECT_TRUE(check_config(setting.name, value)) << setting.name << '=' << value;
        for (const std::string& value : setting.illegal) {
            const auto refused = check_config(setting.name, value);
            ASSERT_FALSE(refused) << setting.name << '=' << value;
            EXPECT_EQ(refused.error().code, Errc::bad_argument);
            EXPECT_NE(refused.error().message().find(setting.name), std::string::npos);
            EXPECT_NE(refused.error().message().find('\'' + value + '\''), std::string::npos);
        }
        EXPECT_TRUE(check_config(setting.name, setting.default_value));
    }
}

TEST(TopicConfig, KeepsAValueTrimmedAndABooleanInLowerCase) {
    EXPECT_EQ(*check_config("retention.ms", " \t-1\n"), "-1");
    EXPECT_EQ(*check_config("preallocate", "TRUE "), "true");
    EXPECT_EQ(*check_config("cleanup.policy", " compact , delete "), "compact,delete");
    EXPECT_EQ(*check_config("compression.type", " zstd "), "zstd");
}

TEST(TopicConfig, AnUnknownKeyNamesTheNearestKnownOne) {
    const auto refused = check_config("retention.m", "1");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::bad_argument);
    EXPECT_EQ(refused.error().message(), "retention.m: there is no such setting; did you mean retention.ms?");
    EXPECT_FALSE(check_config(std::string(100'000, 'x'), "1"));
    EXPECT_FALSE(check_config("", "1"));
    EXPECT_FALSE(check_config("Retention.ms", "1"));
}

TEST(TopicConfig, AValueOfAnySizeIsAnErrorAndNoDelay) {
    EXPECT_FALSE(check_config("follower.replication.throttled.replicas", std::string(1 << 20, '1')));
    EXPECT_FALSE(check_config("retention.ms", std::string(60'000, '1')));
    EXPECT_TRUE(check_config("follower.replication.throttled.replicas", std::string(60'000, ',')));
}

TEST(TopicConfig, NothingSetIsKafkasDefaults) {
    const auto config = to_topic_config({});
    ASSERT_TRUE(config);
    EXPECT_EQ(config->log.segment_bytes, 1073741824u);
    EXPECT_EQ(config->log.segment_ms, 604800000);
    EXPECT_EQ(config->log.segment_jitter_ms, 0);
    EXPECT_EQ(config->log.segment_index_bytes, 10485760u);
    EXPECT_EQ(config->log.index_interval_bytes, 4096u);
    EXPECT_EQ(config->log.max_message_bytes, 1048588u);
    EXPECT_EQ(config->log.timestamp_type, record::TimestampType::create_time);
    EXPECT_EQ(config->log.retention_ms, 604800000);
    EXPECT_EQ(config->log.retention_bytes, -1);
    EXPECT_TRUE(config->log.cleanup_delete);
    EXPECT_FALSE(config->log.cleanup_compact);
    EXPECT_EQ(config->log.delete_retention_ms, 86400000);
    EXPECT_EQ(config->log.min_compaction_lag_ms, 0);
    EXPECT_EQ(config->log.max_compaction_lag_ms, std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(config->log.min_cleanable_dirty_ratio, 0.5);
    EXPECT_TRUE(config->compression_by_producer);
    EXPECT_EQ(config->compression, record::Codec::none);
    EXPECT_EQ(config->compression_level, std::nullopt);
    EXPECT_FALSE(config->write_caching);
    EXPECT_FALSE(config->retention_consumed);
    EXPECT_EQ(config->flush_messages, std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(config->flush_ms, std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(config->min_insync_replicas, 1);
}

// What a row of the table sets is what it says, by hand for each that has an effect.
TEST(TopicConfig, EachSettingArrivesWhereItBelongs) {
    const auto config = to_topic_config({{"cleanup.policy", "compact"},
                                         {"compression.type", "zstd"},
                                         {"compression.zstd.level", "-5"},
                                         {"delete.retention.ms", "1"},
                                         {"flush.messages", "2"},
                                         {"flush.ms", "3"},
                                         {"index.interval.bytes", "4"},
                                         {"max.compaction.lag.ms", "50"},
                                         {"max.message.bytes", "6"},
                                         {"message.timestamp.type", "LogAppendTime"},
                                         {"min.cleanable.dirty.ratio", "0.25"},
                                         {"min.compaction.lag.ms", "7"},
                                         {"min.insync.replicas", "8"},
                                         {"retention.bytes", "9"},
                                         {"retention.consumed", "true"},
                                         {"retention.ms", "10"},
                                         {"segment.bytes", "2147483647"},
                                         {"segment.index.bytes", "12"},
                                         {"segment.jitter.ms", "13"},
                                         {"segment.ms", "14"},
                                         {"write.caching", "true"}});
    ASSERT_TRUE(config) << config.error().message();
    EXPECT_FALSE(config->log.cleanup_delete);
    EXPECT_TRUE(config->log.cleanup_compact);
    EXPECT_EQ(config->compression, record::Codec::zstd);
    EXPECT_FALSE(config->compression_by_producer);
    EXPECT_EQ(config->compression_level, -5);
    EXPECT_EQ(config->log.delete_retention_ms, 1);
    EXPECT_EQ(config->flush_messages, 2);
    EXPECT_EQ(config->flush_ms, 3);
    EXPECT_EQ(config->log.index_interval_bytes, 4u);
    EXPECT_EQ(config->log.max_compaction_lag_ms, 50);
    EXPECT_EQ(config->log.max_message_bytes, 6u);
    EXPECT_EQ(config->log.timestamp_type, record::TimestampType::log_append_time);
    EXPECT_EQ(config->log.min_cleanable_dirty_ratio, 0.25);
    EXPECT_EQ(config->log.min_compaction_lag_ms, 7);
    EXPECT_EQ(config->min_insync_replicas, 8);
    EXPECT_EQ(config->log.retention_bytes, 9);
    EXPECT_TRUE(config->retention_consumed);
    EXPECT_EQ(config->log.retention_ms, 10);
    EXPECT_EQ(config->log.segment_bytes, 2147483647u);
    EXPECT_EQ(config->log.segment_index_bytes, 12u);
    EXPECT_EQ(config->log.segment_jitter_ms, 13);
    EXPECT_EQ(config->log.segment_ms, 14);
    EXPECT_TRUE(config->write_caching);
}

TEST(TopicConfig, NegativeRetentionIsWithoutLimit) {
    const auto config = to_topic_config({{"retention.bytes", "-5"}, {"retention.ms", "-1"}});
    ASSERT_TRUE(config);
    EXPECT_EQ(config->log.retention_bytes, log::kNoLimit);
    EXPECT_EQ(config->log.retention_ms, log::kNoLimit);
}

TEST(TopicConfig, CompressionLevelsCountForTheirOwnCodecOnly) {
    EXPECT_EQ(to_topic_config({{"compression.type", "gzip"}, {"compression.zstd.level", "5"}})->compression_level,
              std::nullopt);
    EXPECT_EQ(to_topic_config({{"compression.type", "lz4"}, {"compression.lz4.level", "5"}})->compression_level, 5);
    EXPECT_FALSE(to_topic_config({{"compression.type", "uncompressed"}})->compression_by_producer);
}

TEST(TopicConfig, LagsThatExcludeEachOtherAreRefused) {
    const auto refused = to_topic_config({{"min.compaction.lag.ms", "11"}, {"max.compaction.lag.ms", "10"}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message(), "min.compaction.lag.ms: 11 is more than max.compaction.lag.ms, 10");
}

TEST(TopicConfig, ASettingOfANewerVersionIsLeftOutAndABadValueIsNot) {
    EXPECT_TRUE(to_topic_config({{"of.the.future", "x"}}));
    const auto refused = to_topic_config({{"retention.ms", "x"}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message(), "retention.ms: 'x' is not a number from -1 on");
}

}  // namespace
}  // namespace mq::store
