#include "store/topic_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/assert.h"
#include "base/edit_distance.h"

namespace mq::store {
namespace {

constexpr std::int64_t kInt32Most = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kInt64Most = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kInt64Least = std::numeric_limits<std::int64_t>::min();
constexpr std::size_t kLongestValue = 64 << 10;

using Value = ConfigValue;
using Check = bool (*)(const Value&);
using Apply = void (*)(TopicConfig&, const Value&);

struct Row {
    ConfigKey key;
    std::int64_t least = kInt64Least;  // of an integer; a number lies between 0 and 1
    std::int64_t most = kInt64Most;
    std::string_view choices = {};  // between commas: of a text, and of each item of a list
    Check check = nullptr;          // what is left to say
    std::string_view allowed = {};  // said where `check` is false
    Apply apply = nullptr;          // none: known to Kafka, without effect here

    [[nodiscard]] constexpr ConfigRule rule() const { return {key.type, least, most, choices, check, allowed}; }
};

bool all_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "PARTITION:BROKER,..." or "*".
bool is_replica_list(const Value& value) {
    if (value.text == "*") return true;
    return std::ranges::all_of(items_of(value.text), [](std::string_view item) {
        const std::size_t colon = item.find(':');
        return item.empty() ||
               (colon != item.npos && all_digits(item.substr(0, colon)) && all_digits(item.substr(colon + 1)));
    });
}

// Releases with their number of interim versions: "2.1" and "2.1-IV0" to "2.1-IV2". Of three numbers the last one is
// dropped, of four if the first is 0.
bool is_release(const Value& value) {
    struct Release {
        std::string_view name;
        int interim_versions;
    };
    static constexpr auto kReleases = std::to_array<Release>(
        {{"0.8.0", 0},  {"0.8.1", 0},  {"0.8.2", 0}, {"0.9.0", 0}, {"0.10.0", 2}, {"0.10.1", 3},
         {"0.10.2", 1}, {"0.11.0", 3}, {"1.0", 1},   {"1.1", 1},   {"2.0", 2},    {"2.1", 3},
         {"2.2", 2},    {"2.3", 2},    {"2.4", 2},   {"2.5", 1},   {"2.6", 1},    {"2.7", 3},
         {"2.8", 2},    {"3.0", 2},    {"3.1", 1},   {"3.2", 1},   {"3.3", 4},    {"3.4", 1},
         {"3.5", 3},    {"3.6", 3},    {"3.7", 5},   {"3.8", 1},   {"3.9", 1},    {"4.0", 2}});
    std::string_view text = value.text;
    int dots = text.starts_with("0.") ? 3 : 2;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '.' && --dots == 0) text = text.substr(0, i);
    }
    const std::size_t dash = text.find("-IV");
    const auto release =
        std::ranges::find(kReleases, text.substr(0, dash), [](const Release& row) { return row.name; });
    if (release == kReleases.end()) return false;
    if (dash == text.npos) return true;
    const std::string_view interim = text.substr(dash + 3);
    return interim.size() == 1 && all_digits(interim) && interim[0] - '0' < release->interim_versions;
}

void set_compression(TopicConfig& config, const Value& value) {
    config.compression_by_producer = value.text == "producer";
    config.compression = record::codec_from_name(value.text).value_or(record::Codec::none);
}

