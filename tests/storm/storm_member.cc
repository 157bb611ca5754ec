// Members of consumer groups in a storm: they take what they are given, read, commit now and then, let go, leave,
// come back; and the history has it all.

#include "storm/recording_member.h"

namespace mq::test {
namespace {

// One membership. True: the group has read all there is, and will get no more.
Result<bool> be_member(RecordingMember& member, StormBoard& board, unsigned number, std::mt19937_64& random) {
    MQ_TRY(member.join(number % 4 == 3 ? "static-" + std::to_string(number) : ""));
    for (;;) {
        MQ_ASSIGN(const std::uint64_t count, member.step(1 + random() % 100));
        board.client[number].progress.fetch_add(count);
        if (random() % 3 == 0) MQ_TRY(member.commit_all());
        const bool drained = board.drain.load() != 0;
        if (count == 0 && drained) {
            MQ_TRY(member.commit_all());
            MQ_ASSIGN(const bool done, member.is_group_done());
            if (done) {
                MQ_TRY(member.leave());
                return true;
            }
        }
        if (!drained && board.calm.load() == 0 && random() % 400 == 0) {
            MQ_TRY(member.leave(random() % 2 == 0));
            return false;
        }
        if (count == 0) MQ_TRY(member.rest());
    }
}

}  // namespace

int Storm::work(unsigned number) const {
    if (plan_.at_birth) plan_.at_birth(number);
    ClientLog log = history_.client(number);
    std::mt19937_64 random{plan_.seed ^ (number * 0x9e3779b97f4a7c15u) ^ log.used()};
    auto opened = store::DataDirectory::open(directory_, options_of(number, store::Access::write));
    if (!opened) return trouble(number, "open: " + opened.error().message());
    offsets::OffsetStore offsets{*opened};
    RecordedGroup group;
    group.number = number % plan_.groups;
    group.partitions = plan_.partitions;
    RecordingMember member{*opened, offsets, group, log};
    for (;;) {
        const auto done = be_member(member, *board_, number, random);
        if (!done) return trouble(number, "member: " + done.error().message());
        if (*done) return 0;
    }
}

}  // namespace mq::test
