#include "settings.h"

#include <algorithm>
#include <array>

#include "cli/properties.h"
#include "cli/text.h"
#include "cli/values.h"
#include "record/compression.h"

namespace mq::produce {

using cli::bad_value;
using cli::cat;

Status parse_compression(std::string_view text, Args& args) {
    const std::size_t colon = text.find(':');
    const auto codec = record::codec_from_name(text.substr(0, colon));
    if (!codec) return bad_value(text, "is none of none, gzip, snappy, lz4, zstd");
    args.codec = *codec;
    args.level.reset();
    if (colon == std::string_view::npos) return {};
    const record::LevelRange legal = record::level_range(*codec);
    if (legal.min == legal.max) return bad_value(text, "has a level, but this codec has none");
    MQ_ASSIGN(args.level, cli::parse_integer<int>(text.substr(colon + 1), legal.min, legal.max));
    return {};
}

Status parse_on_error(std::string_view text, Args& args) {
    if (text == "stop") {
        args.on_error = OnError::stop;
    } else if (text == "skip") {
        args.on_error = OnError::skip;
    } else if (text.starts_with("file:") && text.size() > 5) {
        args.on_error = OnError::file;
        args.error_file = text.substr(5);
    } else {
        return bad_value(text, "is none of stop, skip, file:PATH");
    }
    return {};
}

namespace {

Result<bool> parse_truth(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return bad_value(text, "is neither true nor false");
}

// -1 is Kafka's "for ever" where it is legal.
Status parse_ms(std::string_view text, std::int64_t& target_ms) {
    MQ_ASSIGN(target_ms, cli::parse_integer<std::int64_t>(text, 0));
    return {};
}

Status set_partitioner(std::string_view text, Args& args) {
    // Java's classes, librdkafka's names.
    if (text.ends_with("RoundRobinPartitioner")) {
        args.partitioner = Partitioner::roundrobin;
    } else if (text.ends_with("UniformStickyPartitioner")) {
        args.partitioner = Partitioner::sticky;
    } else if (text == "consistent_random") {
        args.partitioner = Partitioner::crc32;
    } else if (text == "fnv1a_random") {
        args.partitioner = Partitioner::fnv1a;
    } else if (text.empty() || text.ends_with("DefaultPartitioner")) {
        args.partitioner = Partitioner::murmur2;
    } else if (const auto named = partitioner_from_name(text)) {
        args.partitioner = *named;
    } else {
        return bad_value(text, "is a partitioner that is not known here");
    }
    return {};
}

struct Key {
    std::string_view name;
    std::string_view option;  // which beats it
    Status (*apply)(std::string_view value, Args& args);
};

// A separator for the key, or the headers, where parse.key or parse.headers switch them on; see apply().
Status later(std::string_view, Args&) { return {}; }

Status set_level(std::string_view text, record::Codec codec, Args& args) {
    const record::LevelRange legal = record::level_range(codec);
    MQ_ASSIGN(const int level, cli::parse_integer<int>(text, legal.min, legal.max));
    if (args.codec == codec && !args.level) args.level = level;
    return {};
}

constexpr auto kKeys = std::to_array<Key>({
    {"compression.type", "--compression", parse_compression},
    {"compression.codec", "--compression", parse_compression},
    {"compression.gzip.level", "", [](auto v, Args& a) { return set_level(v, record::Codec::gzip, a); }},
    {"compression.lz4.level", "", [](auto v, Args& a) { return set_level(v, record::Codec::lz4, a); }},
    {"compression.zstd.level", "", [](auto v, Args& a) { return set_level(v, record::Codec::zstd, a); }},
    {"linger.ms", "--linger", [](auto v, Args& a) { return parse_ms(v, a.linger_ms); }},
    {"queue.buffering.max.ms", "--linger", [](auto v, Args& a) { return parse_ms(v, a.linger_ms); }},
    {"batch.size", "--batch-size",
     [](auto v, Args& a) -> Status {
         MQ_ASSIGN(a.batch_bytes, cli::parse_integer<std::uint64_t>(v, 0));
         return {};
     }},
    {"max.request.size", "--max-record-bytes",
     [](auto v, Args& a) -> Status {
         MQ_ASSIGN(a.max_record_bytes, cli::parse_integer<std::uint64_t>(v, 1, kLargestMaxRecordBytes));
         return {};
     }},
    {"message.max.bytes", "--max-record-bytes",
     [](auto v, Args& a) -> Status {
         MQ_ASSIGN(a.max_record_bytes, cli::parse_integer<std::uint64_t>(v, 1, kLargestMaxRecordBytes));
         return {};
     }},
    {"acks", "--acks",
     [](auto v, Args&) -> Status {
         if (v == "all" || v == "-1" || v == "0" || v == "1") return {};
         return bad_value(v, "is none of all, 1, 0");
     }},
    {"delivery.timeout.ms", "--delivery-timeout", [](auto v, Args& a) { return parse_ms(v, a.delivery_timeout_ms); }},
    {"partitioner", "--partitioner", set_partitioner},
    {"partitioner.class", "--partitioner", set_partitioner},
    {"parse.key", "--key-delimiter", later},
    {"key.separator", "--key-delimiter", later},
    {"parse.headers", "--header-delimiter", later},
    {"headers.delimiter", "--header-delimiter", later},
    {"headers.separator", "",
     [](auto v, Args& a) -> Status {
         if (v.empty()) return bad_value(v, "is empty");
         a.fields.header_separator = v;
         return {};
     }},
    {"headers.key.separator", "",
     [](auto v, Args& a) -> Status {
         if (v.empty()) return bad_value(v, "is empty");
         a.fields.header_name_separator = v;
         return {};
     }},
    {"null.marker", "--null-marker",
     [](auto v, Args& a) -> Status {
         a.fields.null_marker = v;
         return {};
     }},
    {"ignore.error", "--on-error", later},
});

using Map = std::map<std::string, std::string, std::less<>>;

std::optional<std::string_view> find(const Map& map, std::string_view name) {
    const auto row = map.find(name);
    if (row == map.end()) return std::nullopt;
    return row->second;
}

// What Kafka's LineMessageReader makes of its keys.
Status apply_reader(const Map& map, Args& args, const std::vector<std::string_view>& given) {
    const auto is_given = [&given](std::string_view option) {
        return std::ranges::find(given, option) != given.end();
    };
    const auto delimiter = [&](std::string_view switch_name, std::string_view name, std::string_view option,
                               std::optional<std::string>& target) -> Status {
        const auto wanted = find(map, switch_name);
        if (!wanted || is_given(option)) return {};
        MQ_ASSIGN(const bool on, parse_truth(*wanted));
        if (!on) return {};
        target = find(map, name).value_or("\t");
        if (target->empty()) return bad_value(*target, "is empty");
        args.fields.delimiters_required = true;
        return {};
    };
    MQ_TRY(delimiter("parse.key", "key.separator", "--key-delimiter", args.fields.key_delimiter));
    MQ_TRY(delimiter("parse.headers", "headers.delimiter", "--header-delimiter", args.fields.header_delimiter));
    if (const auto ignore = find(map, "ignore.error"); ignore && !is_given("--on-error")) {
        MQ_ASSIGN(const bool on, parse_truth(*ignore));
        // There a line without its separators is then a value.
        if (on) args.fields.delimiters_required = false;
    }
    return {};
}

}  // namespace

Status Settings::add(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) return bad_value(text, "is not of the form KEY=VALUE");
    from_options_[std::string{text.substr(0, equals)}] = text.substr(equals + 1);
    return {};
}

Status Settings::add_file(const std::string& path) {
    MQ_ASSIGN(const cli::Properties properties, cli::read_properties(path));
    for (const auto& [key, value] : properties) from_files_[key] = value;
    return {};
}

Status Settings::apply(Args& args, const std::vector<std::string_view>& given) const {
    Map all = from_options_;
    all.insert(from_files_.begin(), from_files_.end());
    // In the order of the table: a level comes after its codec.
    for (const Key& key : kKeys) {
        const auto value = find(all, key.name);
        if (!value || std::ranges::find(given, key.option) != given.end()) continue;
        if (Status applied = key.apply(*value, args); !applied)
            return fail(Errc::bad_argument, {}, {}, cat("setting ", key.name, ": ", applied.error().message()));
    }
    if (Status applied = apply_reader(all, args, given); !applied)
        return fail(Errc::bad_argument, {}, {}, cat("settings of the reader: ", applied.error().message()));
    for (const auto& [name, value] : all) {
        if (std::ranges::find(kKeys, std::string_view{name}, &Key::name) == kKeys.end())
            args.warnings.push_back(cat("setting ", name, " has no meaning here"));
    }
    return {};
}

}  // namespace mq::produce
