#include "storm/life.h"

#include <cstring>

#include "storm/group_life.h"
#include "storm/store_life.h"

namespace mq::test {

std::string_view to_string(LifeStart start) {
    constexpr std::array<std::string_view, 5> names{"fresh", "first_batch", "mid_segment", "roll_due", "index_full"};
    return names[static_cast<std::size_t>(start)];
}

int Life::status_of(const std::string& who, const Status& done) const {
    if (done) return 0;
    const std::string what = who + ": " + done.error().message();
    if ((*trouble_)[0] == 0) std::strncpy(trouble_->data(), what.c_str(), trouble_->size() - 1);
    return 1;
}

std::string Life::judge(unsigned racers) const {
    const ChildEnd end = run_in_child([&] { return status_of("judge", judge_all(racers)); });
    if (end == exited_with(0) && trouble().empty()) return {};
    return trouble().empty() ? "the judge died" : trouble();
}

std::unique_ptr<Life> make_life(LifeKind kind, LifeStart start) {
    if (kind == LifeKind::store) return std::make_unique<StoreLife>(start);
    return std::make_unique<GroupLife>(start);
}

}  // namespace mq::test
