// The .log half of KafkaDump.
#include <algorithm>

#include "mq-dump-segment/java_text.h"
#include "mq-dump-segment/kafka_decoders.h"
#include "mq-dump-segment/kafka_dump.h"
#include "mq-dump-segment/unit_source.h"

namespace mq::dump {
namespace {

std::string_view timestamp_type(const record::BatchHeader& header) {
    if (header.magic == 0) return "NoTimestampType";
    return header.timestamp_type() == record::TimestampType::log_append_time ? "LogAppendTime" : "CreateTime";
}

std::string_view boolean(bool value) { return value ? "true" : "false"; }

// 2.4 prints the name of Java's enum constant, 3.9 that of the setting.
std::string codec_name(record::Codec codec, bool upper_case) {
    std::string name{record::to_string(codec)};
    if (upper_case) {
        for (char& c : name) c = static_cast<char>(c - 'a' + 'A');
        if (codec == record::Codec::lz4) name = "LZ4";
    }
    return name;
}

std::int64_t size_of(const NullableBytes& bytes) { return bytes ? static_cast<std::int64_t>(bytes->size()) : -1; }

std::string header_keys(const record::RecordView& record) {
    std::string keys = "[";
    record::HeaderReader headers{record};
    for (record::Header header; headers.next(header);) {
        if (keys.size() > 1) keys += ',';
        append_java_utf8(keys, header.key);
    }
    return keys + ']';
}

}  // namespace

void KafkaDump::print_batch(const record::BatchHeader& header, ByteView unit, std::uint64_t position) {
    if (header.magic >= record::kMagicV2) {
        out_ << "baseOffset: " << +header.base_offset << " lastOffset: " << +header.last_offset()
             << " count: " << header.record_count << " baseSequence: " << header.base_sequence
             << " lastSequence: " << header.last_sequence() << " producerId: " << header.producer_id
             << " producerEpoch: " << header.producer_epoch << " partitionLeaderEpoch: " << header.leader_epoch
             << " isTransactional: " << boolean(header.is_transactional())
             << " isControl: " << boolean(header.is_control());
        if (!is_2_4()) {
            out_ << " deleteHorizonMs: ";
            if (header.has_delete_horizon()) {
                out_ << "OptionalLong[" << header.base_timestamp << ']';
            } else {
                out_ << "OptionalLong.empty";
            }
        }
    } else {
        out_ << "offset: " << +header.last_offset();
    }
    const bool valid = record::verify_batch_checksum(unit, header).has_value();
    out_ << " position: " << position << ' ' << timestamp_type(header) << ": " << header.max_timestamp
         << " size: " << header.size_bytes << " magic: " << int{header.magic}
         << " compresscodec: " << codec_name(header.codec(), is_2_4()) << " crc: " << header.crc
         << " isvalid: " << boolean(valid) << '\n';
}

Status KafkaDump::print_control(const record::RecordView& record) {
    const ByteView key = record.key.value_or(ByteView{});
    if (key.size() < 4)
        return fail(Errc::corrupt, "read control record", {}, "a key of " + std::to_string(key.size()) + " bytes");
    const auto type = load_be<std::int16_t>(key.data() + 2);
    const ByteView value = record.value.value_or(ByteView{});
    if (type == 0 || type == 1) {
        if (value.size() < 6) {
            return fail(Errc::corrupt, "read transaction marker", {},
                        "a value of " + std::to_string(value.size()) + " bytes");
        }
        out_ << " endTxnMarker: " << (type == 0 ? "ABORT" : "COMMIT")
             << " coordinatorEpoch: " << load_be<std::int32_t>(value.data() + 2);
        return {};
    }
    if (!is_2_4()) {
        const std::string text = kraft_control_text(type, value);
        if (!text.empty()) {
            out_ << text;
            return {};
        }
    }
    out_ << " controlType: " << (type == 2 && !is_2_4() ? "LEADER_CHANGE" : "UNKNOWN") << '(' << type << ')';
    return {};
}

Status KafkaDump::print_record(const record::BatchHeader& header, const record::RecordView& record) {
    std::string_view prefix = "| ";
    if (!options_.skip_record_metadata || is_2_4()) {
        out_ << prefix << "offset: " << +record.offset << ' ' << timestamp_type(header) << ": " << record.timestamp
             << (is_2_4() ? " keysize: " : " keySize: ") << size_of(record.key)
             << (is_2_4() ? " valuesize: " : " valueSize: ") << size_of(record.value);
        prefix = " ";
        if (header.magic >= record::kMagicV2) {
            out_ << " sequence: " << record.sequence << " headerKeys: " << header_keys(record);
        } else if (is_2_4()) {
            out_ << " crc: " << record.message_crc.value_or(0) << " isvalid: " << boolean(record.message_crc_valid);
        } else {
            // The brace is Kafka's.
            out_ << " isValid: " << boolean(record.message_crc_valid) << " crc: " << record.message_crc.value_or(0)
                 << '}';
        }
        if (header.is_control()) MQ_TRY(print_control(record));
    }
    if (options_.print_data && !header.is_control() && options_.decoder == KafkaDecoder::string) {
        if (record.key) {
            out_ << prefix << "key: ";
            print_text(*record.key);
        }
        if (record.value) {
            out_ << " payload: ";
            print_text(*record.value);
        }
    } else if (options_.print_data && !header.is_control()) {
        const KafkaText text = decode_for_kafka(record, options_.decoder, options_.wording);
        if (text.key) out_ << prefix << "key: " << *text.key;
        if (text.payload) out_ << " payload: " << *text.payload;
    }
    out_ << '\n';
    return {};
}

// In pieces: a value may be tens of MiB. No UTF-8 sequence reaches over a byte that continues none.
void KafkaDump::print_text(ByteView bytes) {
    constexpr std::size_t kPieceBytes = 64 * 1024;
    std::string text;
    while (!bytes.empty()) {
        std::size_t size = std::min(kPieceBytes, bytes.size());
        for (int back = 0;
             size < bytes.size() && back < 3 && (static_cast<unsigned char>(bytes[size]) & 0xc0) == 0x80; ++back)
            --size;
        text.clear();
        append_java_utf8(text, bytes.substr(0, size));
        out_ << text;
        bytes.remove_prefix(size);
    }
}

Status KafkaDump::dump_records(const std::string& path, const record::BatchHeader& header, ByteView unit,
                               Offset& last_offset) {
    record::RecordReader reader{options_.limits.decompressed_bytes};
    MQ_TRY(reader.open(unit));
    for (record::RecordView record; reader.next(record);) {
        if (last_offset != kNoOffset && record.offset != last_offset + 1) {
            pairs_of(non_consecutive_, path).emplace_back(+last_offset, +record.offset);
        }
        last_offset = record.offset;
        MQ_TRY(print_record(header, record));
    }
    return reader.status();
}

Result<std::unique_ptr<KafkaDump::Log>> KafkaDump::begin_log(const std::string& path) {
    out_ << "Dumping " << path << '\n';
    return open_log(path);
}

Result<std::unique_ptr<KafkaDump::Log>> KafkaDump::open_log(const std::string& path) {
    const std::string name{os::base_name(path)};
    const Offset base_offset = base_offset_of(name).value_or(Offset{0});
    if (is_2_4()) {
        out_ << "Starting offset: " << +base_offset << '\n';
    } else if (name.ends_with(".log")) {
        out_ << "Log starting offset: " << +base_offset << '\n';
    } else if (name == "bootstrap.checkpoint") {
        out_ << "KRaft bootstrap snapshot\n";
    } else {
        // 00000000000000000042-0000000003.checkpoint
        out_ << "Snapshot end offset: " << +base_offset << ", epoch: ";
        const std::size_t dash = name.find('-');
        out_ << std::strtoll(dash == std::string::npos ? "0" : name.c_str() + dash + 1, nullptr, 10) << '\n';
    }
    auto log = std::make_unique<Log>();
    log->path = path;
    MQ_ASSIGN(log->file, os::File::open(path, os::OpenMode::read, os::Follow::yes));
    UnitLimits limits;
    limits.unit_bytes = options_.limits.unit_bytes;
    if (!reads_all()) limits.end = static_cast<std::uint64_t>(options_.max_bytes);
    MQ_ASSIGN(log->units, UnitSource::open(log->file, log::ScanDepth::units, limits));
    return log;
}

Status KafkaDump::dump_batches(Log& log) {
    UnitSource& units = *log.units;
    log::ScannedBatch batch;
    while (out_.status()) {
        if (stop != nullptr && stop->load() != 0) return {};
        MQ_ASSIGN(const log::ScanOutcome outcome, units.next(batch));
        if (outcome == log::ScanOutcome::corrupt) return fail(units.error());
        if (outcome != log::ScanOutcome::batch) break;
        print_batch(batch.header, batch.bytes, +batch.position);
        if (!options_.deep_iteration && !options_.print_data) continue;
        if (auto printed = dump_records(log.path, batch.header, batch.bytes, log.last_offset); !printed) {
            Error error = std::move(printed).error();
            error.subject = log.path;
            error.detail += ", in the batch";
            error.position = +batch.position;
            out_ << '\n';
            return fail(std::move(error));
        }
    }
    MQ_ASSIGN(const std::uint64_t left, units.bytes_left());
    if (reads_all() && left > 0) {
        out_ << "Found " << left << " invalid bytes at the end of " << os::base_name(log.path) << '\n';
        damaged_ = log.is_over = true;
    }
    return {};
}

}  // namespace mq::dump
