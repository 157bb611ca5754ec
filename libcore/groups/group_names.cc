#include <array>
#include <random>

#include "groups/group_machine.h"
#include "groups/local_member.h"

namespace mq::groups {
namespace {

constexpr std::array<std::string_view, 4> kAssignors{"range", "roundrobin", "sticky", "cooperative-sticky"};

}  // namespace

std::string random_member_suffix() {
    std::random_device source;
    std::string suffix;
    for (int i = 0; i < 32; ++i) {
        if (i == 8 || i == 12 || i == 16 || i == 20) suffix += '-';
        suffix += "0123456789abcdef"[source() % 16];
    }
    return suffix;
}

std::string_view to_string(Assignor assignor) { return kAssignors[static_cast<std::size_t>(assignor)]; }

std::optional<Assignor> parse_assignor(std::string_view name) {
    for (std::size_t i = 0; i < kAssignors.size(); ++i) {
        if (kAssignors[i] == name) return static_cast<Assignor>(i);
    }
    return std::nullopt;
}

std::string_view to_string(GroupState state) {
    switch (state) {
        case GroupState::empty:
            return "Empty";
        case GroupState::rebalancing:
            return "PreparingRebalance";
        case GroupState::stable:
            break;
    }
    return "Stable";
}

}  // namespace mq::groups
