// Offsets of consumer groups as files: what kafka-consumer-groups --export writes and --from-file reads, the same
// with tabs, and a JSON object a line, which has all that a commit has.
//
//     numbers,0,42                 topic, partition, offset
//     billing,numbers,0,42         the same with the group in front
//     {"group":"billing","topic":"numbers","partition":0,"offset":42,"leader_epoch":3,"metadata":""}
//
// An offset of -1 (in JSON also null) says that nothing was committed. Source of the first two:
// org.apache.kafka.tools.consumer.group.ConsumerGroupCommand, and for the quotes Jackson's CsvEncoder.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/strong_int.h"
#include "log/checkpoint_file.h"

namespace mq::cli {

enum class OffsetFormat : unsigned char { csv, tsv, json };

struct GroupOffset {
    std::string group;  // empty: the line does not say
    log::TopicPartition id;
    std::optional<Offset> offset;  // nullopt: nothing was committed
    LeaderEpoch leader_epoch = -1;
    std::string metadata;
    std::optional<TimestampMs> commit_timestamp;  // written to JSON only

    bool operator==(const GroupOffset&) const = default;
};

// The format is told from the first line. Blank lines are passed over. Errors: corrupt, with the line and its byte:
// the wrong number of fields, or another than in the lines before; no topic, no number; a partition twice; no JSON, a
// field missing or of the wrong type.
[[nodiscard]] Result<std::vector<GroupOffset>> parse_offset_file(ByteView text);
// "-" is standard input. Errors: those, naming the file; not_found, too_large, io.
[[nodiscard]] Result<std::vector<GroupOffset>> read_offset_file(const std::string& path);

// Appends a line. `with_group` is the second shape of CSV; JSON names the group always.
void append_offset(std::string& out, const GroupOffset& row, OffsetFormat format, bool with_group);

}  // namespace mq::cli
