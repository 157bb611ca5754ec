#include "checkpoint.h"

#include <algorithm>
#include <array>

#include "cli/text.h"
#include "cli/values.h"
#include "os/file.h"

namespace mq::consume {

using cli::cat;

namespace {

constexpr std::string_view kFirstLine = "mq-consume-checkpoint 1";
constexpr std::int32_t kMostPartitions = 1'000'000;

std::string_view take_line(std::string_view& text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    return line;
}

Status parse_line(std::string_view line, Checkpoint& checkpoint) {
    std::array<std::string_view, 5> fields;
    if (std::ranges::count(line, ' ') != static_cast<std::ptrdiff_t>(fields.size()) - 1)
        return fail(Errc::corrupt, {}, {}, "not five fields");
    for (std::string_view& field : fields) {
        field = line.substr(0, line.find(' '));
        line.remove_prefix(std::min(line.size(), field.size() + 1));
        if (field.empty()) return fail(Errc::corrupt, {}, {}, "a field is empty");
    }
    MQ_TRY(log::check_topic_name(fields[0]));
    MQ_ASSIGN(const auto partition, cli::parse_integer<std::int32_t>(fields[2], 0, kMostPartitions));
    MQ_ASSIGN(const auto offset, cli::parse_integer<std::int64_t>(fields[3], 0));
    MQ_ASSIGN(const auto epoch, cli::parse_integer<std::int32_t>(fields[4], -1));
    const CheckpointEntry entry{std::string{fields[1]}, Offset{offset}, epoch};
    if (!checkpoint.emplace(log::TopicPartition{std::string{fields[0]}, partition}, entry).second)
        return fail(Errc::corrupt, {}, {}, "the partition stands there twice");
    return {};
}

}  // namespace

Result<Checkpoint> parse_checkpoint(ByteView text) {
    if (take_line(text) != kFirstLine)
        return fail(Errc::corrupt, {}, {}, cat("line 1: not '", kFirstLine, "': no checkpoint of mq-consume"));
    Checkpoint checkpoint;
    for (std::size_t number = 2; !text.empty(); ++number) {
        if (const Status line = parse_line(take_line(text), checkpoint); !line)
            return fail(Errc::corrupt, {}, {}, cat("line ", number, ": ", line.error().detail));
    }
    return checkpoint;
}

std::string format_checkpoint(const Checkpoint& checkpoint) {
    std::string text = cat(kFirstLine, '\n');
    for (const auto& [id, entry] : checkpoint) {
        text += cat(id.topic, ' ', entry.topic_id.empty() ? "-" : entry.topic_id, ' ', id.partition, ' ',
                    +entry.next_offset, ' ', entry.leader_epoch, '\n');
    }
    return text;
}

Result<Checkpoint> read_checkpoint(const std::string& path) {
    const auto text = os::read_file(path);
    if (!text) {
        if (text.error().code == Errc::not_found) return Checkpoint{};
        return fail(text.error());
    }
    auto checkpoint = parse_checkpoint(*text);
    if (!checkpoint) checkpoint.error().subject = path;
    return checkpoint;
}

Status write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
    return os::replace_file(path, format_checkpoint(checkpoint));
}

}  // namespace mq::consume
