// peek: the records around the position of a group.

#include <algorithm>
#include <deque>

#include "cli/text.h"
#include "plan.h"
#include "position.h"
#include "record/record.h"

namespace mq::offsets_tool {
namespace {

using cli::cat;

constexpr Field kFields[] = {{"topic", false}, {"partition", true, true}, {"offset", true, true},
                             {"read"},         {"timestamp", true, true}, {"key"},
                             {"value"}};

struct Seen {
    Offset offset{0};
    TimestampMs timestamp = kNoTimestamp;
    std::optional<std::string> key;
    std::optional<std::string> value;
};

// Records from `from` on and below `until`: of more than `most` the last, or (`first`) the first.
Result<std::deque<Seen>> read(store::PartitionReader& reader, Offset from, Offset until, std::int64_t most,
                              bool first) {
    std::deque<Seen> seen;
    const auto is_full = [&] { return static_cast<std::int64_t>(seen.size()) >= most; };
    reader.seek(from);
    record::RecordReader records;
    for (log::ScannedBatch batch; most > 0;) {
        MQ_ASSIGN(const log::ReadOutcome outcome, reader.next(batch));
        if (outcome != log::ReadOutcome::batch || batch.header.next_offset() <= from) return seen;
        if (batch.header.base_offset >= until && batch.header.magic >= record::kMagicV2) return seen;
        if (batch.header.is_control()) continue;
        MQ_TRY(records.open(batch.bytes));
        for (record::RecordView view; records.next(view);) {
            if (view.offset < from) continue;
            if (view.offset >= until || (first && is_full())) return seen;
            if (is_full()) seen.pop_front();
            seen.push_back({view.offset, view.timestamp, {}, {}});
            if (view.key) seen.back().key = std::string{*view.key};
            if (view.value) seen.back().value = std::string{*view.value};
        }
        MQ_TRY(records.status());
    }
    return seen;
}

// The last `count` below `position`. Offsets have holes after compaction: further back until there are enough.
Result<std::deque<Seen>> read_before(store::PartitionReader& reader, Offset log_start, Offset position,
                                     std::int64_t count) {
    for (std::int64_t back = count;; back = back > (std::int64_t{1} << 60) ? back : back * 4) {
        const Offset from{position - log_start > back ? position.value() - back : log_start.value()};
        MQ_ASSIGN(auto seen, read(reader, from, position, count, false));
        if (static_cast<std::int64_t>(seen.size()) >= count || from <= log_start) return seen;
    }
}

void add_rows(Rows& rows, const Args& args, const log::TopicPartition& id, const std::deque<Seen>& seen,
              bool is_read) {
    for (const Seen& one : seen) {
        rows.add({text_cell(id.topic), number_cell(id.partition), number_cell(one.offset.value()),
                  cli::flag_cell(is_read), time_cell(args.form, one.timestamp),
                  cli::bytes_cell("key", one.key ? NullableBytes{*one.key} : std::nullopt),
                  cli::bytes_cell("value", one.value ? NullableBytes{*one.value} : std::nullopt)});
    }
}

Status peek_one(Session& session, Rows& rows, const Position& position) {
    if (!position.next) return fail(Errc::not_found, {}, log::partition_directory(position.id), position.note);
    if (!position.note.empty())
        session.diagnostics.warning(cat(log::partition_directory(position.id), ": ", position.note));
    MQ_ASSIGN(store::PartitionReader* const reader, session.reader(position.id));
    MQ_ASSIGN(const auto before, read_before(*reader, *position.log_start, *position.next, session.args.before));
    MQ_ASSIGN(const auto after, read(*reader, *position.next, Offset{std::numeric_limits<std::int64_t>::max()},
                                     session.args.after, true));
    add_rows(rows, session.args, position.id, before, true);
    add_rows(rows, session.args, position.id, after, false);
    return {};
}

}  // namespace

ExitCode peek(Session& session) {
    const Args& args = session.args;
    if (args.operands.size() < 2)
        return session.diagnostics.fail(ExitCode::usage, "peek: GROUP TOPIC[:PARTITIONS]...");
    auto rows = Rows::make(kFields, args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    const std::string& group = args.operands.front();
    const auto known = look_at(session, group);
    if (!known) return session.diagnostics.fail(known.error());
    const auto chosen = choose_partitions(session, {args.operands.begin() + 1, args.operands.end()});
    if (!chosen) return session.diagnostics.fail(chosen.error());
    const auto committed = session.offsets.fetch_all(group);
    if (!committed) return session.diagnostics.fail(committed.error());
    for (const log::TopicPartition& id : *chosen) {
        const Status shown = [&]() -> Status {
            MQ_ASSIGN(const Position position, position_of(session, id, committed_of(*committed, id), false));
            return peek_one(session, *rows, position);
        }();
        if (shown)
            ++session.done;
        else
            session.fail_item(shown.error());
    }
    return session.finish(&*rows);
}

}  // namespace mq::offsets_tool
