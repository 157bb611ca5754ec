#include "producer.h"

#include <algorithm>
#include <random>

#include "base/assert.h"
#include "base/hash.h"
#include "cli/json.h"
#include "cli/text.h"

namespace mq::produce {

using cli::cat;

Producer::Producer(const Args& args, cli::DataDirectory* directory, const std::vector<std::int32_t>& partitions,
                   const cli::Diagnostics& diagnostics)
    : args_(&args), directory_(directory), diagnostics_(&diagnostics), targets_(partitions.size()) {
    MQ_ASSERT(!partitions.empty());
    for (const Header& header : args.headers) {
        headers_.push_back({header.key, header.value ? NullableBytes{*header.value} : std::nullopt});
    }
    overhead_bytes_ = record::BatchBuilder::size_bound(std::nullopt, std::nullopt, headers_);
    if (args.max_record_bytes > record::kBatchHeaderBytes) {
        safe_bytes_ = args.max_record_bytes - record::kBatchHeaderBytes;
    }
    if (args.timestamp) timestamp_ = *args.timestamp;
    record::BatchOptions options;
    options.codec = args.codec;
    options.level = args.level;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        targets_[i].number = partitions[i];
        targets_[i].builder = record::BatchBuilder{options};
    }
    // As in the Java client: where a producer starts is left to chance, so that many short runs spread.
    if (targets_.size() > 1) sticky_ = std::random_device{}() % targets_.size();
}

std::size_t Producer::index_for(ByteView key) const {
    return static_cast<std::size_t>(partition_for_key(key, static_cast<std::int32_t>(targets_.size())));
}

Status Producer::open(Target& target) {
    log::LogConfig config;
    // The limit that counts was held up to each record; a codec may add to bytes that do not compress.
    const std::uint64_t largest = std::max<std::uint64_t>(args_->max_record_bytes, kDefaultMaxRecordBytes);
    config.max_message_bytes = static_cast<std::uint32_t>(largest + largest / 16);
    MQ_ASSIGN(target.partition, directory_->open_partition({args_->topic, target.number}, config));
    for (const auto& cut : target.partition->log->recovery().cuts) diagnostics_->warning(cli::describe(cut));
    for (const auto& note : target.partition->log->recovery().notes) diagnostics_->detail(note);
    return {};
}

Status Producer::make_room(Target& target) {
    if (target.builder.record_count() == 0) return {};
    return send(target);
}

// The bound allows for the longest lengths; what counts is the batch as it would be.
Status Producer::check_size(NullableBytes key, NullableBytes value) const {
    record::BatchBuilder alone;
    alone.add(timestamp_, key, value, headers_);
    if (alone.size_bytes() <= args_->max_record_bytes) return {};
    return fail(Errc::too_large, {}, {},
                cat("a record of ", alone.size_bytes(), " bytes (batch header and all) is over the limit of ",
                    args_->max_record_bytes, " (--max-record-bytes)"));
}

Status Producer::append(Target& target) {
    if (!target.partition) MQ_TRY(open(target));
    log::Log& log = *target.partition->log;
    log::AppendOptions options;
    options.leader_epoch = log.leader_epochs().latest().value_or(0);
    const std::int32_t count = target.builder.record_count();
    MQ_ASSIGN(const ByteView batch, target.builder.finish());
    MQ_ASSIGN(const log::AppendResult appended, log.append({target.builder.finished_data(), batch.size()}, options));
    if (args_->sync == Sync::batch) {
        MQ_TRY(log.flush());
    } else {
        if (!std::exchange(unflushed_, true)) first_unflushed_ = Clock::now();
        target.unflushed = true;
    }
    target.last_accepted = appended.last_offset;
    if (args_->report_json) MQ_TRY(report(target, appended.first_offset, count));
    return {};
}

Status Producer::send(Target& target) {
    if (directory_ != nullptr) MQ_TRY(append(target));
    const auto count = static_cast<std::uint64_t>(target.builder.record_count());
    target.used = true;
    target.builder.clear();
    accepted_ += count;
    collected_ -= count;
    if (targets_.size() > 1) sticky_ = (sticky_ + 1) % targets_.size();
    return {};
}

Status Producer::send() {
    if (collected_ == 0) return {};
    for (Target& target : targets_) {
        if (target.builder.record_count() > 0) MQ_TRY(send(target));
    }
    return {};
}

Status Producer::report(const Target& target, Offset first, std::int32_t count) {
    std::string prefix = "{\"topic\":";
    cli::append_json_string(prefix, target.partition->id.topic);
    prefix += cat(",\"partition\":", target.partition->id.partition, ",\"offset\":");
    for (std::int32_t i = 0; i < count; ++i) {
        report_.write(cat(prefix, (first + i).value(), "}\n"));
    }
    return report_.flush();
}

Status Producer::flush() {
    if (!unflushed_) return {};
    const bool checkpoint = Clock::now() - last_checkpoint_ >= kCheckpointAfter;
    for (Target& target : targets_) {
        if (!target.partition || !(target.unflushed || (checkpoint && target.used))) continue;
        MQ_TRY(checkpoint ? target.partition->log->checkpoint() : target.partition->log->flush());
        target.unflushed = false;
    }
    if (checkpoint) last_checkpoint_ = Clock::now();
    unflushed_ = false;
    return {};
}

Status Producer::finish() {
    if (const Status sent = send(); !sent) {
        static_cast<void>(flush());
        return sent;
    }
    if (args_->sync == Sync::none) return {};
    for (Target& target : targets_) {
        if (!target.partition) continue;
        MQ_TRY(directory_->close_partition(*target.partition));
    }
    unflushed_ = false;
    return {};
}

int Producer::flush_due_ms() const {
    if (!unflushed_ || args_->sync != Sync::end) return -1;
    const auto due =
        std::chrono::duration_cast<std::chrono::milliseconds>(first_unflushed_ + kFlushAfter - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(0, due.count()));
}

std::size_t Producer::partitions_used() const {
    return static_cast<std::size_t>(std::ranges::count(targets_, true, &Target::used));
}

std::string Producer::last_accepted() const {
    std::string text;
    for (const Target& target : targets_) {
        if (target.last_accepted == kNoOffset) continue;
        text += cat(text.empty() ? "" : ", ", "offset ", target.last_accepted.value(), " of ",
                    log::partition_directory(target.partition->id));
    }
    return text;
}

}  // namespace mq::produce