// By name. Ranges and defaults are Kafka's; a bound of 2147483647 is that of its type.
constexpr auto kRows = std::to_array<Row>({
    {.key = {"cleanup.policy", ConfigType::list, "delete",
             "What becomes of old segments: delete drops them, compact keeps the latest record of each key."},
     .choices = "compact,delete",
     .apply =
         [](TopicConfig& config, const Value& value) {
             const auto items = items_of(value.text);
             config.log.cleanup_delete = std::ranges::find(items, "delete") != items.end();
             config.log.cleanup_compact = std::ranges::find(items, "compact") != items.end();
         }},
    {.key = {"compression.gzip.level", ConfigType::integer, "-1", "Level where compression.type is gzip."},
     .least = -1,
     .most = 9,
     .check = [](const Value& value) { return value.integer != 0; },
     .allowed = "1 to 9, or -1"},
    {.key = {"compression.lz4.level", ConfigType::integer, "9", "Level where compression.type is lz4."},
     .least = 1,
     .most = 17},
    {.key = {"compression.type", ConfigType::text, "producer",
             "How batches are compressed; with producer as they come."},
     .choices = "uncompressed,zstd,lz4,snappy,gzip,producer",
     .apply = set_compression},
    {.key = {"compression.zstd.level", ConfigType::integer, "3", "Level where compression.type is zstd."},
     .least = -131072,
     .most = 22},
    {.key = {"delete.retention.ms", ConfigType::integer, "86400000",
             "How long the tombstone of a key survives compaction."},
     .least = 0,
     .apply = [](TopicConfig& config, const Value& value) { config.log.delete_retention_ms = value.integer; }},
    {.key =
         {"file.delete.delay.ms", ConfigType::integer, "60000",
          "How long a broker waits before it deletes a file. No effect here: a file goes when its last reader does."},
     .least = 0},
    {.key = {"flush.messages", ConfigType::integer, "9223372036854775807",
             "After how many records the log is flushed to the disk."},
     .least = 1,
     .apply = [](TopicConfig& config, const Value& value) { config.flush_messages = value.integer; }},
    {.key = {"flush.ms", ConfigType::integer, "9223372036854775807",
             "How long a record may wait to be flushed to the disk."},
     .least = 0,
     .apply = [](TopicConfig& config, const Value& value) { config.flush_ms = value.integer; }},
    {.key = {"follower.replication.throttled.replicas", ConfigType::list, "",
             "Replicas whose copying is throttled on the follower's side. No effect here."},
     .check = is_replica_list,
     .allowed = "* or PARTITION:BROKER,..."},
    {.key = {"index.interval.bytes", ConfigType::integer, "4096",
             "An index entry is made about every so many bytes."},
     .least = 0,
     .most = kInt32Most,
     .apply =
         [](TopicConfig& config, const Value& value) {
             config.log.index_interval_bytes = static_cast<std::uint32_t>(value.integer);
         }},
    {.key = {"leader.replication.throttled.replicas", ConfigType::list, "",
             "Replicas whose copying is throttled on the leader's side. No effect here."},
     .check = is_replica_list,
     .allowed = "* or PARTITION:BROKER,..."},
    {.key = {"local.retention.bytes", ConfigType::integer, "-2",
             "Bytes that stay on the disk of tiered storage. No effect here."},
     .least = -2},
    {.key = {"local.retention.ms", ConfigType::integer, "-2",
             "How long segments stay on the disk of tiered storage. No effect here."},
     .least = -2},
    {.key = {"max.compaction.lag.ms", ConfigType::integer, "9223372036854775807",
             "A record is compacted after this time at the latest."},
     .least = 1,
     .apply = [](TopicConfig& config, const Value& value) { config.log.max_compaction_lag_ms = value.integer; }},
    {.key = {"max.message.bytes", ConfigType::integer, "1048588", "Largest batch of records, compressed."},
     .least = 0,
     .most = kInt32Most,
     .apply = [](TopicConfig& config,
                 const Value& value) { config.log.max_message_bytes = static_cast<std::uint32_t>(value.integer); }},
    {.key = {"message.downconversion.enable", ConfigType::boolean, "true",
             "Whether a broker converts batches for old consumers. No effect here."}},
    {.key = {"message.format.version", ConfigType::text, "3.0-IV1",
             "Form of the batches; deprecated. No effect here: it is always that of Kafka 0.11 and later."},
     .check = is_release,
     .allowed = "a release of Kafka, for instance 3.0-IV1"},
    {.key = {"message.timestamp.after.max.ms", ConfigType::integer, "9223372036854775807",
             "How far a record's timestamp may lie ahead of a broker's clock."},
     .least = 0,
     .apply = [](TopicConfig& config, const Value& value) { config.timestamp_after_max_ms = value.integer; }},
    {.key = {"message.timestamp.before.max.ms", ConfigType::integer, "9223372036854775807",
             "How far a record's timestamp may lie behind a broker's clock."},
     .least = 0,
     .apply = [](TopicConfig& config, const Value& value) { config.timestamp_before_max_ms = value.integer; }},
    {.key = {"message.timestamp.difference.max.ms", ConfigType::integer, "9223372036854775807",
             "How far a record's timestamp may lie from a broker's clock; deprecated."},
     .least = 0,
     // Stands in for those two, applied before it by name, that are at their default (VAL-10).
     .apply =
         [](TopicConfig& config, const Value& value) {
             for (std::int64_t* most : {&config.timestamp_before_max_ms, &config.timestamp_after_max_ms}) {
                 if (*most == kInt64Most) *most = value.integer;
             }
         }},
    {.key = {"message.timestamp.type", ConfigType::text, "CreateTime",
             "Whether a record has the producer's time or that of its append."},
     .choices = "CreateTime,LogAppendTime",
     .apply =
         [](TopicConfig& config, const Value& value) {
             config.log.timestamp_type = value.text == "LogAppendTime" ? record::TimestampType::log_append_time
                                                                       : record::TimestampType::create_time;
         }},
    {.key = {"min.cleanable.dirty.ratio", ConfigType::number, "0.5",
             "Share of uncompacted bytes from which a log is compacted."},
     .apply = [](TopicConfig& config, const Value& value) { config.log.min_cleanable_dirty_ratio = value.number; }},
    {.key = {"min.compaction.lag.ms", ConfigType::integer, "0", "A record is not compacted before this time."},
     .least = 0,
     .apply = [](TopicConfig& config, const Value& value) { config.log.min_compaction_lag_ms = value.integer; }},
    {.key = {"min.insync.replicas", ConfigType::integer, "1", "Replicas that must have a record before acks=all."},
     .least = 1,
     .most = kInt32Most,
     .apply = [](TopicConfig& config,
                 const Value& value) { config.min_insync_replicas = static_cast<std::int32_t>(value.integer); }},
    {.key = {"preallocate", ConfigType::boolean, "false",
             "Whether a segment's space is taken when it is made. No effect here."}},
    {.key = {"remote.log.copy.disable", ConfigType::boolean, "false",
             "Whether tiered storage takes nothing more. No effect here."}},
    {.key = {"remote.log.delete.on.disable", ConfigType::boolean, "false",
             "Whether tiered data goes when tiered storage is switched off. No effect here."}},
    {.key = {"remote.storage.enable", ConfigType::boolean, "false",
             "Whether segments go to tiered storage. No effect here."}},
    {.key = {"retention.bytes", ConfigType::integer, "-1",
             "Old segments of a partition are deleted while it is larger; -1 is without limit."},
     .apply =
         [](TopicConfig& config, const Value& value) {
             config.log.retention_bytes = value.integer < 0 ? log::kNoLimit : value.integer;
         }},
    {.key = {"retention.consumed", ConfigType::boolean, "false",
             "Whether records are dropped that every group has committed past.", true},
     .apply = [](TopicConfig& config, const Value& value) { config.retention_consumed = value.boolean; }},
    {.key = {"retention.ms", ConfigType::integer, "604800000",
             "A closed segment whose records are all older is deleted; -1 is without limit."},
     .least = -1,
     .apply = [](TopicConfig& config, const Value& value) { config.log.retention_ms = value.integer; }},
    {.key = {"segment.bytes", ConfigType::integer, "1073741824", "Size at which a segment is closed."},
     .least = 14,
     .most = kInt32Most,
     .apply = [](TopicConfig& config,
                 const Value& value) { config.log.segment_bytes = static_cast<std::uint32_t>(value.integer); }},
    {.key = {"segment.index.bytes", ConfigType::integer, "10485760",
             "Size of an index at which a segment is closed."},
     .least = 4,
     .most = kInt32Most,
     .apply = [](TopicConfig& config,
                 const Value& value) { config.log.segment_index_bytes = static_cast<std::uint32_t>(value.integer); }},
    {.key = {"segment.jitter.ms", ConfigType::integer, "0",
             "Up to so much is subtracted at random from segment.ms, so that partitions do not roll at one time."},
     .least = 0,
     .apply = [](TopicConfig& config, const Value& value) { config.log.segment_jitter_ms = value.integer; }},
    {.key = {"segment.ms", ConfigType::integer, "604800000", "Age at which a segment is closed."},
     .least = 1,
     .apply = [](TopicConfig& config, const Value& value) { config.log.segment_ms = value.integer; }},
    {.key = {"unclean.leader.election.enable", ConfigType::boolean, "false",
             "Whether a replica that lags may become leader. No effect here."}},
    {.key = {"write.caching", ConfigType::boolean, "false",
             "Whether acks=all is answered before records are flushed to the disk.", true},
     .apply = [](TopicConfig& config, const Value& value) { config.write_caching = value.boolean; }},
});

