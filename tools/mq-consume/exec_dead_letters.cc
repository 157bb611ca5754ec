#include "exec_dead_letters.h"

#include <algorithm>
#include <set>

#include "cli/text.h"

namespace mq::consume {

using cli::cat;

namespace {

// What a batch of dead letters may hold before it is appended; a topic's own limit may be lower.
constexpr std::size_t kBatchBytes = std::size_t{256} << 10;

}  // namespace

DeadLetters::DeadLetters(store::DataDirectory& directory, std::string topic, store::TopicShape shape)
    : directory_(&directory),
      topic_(std::move(topic)),
      shape_(std::move(shape)),
      writers_(static_cast<std::size_t>(shape_.partitions)) {}

Result<DeadLetters> DeadLetters::open(store::DataDirectory& directory, const std::string& topic) {
    auto shape = directory.shape(topic);
    if (!shape && shape.error().code == Errc::not_found) {
        auto made = directory.create_topic({.name = topic, .config = {}});
        // Another consumer with the same wish may have been quicker.
        if (!made && made.error().code != Errc::already_exists) return fail(std::move(made).error());
        shape = directory.shape(topic);
    }
    if (!shape) return fail(std::move(shape).error());
    return DeadLetters{directory, topic, *std::move(shape)};
}

Status DeadLetters::add(const ExecWork& work, const std::string& status) {
    const std::string attempts = std::to_string(work.attempts);
    const std::size_t limit = std::min(kBatchBytes, static_cast<std::size_t>(shape_.log.max_message_bytes));
    std::set<std::int32_t> used;
    for (auto kept = work.records.begin(); kept != work.records.end();) {
        if (kept->id->topic == topic_) {
            return fail(Errc::bad_argument, "dead letter", cat("topic '", topic_, '\''),
                        "a record of the topic of dead letters has failed itself");
        }
        // A run of records for the same partition.
        const std::int32_t target = kept->id->partition % shape_.partitions;
        builder_.clear();
        do {
            add_to_builder(*kept, status, attempts);
            ++kept;
        } while (kept != work.records.end() && kept->id->topic != topic_ &&
                 kept->id->partition % shape_.partitions == target &&
                 builder_.size_bytes() + kept->record.size_bytes() + 1024 < limit);
        MQ_TRY(append(target));
        used.insert(target);
    }
    for (const std::int32_t target : used) MQ_TRY(writers_[static_cast<std::size_t>(target)]->flush());
    return {};
}

void DeadLetters::add_to_builder(const ExecWork::Kept& kept, const std::string& status, const std::string& attempts) {
    const record::RecordView record = kept.record.view();
    const std::string partition = std::to_string(kept.id->partition);
    const std::string offset = std::to_string(record.offset.value());
    headers_.clear();
    record::HeaderReader headers{record};
    for (record::Header header; headers.next(header);) headers_.push_back(header);
    headers_.push_back({"mq.error.topic", kept.id->topic});
    headers_.push_back({"mq.error.partition", partition});
    headers_.push_back({"mq.error.offset", offset});
    headers_.push_back({"mq.error.status", status});
    headers_.push_back({"mq.error.attempts", attempts});
    builder_.add(record.timestamp, record.key, record.value, headers_);
}

Status DeadLetters::append(std::int32_t partition) {
    auto& writer = writers_[static_cast<std::size_t>(partition)];
    if (!writer) {
        MQ_ASSIGN(writer, directory_->open_writer({topic_, partition}));
    }
    MQ_ASSIGN(const ByteView batch, builder_.finish());
    MQ_TRY(writer->append({builder_.finished_data(), batch.size()}));
    return {};
}

}  // namespace mq::consume
