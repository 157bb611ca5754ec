// Keys and payloads as the decoders of Kafka's dump tool print them.
#pragma once

#include <optional>
#include <string>

#include "mq-dump-segment/kafka_dump.h"

namespace mq::dump {

struct KafkaText {
    std::optional<std::string> key;
    std::optional<std::string> payload;
};

// What makes Kafka's tool throw (2.4: a key it does not know) is printed in hexadecimal here.
[[nodiscard]] KafkaText decode_for_kafka(const record::RecordView& record, KafkaDecoder decoder,
                                         KafkaWording wording);

// Of a control record of KRaft (types 3 to 6, 3.9): " SnapshotHeader {...}"; empty if it cannot be read.
[[nodiscard]] std::string kraft_control_text(std::int16_t type, ByteView value);

}  // namespace mq::dump
