// Tells of accepted records: --report, --ack-fd, --tee.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "args.h"
#include "cli/format.h"
#include "cli/output.h"
#include "record/record.h"

namespace mq::produce {

// Used by the thread that appends, and by no other at the same time.
class Reporter {
public:
    // Errors: bad_argument (the format). `args` must outlive it.
    [[nodiscard]] static Result<std::unique_ptr<Reporter>> make(const Args& args);

    [[nodiscard]] bool is_needed() const { return args_->report != Report::none || args_->tee || acks_; }
    // `batches` as they stand in the log now, offsets stamped. Has been written when it returns. Errors: of the
    // descriptors.
    [[nodiscard]] Status accepted(std::int32_t partition, ByteView batches);

private:
    explicit Reporter(const Args& args);
    [[nodiscard]] Status tell_records(std::int32_t partition, ByteView unit);

    const Args* args_;
    cli::Output out_;
    std::optional<cli::Output> acks_;
    std::optional<cli::Format> format_;
    std::string json_prefix_;
    std::string line_;
    std::uint64_t count_ = 0;
    record::RecordReader reader_;
};

}  // namespace mq::produce
