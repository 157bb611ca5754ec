// Java properties: "key=value" lines as java.util.Properties.load reads them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace mq::cli {

using Properties = std::vector<std::pair<std::string, std::string>>;

// In the order of the text. '#' and '!' begin comments, a backslash at the end joins lines, \t \n \r \f \uXXXX are
// known. Errors: corrupt, naming the line (an unfinished \u).
[[nodiscard]] Result<Properties> parse_properties(ByteView text);

// The same of a file of at most 1 MiB. Errors: those of opening and reading, too_large, corrupt.
[[nodiscard]] Result<Properties> read_properties(const std::string& path);

}  // namespace mq::cli
