#include "storm/recording_member.h"

#include <algorithm>

namespace mq::test {

std::vector<groups::SubscribedTopic> RecordedGroup::topics() const {
    std::map<std::string, std::int32_t> counts;
    for (const auto& id : partitions) counts[id.topic] = std::max(counts[id.topic], id.partition + 1);
    std::vector<groups::SubscribedTopic> all;
    for (const auto& [topic, count] : counts) all.push_back({topic, count});
    return all;
}

RecordingMember::RecordingMember(store::DataDirectory& directory, offsets::OffsetStore& offsets, RecordedGroup group,
                                 ClientLog log)
    : directory_(directory),
      offsets_(offsets),
      group_(std::move(group)),
      log_(log),
      readers_(group_.partitions.size()) {}

Status RecordingMember::join(const std::string& instance_id) {
    groups::JoinOptions how;
    how.group = group_.name();
    how.instance_id = instance_id;
    log_.join(group_.number);
    MQ_ASSIGN(member_, groups::LocalMember::join(directory_, offsets_, how, group_.topics()));
    return {};
}

std::uint16_t RecordingMember::number_of(const log::TopicPartition& id) const {
    const auto found = std::find(group_.partitions.begin(), group_.partitions.end(), id);
    return static_cast<std::uint16_t>(found - group_.partitions.begin());
}

Result<store::PartitionReader*> RecordingMember::reader(std::uint16_t number) {
    if (!readers_[number]) {
        MQ_ASSIGN(readers_[number], directory_.open_reader(group_.partitions[number]));
    }
    return readers_[number].get();
}

Status RecordingMember::take(const log::TopicPartition& id) {
    const std::uint16_t number = number_of(id);
    if (number == readers_.size()) return {};  // a partition of its topics that is not recorded
    MQ_ASSIGN(store::PartitionReader* const from_here, reader(number));
    MQ_ASSIGN(const auto committed, offsets_.fetch(group_.name(), id));
    std::int64_t from = 0;
    if (committed) {
        MQ_ASSIGN(const auto resumption, offsets::resume(*from_here, *committed));
        if (!resumption.note.empty()) {
            if (!group_.may_be_cut) return fail(Errc::corrupt, "resume", text_of(id), resumption.note);
            notes_.push_back(resumption.note);
        }
        from = resumption.offset.value();
    }
    log_.take(number, from);
    from_here->seek(Offset{from});
    owned_[number] = {from, from, committed ? committed->leader_epoch : -1};
    return {};
}

Status RecordingMember::give_up(const std::vector<log::TopicPartition>& revoked) {
    if (revoked.empty()) return {};
    std::vector<std::uint16_t> numbers;
    for (const auto& id : revoked)
        if (const auto number = number_of(id); owned_.contains(number)) numbers.push_back(number);
    MQ_TRY(commit(numbers));
    for (const auto number : numbers) {
        log_.release(number);
        owned_.erase(number);
    }
    return member_->release(revoked);
}

Result<std::uint64_t> RecordingMember::step(std::uint64_t most) {
    MQ_ASSIGN(const auto changes, member_->poll());
    MQ_TRY(give_up(changes.revoked));
    for (const auto& id : changes.taken) MQ_TRY(take(id));
    std::uint64_t count = 0;
    for (auto& [number, owned] : owned_) {
        MQ_ASSIGN(const ReadOn got, read_on(*readers_[number], number, log_, most));
        if (got.records == 0) continue;
        count += got.records;
        owned.next = readers_[number]->position().value();
        owned.epoch = got.epoch;
    }
    return count;
}

Status RecordingMember::commit(const std::vector<std::uint16_t>& numbers) {
    std::vector<offsets::Commit> commits;
    std::vector<std::size_t> steps;
    for (const std::uint16_t number : numbers) {
        Owned& owned = owned_.at(number);
        if (owned.next == owned.committed) continue;
        const auto& id = group_.partitions[number];
        commits.push_back({id.topic, id.partition, Offset{owned.next}, owned.epoch, {}, {}});
        steps.push_back(log_.begin_commit(number, owned.next));
        owned.committed = owned.next;
    }
    if (commits.empty()) return {};
    MQ_TRY(offsets_.commit(group_.name(), commits));
    for (const std::size_t step : steps) log_.acknowledge_commit(step);
    return {};
}

Status RecordingMember::commit_all() {
    std::vector<std::uint16_t> numbers;
    for (const auto& [number, owned] : owned_) numbers.push_back(number);
    return commit(numbers);
}

Status RecordingMember::leave(bool in_order) {
    if (in_order) MQ_TRY(commit_all());
    log_.leave();
    owned_.clear();
    if (in_order) MQ_TRY(member_->leave());
    member_.reset();
    return {};
}

Status RecordingMember::rest() {
    std::vector<store::PartitionReader*> readers;
    for (const auto& [number, owned] : owned_) readers.push_back(readers_[number].get());
    if (readers.empty()) {
        if (!member_->has_changes()) futex_wait_change(member_->word(), member_->seen(), 20);
        return {};
    }
    waiter_.watch(&member_->word(), member_->seen());
    const auto woken = waiter_.wait(readers, 20);
    waiter_.watch(nullptr, 0);
    MQ_TRY(woken);
    return {};
}

Result<bool> RecordingMember::is_group_done() {
    for (std::uint16_t number = 0; number < readers_.size(); ++number) {
        MQ_ASSIGN(store::PartitionReader* const one, reader(number));
        MQ_ASSIGN(const auto bounds, one->bounds());
        MQ_ASSIGN(const auto committed, offsets_.fetch(group_.name(), group_.partitions[number]));
        if ((committed ? committed->offset.value() : 0) != bounds.log_end.value()) return false;
    }
    return true;
}

Status RecordingMember::finish() {
    for (;;) {
        MQ_ASSIGN(const std::uint64_t count, step(1000));
        if (count > 0) continue;
        MQ_TRY(commit_all());
        MQ_ASSIGN(const bool done, is_group_done());
        if (done) return {};
        MQ_TRY(rest());
    }
}

}  // namespace mq::test
