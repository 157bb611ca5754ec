#include "cli/offset_json.h"

#include <rapidjson/document.h>

#include <limits>

#include "cli/encoding.h"
#include "cli/json.h"
#include "cli/text.h"

namespace mq::cli {
namespace {

// A document takes some twenty times the bytes of its text.
constexpr std::size_t kMaxLineBytes = 64 << 10;

using Value = rapidjson::Value;

tl::unexpected<Error> refuse(std::string text) { return fail(Errc::corrupt, {}, {}, std::move(text)); }

const Value* find(const Value& object, const char* name) {
    const auto member = object.FindMember(name);
    return member == object.MemberEnd() ? nullptr : &member->value;
}

// Text, or what base64 stands for where NAME_encoding says so. nullopt: it is not there, or null.
Result<std::optional<std::string>> text_of(const Value& object, const std::string& name) {
    const Value* value = find(object, name.c_str());
    if (value == nullptr || value->IsNull()) return std::nullopt;
    if (!value->IsString()) return refuse(cat(name, ": not a string"));
    const std::string_view text{value->GetString(), value->GetStringLength()};
    const Value* encoding = find(object, (name + "_encoding").c_str());
    if (encoding == nullptr || encoding->IsNull()) return std::string{text};
    const auto known = encoding->IsString() ? encoding_from_name(encoding->GetString()) : std::nullopt;
    const bool is_utf8 = encoding->IsString() && std::string_view{encoding->GetString()} == "utf8";
    if (!known && !is_utf8) return refuse(cat(name, "_encoding: not a known one"));
    if (is_utf8) return std::string{text};
    std::string bytes;
    if (!append_decoded(bytes, *known, text)) return refuse(cat(name, ": no ", encoding->GetString()));
    return bytes;
}

Result<std::int64_t> number_of(const Value& object, const char* name, std::int64_t least, std::int64_t most,
                               std::optional<std::int64_t> missing) {
    const Value* value = find(object, name);
    if (value == nullptr || value->IsNull()) {
        if (missing) return *missing;
        return refuse(cat(name, " is missing"));
    }
    if (!value->IsInt64()) return refuse(cat(name, ": not a whole number"));
    if (value->GetInt64() < least || value->GetInt64() > most)
        return refuse(cat(name, ": ", value->GetInt64(), " is out of range"));
    return value->GetInt64();
}

}  // namespace

Result<GroupOffset> parse_offset_json(ByteView line) {
    if (line.size() > kMaxLineBytes) return refuse(cat("longer than ", kMaxLineBytes, " bytes"));
    rapidjson::Document document;
    document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(line.data(), line.size());
    if (document.HasParseError()) return refuse("no valid JSON");
    if (!document.IsObject()) return refuse("no object");
    constexpr std::int64_t kMostInt32 = std::numeric_limits<std::int32_t>::max();
    constexpr std::int64_t kMostInt64 = std::numeric_limits<std::int64_t>::max();
    GroupOffset row;
    MQ_ASSIGN(auto group, text_of(document, "group"));
    row.group = std::move(group).value_or(std::string{});
    MQ_ASSIGN(auto topic, text_of(document, "topic"));
    if (!topic) return refuse("topic is missing");
    row.id.topic = std::move(*topic);
    if (const Status legal = log::check_topic_name(row.id.topic); !legal) return refuse(legal.error().message());
    MQ_ASSIGN(const std::int64_t partition, number_of(document, "partition", 0, kMostInt32, {}));
    row.id.partition = static_cast<std::int32_t>(partition);
    if (find(document, "offset") == nullptr) return refuse("offset is missing");
    MQ_ASSIGN(const std::int64_t offset, number_of(document, "offset", -1, kMostInt64, -1));
    if (offset >= 0) row.offset = Offset{offset};
    MQ_ASSIGN(const std::int64_t epoch, number_of(document, "leader_epoch", -1, kMostInt32, -1));
    row.leader_epoch = static_cast<LeaderEpoch>(epoch);
    MQ_ASSIGN(auto metadata, text_of(document, "metadata"));
    row.metadata = std::move(metadata).value_or(std::string{});
    return row;
}

void append_offset_json(std::string& out, const GroupOffset& row) {
    out += '{';
    append_json_bytes(out, "group", row.group, true);
    append_json_bytes(out, "topic", row.id.topic);
    out += cat(",\"partition\":", row.id.partition,
               ",\"offset\":", row.offset ? std::to_string(row.offset->value()) : std::string{"null"},
               ",\"leader_epoch\":", row.leader_epoch);
    append_json_bytes(out, "metadata", row.metadata);
    if (row.commit_timestamp) out += cat(",\"commit_timestamp\":", *row.commit_timestamp);
    out += "}\n";
}

}  // namespace mq::cli
