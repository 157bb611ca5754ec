// Plans carried out, one group after another.

#include <algorithm>
#include <chrono>

#include "cli/text.h"
#include "os/file.h"
#include "plan.h"

namespace mq::offsets_tool {
namespace {

using cli::cat;
using Clock = std::chrono::steady_clock;

// With Kafka's names, and the old offset beside the new one.
constexpr Field kFields[] = {
    {"group"}, {"topic"}, {"partition", true, true}, {"new_offset", true, true}, {"old_offset", true, true}};

bool loses(const Change& change) {
    return change.old && (!change.wanted || change.wanted->offset != change.old->offset);
}

std::string offset_text(const std::optional<offsets::Committed>& committed) {
    return committed ? std::to_string(committed->offset.value()) : std::string{"-"};
}

std::vector<std::string> describe_plan(const Plan& plan) {
    std::vector<std::string> lines;
    if (plan.remove_group)
        lines.push_back(cat("delete group '", plan.group, "': ", cli::counted(plan.changes.size(), "offset")));
    for (const Change& change : plan.changes) {
        if (plan.remove_group || !loses(change)) continue;
        const std::string where = cat("group '", plan.group, "', ", log::partition_directory(change.id), ": ");
        lines.push_back(where + (change.wanted
                                     ? cat("from ", offset_text(change.old), " to ", offset_text(change.wanted))
                                     : cat("forget ", offset_text(change.old))));
    }
    return lines;
}

// The file of --save-old: whatever is written is on the disk before the change that it undoes.
class OldOffsets {
public:
    static Result<OldOffsets> make(const std::optional<std::string>& path) {
        OldOffsets made;
        if (!path) return made;
        MQ_ASSIGN(made.file_, os::File::open(*path, os::OpenMode::create, os::Follow::yes));
        MQ_ASSIGN(const os::FileInfo info, made.file_.info());
        if (info.size_bytes > 0) {
            return fail(Errc::already_exists, {}, *path,
                        "has something in it already: it may be what an earlier change can be undone with");
        }
        made.is_regular_ = info.is_regular;
        if (path->ends_with(".json")) made.format_ = cli::OffsetFormat::json;
        return made;
    }

    Status save(const Plan& plan) {
        if (!file_.is_open()) return {};
        std::string text;
        for (const auto& [id, old, wanted] : plan.changes) {
            cli::GroupOffset row{plan.group, id, {}, -1, {}, {}};
            if (old) {
                row.offset = old->offset;
                row.leader_epoch = old->leader_epoch;
                row.metadata = old->metadata;
                row.commit_timestamp = old->commit_timestamp;
            }
            cli::append_offset(text, row, format_, true);
        }
        before_bytes_ = size_bytes_;
        size_bytes_ += text.size();
        if (!is_regular_) return file_.write_all(text);
        MQ_TRY(file_.write_at(text, FilePosition{before_bytes_}));
        MQ_TRY(file_.sync());
        if (before_bytes_ == 0) MQ_TRY(os::sync_directory(os::parent_directory(file_.path())));
        return {};
    }
    // The change was not made after all.
    void take_back() {
        if (!file_.is_open() || !is_regular_) return;
        static_cast<void>(file_.truncate(before_bytes_));
        size_bytes_ = before_bytes_;
    }

private:
    os::File file_;
    bool is_regular_ = false;
    cli::OffsetFormat format_ = cli::OffsetFormat::csv;
    std::uint64_t size_bytes_ = 0;
    std::uint64_t before_bytes_ = 0;
};

// The file of --if-current.
class Expectation {
public:
    static Result<Expectation> make(const std::optional<std::string>& path) {
        Expectation made;
        if (!path) return made;
        MQ_ASSIGN(made.rows_.emplace(), cli::read_offset_file(*path));
        return made;
    }

    Status check(const Plan& plan) const {
        if (!rows_) return {};
        for (const Change& change : plan.changes) {
            std::optional<Offset> expected;
            for (const cli::GroupOffset& row : *rows_)
                if ((row.group.empty() || row.group == plan.group) && row.id == change.id) expected = row.offset;
            const std::optional<Offset> now = change.old ? std::optional{change.old->offset} : std::nullopt;
            if (now == expected) continue;
            return fail(Errc::in_use, {}, {},
                        cat("group '", plan.group, "', ", log::partition_directory(change.id), ": committed is ",
                            offset_text(change.old), ", and not ", expected ? cat(expected->value()) : "-",
                            " as --if-current has it: nothing of the group was changed"));
        }
        return {};
    }

private:
    std::optional<std::vector<cli::GroupOffset>> rows_;
};

class Changer {
public:
    Changer(Session& session, const MakePlan& make, Rows& rows, OldOffsets& old, const Expectation& expectation)
        : session_(session), make_(make), rows_(rows), old_(old), expectation_(expectation) {}

    // `shown` is the plan that somebody agreed to, or nullptr.
    Status change(const std::string& group, const Plan* shown) {
        Plan plan;
        const auto work = [&]() -> Status {
            MQ_ASSIGN(plan, make_(group));
            return commit(plan, shown);
        };
        MQ_TRY(when_empty(group, work));
        MQ_TRY(session_.offsets.flush(group));
        if (shown == nullptr) tell(plan);
        print(plan);
        return {};
    }

    void tell(const Plan& plan) const {
        for (const std::string& note : plan.notes) session_.diagnostics.warning(note);
    }

