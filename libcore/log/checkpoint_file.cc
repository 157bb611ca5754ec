#include "log/checkpoint_file.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>

#include "base/seeded_bug.h"
#include "os/file.h"

namespace mq::log {
namespace {

constexpr std::int32_t kVersion = 0;
constexpr std::size_t kMaxTopicLength = 249;
constexpr std::string_view kWhiteSpace = " \t\v\f\r";
constexpr const char* kOperation = "read checkpoint";

bool is_topic_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
}

// The whole of `text` as a number that is not negative.
template <typename Int>
std::optional<Int> parse_number(std::string_view text) {
    Int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

constexpr std::size_t kMostFields = 3;

// No more than one over what any checkpoint has, however long the line is.
std::vector<std::string_view> split_fields(std::string_view line) {
    std::vector<std::string_view> fields;
    while (fields.size() <= kMostFields) {
        const auto start = line.find_first_not_of(kWhiteSpace);
        if (start == line.npos) return fields;
        const auto end = std::min(line.find_first_of(kWhiteSpace, start), line.size());
        fields.push_back(line.substr(start, end - start));
        line.remove_prefix(end);
    }
    return fields;
}

// Lines one by one, with what an error about one says.
class LineReader {
public:
    explicit LineReader(ByteView text) : text_(text) {}

    bool next(std::string_view& line) {
        if (text_.empty()) return false;
        const auto end = text_.find('\n');
        line = text_.substr(0, end);
        text_.remove_prefix(end == text_.npos ? text_.size() : end + 1);
        ++number_;
        return true;
    }
    [[nodiscard]] tl::unexpected<Error> corrupt(const std::string& what) const {
        return fail(Errc::corrupt, kOperation, {}, "line " + std::to_string(number_) + ": " + what);
    }

private:
    ByteView text_;
    std::size_t number_ = 0;
};

// The lines that every checkpoint has; take_entry(fields, lines) takes in those after them, each of `field_count`.
template <typename TakeEntry>
Status parse_checkpoint(ByteView text, std::size_t field_count, TakeEntry take_entry) {
    LineReader lines{text};
    std::string_view line;
    if (!lines.next(line)) return {};
    const auto one_number = [&]() -> std::optional<std::int32_t> {
        const auto fields = split_fields(line);
        return fields.size() == 1 ? parse_number<std::int32_t>(fields[0]) : std::nullopt;
    };
    if (one_number() != kVersion) return lines.corrupt("not version 0");
    if (!lines.next(line)) return lines.corrupt("the file ends before the count of entries");
    const auto count = one_number();
    if (!count) return lines.corrupt("not a count of entries");
    std::int64_t found = 0;
    for (; lines.next(line); ++found) {
        const auto fields = split_fields(line);
        if (fields.size() != field_count) return lines.corrupt("not " + std::to_string(field_count) + " fields");
        MQ_TRY(take_entry(fields, lines));
    }
    if (found != *count)
        return lines.corrupt(std::to_string(found) + " entries, but the second line says " + std::to_string(*count));
    return {};
}

std::string format_head(std::size_t count) { return std::to_string(kVersion) + '\n' + std::to_string(count) + '\n'; }

// `parse` of the file's content; of nothing if there is no file.
template <typename Parse>
auto read_with(const std::string& path, Parse parse) -> decltype(parse(ByteView{})) {
    Result<std::string> text = os::read_file(path);
    if (!text) {
        if (text.error().code == Errc::not_found) return parse(ByteView{});
        return fail(std::move(text).error());
    }
    auto result = parse(ByteView{*text});
    if (!result) result.error().subject = path;
    return result;
}

}  // namespace

std::optional<TopicPartition> parse_partition_directory(std::string_view name) {
    const auto dash = name.rfind('-');
    if (dash == name.npos) return std::nullopt;
    const auto digits = name.substr(dash + 1);
    const auto partition = parse_number<std::int32_t>(digits);
    TopicPartition result{std::string{name.substr(0, dash)}, partition.value_or(0)};
    // "a-01" would be a second directory for a-1.
    if (!partition || std::to_string(*partition) != digits || !check_topic_name(result.topic)) return std::nullopt;
    return result;
}

std::string partition_directory(const TopicPartition& partition) {
    return partition.topic + '-' + std::to_string(partition.partition);
}

Status check_topic_name(std::string_view topic) {
    const auto refuse = [&](std::string why) {
        return fail(Errc::bad_argument, "check topic name", std::string{topic.substr(0, kMaxTopicLength)},
                    std::move(why));
    };
    if (MQ_BUG("topic_name.unchecked")) return {};
    if (topic.empty()) return refuse("it is empty");
    if (topic == "." || topic == "..") return refuse("it cannot be \".\" or \"..\"");
    if (topic.size() > kMaxTopicLength)
        return refuse(std::to_string(topic.size()) + " characters, at most " + std::to_string(kMaxTopicLength));
    if (!std::all_of(topic.begin(), topic.end(), is_topic_character))
        return refuse("characters other than a-z A-Z 0-9 . _ -");
    return {};
}

Result<OffsetCheckpoint> parse_offset_checkpoint(ByteView text) {
    OffsetCheckpoint entries;
    MQ_TRY(parse_checkpoint(text, 3, [&](const auto& fields, const LineReader& lines) -> Status {
        const auto partition = parse_number<std::int32_t>(fields[1]);
        const auto offset = parse_number<std::int64_t>(fields[2]);
        if (!partition) return lines.corrupt("not a partition: " + std::string{fields[1]});
        if (!offset) return lines.corrupt("not an offset: " + std::string{fields[2]});
        const TopicPartition name{std::string{fields[0]}, *partition};
        if (!entries.emplace(name, *offset).second)
            return lines.corrupt(partition_directory(name) + " is there twice");
        return {};
    }));
    return entries;
}

Result<OffsetCheckpoint> read_offset_checkpoint(const std::string& path) {
    return read_with(path, parse_offset_checkpoint);
}

std::string format_offset_checkpoint(const OffsetCheckpoint& entries) {
    std::string text = format_head(entries.size());
    for (const auto& [name, offset] : entries) {
        text += name.topic + ' ' + std::to_string(name.partition) + ' ' + std::to_string(offset.value()) + '\n';
    }
    return text;
}

Status write_offset_checkpoint(const std::string& path, const OffsetCheckpoint& entries) {
    return os::replace_file(path, format_offset_checkpoint(entries));
}

Result<std::vector<EpochStart>> parse_leader_epoch_checkpoint(ByteView text) {
    std::vector<EpochStart> entries;
    MQ_TRY(parse_checkpoint(text, 2, [&](const auto& fields, const LineReader& lines) -> Status {
        const auto epoch = parse_number<std::int32_t>(fields[0]);
        const auto start = parse_number<std::int64_t>(fields[1]);
        if (!epoch) return lines.corrupt("not an epoch: " + std::string{fields[0]});
        if (!start) return lines.corrupt("not an offset: " + std::string{fields[1]});
        if (!entries.empty() && (*epoch <= entries.back().epoch || Offset{*start} <= entries.back().start_offset))
            return lines.corrupt("epoch or offset does not ascend");
        entries.push_back({*epoch, Offset{*start}});
        return {};
    }));
    return entries;
}

Result<std::vector<EpochStart>> read_leader_epoch_checkpoint(const std::string& path) {
    return read_with(path, parse_leader_epoch_checkpoint);
}

std::string format_leader_epoch_checkpoint(const std::vector<EpochStart>& entries) {
    std::string text = format_head(entries.size());
    for (const EpochStart& entry : entries)
        text += std::to_string(entry.epoch) + ' ' + std::to_string(entry.start_offset.value()) + '\n';
    return text;
}

Status write_leader_epoch_checkpoint(const std::string& path, const std::vector<EpochStart>& entries) {
    return os::replace_file(path, format_leader_epoch_checkpoint(entries));
}

}  // namespace mq::log
