// -m, --match: which records are wanted.
//
//     key~RE  value~RE  header.NAME~RE     a regular expression (RE2) occurs in it
//     key=TEXT  value=TEXT  header.NAME=V  it is exactly that; != it is not
//     ts>T  size>N  offset>N               also >= < <= = !=; T as in RANGE (times.h), size is that of key and value
//     key  value  header.NAME              it is there and not null
//     !EXPR                                the opposite
//
// A tool may add fields of its own, which it decodes: group=NAME. A null never equals and never contains anything.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "record/record.h"

namespace mq::cli {

class Matcher {
public:
    // The value of a field of the tool's own; nullopt: the record has none.
    using Lookup = std::function<std::optional<std::string>(std::string_view field)>;

    Matcher();
    Matcher(Matcher&&) noexcept;
    Matcher& operator=(Matcher&&) noexcept;
    ~Matcher();

    // `any`: one expression that holds is enough, else all must. Errors: bad_argument, naming the expression.
    [[nodiscard]] static Result<Matcher> parse(const std::vector<std::string>& expressions, bool any, TimestampMs now,
                                               const std::vector<std::string_view>& own_fields = {});

    [[nodiscard]] bool empty() const { return terms_.empty(); }
    // True for every record if there is no expression. Safe from several threads.
    [[nodiscard]] bool matches(const record::RecordView& record, const Lookup& lookup = {}) const;

private:
    struct Term;

    std::vector<Term> terms_;
    bool any_ = false;
};

}  // namespace mq::cli
