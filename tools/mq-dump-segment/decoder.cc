#include "mq-dump-segment/decoder.h"

#include <rapidjson/reader.h>

#include "cli/json.h"
#include "mq-dump-segment/coordinator_records.h"

namespace mq::dump {
namespace {

Shown hexadecimal(const NullableBytes& bytes) {
    constexpr ByteView kHex = "0123456789abcdef";
    Shown shown;
    if (!bytes) return shown;
    shown.kind = Shown::Kind::hex;
    for (const char c : *bytes) {
        shown.text += kHex[static_cast<unsigned char>(c) >> 4];
        shown.text += kHex[static_cast<unsigned char>(c) & 15];
    }
    return shown;
}

Shown raw(const NullableBytes& bytes) {
    if (!bytes) return {};
    return {Shown::Kind::bytes, std::string{*bytes}};
}

Shown text_or_hexadecimal(const NullableBytes& bytes) {
    return bytes && cli::is_utf8(*bytes) ? raw(bytes) : hexadecimal(bytes);
}

bool is_json(ByteView bytes) {
    if (!cli::is_utf8(bytes)) return false;
    rapidjson::MemoryStream stream{bytes.data(), bytes.size()};
    rapidjson::Reader reader;
    rapidjson::BaseReaderHandler<> ignore;
    reader.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(stream, ignore);
    return !reader.HasParseError();
}

// A JSON document on one line: line ends can only stand between its tokens.
Shown json_or_text(const NullableBytes& bytes) {
    if (!bytes || !is_json(*bytes)) return text_or_hexadecimal(bytes);
    Shown shown{Shown::Kind::json, std::string{*bytes}};
    for (char& c : shown.text) {
        if (c == '\n' || c == '\r') c = ' ';
    }
    return shown;
}

Result<CoordinatorRecord> read_coordinator_record(const record::RecordView& record, Decode kind) {
    if (!record.key) return fail(Errc::corrupt, "decode", {}, "no key");
    auto decoded = kind == Decode::offsets ? read_offsets_record(*record.key, record.value)
                                           : read_txn_record(*record.key, record.value);
    if (decoded && decoded->value) open_member_protocols(*decoded->value);
    return decoded;
}

Shown as_json(std::string_view type, std::int16_t version, const Value& value) {
    Shown shown{Shown::Kind::json,
                R"({"type":")" + std::string{type} + R"(","version":)" + std::to_string(version) + R"(,"data":)"};
    append_json(shown.text, value);
    shown.text += '}';
    return shown;
}

}  // namespace

Result<Decoder> Decoder::make(const Options& options) {
    Decoder decoder;
    decoder.decode_ = options.decode;
    if (options.decode_with) {
        MQ_ASSIGN(decoder.process_, CoProcess::start(*options.decode_with));
    }
    return decoder;
}

Decode Decoder::kind_for(std::string_view topic) const {
    if (decode_ != Decode::automatic) return decode_;
    if (topic == "__consumer_offsets") return Decode::offsets;
    if (topic == "__transaction_state") return Decode::txn;
    return Decode::automatic;
}

Result<ShownRecord> Decoder::decode(const record::RecordView& record, std::string_view topic) {
    if (process_) {
        MQ_ASSIGN(const auto key, process_->ask(record.key));
        MQ_ASSIGN(const auto value, process_->ask(record.value));
        return ShownRecord{text_or_hexadecimal(key ? NullableBytes{*key} : NullableBytes{}),
                           text_or_hexadecimal(value ? NullableBytes{*value} : NullableBytes{})};
    }
    const Decode kind = kind_for(topic);
    switch (kind) {
        case Decode::offsets:
        case Decode::txn: {
            const auto decoded = read_coordinator_record(record, kind);
            if (!decoded) return ShownRecord{text_or_hexadecimal(record.key), hexadecimal(record.value)};
            ShownRecord shown;
            shown.key = as_json(decoded->type, decoded->key_version, decoded->key);
            if (decoded->value) shown.value = as_json(decoded->type, decoded->value_version, *decoded->value);
            return shown;
        }
        case Decode::hex:
            return ShownRecord{hexadecimal(record.key), hexadecimal(record.value)};
        case Decode::json:
            return ShownRecord{json_or_text(record.key), json_or_text(record.value)};
        case Decode::utf8:
            return ShownRecord{raw(record.key), raw(record.value)};
        case Decode::automatic:
            break;
    }
    return ShownRecord{text_or_hexadecimal(record.key), text_or_hexadecimal(record.value)};
}

std::optional<std::string> Decoder::field(const record::RecordView& record, std::string_view topic,
                                          std::string_view name) const {
    const Decode kind = kind_for(topic);
    if (kind != Decode::offsets && kind != Decode::txn) return std::nullopt;
    const auto decoded = read_coordinator_record(record, kind);
    if (!decoded) return std::nullopt;
    // The schemas spell it "group", "groupId" and "transactionalId".
    for (const auto& [field, value] : decoded->key.fields) {
        if (value.kind != Value::Kind::text) continue;
        const bool is_group = name == "group" && (field == "group" || field == "groupId");
        if (is_group || (name == "topic" && field == "topic") ||
            (name == "transactional-id" && field == "transactionalId")) {
            return std::string{value.text};
        }
    }
    return std::nullopt;
}

}  // namespace mq::dump
