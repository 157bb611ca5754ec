#include "store/catalogue.h"

#include <algorithm>
#include <random>

// A document nested deeper than ours ever is must not use up the stack: kParseIterativeFlag.
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include "log/checkpoint_file.h"
#include "os/file.h"

namespace mq::store {
namespace {

constexpr std::size_t kTopicIdLength = 22;
constexpr std::string_view kZeroTopicId = "AAAAAAAAAAAAAAAAAAAAAA";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool is_topic_id(std::string_view id) {
    return id.size() == kTopicIdLength && id.find_first_not_of(kBase64Url) == id.npos && id != kZeroTopicId;
}

// Receives the events of the parser. A call that returns false ends it, and problem() says why.
class Handler {
public:
    explicit Handler(Catalogue& catalogue) : catalogue_(catalogue) {}

    [[nodiscard]] const std::string& problem() const { return problem_; }

    bool Null() { return wrong_type("null"); }
    bool Bool(bool value) {
        if (level_ != Level::topic || key_ != "deleting") return wrong_type("true or false");
        topic_.deleting = value;
        return true;
    }
    bool Int(int value) { return number(value); }
    bool Uint(unsigned value) { return number(value); }
    bool Int64(std::int64_t value) { return number(value); }
    bool Uint64(std::uint64_t) { return refuse(here() + ": the number is out of range"); }
    bool Double(double) { return refuse(here() + ": a whole number is needed, or it is out of range"); }
    bool RawNumber(const char*, rapidjson::SizeType, bool) { return wrong_type("a number"); }

    bool String(const char* text, rapidjson::SizeType size, bool) {
        const std::string_view value{text, size};
        if (level_ == Level::config) return setting(topic_.config, value);
        if (level_ == Level::defaults) return setting(catalogue_.defaults, value);
        if (level_ == Level::topic && key_ == "name") {
            if (const Status legal = log::check_topic_name(value); !legal) return refuse(legal.error().detail);
            topic_.name = value;
            return true;
        }
        if (level_ == Level::topic && key_ == "id") {
            if (!is_topic_id(value)) return refuse("id: no topic id");
            topic_.id = value;
            return true;
        }
        return wrong_type("a string");
    }

    bool Key(const char* text, rapidjson::SizeType size, bool) {
        key_.assign(text, size);
        if (level_ == Level::config || level_ == Level::defaults) {
            const ConfigMap& settings = level_ == Level::config ? topic_.config : catalogue_.defaults;
            return !settings.contains(key_) || refuse(here() + ": the setting is there twice");
        }
        static constexpr std::string_view kFields[] = {
            "version", "next_producer_id", "topics",   "defaults", "name",
            "id",      "partitions",       "replicas", "config",   "deleting"};
        const auto field = std::ranges::find(kFields, key_);
        const auto index = static_cast<unsigned>(field - std::begin(kFields));
        const bool of_topic = index >= 4;
        if (field == std::end(kFields) || of_topic != (level_ == Level::topic)) return refuse(here() + ": unknown");
        if ((seen_ & 1u << index) != 0) return refuse(here() + ": it is there twice");
        seen_ |= 1u << index;
        return true;
    }

    bool StartObject() {
        switch (level_) {
            case Level::before:
                level_ = Level::top;
                return true;
            case Level::top:
                if (key_ != "defaults") break;
                level_ = Level::defaults;
                return true;
            case Level::topics:
                level_ = Level::topic;
                topic_ = {};
                return true;
            case Level::topic:
                if (key_ != "config") break;
                level_ = Level::config;
                return true;
            default:
                break;
        }
        return wrong_type("an object");
    }

    bool EndObject(rapidjson::SizeType) {
        switch (level_) {
            case Level::config:
                level_ = Level::topic;
                return true;
            case Level::defaults:
                level_ = Level::top;
                return true;
            case Level::topic:
                level_ = Level::topics;
                return add_topic();
            default:
                level_ = Level::after;
                return (seen_ & kTopFields) == kTopFields || refuse("version, next_producer_id or topics is missing");
        }
    }

