// The shared table held against the log.

#include <set>

#include "offsets/partition.h"

namespace mq::offsets {
namespace {

std::string name_of(const std::string& group, const log::TopicPartition& id) {
    return "group '" + group + "', " + log::partition_directory(id);
}

bool is_same(const Memory::Entry& log, const shm::OffsetValue& table) {
    const Committed& committed = log.committed;
    return table.record == log.record.value() + 1 && table.offset == committed.offset.value() &&
           table.leader_epoch == committed.leader_epoch && table.commit_timestamp == committed.commit_timestamp &&
           table.expire_timestamp == committed.expire_timestamp;
}

}  // namespace

Status OffsetsPartition::check_against(const shm::OffsetTable& shared, const Memory& log,
                                       OffsetStore::Findings& findings, bool& decided) {
    using Seen = shm::OffsetTable::Seen;
    std::vector<std::string> problems;
    std::uint64_t entries = 0;
    bool undisturbed = true;
    const auto problem = [&](const std::string& what) { problems.push_back(name_ + ": " + what); };
    std::set<std::pair<std::uint64_t, std::uint64_t>> expected;
    for (const auto& [name, group] : log.groups) {
        const shm::Hash128 group_hash = hash_name(name);
        for (const auto& [id, entry] : group.offsets) {
            const shm::Hash128 hash = hash_key(group_hash, hash_name(id.topic), id.partition);
            expected.emplace(hash.low, hash.high);
            shm::OffsetValue value;
            const Seen seen = shared.find(id_.partition, hash, value);
            undisturbed = undisturbed && seen != Seen::unsure;
            ++entries;
            if (seen == Seen::no)
                problem(name_of(name, id) + ": the record at offset " + std::to_string(entry.record.value()) +
                        " is missing in the shared table");
            else if (seen == Seen::yes && !is_same(entry, value))
                problem(name_of(name, id) + ": the record at offset " + std::to_string(entry.record.value()) +
                        " says " + std::to_string(entry.committed.offset.value()) + ", the shared table has " +
                        std::to_string(value.offset) + " of offset " + std::to_string(value.record - 1));
        }
        std::uint32_t counted = 0;
        const Seen seen = shared.find_group(id_.partition, group_hash,
                                            [&](const shm::OffsetTable::GroupView& view) { counted = view.entries; });
        undisturbed = undisturbed && seen != Seen::unsure;
        if (seen == Seen::no)
            problem("group '" + name + "' is missing in the shared table");
        else if (counted != group.offsets.size())
            problem("group '" + name + "' has " + std::to_string(group.offsets.size()) +
                    " offsets, the shared table counts " + std::to_string(counted));
    }
    undisturbed = shared.visit_entries(id_.partition, [&](const shm::OffsetTable::EntryView& entry) {
        if (expected.contains({entry.hash.low, entry.hash.high})) return;
        problem("the shared table has an entry of offset " + std::to_string(entry.value.record - 1) +
                ", which the log does not");
    }) && undisturbed;
    decided = undisturbed;
    if (!undisturbed) return {};
    findings.entries += entries;
    findings.problems.insert(findings.problems.end(), problems.begin(), problems.end());
    return {};
}

Status OffsetsPartition::check(OffsetStore::Findings& findings) {
    MQ_ASSIGN(const bool there, open_reader());
    if (!there) return {};
    // Others may go on committing meanwhile: what is compared must be of one moment.
    constexpr int kLooks = 100;
    const Memory* log = nullptr;
    for (int look = 0; look < kLooks; ++look) {
        const auto read = memory();
        if (!read && (read.error().code == Errc::corrupt || read.error().code == Errc::unsupported)) {
            findings.problems.push_back(read.error().message());
            return {};
        }
        MQ_TRY(read);
        log = *read;
        const auto start = stand();
        MQ_TRY(start);
        // Nothing is shared, or it is of another log: there is nothing to compare.
        if (!*start || (*start)->applied.incomplete != 0) break;
        if ((*start)->applied.applied != memory_end_.value()) continue;
        const std::size_t before = findings.problems.size();
        const std::uint64_t entries = findings.entries;
        bool decided = false;
        MQ_TRY(check_against(*table(), *log, findings, decided));
        const auto end = stand();
        MQ_TRY(end);
        if (decided && *end && (*end)->applied == (*start)->applied && (*end)->bounds.log_end == memory_end_) break;
        findings.problems.resize(before);
        findings.entries = entries;
    }
    findings.records += log->records;
    return {};
}

}  // namespace mq::offsets
