#include "generator.h"

#include "os/file.h"
#include "os/process.h"

namespace mq::produce {

Result<Generator> Generator::make(const Args& args) {
    Generator made{args};
    made.chance_.seed(static_cast<std::uint32_t>(os::monotonic_ns()));
    if (args.generate == Generate::random) made.value_.resize(static_cast<std::size_t>(args.generate_bytes));
    if (args.generate != Generate::file) return made;
    MQ_ASSIGN(std::string content, os::read_file(args.generate_file));
    made.file_ = std::make_unique<const std::string>(std::move(content));
    for (ByteView text = *made.file_; !text.empty();) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        made.lines_.push_back(text.substr(0, end));
        text.remove_prefix(std::min(text.size(), end + 1));
    }
    if (made.lines_.empty()) return fail(Errc::bad_configuration, {}, args.generate_file, "is empty");
    return made;
}

ByteView Generator::next() {
    switch (kind_) {
        case Generate::sequence:
            value_ = std::to_string(++number_);
            break;
        case Generate::random:
            // Capital letters, as Kafka's performance test has them; two of each draw.
            for (std::size_t i = 0; i < value_.size(); i += 2) {
                const auto draw = chance_() >> 4;
                value_[i] = static_cast<char>('A' + draw % 26);
                if (i + 1 < value_.size()) value_[i + 1] = static_cast<char>('A' + draw / 26 % 26);
            }
            break;
        case Generate::file:
            return lines_[chance_() % lines_.size()];
        case Generate::no:
            break;
    }
    return value_;
}

}  // namespace mq::produce
