// One line of a JSON file of offsets; see offset_file.h.
#pragma once

#include "cli/offset_file.h"

namespace mq::cli {

// Fields that are not known are passed over. Errors: corrupt, in words for a person.
[[nodiscard]] Result<GroupOffset> parse_offset_json(ByteView line);
void append_offset_json(std::string& out, const GroupOffset& row);

}  // namespace mq::cli
