// How keys and values are shown: as text, in hexadecimal, as the records of internal topics, or by another program.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "mq-dump-segment/options.h"
#include "mq-dump-segment/rows.h"
#include "record/record.h"

namespace mq::dump {

// The process of --decode-with: u32be length and bytes in, the same out, one answer for each question.
class CoProcess {
public:
    ~CoProcess();
    [[nodiscard]] static Result<std::unique_ptr<CoProcess>> start(const std::string& command);
    [[nodiscard]] Result<std::optional<std::string>> ask(const NullableBytes& bytes);

private:
    CoProcess() = default;

    std::string command_;
    os::File to_;
    os::File from_;
    int pid_ = -1;
};

struct ShownRecord {
    Shown key;
    Shown value;
};

// Not thread-safe. Never fails on what the bytes are: what does not fit is shown in hexadecimal.
class Decoder {
public:
    [[nodiscard]] static Result<Decoder> make(const Options& options);

    // `topic` is the one that automatic decoding goes by. Errors are the co-process's only.
    [[nodiscard]] Result<ShownRecord> decode(const record::RecordView& record, std::string_view topic);
    // A field of a decoded record ("group", "topic", "transactional-id"), for --match.
    [[nodiscard]] std::optional<std::string> field(const record::RecordView& record, std::string_view topic,
                                                   std::string_view name) const;

private:
    [[nodiscard]] Decode kind_for(std::string_view topic) const;

    Decode decode_ = Decode::automatic;
    std::unique_ptr<CoProcess> process_;
};

}  // namespace mq::dump
