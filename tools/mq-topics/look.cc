// list, find, usage, partition-of.

#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"
#include "cli/text.h"
#include "session.h"

namespace mq::topics {
namespace {

using cli::ExitCode;

constexpr Field kTopicFields[] = {
    {"topic"}, {"partitions", true, true}, {"replicas", true, true}, {"internal", false}, {"id", false}, {"config"}};

std::vector<Cell> topic_cells(const store::Topic& topic) {
    return {text_cell(topic.name),       number_cell(topic.partitions),
            number_cell(topic.replicas), flag_cell(store::is_internal_topic(topic.name)),
            text_cell(topic.id),         config_cell(topic.config)};
}

ExitCode print_topics(Session& session, const std::vector<store::Topic>& topics) {
    if (session.args.names_only) {
        for (const store::Topic& topic : topics) session.out.write(topic.name + '\n');
        session.done += topics.size();
        return session.finish();
    }
    auto rows = Rows::make(kTopicFields, session.args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    for (const store::Topic& topic : topics) rows->add(topic_cells(topic));
    session.done += topics.size();
    return session.finish(&*rows);
}

// What find asks of a topic as a whole.
struct Summary {
    std::uint64_t size_bytes = 0;
    std::int64_t records = 0;  // offsets between log start and end
    std::optional<TimestampMs> newest;
};

Result<Summary> summarise(store::DataDirectory& directory, const store::Topic& topic, bool with_times) {
    Summary summary;
    for (std::int32_t partition = 0; partition < topic.partitions; ++partition) {
        MQ_ASSIGN(const auto reader, directory.open_reader({topic.name, partition}));
        MQ_ASSIGN(const store::Bounds bounds, reader->bounds());
        MQ_ASSIGN(const std::uint64_t size_bytes, reader->size_bytes());
        summary.size_bytes += size_bytes;
        summary.records += bounds.log_end - bounds.log_start;
        if (!with_times) continue;
        MQ_ASSIGN(const auto newest, reader->max_timestamp());
        if (newest) summary.newest = std::max(summary.newest.value_or(newest->timestamp), newest->timestamp);
    }
    return summary;
}

Result<bool> is_wanted(Session& session, const store::Topic& topic) {
    const Args& args = session.args;
    if (args.leader && *args.leader != broker_id(session.directory)) return false;
    if (!args.empty && !args.idle_ms && args.size_relation == 0) return true;
    MQ_ASSIGN(const Summary summary, summarise(session.directory, topic, args.idle_ms.has_value()));
    if (args.empty && summary.records > 0) return false;
    if (args.size_relation == '>' && summary.size_bytes <= args.size_bytes) return false;
    if (args.size_relation == '<' && summary.size_bytes >= args.size_bytes) return false;
    return !args.idle_ms || !summary.newest || wall_clock_ms() - *summary.newest > *args.idle_ms;
}

constexpr Field kUsageFields[] = {{"size_bytes", true, true}, {"topic"}, {"partition", true, true}};

Cell size_cell(const Args& args, std::uint64_t size_bytes) {
    Cell cell = number_cell(static_cast<std::int64_t>(size_bytes));
    if (args.human) cell.text = human_size(size_bytes);
    return cell;
}

constexpr Field kKeyFields[] = {{"topic", false}, {"key"}, {"partition", true, true}};

void add_key(Rows& rows, const std::string& topic, std::string_view key, std::int32_t partitions) {
    rows.add({text_cell(topic), cli::bytes_cell("key", key), number_cell(partition_for_key(key, partitions))});
}

}  // namespace

ExitCode list(Session& session) {
    const auto topics = choose_topics(session);
    if (!topics) return session.diagnostics.fail(topics.error());
    return print_topics(session, *topics);
}

ExitCode find(Session& session) {
    const auto topics = choose_topics(session);
    if (!topics) return session.diagnostics.fail(topics.error());
    std::vector<store::Topic> found;
    for (const store::Topic& topic : *topics) {
        const auto wanted = is_wanted(session, topic);
        if (!wanted)
            session.fail_item(wanted.error());
        else if (*wanted != session.args.invert)
            found.push_back(topic);
    }
    const ExitCode code = print_topics(session, found);
    return code == ExitCode::ok && found.empty() ? ExitCode::no : code;
}

ExitCode usage(Session& session) {
    const bool by_partition = session.args.by_partition;
    const std::span<const Field> fields{kUsageFields};
    auto rows = Rows::make(by_partition ? fields : fields.first(2), session.args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    const auto topics = choose_topics(session);
    if (!topics) return session.diagnostics.fail(topics.error());
    for (const store::Topic& topic : *topics) {
        std::uint64_t sum = 0;
        for (std::int32_t partition = 0; partition < topic.partitions; ++partition) {
            const auto size_bytes = [&]() -> Result<std::uint64_t> {
                MQ_ASSIGN(const auto reader, session.directory.open_reader({topic.name, partition}));
                return reader->size_bytes();
            }();
            if (!size_bytes) {
                session.fail_item(size_bytes.error());
                continue;
            }
            sum += *size_bytes;
            if (by_partition)
                rows->add({size_cell(session.args, *size_bytes), text_cell(topic.name), number_cell(partition)});
        }
        if (!by_partition) rows->add({size_cell(session.args, sum), text_cell(topic.name)});
        ++session.done;
    }
    return session.finish(&*rows);
}

ExitCode partition_of(Session& session) {
    const auto& operands = session.args.operands;
    if (operands.empty()) return session.diagnostics.fail(ExitCode::usage, "partition-of: which topic?");
    auto rows = Rows::make(kKeyFields, session.args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    const std::string& topic = operands.front();
    const auto shape = session.directory.shape(topic);
    if (!shape) return session.diagnostics.fail(shape.error());
    for (std::size_t i = 1; i < operands.size(); ++i) add_key(*rows, topic, operands[i], shape->partitions);
    if (operands.size() == 1) {
        const os::File input = os::File::adopt(0, "stdin", true);
        std::string rest;
        std::string chunk(64 << 10, '\0');
        for (;;) {
            const auto size = input.read_some(chunk);
            if (!size) return session.diagnostics.fail(size.error());
            if (*size == 0) break;
            rest.append(chunk, 0, *size);
            std::size_t begin = 0;
            for (std::size_t end; (end = rest.find('\n', begin)) != rest.npos; begin = end + 1)
                add_key(*rows, topic, std::string_view{rest}.substr(begin, end - begin), shape->partitions);
            rest.erase(0, begin);
        }
        if (!rest.empty()) add_key(*rows, topic, rest, shape->partitions);
    }
    ++session.done;
    return session.finish(&*rows);
}

}  // namespace mq::topics
