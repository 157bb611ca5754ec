// Names given as patterns, with -r.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace mq::cli {

// RE2's; one must match the whole name. Without a pattern every name matches.
class Patterns {
public:
    // Errors: bad_argument, naming the pattern and what is wrong with it.
    [[nodiscard]] static Result<Patterns> make(std::span<const std::string> texts);
    Patterns(Patterns&&) noexcept;
    Patterns& operator=(Patterns&&) noexcept;
    ~Patterns();

    [[nodiscard]] bool match(std::string_view name) const;

private:
    struct Pattern;
    Patterns();
    std::vector<Pattern> patterns_;
};

}  // namespace mq::cli
