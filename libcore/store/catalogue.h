// mq-topics.json: which topics there are, with their ids, partitions and settings. A small document, replaced by
// rename.
//
//     {"version":1,"next_producer_id":0,"topics":[{"name":"numbers","id":"6RbxAY8BTsOVJ0MnbF4XLg","partitions":1,
//      "replicas":1,"config":{"retention.ms":"-1"}}]}
//
// Before "topics" there may be "defaults":{"retention.ms":"3600000"}: what topics have that say nothing themselves.
// A topic that is being deleted has "deleting":true as well, so that whoever comes next can bring that to its end.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "store/topic_config.h"

namespace mq::store {

inline constexpr std::string_view kCatalogueFile = "mq-topics.json";
inline constexpr std::uint64_t kMaxCatalogueBytes = 64u << 20;
inline constexpr std::int32_t kMaxPartitions = 65'536;  // of one topic; a directory shares as many in all
inline constexpr std::int32_t kMaxReplicas = 32'767;

// Topics of Kafka's own records, which have 50 partitions unless the catalogue says otherwise, whatever directories
// there are (OFF-3).
inline constexpr std::string_view kOffsetsTopic = "__consumer_offsets";
inline constexpr std::string_view kTransactionsTopic = "__transaction_state";
inline constexpr std::int32_t kInternalTopicPartitions = 50;
[[nodiscard]] constexpr bool is_internal_topic(std::string_view name) {
    return name == kOffsetsTopic || name == kTransactionsTopic;
}

struct Topic {
    std::string name;
    std::string id;  // 22 characters of base64 for URLs, as in partition.metadata
    std::int32_t partitions = 0;
    std::int32_t replicas = 1;
    ConfigMap config;       // what was set
    bool deleting = false;  // it is gone; its directories are being put aside

    bool operator==(const Topic&) const = default;
};

struct Catalogue {
    std::map<std::string, Topic, std::less<>> topics;
    std::int64_t next_producer_id = 0;  // of the next block (TXN-L2)
    ConfigMap defaults;                 // of all topics, by their names of the settings; a broker's settings

    bool operator==(const Catalogue&) const = default;
};

// corrupt, with the line and byte where it is: not JSON, a field missing, unknown or of the wrong type, a number out
// of range, an illegal or repeated name, a setting that does not hold, another version. Settings that this build does
// not know are kept.
[[nodiscard]] Result<Catalogue> parse_catalogue(ByteView text);
[[nodiscard]] std::string format_catalogue(const Catalogue& catalogue);

// A missing file is an empty catalogue. Errors: as parse_catalogue; too_large; those of reading.
[[nodiscard]] Result<Catalogue> read_catalogue(const std::string& path);
// Atomic and durable.
[[nodiscard]] Status write_catalogue(const std::string& path, const Catalogue& catalogue);

// 16 random bytes in base64 for URLs, without padding: topic and cluster ids.
[[nodiscard]] std::string random_id();

}  // namespace mq::store
