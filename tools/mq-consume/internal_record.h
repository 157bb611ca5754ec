// --decode: a record of __consumer_offsets or __transaction_state, by Kafka's schemas.
#pragma once

#include <optional>
#include <string>

#include "args.h"
#include "record/internal_topics.h"
#include "record/record.h"

namespace mq::consume {

// Fields that --match knows of such records.
[[nodiscard]] std::vector<std::string_view> decoded_fields(Decode decode);
// The field of one of them; nullopt: it has none, or cannot be read.
[[nodiscard]] std::optional<std::string> decoded_field(Decode decode, const record::RecordView& record,
                                                       std::string_view field);

// Appends ,"key":{...},"value":{...}. What does not fit the schemas appears as bytes do in JSON, and a member
// "undecoded" says why.
void append_decoded(std::string& out, Decode decode, const record::RecordView& record);

}  // namespace mq::consume