// Of all topics together.
constexpr auto kCommonRows = std::to_array<Row>({
    {.key = {"producer.id.expiration.check.interval.ms", ConfigType::integer, "600000",
             "How often expired producer ids are looked for."},
     .least = 1,
     .most = kInt32Most,
     .apply = [](TopicConfig& config,
                 const Value& value) { config.log.producer_id_expiration_check_ms = value.integer; }},
    {.key = {"producer.id.expiration.ms", ConfigType::integer, "86400000",
             "How long the sequence of an idle producer is remembered."},
     .least = 1,
     .most = kInt32Most,
     .apply = [](TopicConfig& config, const Value& value) { config.log.producer_id_expiration_ms = value.integer; }},
});

template <std::size_t size>
constexpr std::array<ConfigKey, size> keys_of(const std::array<Row, size>& rows) {
    std::array<ConfigKey, size> keys;
    for (std::size_t i = 0; i < size; ++i) {
        keys[i] = rows[i].key;
        keys[i].is_32_bit = rows[i].most <= kInt32Most;
    }
    return keys;
}
constexpr auto kKeys = keys_of(kRows);
constexpr auto kCommonKeys = keys_of(kCommonRows);
static_assert(std::ranges::is_sorted(kKeys, {}, &ConfigKey::name));

