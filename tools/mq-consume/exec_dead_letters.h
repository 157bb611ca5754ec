// --dead-letter TOPIC: where records go whose command has failed for good.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "exec_work.h"
#include "record/batch_builder.h"
#include "store/data_directory.h"

namespace mq::consume {

// Used by one thread at a time.
class DeadLetters {
public:
    // Makes the topic, with one partition, if it is missing. Errors: those of the data directory.
    [[nodiscard]] static Result<DeadLetters> open(store::DataDirectory& directory, const std::string& topic);

    // Appends the records of the work as they were, with the headers mq.error.topic, mq.error.partition,
    // mq.error.offset, mq.error.status (`status`) and mq.error.attempts behind their own. They are on stable storage
    // when it returns. To the partition whose number is theirs, modulo the count. Errors: bad_argument (a record of
    // this very topic), too_large (over the topic's max.message.bytes), those of an append.
    [[nodiscard]] Status add(const ExecWork& work, const std::string& status);

private:
    DeadLetters(store::DataDirectory& directory, std::string topic, store::TopicShape shape);
    void add_to_builder(const ExecWork::Kept& kept, const std::string& status, const std::string& attempts);
    [[nodiscard]] Status append(std::int32_t partition);

    store::DataDirectory* directory_;
    std::string topic_;
    store::TopicShape shape_;
    std::vector<std::unique_ptr<store::PartitionWriter>> writers_;  // by partition, once they are needed
    record::BatchBuilder builder_;
    std::vector<record::Header> headers_;
};

}  // namespace mq::consume