    bool StartArray() {
        if (level_ != Level::top || key_ != "topics") return wrong_type("a list");
        level_ = Level::topics;
        return true;
    }

    bool EndArray(rapidjson::SizeType) {
        level_ = Level::top;
        return true;
    }

private:
    enum class Level : unsigned char { before, top, defaults, topics, topic, config, after };
    static constexpr unsigned kTopFields = 0b111;
    static constexpr unsigned kAnyTopFields = 0b1111;        // with "defaults"
    static constexpr unsigned kTopicFields = 0b1'1111'0000;  // without "deleting"

    bool refuse(std::string why) {
        problem_ = std::move(why);
        return false;
    }
    bool wrong_type(std::string_view what) {
        return refuse(here() + ": " + std::string{what} + " has no place here");
    }
    std::string here() const {
        std::string name = key_.empty() ? std::string{"the document"} : key_.substr(0, 64);
        // Whoever reads the message wants no control bytes in it.
        for (char& c : name) c = static_cast<unsigned char>(c) < ' ' ? '?' : c;
        return name;
    }

    bool number(std::int64_t value) {
        const auto within = [&](std::int64_t least, std::int64_t most, auto& target) {
            if (value < least || value > most) return refuse(here() + ": the number is out of range");
            target = static_cast<std::remove_reference_t<decltype(target)>>(value);
            return true;
        };
        if (level_ == Level::topic && key_ == "partitions") return within(1, kMaxPartitions, topic_.partitions);
        if (level_ == Level::topic && key_ == "replicas") return within(1, kMaxReplicas, topic_.replicas);
        if (level_ != Level::top || key_ == "topics" || key_ == "defaults") return wrong_type("a number");
        if (key_ == "version") {
            return value == 1 || refuse("version " + std::to_string(value) + " is not known to this version of mq");
        }
        return within(0, std::numeric_limits<std::int64_t>::max(), catalogue_.next_producer_id);
    }

    bool setting(ConfigMap& settings, std::string_view value) {
        const bool is_default = level_ == Level::defaults;
        if ((is_default ? find_default(key_) : find_config(key_)) != nullptr) {
            const auto checked = is_default ? check_default(key_, value) : check_config(key_, value);
            if (!checked) return refuse(checked.error().message());
        }
        settings.emplace(key_, value);
        return true;
    }

    bool add_topic() {
        if ((seen_ & kTopicFields) != kTopicFields)
            return refuse("a topic lacks its name, id, partitions, replicas or config");
        seen_ &= kAnyTopFields;
        key_.clear();
        std::string name = topic_.name;
        const std::size_t before = catalogue_.topics.size();
        // They are written in their order.
        catalogue_.topics.emplace_hint(catalogue_.topics.end(), std::move(name), std::move(topic_));
        return catalogue_.topics.size() > before || refuse("a topic is there twice");
    }

