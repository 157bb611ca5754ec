#include "ack_parser.h"

#include <charconv>

#include "cli/text.h"

namespace mq::consume {

using cli::cat;

namespace {

// Digits only: no sign, nothing behind them.
template <typename T>
bool parse_number(ByteView text, T& number) {
    if (text.empty() || text.front() == '-') return false;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

tl::unexpected<Error> malformed(std::uint64_t line, std::string_view what) {
    return fail(Errc::corrupt, "acknowledgement", "--ack-fd", cat("line ", line, ": ", what));
}

}  // namespace

Status AckParser::feed(ByteView bytes, std::vector<Ack>& acks) {
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const ByteView piece = bytes.substr(0, end);
        if (partial_.size() + piece.size() > kLongestAckLine) return malformed(lines_ + 1, "longer than any can be");
        partial_ += piece;
        if (end == bytes.npos) return {};
        bytes.remove_prefix(end + 1);
        ++lines_;
        if (partial_.ends_with('\r')) partial_.pop_back();
        if (!partial_.empty()) {
            MQ_ASSIGN(Ack ack, parse(partial_));
            acks.push_back(std::move(ack));
        }
        partial_.clear();
    }
    return {};
}

Status AckParser::finish() const {
    if (partial_.empty()) return {};
    return malformed(lines_ + 1, "ends without a newline");
}

Result<Ack> AckParser::parse(ByteView line) const {
    const std::size_t first = line.find(' ');
    const std::size_t second = first == line.npos ? line.npos : line.find(' ', first + 1);
    if (second == line.npos) return malformed(lines_, "not TOPIC PARTITION OFFSET, with one blank between");
    Ack ack;
    ack.line = lines_;
    ack.id.topic = line.substr(0, first);
    std::int64_t offset = 0;
    if (!log::check_topic_name(ack.id.topic)) return malformed(lines_, "no name of a topic");
    if (!parse_number(line.substr(first + 1, second - first - 1), ack.id.partition))
        return malformed(lines_, "no number of a partition");
    // One more than it is committed.
    if (!parse_number(line.substr(second + 1), offset) || offset == INT64_MAX) return malformed(lines_, "no offset");
    ack.offset = Offset{offset};
    return ack;
}

}  // namespace mq::consume
