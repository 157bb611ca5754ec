#include "broker/fetch_read.h"

#include <algorithm>

#include "broker/conversions.h"
#include "broker/descriptors.h"
#include "broker/event_log.h"
#include "broker/leader_epoch.h"
#include "broker/partitions.h"
#include "broker/topics.h"
#include "broker/worker_pool.h"
#include "os/process.h"
#include "record/legacy_encoder.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;
using wire::FetchResponse;

constexpr std::int16_t kFirstVersionOfStorageErrors = 6;
constexpr std::int16_t kFirstVersionOfZstd = 10;
// Of records in an old format, which lie in memory, in one answer; a first batch may be larger.
constexpr std::uint64_t kMostConverted = std::uint64_t{8} << 20;

ErrorCode code_of(const Error& error) {
    switch (error.code) {
        case Errc::not_found:
            return ErrorCode::unknown_topic_or_partition;
        case Errc::timed_out:
            return ErrorCode::request_timed_out;
        default:
            return ErrorCode::kafka_storage_error;
    }
}

// As a partition is answered that has an error and nothing else.
FetchResponse::Partition failure(std::int32_t partition, ErrorCode code, std::int16_t version) {
    if (code == ErrorCode::kafka_storage_error && version < kFirstVersionOfStorageErrors)
        code = ErrorCode::not_leader_or_follower;
    return {.partition_index = partition,
            .error_code = code,
            .high_watermark = -1,
            .aborted_transactions = std::nullopt,
            .records = ByteView{}};
}

void tell(Broker& broker, const log::TopicPartition& id, const Error& error) {
    if (!broker.partitions().find(id)->is_worth_telling()) return;
    broker.log().error("records of " + log::partition_directory(id) + " cannot be read: " + error.message());
}

bool allows_conversion(const Broker& broker, const TopicInfo& topic) {
    constexpr std::string_view kSetting = "message.downconversion.enable";
    const auto of = [&](const store::ConfigMap& map) {
        const auto at = map.find(kSetting);
        return at == map.end() ? nullptr : &at->second;
    };
    const std::string* value = of(topic.set);
    if (value == nullptr) value = of(broker.config().topic_defaults);
    return value == nullptr || *value != "false";
}

class Reading {
public:
    Reading(Broker& broker, const FetchContext& context, const FetchLimits& limits)
        : broker_(broker), context_(context), limits_(limits), budget_(limits.max_bytes) {
        if (limits.want_old_format())
            budget_ = std::min({budget_, kMostConverted, broker.conversions().bytes_left()});
    }

    FetchRead run() {
        const std::size_t count = context_.partitions.size();
        read_.results.resize(count);
        read_.ranges.resize(count);
        read_.bytes.resize(count);
        read_.is_unknown.resize(count);
        const auto picture = broker_.topics().picture();
        read_.names.resize(count);
        if (picture) {
            read_.picture = *picture;
        } else {
            broker_.log().error("which topics there are cannot be told: " + picture.error().message());
        }
        for (std::size_t i = 0; i < count && !read_.must_wait; ++i) {
            if (picture)
                read_one(i, **picture);
            else
                end_with(i, ErrorCode::kafka_storage_error);
        }
        return std::move(read_);
    }

private:
    void end_with(std::size_t i, ErrorCode code) {
        read_.results[i] = failure(context_.partitions[i].wanted.partition, code, limits_.version);
        read_.has_errors = true;
    }

    void fail_with(std::size_t i, const log::TopicPartition& id, const Error& error) {
        if (error.code == Errc::timed_out && !WorkerPool::may_wait()) {
            read_.must_wait = true;
            return;
        }
        if (code_of(error) == ErrorCode::kafka_storage_error) tell(broker_, id, error);
        end_with(i, code_of(error));
    }

    void end_unknown(std::size_t i, ErrorCode code) {
        read_.results[i] = failure(context_.partitions[i].wanted.partition, code, limits_.version);
        read_.results[i].aborted_transactions.emplace();
        read_.is_unknown[i] = true;
        read_.has_unknown = true;
    }

