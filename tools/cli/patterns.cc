#include "cli/patterns.h"

#include <re2/re2.h>

#include <algorithm>

#include "cli/text.h"

namespace mq::cli {

struct Patterns::Pattern {
    std::unique_ptr<RE2> expression;
};

Patterns::Patterns() = default;
Patterns::Patterns(Patterns&&) noexcept = default;
Patterns& Patterns::operator=(Patterns&&) noexcept = default;
Patterns::~Patterns() = default;

Result<Patterns> Patterns::make(std::span<const std::string> texts) {
    RE2::Options how;
    how.set_log_errors(false);
    Patterns made;
    for (const std::string& text : texts) {
        auto expression = std::make_unique<RE2>(text, how);
        if (!expression->ok())
            return fail(Errc::bad_argument, {}, {}, cat("pattern '", text, "': ", expression->error()));
        made.patterns_.push_back({std::move(expression)});
    }
    return made;
}

bool Patterns::match(std::string_view name) const {
    return patterns_.empty() || std::ranges::any_of(patterns_, [name](const Pattern& pattern) {
               return RE2::FullMatch(name, *pattern.expression);
           });
}

}  // namespace mq::cli