    Catalogue& catalogue_;
    Level level_ = Level::before;
    unsigned seen_ = 0;  // bits of Key()'s fields
    std::string key_;
    Topic topic_;
    std::string problem_;
};

std::string_view explain(rapidjson::ParseErrorCode code) {
    switch (code) {
        case rapidjson::kParseErrorDocumentEmpty:
            return "there is no JSON";
        case rapidjson::kParseErrorDocumentRootNotSingular:
            return "more follows the document";
        case rapidjson::kParseErrorStringInvalidEncoding:
        case rapidjson::kParseErrorStringUnicodeEscapeInvalidHex:
        case rapidjson::kParseErrorStringUnicodeSurrogateInvalid:
            return "a string is no UTF-8";
        case rapidjson::kParseErrorStringMissQuotationMark:
            return "a string does not end";
        case rapidjson::kParseErrorNumberTooBig:
            return "a number is out of range";
        default:
            return "no valid JSON";
    }
}

tl::unexpected<Error> corrupt(ByteView text, std::size_t at, std::string_view what) {
    at = std::min(at, text.size());
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    return fail(Errc::corrupt, {}, {}, "line " + std::to_string(line) + ": " + std::string{what}, at);
}

void append_json(std::string& out, std::string_view text) {
    static constexpr char kHex[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (static_cast<unsigned char>(c) < ' ') {
            out += "\\u00";
            out += {kHex[static_cast<unsigned char>(c) >> 4], kHex[c & 15]};
        } else {
            out += c;
        }
    }
    out += '"';
}

void append_settings(std::string& out, const ConfigMap& settings) {
    out += '{';
    for (const auto& [key, value] : settings) {
        if (out.back() != '{') out += ',';
        append_json(out, key);
        out += ':';
        append_json(out, value);
    }
    out += '}';
}

}  // namespace

Result<Catalogue> parse_catalogue(ByteView text) {
    Catalogue catalogue;
    Handler handler{catalogue};
    rapidjson::MemoryStream stream{text.data(), text.size()};
    rapidjson::Reader reader;
    const rapidjson::ParseResult parsed =
        reader.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(stream, handler);
    if (parsed.IsError()) {
        return corrupt(text, parsed.Offset(), handler.problem().empty() ? explain(parsed.Code()) : handler.problem());
    }
    // The parser takes a NUL for the end.
    if (stream.Tell() != text.size()) return corrupt(text, stream.Tell(), "more follows the document");
    return catalogue;
}

std::string format_catalogue(const Catalogue& catalogue) {
    std::string out = "{\"version\":1,\"next_producer_id\":" + std::to_string(catalogue.next_producer_id);
    if (!catalogue.defaults.empty()) {
        out += ",\"defaults\":";
        append_settings(out, catalogue.defaults);
    }
    out += ",\"topics\":[";
    for (const auto& [name, topic] : catalogue.topics) {
        out += out.ends_with('[') ? "\n{\"name\":" : ",\n{\"name\":";
        append_json(out, name);
        out += ",\"id\":";
        append_json(out, topic.id);
        out += ",\"partitions\":" + std::to_string(topic.partitions);
        out += ",\"replicas\":" + std::to_string(topic.replicas) + ",\"config\":";
        append_settings(out, topic.config);
        out += topic.deleting ? ",\"deleting\":true}" : "}";
    }
    return out + "\n]}\n";
}

Result<Catalogue> read_catalogue(const std::string& path) {
    const auto text = os::read_file(path, kMaxCatalogueBytes);
    if (!text && text.error().code == Errc::not_found) return Catalogue{};
    if (!text) return fail(text.error());
    auto catalogue = parse_catalogue(*text);
    if (!catalogue) {
        Error error = std::move(catalogue).error();
        error.subject = path;
        return fail(std::move(error));
    }
    return catalogue;
}

Status write_catalogue(const std::string& path, const Catalogue& catalogue) {
    return os::replace_file(path, format_catalogue(catalogue));
}

std::string random_id() {
    std::random_device source;
    std::string id;
    // One that begins with a dash could be taken for an option; Kafka draws again too.
    while (id.empty() || id.front() == '-' || id == kZeroTopicId) {
        id.clear();
        std::uint64_t bits = 0;
        unsigned held = 0;
        for (unsigned left = 128; left > 0;) {
            if (held < 6 && left > held) {
                bits |= std::uint64_t{source()} << held;
                held += 32;
            }
            // The last of the 22 characters has the last two bits, in front.
            const unsigned take = std::min(6u, left);
            id += kBase64Url[(bits & ((1u << take) - 1)) << (6 - take)];
            bits >>= take;
            held -= take;
            left -= take;
        }
    }
    return id;
}

}  // namespace mq::store
