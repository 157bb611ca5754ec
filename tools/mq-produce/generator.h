// Values that come from no input: --generate.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "args.h"
#include "base/error.h"

namespace mq::produce {

class Generator {
public:
    // Errors: those of reading the file; bad_configuration: it is empty; too_large: over 64 MiB.
    [[nodiscard]] static Result<Generator> make(const Args& args);

    // Valid until the next call.
    [[nodiscard]] ByteView next();

private:
    explicit Generator(const Args& args) : kind_(args.generate) {}

    Generate kind_;
    std::uint64_t number_ = 0;
    std::string value_;
    std::unique_ptr<const std::string> file_;  // stays where it is: the lines point into it
    std::vector<ByteView> lines_;
    std::minstd_rand chance_;
};

}  // namespace mq::produce
