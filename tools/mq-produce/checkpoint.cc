#include "checkpoint.h"

#include <map>
#include <random>

#include "cli/properties.h"
#include "cli/text.h"
#include "cli/values.h"
#include "store/data_directory.h"

namespace mq::produce {

using cli::cat;

namespace {

constexpr std::string_view kVersion = "1";
constexpr std::int32_t kMostPartitions = 100'000;
constexpr std::uint64_t kLargestFileBytes = 16 << 20;

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else {
            if (c == '\\' || (out.empty() && (c == ' ' || c == '\t' || c == '\f' || c == '=' || c == ':')))
                out += '\\';
            out += c;
        }
    }
    return out;
}

// Keys of the file, each of which must be there.
class Fields {
public:
    explicit Fields(cli::Properties properties) {
        for (auto& [key, value] : properties) values_[std::move(key)] = std::move(value);
    }
    Result<std::string> text(const std::string& key) const {
        const auto row = values_.find(key);
        if (row == values_.end()) return fail(Errc::corrupt, {}, {}, cat("no ", key));
        return row->second;
    }
    template <typename T>
    Result<T> number(const std::string& key, T least = 0, T most = std::numeric_limits<T>::max()) const {
        MQ_ASSIGN(const std::string value, text(key));
        const auto parsed = cli::parse_integer<T>(value, least, most);
        if (!parsed) return fail(Errc::corrupt, {}, {}, cat(key, ": ", parsed.error().detail));
        return *parsed;
    }

private:
    std::map<std::string, std::string> values_;
};

}  // namespace

std::string format_checkpoint(const CheckpointState& state) {
    std::string out = cat("version=", kVersion, "\ntopic=", escaped(state.topic),
                          "\ntopic.id=", escaped(state.topic_id), "\nproducer.id=", state.producer_id,
                          "\ninput.file=", state.mark.file, "\ninput.name=", escaped(state.file),
                          "\ninput.position=", state.mark.position, "\ninput.check.bytes=", state.mark.check_bytes,
                          "\ninput.check.crc=", state.mark.check_crc, "\nrecords=", state.mark.records,
                          "\nplaced=", state.mark.placed, "\npartitions=", state.partitions.size(), '\n');
    for (std::size_t i = 0; i < state.partitions.size(); ++i) {
        out += cat("partition.", i, ".sequence=", state.partitions[i].sequence, "\npartition.", i,
                   ".offset=", state.partitions[i].offset.value(), '\n');
    }
    return out;
}

Result<CheckpointState> parse_checkpoint(std::string_view text) {
    MQ_ASSIGN(cli::Properties properties, cli::parse_properties(text));
    const Fields fields{std::move(properties)};
    MQ_ASSIGN(const std::string version, fields.text("version"));
    if (version != kVersion) return fail(Errc::unsupported, {}, {}, cat("a checkpoint of version ", version));
    CheckpointState state;
    MQ_ASSIGN(state.topic, fields.text("topic"));
    MQ_ASSIGN(state.topic_id, fields.text("topic.id"));
    MQ_ASSIGN(state.producer_id, fields.number<ProducerId>("producer.id"));
    MQ_ASSIGN(state.mark.file, fields.number<std::size_t>("input.file"));
    MQ_ASSIGN(state.file, fields.text("input.name"));
    MQ_ASSIGN(state.mark.position, fields.number<std::uint64_t>("input.position"));
    MQ_ASSIGN(state.mark.check_bytes, fields.number<std::uint32_t>("input.check.bytes", 0, 1 << 20));
    MQ_ASSIGN(state.mark.check_crc, fields.number<std::uint32_t>("input.check.crc"));
    MQ_ASSIGN(state.mark.records, fields.number<std::uint64_t>("records"));
    MQ_ASSIGN(state.mark.placed, fields.number<std::uint64_t>("placed"));
    MQ_ASSIGN(const auto count, fields.number<std::int32_t>("partitions", 1, kMostPartitions));
    for (std::int32_t i = 0; i < count; ++i) {
        CheckpointPartition partition;
        MQ_ASSIGN(partition.sequence, fields.number<std::int32_t>(cat("partition.", i, ".sequence")));
        MQ_ASSIGN(const auto offset, fields.number<std::int64_t>(cat("partition.", i, ".offset")));
        partition.offset = Offset{offset};
        state.partitions.push_back(partition);
    }
    if (state.mark.check_bytes > state.mark.position) return fail(Errc::corrupt, {}, {}, "input.check.bytes");
    return state;
}

Result<Checkpoint> Checkpoint::open(const std::string& path) {
    Checkpoint made;
    made.path_ = path;
    MQ_ASSIGN(made.lock_, os::File::open(path + ".lock", os::OpenMode::create));
    MQ_ASSIGN(const bool locked, os::try_lock(made.lock_, os::LockKind::exclusive));
    if (!locked) return fail(Errc::in_use, {}, path, "in use by another mq-produce");
    MQ_ASSIGN(const bool is_there, os::exists(path));
    if (!is_there) return made;
    MQ_ASSIGN(const std::string text, os::read_file(path, kLargestFileBytes));
    auto state = parse_checkpoint(text);
    if (!state) {
        state.error().subject = path;
        return fail(std::move(state).error());
    }
    made.found_ = *std::move(state);
    return made;
}

Status Checkpoint::save(const CheckpointState& state) { return os::replace_file(path_, format_checkpoint(state)); }

ProducerId choose_producer_id() {
    std::random_device chance;
    const std::uint64_t bits = std::uint64_t{chance()} << 32 | chance();
    return static_cast<ProducerId>(bits >> 2) | store::kFirstChosenProducerId;
}

Result<std::int32_t> next_sequence(store::DataDirectory& directory, const log::TopicPartition& id,
                                   ProducerId producer_id, const CheckpointPartition& from) {
    MQ_ASSIGN(const auto reader, directory.open_reader(id));
    MQ_ASSIGN(const store::Bounds bounds, reader->bounds());
    if (bounds.log_end < from.offset)
        return fail(Errc::corrupt, {}, log::partition_directory(id),
                    cat("ends at offset ", bounds.log_end.value(), ", before the ", from.offset.value(),
                        " of the checkpoint"));
    const bool has_gap = bounds.log_start > from.offset;
    reader->seek(std::max(from.offset, bounds.log_start));
    std::optional<std::int32_t> next;
    for (;;) {
        log::ScannedBatch batch;
        MQ_ASSIGN(const log::ReadOutcome outcome, reader->next(batch));
        if (outcome != log::ReadOutcome::batch) break;  // at the end, or removed from under it
        if (batch.header.producer_id == producer_id) next = record::add_sequence(batch.header.last_sequence(), 1);
    }
    if (!next && has_gap)
        return fail(Errc::corrupt, {}, log::partition_directory(id),
                    cat("starts at offset ", bounds.log_start.value(), ", behind the ", from.offset.value(),
                        " of the checkpoint: what came after it cannot be told"));
    return next.value_or(from.sequence);
}

}  // namespace mq::produce
