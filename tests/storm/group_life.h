// A life of two members of a group that join, read, commit, hand over and leave, and of the tools that change offsets
// from outside. A member that died before it began is still in the table.
#pragma once

#include "storm/life.h"
#include "storm/recording_member.h"

namespace mq::test {

class GroupLife final : public Life {
public:
    explicit GroupLife(LifeStart start) : Life(start) {}

private:
    [[nodiscard]] static RecordedGroup group();
    [[nodiscard]] Status make_topics(store::DataDirectory& directory) const;
    [[nodiscard]] Status produce(store::DataDirectory& directory, unsigned client, std::uint32_t batches) const;
    [[nodiscard]] Status commit_before(offsets::OffsetStore& offsets) const;
    // Joins, takes everything, reads some, commits less, and is killed.
    [[nodiscard]] Status die_as_member() const;
    [[nodiscard]] Child doomed_member(const Gate& gate) const;
    [[nodiscard]] Status settle(std::vector<RecordingMember*> members, store::DataDirectory& directory) const;
    // What no member does: resets, expires, deletes.
    [[nodiscard]] Status change_from_outside(store::DataDirectory& directory, offsets::OffsetStore& offsets) const;

    [[nodiscard]] Status prepare_all() const override;
    [[nodiscard]] Status live_all() const override;
    [[nodiscard]] Status race_all(unsigned client, bool tidy) const override;
    [[nodiscard]] Status read_all() const override;
    [[nodiscard]] Status judge_all(unsigned racers) const override;

    History history_{11, 2000};
    Shared<std::array<std::atomic<std::uint64_t>, 10>> next_record_;
};

}  // namespace mq::test