    void read_one(std::size_t i, const TopicPicture& picture) {
        const FetchPartition& asked = context_.partitions[i];
        const std::int32_t number = asked.wanted.partition;
        const TopicInfo* topic = context_.by_id ? picture.find(asked.topic->id) : picture.find(asked.topic->name);
        if (topic == nullptr || (context_.by_id && asked.topic->id.is_zero()))
            return end_unknown(i,
                               context_.by_id ? ErrorCode::unknown_topic_id : ErrorCode::unknown_topic_or_partition);
        read_.names[i] = topic->name;
        if (number < 0 || number >= topic->partitions) return end_unknown(i, ErrorCode::unknown_topic_or_partition);
        if (limits_.version < kFirstVersionOfZstd && !topic->config.compression_by_producer &&
            topic->config.compression == record::Codec::zstd)
            return end_with(i, ErrorCode::unsupported_compression_type);
        if (limits_.want_old_format() && !allows_conversion(broker_, *topic))
            return end_with(i, ErrorCode::unsupported_version);
        if (limits_.is_follower) {
            return end_with(i, asked.wanted.current_leader_epoch >= 0 ? ErrorCode::unknown_leader_epoch
                                                                      : ErrorCode::not_leader_or_follower);
        }
        const auto partition = broker_.partitions().find({topic->name, number});
        const Status done = partition->with_reader(
            [&](store::PartitionReader& reader) { return read_with(i, partition->id(), reader); }, limits_.isolation);
        if (!done) return fail_with(i, partition->id(), done.error());
        if (broker_.log().wants(Severity::debug) && read_.results[i].error_code != ErrorCode::none)
            broker_.log().event(Severity::debug, log::partition_directory(partition->id()) + " is not read from " +
                                                     std::to_string(asked.wanted.fetch_offset) + ": " +
                                                     std::string{to_string(read_.results[i].error_code)});
    }

    Status read_with(std::size_t i, const log::TopicPartition& id, store::PartitionReader& reader) {
        const wire::FetchRequest::Partition& wanted = context_.partitions[i].wanted;
        // Looked at first: what comes between this and the reading is noticed, if it is waited for.
        MQ_ASSIGN(const store::Bounds before, reader.bounds());
        const ErrorCode epoch = check_leader_epoch(broker_, id, wanted.current_leader_epoch);
        if (epoch != ErrorCode::none) {
            end_with(i, epoch);
            read_.results[i].current_leader.leader_epoch =
                broker_.directory().leader_epoch(id.topic, id.partition).value_or(-1);
            return {};
        }
        const Offset from{wanted.fetch_offset};
        FetchResponse::EpochEndOffset diverging;
        if (wanted.last_fetched_epoch >= 0) {
            MQ_ASSIGN(const log::LeaderEpochs epochs, reader.leader_epochs());
            const log::EpochEnd end = epochs.end_of(wanted.last_fetched_epoch, before.log_end);
            if (end.epoch < 0 || end.end_offset < Offset{0}) {
                end_with(i, ErrorCode::offset_out_of_range);
                return {};
            }
            if (end.epoch < wanted.last_fetched_epoch || end.end_offset < from)
                diverging = {end.epoch, end.end_offset.value()};
        }
        const auto most = static_cast<std::uint64_t>(std::max(wanted.partition_max_bytes, 0));
        log::RecordRange range;
        MQ_ASSIGN(
            const log::ReadOutcome outcome,
            reader.read_range(from, std::min(most, budget_), !limits_.are_hard() && read_.total_bytes == 0, range));
        if (outcome == log::ReadOutcome::out_of_range) {
            end_with(i, ErrorCode::offset_out_of_range);
            return {};
        }
        MQ_ASSIGN(const store::Bounds after, reader.bounds());
        FetchResponse::Partition result{.partition_index = wanted.partition,
                                        .high_watermark = after.high_watermark.value(),
                                        .last_stable_offset = after.last_stable.value(),
                                        .log_start_offset = after.log_start.value(),
                                        .diverging_epoch = diverging,
                                        .aborted_transactions = std::nullopt,
                                        .records = ByteView{}};
        const bool is_committed = limits_.isolation == log::Isolation::read_committed;
        if (is_committed) result.aborted_transactions.emplace();
        const bool diverges = diverging.epoch >= 0;
        if (diverges) read_.has_errors = true;
        if (outcome == log::ReadOutcome::batch && !diverges) {
            read_.readable_bytes += std::min(range.available_bytes, most);
            read_.is_behind = read_.is_behind || !range.is_last_segment;
            // The bound of what is converted at once is ours, and no reason to cut a batch that the client has room
            // for.
            if (limits_.are_hard() && read_.total_bytes == 0 &&
                range.first_batch_bytes <= std::min(most, limits_.max_bytes))
                range.size_bytes = std::max(range.size_bytes, range.first_batch_bytes);
            const bool is_cut = range.size_bytes < range.first_batch_bytes;
            if (!is_cut || limits_.are_hard()) read_.bytes[i] = range.size_bytes;
            if (is_committed && read_.bytes[i] > 0) {
                MQ_ASSIGN(const auto aborted, reader.aborted_in(range, from));
                for (const log::AbortedTxn& txn : aborted)
                    result.aborted_transactions->push_back({txn.producer_id, txn.first_offset.value()});
            }
            read_.total_bytes += read_.bytes[i];
            budget_ -= std::min(budget_, read_.bytes[i]);
            // The others are looked at, and are told like those for which there were no bytes left.
            if (read_.bytes[i] > 0 && ++files_ == most_files()) budget_ = 0;
        }
        read_.results[i] = std::move(result);
        if (read_.bytes[i] > 0) read_.ranges[i] = std::move(range);
        const Offset end = is_committed ? before.last_stable : before.high_watermark;
        read_.waits.push_back({id, std::max(end, from), limits_.isolation});
        return {};
    }

