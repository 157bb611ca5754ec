// What Kafka's own dump tool says of the golden logs, as values to compare with.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record/batch.h"

namespace mq::record::golden {

struct DumpedRecord {
    std::string line;
    std::int64_t offset = 0;
    std::int64_t timestamp = 0;
    std::int64_t key_size = 0;
    std::int64_t value_size = 0;
    std::optional<std::int64_t> sequence;
    std::optional<std::uint32_t> crc;
    std::string text;  // what follows "key: " or "payload: ", further lines included
};

struct DumpedUnit {
    std::string line;
    std::int64_t position = 0;
    std::int64_t size = 0;
    std::int64_t magic = 0;
    std::int64_t last_offset = 0;
    std::int64_t timestamp = 0;
    std::uint32_t crc = 0;
    bool is_valid = false;
    std::vector<DumpedRecord> records;

    // The number behind "NAME: "; absent if the line has no such field.
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view name) const;
    [[nodiscard]] bool flag(std::string_view name) const;
};

struct DumpedSegment {
    std::string path;  // below the golden directory
    std::vector<DumpedUnit> units;
};

// The dump of a partition: kind "log", "log.offsets-decoder" or "log.txn-decoder".
[[nodiscard]] std::vector<DumpedSegment> read_dump(const std::string& set, const std::string& partition,
                                                   std::string_view kind);
// Every unit of a segment file that is whole.
[[nodiscard]] std::vector<ByteView> split_units(ByteView segment);
// Every unit of every .log file of the sets.
void for_each_unit(const std::vector<std::string>& sets,
                   const std::function<void(const std::string&, ByteView)>& visit);

}  // namespace mq::record::golden
