// offsets: what kafka-get-offsets shows, and where leader epochs end.

#include "cli/text.h"
#include "session.h"

namespace mq::topics {
namespace {

using cli::cat;
using cli::ExitCode;

constexpr Field kFields[] = {{"topic"},
                             {"partition", true, true},
                             {"offset", true, true},
                             {"timestamp", false, true},
                             {"leader_epoch", false, true}};

struct Answer {
    std::optional<Offset> offset;
    std::optional<TimestampMs> timestamp;
    std::optional<LeaderEpoch> leader_epoch;
};

Result<Answer> ask(const Args& args, store::PartitionReader& reader) {
    MQ_ASSIGN(const store::Bounds bounds, reader.bounds());
    Answer answer;
    if (args.leader_epoch) {
        MQ_ASSIGN(const log::LeaderEpochs epochs, reader.leader_epochs());
        const log::EpochEnd end = epochs.end_of(*args.leader_epoch, bounds.log_end);
        if (end.end_offset == kNoOffset) return answer;
        answer.offset = end.end_offset;
        answer.leader_epoch = end.epoch;
        return answer;
    }
    std::optional<log::TimestampOffset> found;
    switch (args.at) {
        case OffsetAt::earliest:
            answer.offset = bounds.log_start;
            break;
        case OffsetAt::latest:
            answer.offset = bounds.high_watermark;
            break;
        case OffsetAt::last_stable:
            answer.offset = bounds.last_stable;
            break;
        case OffsetAt::max_timestamp: {
            MQ_ASSIGN(found, reader.max_timestamp());
            break;
        }
        case OffsetAt::timestamp: {
            MQ_ASSIGN(found, reader.find_timestamp(args.at_timestamp));
            // A time after the last record is the end.
            if (!found) answer.offset = bounds.high_watermark;
            break;
        }
    }
    if (found) {
        answer.offset = found->offset;
        answer.timestamp = found->timestamp;
    }
    return answer;
}

class Offsets {
public:
    Offsets(Session& session, Rows& rows) : session_(session), rows_(rows) {}

    void topic(const store::Topic& topic, const std::vector<std::int32_t>& only) {
        if (!only.empty()) {
            for (const std::int32_t number : only) partition(topic.name, number);
            return;
        }
        for (std::int32_t number = 0; number < topic.partitions; ++number) partition(topic.name, number);
    }

private:
    void partition(const std::string& topic, std::int32_t number) {
        const auto answer = [&]() -> Result<Answer> {
            MQ_ASSIGN(const auto reader, session_.directory.open_reader({topic, number}));
            return ask(session_.args, *reader);
        }();
        if (!answer) {
            session_.fail_item(answer.error());
            return;
        }
        ++session_.done;
        if (session_.args.form == Form::plain && session_.args.fields.empty()) {
            // Kafka's tool leaves a partition without an answer out.
            if (answer->offset) session_.out.write(cat(topic, ':', number, ':', answer->offset->value(), '\n'));
            return;
        }
        rows_.add({text_cell(topic), number_cell(number),
                   answer->offset ? number_cell(answer->offset->value()) : text_cell({}),
                   number_cell(std::optional<std::int64_t>{answer->timestamp}),
                   answer->leader_epoch ? number_cell(*answer->leader_epoch) : text_cell({})});
    }

    Session& session_;
    Rows& rows_;
};

}  // namespace

ExitCode offsets(Session& session) {
    auto rows = Rows::make(kFields, session.args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    Offsets offsets{session, *rows};
    if (session.args.regex || session.args.operands.empty()) {
        const auto topics = choose_topics(session);
        if (!topics) return session.diagnostics.fail(topics.error());
        for (const store::Topic& topic : *topics) offsets.topic(topic, {});
        return session.finish(&*rows);
    }
    for (const std::string& operand : session.args.operands) {
        const auto wanted = cli::parse_topic_operand(operand);
        if (!wanted) return session.diagnostics.fail(wanted.error());
        const auto topic = session.directory.topic(wanted->topic);
        if (topic)
            offsets.topic(*topic, wanted->partitions);
        else
            session.fail_item(topic.error());
    }
    return session.finish(&*rows);
}

}  // namespace mq::topics
