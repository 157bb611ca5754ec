#include <algorithm>
#include <cctype>

#include "broker/coordinator.h"
#include "broker/handlers.h"
#include "groups/group_machine.h"
#include "wire/messages/groups.h"

namespace mq::broker {
namespace {

bool is_same(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b,
                              [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// No filter lets everything pass.
bool passes(const std::vector<std::string>& filter, std::string_view name) {
    return filter.empty() || std::ranges::any_of(filter, [&](const std::string& one) { return is_same(one, name); });
}

}  // namespace

wire::ListGroupsResponse list_groups(Broker& broker, const Call&, const wire::ListGroupsRequest& request) {
    // Of the newer protocol there are no groups.
    constexpr std::string_view kType = "classic";
    wire::ListGroupsResponse response;
    const Coordinator::Listed listed = broker.coordinator().list();
    response.error_code = code_of(listed.error);
    if (!passes(request.types_filter, kType)) return response;
    for (const groups::GroupSummary& group : listed.groups) {
        const auto state = groups::to_string(group.state);
        if (passes(request.states_filter, state))
            response.groups.push_back({group.group, group.protocol_type, std::string{state}, std::string{kType}});
    }
    return response;
}

}  // namespace mq::broker
