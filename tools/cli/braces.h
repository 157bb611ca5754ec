// The modifiers of verbs, {...}, in output formats and input templates.
#pragma once

#include <string_view>

namespace mq::cli {

// Where the brace at `open` is closed, npos if nowhere. Inside [...] braces do not count; its end is "]}".
[[nodiscard]] std::size_t closing_brace(std::string_view text, std::size_t open);

}  // namespace mq::cli
