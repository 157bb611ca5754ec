// How far a word is from another: for messages that name the word that was meant.
#pragma once

#include <cstddef>
#include <string_view>

namespace mq {

// Bytes to insert, delete or replace to make `a` from `b` (Levenshtein). Time and memory grow with the product and
// the length: for short words.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace mq
