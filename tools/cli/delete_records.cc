#include "cli/delete_records.h"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

#include "cli/text.h"
#include "os/file.h"

namespace mq::cli {
namespace {

constexpr std::uint64_t kMaxFileBytes = 64u << 20;

// Receives the events of the parser. Fields that nobody knows are skipped, as Kafka does.
class Handler {
public:
    DeleteRecords wanted;
    std::string problem;

    bool Null() { return skip("null"); }
    bool Bool(bool) { return skip("true or false"); }
    bool Int(int value) { return number(value); }
    bool Uint(unsigned value) { return number(value); }
    bool Int64(std::int64_t value) { return number(value); }
    bool Uint64(std::uint64_t) { return skip("a number out of range"); }
    bool Double(double) { return skip("a broken number"); }
    bool RawNumber(const char*, rapidjson::SizeType, bool) { return skip("a number"); }
    bool String(const char* text, rapidjson::SizeType size, bool) {
        if (depth_ != kEntry || key_ != "topic") return skip("a string");
        topic_.emplace(text, size);
        return true;
    }
    bool Key(const char* text, rapidjson::SizeType size, bool) {
        if (depth_ == kTop || depth_ == kEntry) key_.assign(text, size);
        return true;
    }
    bool StartObject() { return enter(true); }
    bool StartArray() {
        if (depth_ == kTop && key_ == "partitions") has_partitions_ = true;
        return enter(false);
    }
    bool EndArray(rapidjson::SizeType) {
        leave();
        return true;
    }
    bool EndObject(rapidjson::SizeType) {
        leave();
        if (skipping_ > 0) return true;
        if (depth_ == kList) return add_entry();
        if (depth_ != 0) return true;
        if (version_ != 1) return refuse("\"version\": 1 is missing");
        return has_partitions_ || refuse("the list \"partitions\" is missing");
    }

private:
    // Depths of what is inside: the document, its list, an entry of that.
    static constexpr int kTop = 1;
    static constexpr int kList = 2;
    static constexpr int kEntry = 3;

    bool refuse(std::string why) {
        problem = std::move(why);
        return false;
    }
    [[nodiscard]] bool is_known() const {
        if (depth_ == kTop) return key_ == "partitions" || key_ == "version";
        if (depth_ == kEntry) return key_ == "topic" || key_ == "partition" || key_ == "offset";
        return true;
    }
    // A value of a field that nobody knows; else it has the wrong type.
    bool skip(std::string_view what) {
        if (skipping_ > 0 || !is_known()) return true;
        return refuse(cat(depth_ == 0 || key_.empty() ? std::string_view{"the document"} : key_, ": ", what,
                          " has no place here"));
    }
    bool enter(bool object) {
        if (skipping_ > 0 || !is_known()) {
            ++skipping_;
            return true;
        }
        const bool fits = object ? depth_ == 0 || depth_ == kList : depth_ == kTop && key_ == "partitions";
        if (!fits) return skip("a list or object");
        if (++depth_ == kEntry) {
            topic_.reset();
            partition_.reset();
            offset_.reset();
        }
        return true;
    }
    void leave() {
        if (skipping_ > 0)
            --skipping_;
        else
            --depth_;
    }
    bool number(std::int64_t value) {
        if (skipping_ > 0 || !is_known()) return true;
        if (depth_ == kTop && key_ == "version") {
            version_ = value;
            return true;
        }
        if (depth_ != kEntry || key_ == "topic") return skip("a number");
        const bool is_partition = key_ == "partition";
        const bool fits =
            is_partition ? value >= 0 && value <= std::numeric_limits<std::int32_t>::max() : value >= -1;
        if (!fits) return refuse(cat(key_, ": ", value, " is out of range"));
        (is_partition ? partition_ : offset_) = value;
        return true;
    }
    bool add_entry() {
        if (!topic_ || !partition_ || !offset_) return refuse("an entry lacks its topic, partition or offset");
        log::TopicPartition id{*topic_, static_cast<std::int32_t>(*partition_)};
        if (!seen_.insert(id).second) return refuse(cat(log::partition_directory(id), " is there twice"));
        wanted.emplace_back(std::move(id), Offset{*offset_});
        return true;
    }

    int depth_ = 0;
    std::size_t skipping_ = 0;  // depth inside of a field that nobody knows
    std::string key_;
    std::int64_t version_ = 0;
    bool has_partitions_ = false;
    std::optional<std::string> topic_;
    std::optional<std::int64_t> partition_;
    std::optional<std::int64_t> offset_;
    std::set<log::TopicPartition> seen_;
};

}  // namespace

Result<DeleteRecords> parse_delete_records(ByteView text) {
    Handler handler;
    rapidjson::MemoryStream stream{text.data(), text.size()};
    rapidjson::Reader reader;
    const auto parsed =
        reader.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(stream, handler);
    if (!parsed.IsError() && stream.Tell() == text.size()) return std::move(handler.wanted);
    const std::size_t at = std::min(parsed.IsError() ? parsed.Offset() : stream.Tell(), text.size());
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    return fail(
        Errc::corrupt, {}, {},
        cat("line ", line, ": ", handler.problem.empty() ? std::string_view{"no valid JSON"} : handler.problem), at);
}

Result<DeleteRecords> read_delete_records(const std::string& path) {
    MQ_ASSIGN(const std::string text, os::read_file(path, kMaxFileBytes));
    auto wanted = parse_delete_records(text);
    if (!wanted) {
        Error error = std::move(wanted).error();
        error.subject = path;
        return fail(std::move(error));
    }
    return wanted;
}

}  // namespace mq::cli