const Row* find_row(std::string_view name) {
    const auto row = std::ranges::lower_bound(kRows, name, {}, [](const Row& r) { return r.key.name; });
    return row != kRows.end() && row->key.name == name ? &*row : nullptr;
}

const Row* find_common_row(std::string_view name) {
    const auto row = std::ranges::find(kCommonRows, name, [](const Row& r) { return r.key.name; });
    return row != kCommonRows.end() ? &*row : nullptr;
}

std::string_view nearest_key(std::string_view name) {
    name = name.substr(0, 64);
    std::string_view nearest;
    std::size_t least = std::numeric_limits<std::size_t>::max();
    for (const ConfigKey& key : kKeys) {
        const std::size_t distance = edit_distance(name, key.name);
        if (distance >= least) continue;
        least = distance;
        nearest = key.name;
    }
    return nearest;
}

tl::unexpected<Error> bad_setting(std::string_view name, std::string text) {
    return fail(Errc::bad_argument, {}, std::string{name.substr(0, 64)}, std::move(text));
}

tl::unexpected<Error> bad_setting_value(std::string_view name, std::string_view value, const std::string& allowed) {
    return bad_setting(name, "'" + std::string{value.substr(0, 64)} + "' is not " + allowed);
}

Result<std::string> check_value(const Row& row, std::string_view value) {
    const std::string_view text = trim(value);
    if (text.size() > kLongestValue)
        return bad_setting(row.key.name, "a value of " + std::to_string(text.size()) + " bytes is too long");
    Value parsed;
    if (const std::string allowed = problem_of(row.rule(), text, parsed); !allowed.empty())
        return bad_setting_value(row.key.name, text, allowed);
    return kept_form(row.key.type, text);
}

Status apply(const Row& row, const std::string& kept, TopicConfig& config) {
    Value value;
    if (const std::string allowed = problem_of(row.rule(), trim(kept), value); !allowed.empty())
        return bad_setting_value(row.key.name, kept, allowed);
    if (row.apply != nullptr) row.apply(config, value);
    return {};
}

}  // namespace

std::span<const ConfigKey> config_keys() { return kKeys; }

const ConfigKey* find_config(std::string_view name) {
    const Row* row = find_row(name);
    return row == nullptr ? nullptr : &kKeys[static_cast<std::size_t>(row - kRows.data())];
}

std::span<const ConfigKey> common_config_keys() { return kCommonKeys; }

const ConfigKey* find_default(std::string_view name) {
    const auto key = std::ranges::find(kCommonKeys, name, &ConfigKey::name);
    return key != kCommonKeys.end() ? &*key : find_config(name);
}

Result<std::string> check_config(std::string_view name, std::string_view value) {
    const Row* row = find_row(name);
    if (row == nullptr)
        return bad_setting(name, "there is no such setting; did you mean " + std::string{nearest_key(name)} + "?");
    return check_value(*row, value);
}

Result<std::string> check_default(std::string_view name, std::string_view value) {
    const Row* row = find_common_row(name);
    return row != nullptr ? check_value(*row, value) : check_config(name, value);
}

Result<TopicConfig> to_topic_config(const ConfigMap& set) {
    TopicConfig config;
    for (const auto& [name, kept] : set) {
        const Row* row = find_row(name);
        if (row != nullptr) MQ_TRY(apply(*row, kept, config));
    }
    if (config.log.min_compaction_lag_ms > config.log.max_compaction_lag_ms) {
        return bad_setting("min.compaction.lag.ms", std::to_string(config.log.min_compaction_lag_ms) +
                                                        " is more than max.compaction.lag.ms, " +
                                                        std::to_string(config.log.max_compaction_lag_ms));
    }
    if (config.compression != record::Codec::none) {
        const auto level = set.find("compression." + std::string{record::to_string(config.compression)} + ".level");
        Value number;
        const bool is_set =
            level != set.end() && problem_of({ConfigType::integer}, trim(level->second), number).empty();
        // -1 is how gzip says its default.
        if (is_set && !(config.compression == record::Codec::gzip && number.integer == -1))
            config.compression_level = static_cast<int>(number.integer);
    }
    return config;
}

Result<TopicConfig> to_topic_config(const ConfigMap& set, const ConfigMap& defaults) {
    if (defaults.empty()) return to_topic_config(set);
    ConfigMap all = set;
    all.insert(defaults.begin(), defaults.end());
    MQ_ASSIGN(TopicConfig config, to_topic_config(all));
    for (const Row& row : kCommonRows) {
        const auto common = defaults.find(row.key.name);
        if (common != defaults.end()) MQ_TRY(apply(row, common->second, config));
    }
    return config;
}

}  // namespace mq::store
