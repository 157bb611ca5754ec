#include "cli/braces.h"

namespace mq::cli {

std::size_t closing_brace(std::string_view text, std::size_t open) {
    const std::size_t bracket = text.find_first_of("[{}%", open + 1);
    if (bracket != std::string_view::npos && text[bracket] == '[') {
        const std::size_t end = text.find("]}", bracket);
        return end == std::string_view::npos ? end : end + 1;
    }
    int depth = 0;
    for (std::size_t i = open; i < text.size(); ++i) {
        if (text[i] == '{') ++depth;
        if (text[i] == '}' && --depth == 0) return i;
    }
    return std::string_view::npos;
}

}  // namespace mq::cli
