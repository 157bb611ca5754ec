#include "mq-dump-segment/decoder.h"

#include <rapidjson/reader.h>

#include "cli/json.h"
#include "mq-dump-segment/coordinator_records.h"

namespace mq::dump {
namespace {

Shown shown_as(Shown::Kind kind, const NullableBytes& bytes) {
    if (!bytes) return {};
    return {kind, *bytes, {}};
}

Shown hexadecimal(const NullableBytes& bytes) { return shown_as(Shown::Kind::hex, bytes); }

Shown text_or_hexadecimal(const NullableBytes& bytes) {
    return shown_as(bytes && cli::is_utf8(*bytes) ? Shown::Kind::bytes : Shown::Kind::hex, bytes);
}

// An answer of the co-process.
Shown keep(std::optional<std::string> answer) {
    if (!answer) return {};
    Shown shown = text_or_hexadecimal(*answer);
    shown.owned = *std::move(answer);
    shown.view = {};
    return shown;
}

bool is_json(ByteView bytes) {
    if (!cli::is_utf8(bytes)) return false;
    rapidjson::MemoryStream stream{bytes.data(), bytes.size()};
    rapidjson::Reader reader;
    rapidjson::BaseReaderHandler<> ignore;
    reader.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(stream, ignore);
    return !reader.HasParseError();
}

Shown json_or_text(const NullableBytes& bytes) {
    return bytes && is_json(*bytes) ? shown_as(Shown::Kind::json, bytes) : text_or_hexadecimal(bytes);
}

Result<CoordinatorRecord> read_coordinator_record(const record::RecordView& record, Decode kind) {
    if (!record.key) return fail(Errc::corrupt, "decode", {}, "no key");
    auto decoded = kind == Decode::offsets ? read_offsets_record(*record.key, record.value)
                                           : read_txn_record(*record.key, record.value);
    if (decoded && decoded->value) open_member_protocols(*decoded->value);
    return decoded;
}

Shown as_json(std::string_view type, std::int16_t version, const Value& value) {
    Shown shown;
    shown.kind = Shown::Kind::json;
    shown.owned = R"({"type":")" + std::string{type} + R"(","version":)" + std::to_string(version) + R"(,"data":)";
    append_json(shown.owned, value);
    shown.owned += '}';
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
        MQ_ASSIGN(auto key, process_->ask(record.key));
        MQ_ASSIGN(auto value, process_->ask(record.value));
        return ShownRecord{keep(std::move(key)), keep(std::move(value))};
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
            return ShownRecord{shown_as(Shown::Kind::bytes, record.key), shown_as(Shown::Kind::bytes, record.value)};
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
