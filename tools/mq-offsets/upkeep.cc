// fsck, compact, expire: looking after __consumer_offsets.

#include <algorithm>
#include <set>

#include "cli/text.h"
#include "groups/exclusion.h"
#include "local/compaction.h"
#include "session.h"

namespace mq::offsets_tool {
namespace {

using cli::cat;

// A directory that a Kafka broker left says nothing of the settings of its own topics.
Status make_compacted(store::DataDirectory& directory) {
    constexpr std::string_view kPolicy = "cleanup.policy";
    MQ_ASSIGN(const store::Topic topic, directory.topic(offsets::kOffsetsTopic));
    const auto found = topic.config.find(kPolicy);
    if (found != topic.config.end() && found->second.find("compact") != std::string::npos) return {};
    MQ_TRY(directory.change_config(offsets::kOffsetsTopic, {{std::string{kPolicy}, "compact"}}));
    return {};
}

constexpr Field kExpiredFields[] = {{"group"}, {"topic"}, {"partition", true, true}};

using Expired = std::vector<offsets::OffsetStore::Expired>;

std::int64_t retention_of(const Args& args) { return args.older_than_ms.value_or(offsets::kDefaultRetentionMs); }

Result<Expired> plan_expiry(Session& session) {
    MQ_ASSIGN(const auto active, groups::active_groups(session.directory));
    const std::set<std::string, std::less<>> living{active.begin(), active.end()};
    // Where that cannot be asked they are left alone.
    const auto is_active = [&](std::string_view group) {
        return living.contains(group) || groups::is_networked(session.directory, group).value_or(true);
    };
    return session.offsets.expire(retention_of(session.args), is_active, true);
}

// One group after another, while nobody can join it: who has done so since the plan was made keeps what it has.
Result<Expired> carry_out(Session& session, const Expired& plan) {
    std::set<std::string> names;
    for (const auto& [group, id] : plan) names.insert(group);
    Expired expired;
    for (const std::string& name : names) {
        const Status done = groups::while_empty(session.directory, name, [&]() -> Status {
            MQ_ASSIGN(const Expired its, session.offsets.expire(
                                             retention_of(session.args),
                                             [&name](std::string_view group) { return group != name; }, false));
            expired.insert(expired.end(), its.begin(), its.end());
            return {};
        });
        if (!done && done.error().code != Errc::in_use) return fail(done.error());
    }
    MQ_TRY(session.offsets.flush());
    return expired;
}

}  // namespace

ExitCode fsck(Session& session) {
    if (!session.args.operands.empty()) return session.diagnostics.fail(ExitCode::usage, "fsck takes no operands");
    const auto findings = session.offsets.check();
    if (!findings) return session.diagnostics.fail(findings.error());
    for (const std::string& problem : findings->problems) session.out.write(problem + '\n');
    session.diagnostics.summary(cat(cli::counted(findings->records, "record"), ", ",
                                    cli::counted(findings->entries, "entry", "entries"), " held against them, ",
                                    cli::counted(findings->problems.size(), "problem")));
    const ExitCode code = session.finish();
    return code == ExitCode::ok && !findings->problems.empty() ? ExitCode::no : code;
}

ExitCode compact(Session& session) {
    auto rows = Rows::make(local::kCompactionFields, session.args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    const auto shape = session.directory.shape(offsets::kOffsetsTopic);
    if (!shape) return session.diagnostics.fail(shape.error());
    if (const Status made = make_compacted(session.directory); !made) return session.diagnostics.fail(made.error());
    for (std::int32_t partition = 0; partition < shape->partitions; ++partition) {
        const log::TopicPartition id{std::string{offsets::kOffsetsTopic}, partition};
        // Those that no group belongs to were never made.
        const auto there = os::exists(os::join(session.directory.path(), log::partition_directory(id)));
        if (there && !*there) continue;
        local::compact_partition(session, session.directory, id, *rows);
    }
    return session.finish(&*rows);
}

ExitCode expire(Session& session) {
    const Args& args = session.args;
    auto rows = Rows::make(kExpiredFields, args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    auto expired = plan_expiry(session);
    if (expired && !expired->empty() && !args.dry_run) {
        if (!args.yes) {
            std::vector<std::string> lost;
            for (const auto& [group, id] : *expired)
                lost.push_back(cat("group '", group, "': forget ", log::partition_directory(id)));
            if (const auto stop = cli::confirm(session, args, "Forget?", lost)) return *stop;
        }
        expired = carry_out(session, *expired);
    }
    if (!expired) return session.diagnostics.fail(expired.error());
    for (const auto& [group, id] : *expired)
        rows->add({outside_cell("group", group), text_cell(id.topic), number_cell(id.partition)});
    session.diagnostics.summary(
        cat(cli::counted(expired->size(), "offset"), args.dry_run ? " would be" : "", " forgotten"));
    return session.finish(&*rows);
}

}  // namespace mq::offsets_tool
