#include "exec_environment.h"

#include <algorithm>
#include <array>
#include <map>

#include "cli/json.h"
#include "cli/text.h"

namespace mq::consume {

using cli::cat;

namespace {

constexpr std::string_view kHeaderPrefix = "MQ_HEADER_";

bool is_ours(std::string_view variable) {
    static constexpr auto kNames = std::to_array<std::string_view>(
        {"MQ_TOPIC", "MQ_PARTITION", "MQ_OFFSET", "MQ_TIMESTAMP", "MQ_KEY", "MQ_KEY_BASE64", "MQ_HEADERS",
         "MQ_VALUE_NULL", "MQ_ATTEMPT", "MQ_RECORDS", "MQ_OMITTED"});
    if (variable.starts_with(kHeaderPrefix)) return true;
    return std::ranges::find(kNames, variable.substr(0, variable.find('='))) != kNames.end();
}

// "trace-id" -> "MQ_HEADER_TRACE_ID"
std::string header_variable(std::string_view header) {
    std::string name{kHeaderPrefix};
    for (const char c : header) {
        const bool lower = c >= 'a' && c <= 'z';
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        name += lower ? static_cast<char>(c - 'a' + 'A') : plain ? c : '_';
    }
    return name;
}

}  // namespace

ExecEnvironment::ExecEnvironment(char* const* inherited) {
    for (; *inherited != nullptr; ++inherited) {
        if (!is_ours(*inherited)) inherited_.push_back(*inherited);
    }
}

bool ExecEnvironment::put(std::string_view name, std::string_view value) {
    const std::size_t size = name.size() + 1 + value.size() + 1;
    // The kernel counts the pointer too.
    if (size > kLongestVariable || size + sizeof(char*) > left_bytes_) return false;
    if (value.find('\0') != value.npos) return false;
    left_bytes_ -= size + sizeof(char*);
    own_.push_back(cat(name, '=', value));
    return true;
}

void ExecEnvironment::omit(std::string_view name) {
    constexpr std::size_t kMostNames = 4096;
    if (omitted_.size() + name.size() > kMostNames) return;
    if (!omitted_.empty()) omitted_ += ' ';
    omitted_ += name;
}

void ExecEnvironment::put_key(ByteView key) {
    if (key.find('\0') == key.npos) {
        if (!put("MQ_KEY", key)) omit("MQ_KEY");
        return;
    }
    std::string text;
    cli::append_base64(text, key);
    if (!put("MQ_KEY_BASE64", text)) omit("MQ_KEY_BASE64");
}

void ExecEnvironment::put_headers(const record::RecordView& record) {
    std::string json = "[";
    std::map<std::string, NullableBytes> last;
    record::HeaderReader headers{record};
    for (record::Header header; headers.next(header);) {
        last.insert_or_assign(header_variable(header.key), header.value);
        // Longer than a variable can be: it is left out as a whole.
        if (json.size() > kLongestVariable) continue;
        json += json.size() == 1 ? "{" : ",{";
        cli::append_json_bytes(json, "key", header.key, true);
        cli::append_json_bytes(json, "value", header.value);
        json += '}';
    }
    json += ']';
    if (!put("MQ_HEADERS", json)) omit("MQ_HEADERS");
    for (const auto& [name, value] : last) {
        if (value && !put(name, *value)) omit(name);
    }
}

char* const* ExecEnvironment::of_record(const log::TopicPartition& id, const record::RecordView& record,
                                        std::uint32_t attempt, std::size_t most_bytes) {
    own_.clear();
    omitted_.clear();
    left_bytes_ = most_bytes;
    put("MQ_TOPIC", id.topic);
    put("MQ_PARTITION", std::to_string(id.partition));
    put("MQ_OFFSET", std::to_string(record.offset.value()));
    put("MQ_TIMESTAMP", std::to_string(record.timestamp));
    put("MQ_ATTEMPT", std::to_string(attempt));
    if (!record.value) put("MQ_VALUE_NULL", "1");
    if (record.key) put_key(*record.key);
    put_headers(record);
    return finish();
}

char* const* ExecEnvironment::of_batch(std::uint64_t records, std::uint32_t attempt) {
    own_.clear();
    omitted_.clear();
    left_bytes_ = kMostBytes;
    put("MQ_RECORDS", std::to_string(records));
    put("MQ_ATTEMPT", std::to_string(attempt));
    return finish();
}

char* const* ExecEnvironment::finish() {
    if (!omitted_.empty()) own_.push_back(cat("MQ_OMITTED=", omitted_));
    all_ = inherited_;
    for (std::string& variable : own_) all_.push_back(variable.data());
    all_.push_back(nullptr);
    return all_.data();
}

}  // namespace mq::consume
