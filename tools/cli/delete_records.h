// The file of kafka-delete-records:
//
//     {"version":1,"partitions":[{"topic":"numbers","partition":0,"offset":42}]}
//
// Source: org.apache.kafka.tools.DeleteRecordsCommand.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/strong_int.h"
#include "log/checkpoint_file.h"

namespace mq::cli {

// In the file's order; kNoOffset (-1) is the high watermark.
using DeleteRecords = std::vector<std::pair<log::TopicPartition, Offset>>;

// Errors: corrupt, with line and byte: not JSON, a field missing or of the wrong type, a partition twice.
[[nodiscard]] Result<DeleteRecords> parse_delete_records(ByteView text);
[[nodiscard]] Result<DeleteRecords> read_delete_records(const std::string& path);

}  // namespace mq::cli