    void print(const Plan& plan) {
        if (session_.args.print_file) {
            std::string line;
            for (const Change& change : plan.changes) {
                line.clear();
                const std::optional<Offset> offset =
                    change.wanted ? std::optional{change.wanted->offset} : std::nullopt;
                cli::append_offset(line, {plan.group, change.id, offset, -1, {}, {}}, session_.args.format,
                                   session_.args.operands.size() != 1);
                session_.out.write(line);
            }
            return;
        }
        if (plan.remove_group && session_.args.kafka_spelling) {
            session_.out.write(cat("Deletion of requested consumer groups ('", plan.group, "') was successful.\n"));
            return;
        }
        for (const auto& [id, old, wanted] : plan.changes) {
            rows_.add({outside_cell("group", plan.group), text_cell(id.topic), number_cell(id.partition),
                       wanted ? number_cell(wanted->offset.value()) : text_cell({}),
                       old ? number_cell(old->offset.value()) : text_cell({})});
        }
        if (plan.changes.empty() && !plan.remove_group)
            session_.diagnostics.summary(cat("group '", plan.group, "': there is nothing to change"));
        if (plan.remove_group && !session_.args.dry_run)
            session_.diagnostics.summary(cat("group '", plan.group, "': deleted"));
    }

private:
    // Runs `work` while the group has no members, for which --wait-empty says how long is waited.
    Status when_empty(const std::string& group, const std::function<Status()>& work) {
        const auto end = Clock::now() + std::chrono::milliseconds{session_.args.wait_empty_ms};
        std::optional<CommitWatch> watch;
        if (session_.args.wait_empty_ms > 0) watch.emplace(session_, group);
        for (bool told = false;; told = true) {
            if (watch) watch->arm();
            bool has_members = true;
            const Status done = groups::while_empty(session_.directory, group, [&]() -> Status {
                has_members = false;
                return work();
            });
            if (done || !has_members || done.error().code != Errc::in_use) return done;
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
            if (!watch || left <= 0) return done;
            if (!told) session_.diagnostics.detail(cat("waiting: ", done.error().message()));
            // A member that dies commits nothing.
            constexpr std::int64_t kLookAgainMs = 50;
            MQ_TRY(watch->wait(std::min<std::int64_t>(left, kLookAgainMs)));
        }
    }

    Status commit(const Plan& plan, const Plan* shown) {
        if (shown != nullptr && shown->changes != plan.changes) {
            return fail(Errc::in_use, {}, {},
                        cat("group '", plan.group, "': its offsets changed since they were shown: nothing was done"));
        }
        MQ_TRY(expectation_.check(plan));
        std::vector<offsets::Commit> commits;
        std::map<log::TopicPartition, std::optional<Offset>> before;
        for (const auto& [id, old, wanted] : plan.changes) {
            before.emplace(id, old ? std::optional{old->offset} : std::nullopt);
            offsets::Commit commit{id.topic, id.partition, {}, -1, {}, {}};
            if (wanted) {
                commit.offset = wanted->offset;
                commit.leader_epoch = wanted->leader_epoch;
                commit.metadata = wanted->metadata;
            } else if (!old) {
                continue;
            }
            commits.push_back(commit);
        }
        if (commits.empty() && !plan.remove_group) return {};
        MQ_TRY(old_.save(plan));
        const Status made = [&]() -> Status {
            if (!plan.remove_group) return session_.offsets.commit(plan.group, commits, {.only_if = &before});
            MQ_TRY(session_.offsets.remove_group(plan.group));
            return {};
        }();
        if (made) return {};
        old_.take_back();
        // Not under the group's lock: a commit of one who is no member.
        if (made.error().code != Errc::out_of_order) return made;
        return fail(Errc::in_use, {}, {},
                    cat("group '", plan.group, "': its offsets changed meanwhile: nothing of the group was changed"));
    }

    Session& session_;
    const MakePlan& make_;
    Rows& rows_;
    OldOffsets& old_;
    const Expectation& expectation_;
};

}  // namespace

ExitCode change_groups(Session& session, const std::vector<std::string>& groups, const MakePlan& make) {
    const Args& args = session.args;
    auto rows = Rows::make(kFields, args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    const auto expectation = Expectation::make(args.if_current);
    if (!expectation) return session.diagnostics.fail(expectation.error());
    OldOffsets none;
    Changer looker{session, make, *rows, none, *expectation};
    std::map<std::string, Plan> shown;
    std::vector<std::string> lost;
    if (!args.yes || args.dry_run) {
        for (const std::string& group : groups) {
            auto plan = make(group);
            if (!plan) {
                session.fail_item(plan.error());
                continue;
            }
            looker.tell(*plan);
            if (args.dry_run) {
                ++session.done;
                looker.print(*plan);
                continue;
            }
            const auto lines = describe_plan(*plan);
            lost.insert(lost.end(), lines.begin(), lines.end());
            shown.emplace(group, std::move(*plan));
        }
        if (args.dry_run) {
            if (!args.kafka_spelling || !args.print_file) session.diagnostics.summary("dry run: nothing was changed");
            return session.finish(&*rows);
        }
        if (!lost.empty()) {
            if (const auto stop = cli::confirm(session, args, "Change?", lost)) return *stop;
        }
    }
    auto old = OldOffsets::make(args.save_old);
    if (!old) return session.diagnostics.fail(old.error());
    Changer changer{session, make, *rows, *old, *expectation};
    for (const std::string& group : groups) {
        const auto agreed = shown.find(group);
        if (!args.yes && agreed == shown.end()) continue;
        const Status changed = changer.change(group, args.yes ? nullptr : &agreed->second);
        if (changed)
            ++session.done;
        else
            session.fail_item(changed.error());
    }
    return session.finish(&*rows);
}

}  // namespace mq::offsets_tool
