#include "storm/group_life.h"

#include <sys/wait.h>
#include <algorithm>
#include <csignal>

#include "groups/exclusion.h"
#include "os/kill_point.h"

namespace mq::test {
namespace {

enum : unsigned {
    kFirst = 0,
    kJudge = 6,
    kBefore = 7,
    kDead = 8,
    kSecond = 9,
    kDoomed = 10
};  // clients; racers are 1 to 5

const std::string kOld = "old";              // a group whose offsets have expired
const std::string kUnwanted = "unwanted";    // one that is deleted
const std::string kNetworked = "networked";  // one that a broker holds for a moment
const std::string kGone = "gone";            // a topic that is forgotten

// The shared table says what the log says.
Status check_table(offsets::OffsetStore& offsets) {
    MQ_ASSIGN(const auto found, offsets.check());
    if (found.problems.empty()) return {};
    std::string all;
    for (const auto& problem : found.problems) all += problem + "; ";
    return fail(broken(all));
}

}  // namespace

RecordedGroup GroupLife::group() {
    RecordedGroup group;
    group.number = 1;
    for (std::int32_t i = 0; i < 4; ++i) group.partitions.push_back({"work", i});
    group.partitions.push_back({"more", 0});
    return group;
}

Status GroupLife::make_topics(store::DataDirectory& directory) const {
    for (const auto& [topic, partitions] : std::map<std::string, std::int32_t>{{"more", 1}, {"work", 4}}) {
        const auto made = directory.create_topic({topic, partitions, 1, {{"retention.ms", "-1"}}});
        if (!made && made.error().code != Errc::already_exists) return fail(made.error());
    }
    return {};
}

Status GroupLife::produce(store::DataDirectory& directory, unsigned client, std::uint32_t batches) const {
    const RecordedGroup all = group();
    ClientLog log = history_.client(client);
    for (std::uint16_t partition = 0; partition < all.partitions.size(); ++partition) {
        MQ_ASSIGN(auto writer, directory.open_writer(all.partitions[partition]));
        for (std::uint32_t i = 0; i < batches; ++i) {
            const std::uint64_t first = storm_record(client, (*next_record_)[client].fetch_add(2));
            const auto step = log.begin_send(partition, first, 2);
            std::string batch = storm_batch(all.partitions[partition], first, 2);
            MQ_ASSIGN(const auto result, writer->append(batch));
            log.acknowledge(step, result.first_offset.value(), result.last_offset.value());
        }
    }
    return {};
}

Status GroupLife::commit_before(offsets::OffsetStore& offsets) const {
    const std::string metadata(40, 'm');
    // A segment of 1500 bytes holds about six of these, its index five.
    const int commits = start() == LifeStart::first_batch   ? 0
                        : start() == LifeStart::mid_segment ? 3
                        : start() == LifeStart::roll_due    ? 6
                                                            : 9;
    for (int i = 0; i < commits; ++i) {
        const std::vector<offsets::Commit> some{{"elsewhere", i, Offset{i}, 0, metadata, {}}};
        MQ_TRY(offsets.commit("other", some));
    }
    return {};
}

Status GroupLife::die_as_member() const {
    const ChildEnd end = run_in_child([&] {
        const auto body = [&]() -> Status {
            MQ_ASSIGN(auto directory, open_data(data()));
            offsets::OffsetStore offsets{directory};
            RecordingMember member{directory, offsets, group(), history_.client(kDead)};
            MQ_TRY(member.join());
            while (member.owned() < group().partitions.size()) {
                MQ_TRY(member.step(2));
                MQ_TRY(member.rest());
            }
            MQ_TRY(member.commit_all());
            MQ_TRY(member.step(2));
            raise(SIGKILL);
            return {};
        };
        const Status done = body();
        return done ? 0 : 1;
    });
    return end == ended_by(SIGKILL) ? Status{} : fail(broken("the first member did not come to its death"));
}

Status GroupLife::prepare_all() const {
    {
        MQ_ASSIGN(auto directory, open_data(data()));
        MQ_TRY(make_topics(directory));
        MQ_TRY(produce(directory, kBefore, 4));
        if (start() == LifeStart::fresh) return directory.close();
        const auto made = directory.create_topic({std::string{offsets::kOffsetsTopic},
                                                  1,
                                                  1,
                                                  {{"segment.bytes", "1500"},
                                                   {"index.interval.bytes", "1"},
                                                   {"segment.index.bytes", "80"},
                                                   {"cleanup.policy", "compact"}}});
        if (!made) return fail(made.error());
        offsets::OffsetStore offsets{directory};
        MQ_TRY(commit_before(offsets));
        MQ_TRY(directory.close());
    }
    return die_as_member();
}

Status GroupLife::settle(std::vector<RecordingMember*> members, store::DataDirectory& directory) const {
    for (;;) {
        std::uint64_t count = 0;
        for (RecordingMember* const member : members) {
            MQ_ASSIGN(const std::uint64_t some, member->step(3));
            count += some;
            MQ_TRY(member->commit_all());
        }
        if (count > 0) continue;
        MQ_ASSIGN(const auto described, groups::describe(directory, group().name()));
        bool changes = false;
        for (RecordingMember* const member : members) changes = changes || member->member().has_changes();
        if (!changes && described.state == groups::GroupState::stable) return {};
        MQ_TRY(members.front()->rest());
    }
}

Status GroupLife::change_from_outside(store::DataDirectory& directory, offsets::OffsetStore& offsets) const {
    const RecordedGroup all = group();
    ClientLog log = history_.client(kFirst);
    const Status reset = groups::while_empty(directory, all.name(), [&]() -> Status {
        MQ_ASSIGN(const auto now, offsets.fetch(all.name(), all.partitions[0]));
        std::map<log::TopicPartition, std::optional<Offset>> only_if;
        only_if[all.partitions[0]] = now ? std::optional{now->offset} : std::nullopt;
        offsets::CommitOptions how;
        how.only_if = &only_if;
        const auto step = log.begin_reset(all.number, 0, 1);
        const std::vector<offsets::Commit> one{{all.partitions[0].topic, 0, Offset{1}, -1, "reset", {}}};
        MQ_TRY(offsets.commit(all.name(), one, how));
        log.acknowledge_commit(step);
        return {};
    });
    if (!reset && reset.error().code != Errc::in_use) return fail(reset.error());

    const std::vector<offsets::Commit> expired{{"work", 0, Offset{3}, -1, {}, TimestampMs{1}}};
    MQ_TRY(offsets.commit(kOld, expired));
    MQ_TRY(offsets.expire(
        offsets::kDefaultRetentionMs, [](std::string_view) { return false; }, false));
    const std::vector<offsets::Commit> some{{"work", 1, Offset{2}, -1, {}, {}}, {kGone, 0, Offset{5}, -1, {}, {}}};
    MQ_TRY(offsets.commit(kUnwanted, some));
    MQ_TRY(offsets.forget_topic(kGone));
    record::GroupMetadataValue metadata;
    metadata.protocol_type = "consumer";
    MQ_TRY(offsets.put_metadata(kUnwanted, metadata));
    MQ_TRY(offsets.remove_group(kUnwanted));
    return offsets.flush();
}

// A process that joins once `gate` opens, takes part, and is killed. Without it nobody lives through another's death.
// Forked before its parent takes part in the directory; it dies with it.
Child GroupLife::doomed_member(const Gate& gate) const {
    return Child::fork([this, &gate] {
        static_cast<void>(os::arm_kill_point("none"));  // its parent's is not its own
        if (!gate.wait()) return 1;
        const auto body = [&]() -> Status {
            MQ_ASSIGN(auto directory, open_data(data()));
            offsets::OffsetStore offsets{directory};
            RecordingMember member{directory, offsets, group(), history_.client(kDoomed)};
            MQ_TRY(member.join());
            while (member.owned() == 0) {
                MQ_TRY(member.step(1));
                MQ_TRY(member.rest());
            }
            raise(SIGKILL);
            return {};
        };
        return body() ? 0 : 1;
    });
}

Status GroupLife::live_all() const {
    const Gate gate;
    Child doomed = doomed_member(gate);
    MQ_ASSIGN(auto directory, open_data(data()));
    MQ_TRY(make_topics(directory));
    offsets::OffsetStore offsets{directory};
    RecordedGroup half = group();
    RecordingMember first{directory, offsets, group(), history_.client(kFirst)};
    RecordingMember second{directory, offsets, group(), history_.client(kSecond)};
    MQ_TRY(first.join());
    MQ_TRY(settle({&first}, directory));
    MQ_TRY(produce(directory, kFirst, 1));
    MQ_TRY(second.join("static"));
    MQ_TRY(settle({&first, &second}, directory));
    // One topic less, and back again.
    const auto topics = group().topics();
    MQ_TRY(second.member().subscribe(std::vector{topics[1]}));
    MQ_TRY(settle({&first, &second}, directory));
    MQ_TRY(second.member().subscribe(topics));
    MQ_TRY(settle({&first, &second}, directory));
    MQ_TRY(produce(directory, kFirst, 1));
    MQ_TRY(settle({&first, &second}, directory));
    gate.open();
    for (siginfo_t end{}; end.si_pid == 0;) {
        MQ_TRY(settle({&first, &second}, directory));
        if (waitid(P_PID, static_cast<id_t>(doomed.pid()), &end, WEXITED | WNOHANG | WNOWAIT) != 0) break;
        MQ_TRY(first.rest());
    }
    // Not settled before the watch of one of the two has seen to it.
    MQ_TRY(settle({&first, &second}, directory));
    MQ_TRY(second.leave());
    MQ_TRY(settle({&first}, directory));
    MQ_TRY(first.leave());
    MQ_TRY(change_from_outside(directory, offsets));
    MQ_TRY(groups::hold_for_network(directory, kNetworked));
    MQ_TRY(groups::let_go_for_network(directory, kNetworked));
    return directory.close();
}

Status GroupLife::race_all(unsigned client, bool tidy) const {
    MQ_ASSIGN(auto directory, open_data(data()));
    MQ_TRY(make_topics(directory));
    offsets::OffsetStore offsets{directory};
    // Of nobody else's: what a dead one left behind its commit is not written over by it.
    const std::vector<offsets::Commit> own{{"elsewhere", static_cast<std::int32_t>(client), Offset{1}, -1, {}, {}}};
    MQ_TRY(offsets.commit(group().name() + "-racers", own));
    MQ_TRY(check_table(offsets));
    MQ_TRY(produce(directory, client, 1));
    RecordingMember member{directory, offsets, group(), history_.client(client)};
    MQ_TRY(member.join());
    MQ_TRY(member.finish());
    MQ_TRY(member.leave());
    if (tidy) {
        MQ_TRY(offsets.expire(
            offsets::kDefaultRetentionMs, [](std::string_view) { return false; }, false));
        MQ_TRY(offsets.forget_topic(kGone));
        const auto removed = offsets.remove_group(kUnwanted);
        if (!removed && removed.error().code != Errc::not_found) return fail(removed.error());
    }
    return directory.close();
}

Status GroupLife::read_all() const {
    MQ_ASSIGN(auto directory, open_data(data(), store::Access::read));
    offsets::OffsetStore offsets{directory};
    const RecordedGroup all = group();
    MQ_TRY(offsets.groups());
    MQ_TRY(offsets.group(all.name()));
    MQ_TRY(offsets.fetch_all(all.name()));
    for (const auto& id : all.partitions) {
        MQ_TRY(offsets.fetch(all.name(), id));
        MQ_TRY(offsets.consumed_below(id));
    }
    MQ_TRY(groups::describe(directory, all.name()));
    MQ_TRY(groups::active_groups(directory));
    return check_table(offsets);
}

Status GroupLife::judge_all(unsigned racers) const {
    MQ_ASSIGN(auto directory, open_data(data()));
    offsets::OffsetStore offsets{directory};
    // Whoever is dead is gone, whoever comes gets everything.
    RecordingMember last{directory, offsets, group(), history_.client(kJudge)};
    MQ_TRY(produce(directory, kJudge, 1));
    MQ_TRY(last.join());
    MQ_TRY(last.finish());
    MQ_TRY(settle({&last}, directory));
    if (last.owned() != group().partitions.size())
        return fail(broken("the last member owns " + std::to_string(last.owned()) + " partitions"));
    MQ_ASSIGN(const auto described, groups::describe(directory, group().name()));
    if (described.members.size() != 1) return fail(broken(std::to_string(described.members.size()) + " members"));
    MQ_TRY(last.leave());
    MQ_ASSIGN(const bool still_held, groups::is_networked(directory, kNetworked));
    if (still_held) return fail(broken("a group is held for the network by nobody"));

    MQ_TRY(check_table(offsets));
    MQ_ASSIGN(const auto described_empty, groups::describe(directory, group().name()));
    if (described_empty.state != groups::GroupState::empty) return fail(broken("the group is not empty"));
    MQ_ASSIGN(const auto known, offsets.group(group().name()));
    if (!known || !known->metadata) return fail(broken("no metadata of the empty group"));
    MQ_ASSIGN(const auto all, offsets.fetch_all(group().name()));
    if (all.size() != group().partitions.size()) return fail(broken(std::to_string(all.size()) + " offsets"));
    if (racers > 0) {
        MQ_ASSIGN(const auto every, offsets.groups());
        for (const auto& one : every)
            if (one.name == kUnwanted || one.name == kOld)
                return fail(broken("group " + one.name + " is still there"));
    }
    const Verdict verdict = mq::test::judge(history_);
    if (!verdict.text().empty()) return fail(broken(verdict.text()));
    return directory.close();
}

}  // namespace mq::test
