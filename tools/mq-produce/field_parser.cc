#include "field_parser.h"

#include "cli/escape.h"
#include "cli/text.h"

namespace mq::produce {

using cli::cat;
using cli::Encoding;

namespace {

// An error of a part, placed in the whole.
tl::unexpected<Error> moved(Error error, std::size_t at) {
    error.position = error.position.value_or(0) + at;
    return fail(std::move(error));
}

}  // namespace

std::string& FieldParser::scratch() {
    if (scratch_used_ == scratch_.size()) scratch_.emplace_back();
    std::string& text = scratch_[scratch_used_++];
    text.clear();
    return text;
}

Status FieldParser::parse(ByteView text, cli::InputRecord& record) {
    record.clear();
    scratch_used_ = 0;
    std::size_t at = 0;
    const auto missing = [&](std::string_view what) {
        return fail(Errc::corrupt, {}, {}, cat("no ", what, " separator"), at);
    };
    if (options_.header_delimiter) {
        const std::size_t end = text.find(*options_.header_delimiter);
        if (end != text.npos) {
            MQ_TRY(parse_headers(text.substr(0, end), at, record));
            at = end + options_.header_delimiter->size();
        } else if (options_.delimiters_required) {
            return missing("header");
        }
    }
    if (options_.key_delimiter) {
        const std::size_t end = text.find(*options_.key_delimiter, at);
        if (end != text.npos) {
            record.has_key = true;
            MQ_ASSIGN(record.key, field(text.substr(at, end - at), at, options_.key_encoding));
            at = end + options_.key_delimiter->size();
        } else if (options_.delimiters_required) {
            return missing("key");
        }
    }
    MQ_ASSIGN(record.value, field(text.substr(at), at, options_.value_encoding));
    return {};
}

Status FieldParser::parse_headers(ByteView text, std::size_t at, cli::InputRecord& record) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(options_.header_separator), text.size());
        const ByteView header = text.substr(0, end);
        const std::size_t colon = header.find(options_.header_name_separator);
        if (colon == header.npos && options_.delimiters_required)
            return fail(Errc::corrupt, {}, {}, "a header without a value", at);
        MQ_ASSIGN(const NullableBytes name, field(header.substr(0, colon), at, Encoding::raw));
        if (!name) return fail(Errc::corrupt, {}, {}, "a header whose name is null", at);
        NullableBytes value;
        if (colon != header.npos) {
            const std::size_t value_at = colon + options_.header_name_separator.size();
            MQ_ASSIGN(value, field(header.substr(value_at), at + value_at, Encoding::raw));
        }
        record.headers.push_back({*name, value});
        const std::size_t taken = std::min(text.size(), end + options_.header_separator.size());
        text.remove_prefix(taken);
        at += taken;
    }
    return {};
}

Result<NullableBytes> FieldParser::field(ByteView text, std::size_t at, Encoding encoding) {
    if (options_.null_marker && text == *options_.null_marker) return NullableBytes{};
    if (options_.empty_is_null && text.empty()) return NullableBytes{};
    NullableBytes bytes = text;
    if (options_.escape) {
        auto plain = cli::unescape(text, scratch());
        if (!plain) return moved(std::move(plain).error(), at);
        bytes = *plain;
    }
    if (!bytes || encoding == Encoding::raw) return bytes;
    std::string& decoded = scratch();
    if (Status ok = cli::append_decoded(decoded, encoding, *bytes); !ok) return moved(std::move(ok).error(), at);
    return NullableBytes{decoded};
}

}  // namespace mq::produce