    static std::size_t most_files() {
        static const std::size_t most = share_out(os::descriptor_limit()).files_of_fetch;
        return most;
    }

    Broker& broker_;
    const FetchContext& context_;
    const FetchLimits& limits_;
    std::uint64_t budget_;
    std::size_t files_ = 0;
    FetchRead read_;
};

// The whole batches of a range as message sets, filled up or cut to the size that the range has, as Kafka does.
// Errors: of the first batch that has messages.
Result<Buffer> convert(const log::RecordRange& range, Offset from, std::uint8_t magic,
                       std::size_t decompressed_limit) {
    Buffer converted;
    record::LegacyEncoder encoder{magic, decompressed_limit};
    log::BatchScanner scanner{*range.file, range.position, range.position + range.size_bytes, log::ScanDepth::units};
    std::size_t announced = range.size_bytes;
    for (log::ScannedBatch batch; converted.size() < announced;) {
        MQ_ASSIGN(const log::ScanOutcome outcome, scanner.next(batch));
        if (outcome == log::ScanOutcome::corrupt && converted.empty()) return fail(scanner.error());
        if (outcome != log::ScanOutcome::batch) break;
        const bool is_first = converted.empty();
        const Status appended = encoder.append(batch.bytes, from, converted);
        if (!appended && is_first) {
            Error error = appended.error();
            error.subject = range.file->path();
            error.position = batch.position.value();
            return fail(std::move(error));
        }
        if (!appended) break;
        if (is_first) announced = std::max(announced, converted.size());
    }
    if (converted.size() < announced) record::append_overflow_message(announced - converted.size(), converted);
    converted.resize(announced);
    return converted;
}

ErrorCode code_of_conversion(const Error& error) {
    switch (error.code) {
        case Errc::unsupported:
            return ErrorCode::unsupported_compression_type;
        case Errc::too_large:
            return ErrorCode::message_too_large;
        default:
            return ErrorCode::kafka_storage_error;
    }
}

}  // namespace

FetchRead read_for_fetch(Broker& broker, const FetchContext& context, const FetchLimits& limits) {
    return Reading{broker, context, limits}.run();
}

void add_records(Broker& broker, const FetchContext& context, const FetchLimits& limits,
                 const std::vector<bool>& included, FetchRead& read, FetchPayload& payload) {
    using record::schema::kLeastSpliceBytes;
    const auto is_small = [&](std::size_t i) {
        return included[i] && read.bytes[i] > 0 && read.bytes[i] < kLeastSpliceBytes && !limits.want_old_format();
    };
    // Reserved at once: views into it stay what they are.
    std::size_t small_bytes = 0;
    for (std::size_t i = 0; i < read.bytes.size(); ++i) small_bytes += is_small(i) ? read.bytes[i] : 0;
    payload.small.reserve(small_bytes);
    for (std::size_t i = 0; i < read.bytes.size(); ++i) {
        if (!included[i] || read.bytes[i] == 0) continue;
        const FetchPartition& asked = context.partitions[i];
        log::RecordRange& range = read.ranges[i];
        FetchResponse::Partition& result = read.results[i];
        range.size_bytes = read.bytes[i];
        const auto give_up = [&](const Error& error, ErrorCode code) {
            const log::TopicPartition id{std::string{read.names[i]}, asked.wanted.partition};
            if (code == ErrorCode::kafka_storage_error) tell(broker, id, error);
            result = failure(asked.wanted.partition, code, limits.version);
        };
        if (limits.want_old_format()) {
            auto converted = convert(range, Offset{asked.wanted.fetch_offset}, limits.version <= 1 ? 0 : 1,
                                     broker.config().decompressed_max_bytes);
            if (!converted) {
                give_up(converted.error(), code_of_conversion(converted.error()));
                continue;
            }
            auto kept = broker.conversions().keep(*std::move(converted));
            result.records = kept->view();
            payload.keeps.push_back(std::move(kept));
        } else if (is_small(i)) {
            const std::size_t begin = payload.small.size();
            payload.small.resize(begin + range.size_bytes);
            const auto got = range.file->read_at({payload.small.data() + begin, range.size_bytes}, range.position);
            if (!got || *got != range.size_bytes) {
                give_up(got ? Error{Errc::truncated, "read", range.file->path(), 0, range.position.value(),
                                    "the file has become shorter"}
                            : got.error(),
                        ErrorCode::kafka_storage_error);
                continue;
            }
            result.records = payload.small.view().substr(begin);
        } else {
            result.external_records = {payload.files.size(), range.size_bytes};
            payload.files.push_back({range.file, range.position});
        }
    }
}

}  // namespace mq::broker
